/**
 * Certificates that a message names and does not carry: fetched from the overlay, each once, within limits. RFC 6940 §8.
 *
 *   identity, Node-ID it is said to be --> one fetch of CERTIFICATE_BY_NODE --> certificates, or none for a while
 *
 * An identity is a hash, and the overlay keeps certificates by Node-ID. The Node-ID is a guess by whoever brought the
 * message (the way it came, the node that was asked, the key of a stored value); a wrong one finds nothing, since a
 * certificate counts only if the identity is its hash. DECISIONS.md D-017.
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
import type { Opened } from "./post.ts";
import type { Requests } from "./requests.ts";
import { nameOf } from "./trust.ts";

/** Fetches under way at once; a message that would need one more is dropped, and may come again. */
export const FETCHES_MAX = 32;
/** Messages that wait for one fetch. */
export const WAITING_MAX = 16;
/** Identities not found, and how long nobody asks again. */
const ABSENT_MAX = 1_024;
export const ABSENT_MS = 60_000;

export interface ToFind {
  readonly identity: SignerIdentity;
  readonly nodeId: NodeId;
}
export interface Finder {
  readonly find: (what: ToFind) => Effect.Effect<ReadonlyArray<Uint8Array>>;
}

/** Of one message's values, so many signers are looked for. */
const SIGNERS_MAX = 8;

/** Who signed values of this message and is not known here, with the Node-ID that the value itself names. */
export const missingOf = ({ body, isKnown }: Opened): ReadonlyArray<ToFind> => {
  if (body?.type !== "storeReq" && body?.type !== "fetchAns") return [];
  const found = new Map<string, ToFind>();
  for (const { kind, values } of body.value.kinds)
    for (const { value, signature } of values instanceof Uint8Array ? [] : values) {
      if (isKnown(signature) || found.size >= SIGNERS_MAX) continue;
      const key = kind === kindId.viprRegistration && "key" in value ? decodeRegistrationKey(value.key) : undefined;
      if (key?.ok) found.set(nameOf(signature.identity), { identity: signature.identity, nodeId: key.value.nodeId });
    }
  return [...found.values()];
};

/** `fetch` gives whatever certificates lie at that Node-ID's resource. */
export const makeFinder = (fetch: (nodeId: NodeId) => Effect.Effect<ReadonlyArray<Uint8Array>>): Finder => {
  const fetches = new Shared<ReadonlyArray<Uint8Array>>({ keysMax: FETCHES_MAX, waitersMax: WAITING_MAX });
  const absentUntilMs = new Map<string, number>();

  const find: Finder["find"] = Effect.fnUntraced(function* ({ identity, nodeId }) {
    const name = `${nameOf(identity)} ${nodeId}`;
    const nowMs = yield* Clock.currentTimeMillis;
    if ((absentUntilMs.get(name) ?? 0) > nowMs) return [];
    const fetched = Effect.tap(
      Effect.suspend(() => fetch(nodeId)),
      (certificates) =>
        Effect.sync(() => {
          // What lies there may be anybody's: another's certificate is not the one that was asked for.
          if (certificates.some((certificate) => isIdentityOf(identity, certificate, nodeId))) return;
          keepNewest(absentUntilMs, ABSENT_MAX, name, nowMs + ABSENT_MS);
        }),
    );
    return yield* fetches.share(name, fetched, []);
  });
  return { find };
};

/** Whatever lies at a node's resource as CERTIFICATE_BY_NODE. */
export const certificatesOf = (requests: Requests, nodeId: NodeId): Effect.Effect<ReadonlyArray<Uint8Array>> => {
  const kind = kindId.certificateByNode;
  const resource = resourceOfNode(nodeId);
  const specifiers = [{ kind, generation: 0n, specifier: everything(kind) }];
  const asked = requests.ask(
    [toResource(resource)],
    { type: "fetchReq", value: { resource, specifiers } },
    { selfContained: true },
  );
  return Effect.map(asked, ({ outcome }) => {
    const kinds = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value.kinds : [];
    // No signature is asked about: a certificate that is the right one shows that itself.
    const values = kinds.flatMap(({ values }) => (values instanceof Uint8Array ? [] : values));
    return values.flatMap(({ value }) => (dataValueOf(value).exists ? [dataValueOf(value).value] : []));
  });
};
