/**
 * Certificates that a message names and does not carry: fetched from the overlay, each once, within limits. RFC 6940 §8.
 *
 *   identity, its supposed Node-ID --> one fetch of CERTIFICATE_BY_NODE --> certificates, or none for a minute
 *
 * An identity is a hash, and the overlay stores certificates by Node-ID. The Node-ID is a guess from the message (its Via
 * List, the node that was asked, the key of a stored value). A wrong guess does no harm: a certificate is used only if the
 * identity is its hash. DECISIONS.md D-017.
 */
import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  dataValueOf,
  decodeRegistrationKey,
  everything,
  isIdentityOf,
  kindId,
  resourceOfNode,
  type SignerIdentity,
  toResource,
} from "../../codecs/reload/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { Shared } from "../kit/mod.ts";
import type { VerifiedMessage } from "./message-security.ts";
import type { Requests } from "./requests.ts";
import { nameOf } from "./trust.ts";

/** Fetches under way at once; a message that needs one more is dropped, and may be sent again. */
export const FETCHES_MAX = 32;
/** Messages that wait for one fetch. */
export const WAITING_MAX = 16;
/** Identities not found, and how long they are not asked for again. */
const ABSENT_MAX = 1_024;
export const ABSENT_MS = 60_000;

export interface WantedCertificate {
  readonly identity: SignerIdentity;
  readonly nodeId: NodeId;
}
export interface CertificateFetcher {
  readonly fetch: (wanted: WantedCertificate) => Effect.Effect<ReadonlyArray<Uint8Array>>;
}

/** Signers whose certificates are fetched for the values of one message. */
const SIGNERS_MAX = 8;

/** The signers of values in this message whose certificates are missing, with the Node-ID that each value names. */
export const missingOf = ({ body, isKnown }: VerifiedMessage): ReadonlyArray<WantedCertificate> => {
  if (body?.type !== "storeReq" && body?.type !== "fetchAns") return [];
  const missing = new Map<string, WantedCertificate>();
  for (const { kind, values } of body.value.kinds)
    for (const { value, signature } of values instanceof Uint8Array ? [] : values) {
      if (isKnown(signature) || missing.size >= SIGNERS_MAX) continue;
      const key = kind === kindId.viprRegistration && "key" in value ? decodeRegistrationKey(value.key) : undefined;
      if (key?.ok) missing.set(nameOf(signature.identity), { identity: signature.identity, nodeId: key.value.nodeId });
    }
  return [...missing.values()];
};

/** `storedAt` gets the certificates that are stored under that Node-ID. */
export const makeCertificateFetcher = (
  storedAt: (nodeId: NodeId) => Effect.Effect<ReadonlyArray<Uint8Array>>,
): CertificateFetcher => {
  const fetches = new Shared<ReadonlyArray<Uint8Array>>({ keysMax: FETCHES_MAX, waitersMax: WAITING_MAX });
  const absentUntilMs = new Map<string, number>();

  const fetch: CertificateFetcher["fetch"] = Effect.fnUntraced(function* ({ identity, nodeId }) {
    const name = `${nameOf(identity)} ${nodeId}`;
    const nowMs = yield* Clock.currentTimeMillis;
    if ((absentUntilMs.get(name) ?? 0) > nowMs) return [];
    const fetched = Effect.tap(
      Effect.suspend(() => storedAt(nodeId)),
      (certificates) =>
        Effect.sync(() => {
          // Only the certificate that was asked for counts: others may be stored there too.
          if (certificates.some((certificate) => isIdentityOf(identity, certificate, nodeId))) return;
          keepNewest(absentUntilMs, ABSENT_MAX, name, nowMs + ABSENT_MS);
        }),
    );
    return yield* fetches.share(name, fetched, []);
  });
  return { fetch };
};

/** What is stored under that Node-ID as CERTIFICATE_BY_NODE. */
export const certificatesOf = (requests: Requests, nodeId: NodeId): Effect.Effect<ReadonlyArray<Uint8Array>> => {
  const kind = kindId.certificateByNode;
  const resource = resourceOfNode(nodeId);
  const specifiers = [{ kind, generation: 0n, specifier: everything(kind) }];
  const fetched = requests.request(
    [toResource(resource)],
    { type: "fetchReq", value: { resource, specifiers } },
    { selfContained: true },
  );
  return Effect.map(fetched, ({ outcome }) => {
    const kinds = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value.kinds : [];
    // The values' signatures are not verified: the right certificate is recognised by its hash.
    const values = kinds.flatMap(({ values }) => (values instanceof Uint8Array ? [] : values));
    return values.flatMap(({ value }) => (dataValueOf(value).exists ? [dataValueOf(value).value] : []));
  });
};
