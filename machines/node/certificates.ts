/**
 * Certificates that a message names and does not carry: fetched from the overlay, each once, within limits. RFC 6940 §8.
 *
 *   identity, its supposed Node-ID --> one fetch of CERTIFICATE_BY_NODE --> certificates, or none for a minute
 *
 * An identity is a hash, and the overlay stores certificates by Node-ID. The Node-ID is a guess from the message (its Via
 * List, the node that was asked, the key of a stored value). A wrong guess does no harm: a certificate is used only if the
 * identity is its hash. A message that waits for a certificate does not hold up its link: later ones may overtake it.
 * DECISIONS.md D-017.
 */
import {
  type Destination,
  dataValueOf,
  decodeRegistrationKey,
  everything,
  isIdentityOf,
  kindId,
  type NodeId,
  type Packet,
  resourceOfNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { isAnswer, type ReloadOutcome, WILDCARD } from "../reload/mod.ts";
import { type Core, drop } from "./core.ts";
import { beginRequest, targetOf } from "./requests.ts";
import { nameOf } from "./trust.ts";
import { isKnown, verifyMessage } from "./verifying.ts";
import type { Delivery, Verified, VerifiedMessage, WantedCertificate } from "./work.ts";

/** Fetches under way at once; a message that needs one more goes without, and may be sent again. */
export const FETCHES_MAX = 32;
/** Messages that wait for one fetch, beside the first. */
export const WAITING_MAX = 16;
/** Identities not found, and how long they are not asked for again. */
const ABSENT_MAX = 1_024;
/** How long an identity that was not found is not asked for again. */
export const ABSENT_MS = 60_000;
/** Signers whose certificates are fetched for the values of one message. */
const SIGNERS_MAX = 8;
/** Messages that wait for certificates, of one neighbour and of all. */
const MESSAGES_OF_NEIGHBOUR_MAX = 8;
const MESSAGES_MAX = 64;
/** Certificates fetched at once for one neighbour's messages: half of all fetches, so that none takes all of them. */
const WANTED_OF_NEIGHBOUR_MAX = FETCHES_MAX / 2;

/** Certificates without which this message, or values in it, cannot be verified. */
export const wantedFor = (
  core: Core,
  message: Verified,
  { packet, from }: Delivery,
): ReadonlyArray<WantedCertificate> => {
  if ("rejected" in message) {
    const nodeId = message.unknown === undefined ? undefined : supposedSigner(core, packet, from);
    return nodeId === undefined ? [] : [{ identity: message.unknown!, nodeId }];
  }
  return isAnswer(packet) && targetOf(core, packet.transactionId) === undefined ? [] : missingOf(core, message);
};

/** The node that supposedly signed: the one that was asked, or the first of the Via List, or else the neighbour itself. */
const supposedSigner = (core: Core, packet: Packet, from: NodeId): NodeId | undefined => {
  const asked = isAnswer(packet) ? targetOf(core, packet.transactionId) : undefined;
  if (isAnswer(packet) && asked === undefined) return undefined;
  const source: Destination | undefined = asked ?? packet.viaList[0];
  // A node that answers for a resource sends its certificate along, unless it is our neighbour.
  if (source === undefined || !("type" in source) || source.type === "resource") return from;
  return source.type === "node" && source.data !== WILDCARD ? source.data : from;
};

/** The signers of values in this message whose certificates are missing, with the Node-ID that each value names. */
const missingOf = (core: Core, { body, bucket }: VerifiedMessage): ReadonlyArray<WantedCertificate> => {
  if (body?.type !== "storeReq" && body?.type !== "fetchAns") return [];
  const missing = new Map<string, WantedCertificate>();
  for (const { kind, values } of body.value.kinds)
    for (const { value, signature } of values instanceof Uint8Array ? [] : values) {
      if (isKnown(core, bucket, signature.identity) || missing.size >= SIGNERS_MAX) continue;
      const key = kind === kindId.viprRegistration && "key" in value ? decodeRegistrationKey(value.key) : undefined;
      if (key?.ok) missing.set(nameOf(signature.identity), { identity: signature.identity, nodeId: key.value.nodeId });
    }
  return [...missing.values()];
};

/** The message waits until its certificates are here, or are not to be had. */
export const awaitCertificates = (core: Core, wanted: ReadonlyArray<WantedCertificate>, delivery: Delivery): void => {
  let [messages, certificates] = [0, wanted.length];
  for (const waiting of core.waiting)
    if (waiting.delivery.from === delivery.from) {
      messages++;
      certificates += waiting.wanted;
    }
  const hasRoom = messages < MESSAGES_OF_NEIGHBOUR_MAX && certificates <= WANTED_OF_NEIGHBOUR_MAX;
  if (!hasRoom || core.waiting.size >= MESSAGES_MAX) {
    drop(core, "too many wait for certificates");
    return;
  }
  const names = new Set(wanted.flatMap((one) => fetch(core, one) ?? []));
  const waiting = { delivery: { ...delivery, link: undefined }, names, wanted: wanted.length, fetched: [] };
  if (names.size === 0) verifyMessage(core, { ...waiting.delivery, fetched: [] });
  else core.waiting.add(waiting);
};

/** The name of the fetch that brings it; undefined where it is not fetched. */
const fetch = (core: Core, wanted: WantedCertificate): string | undefined => {
  const { identity, nodeId } = wanted;
  const name = `${nameOf(identity)} ${nodeId}`;
  if ((core.absentUntilMs.get(name) ?? 0) > core.nowMs) return undefined;
  const underWay = core.fetches.get(name);
  if (underWay !== undefined) {
    if (underWay.waiters >= WAITING_MAX) return undefined;
    underWay.waiters++;
    return name;
  }
  if (core.fetches.size >= FETCHES_MAX) return undefined;
  core.fetches.set(name, { ...wanted, waiters: 0 });
  core.counters.certificatesFetched++;
  const kind = kindId.certificateByNode;
  const resource = resourceOfNode(nodeId);
  const specifiers = [{ kind, generation: 0n, specifier: everything(kind) }];
  const body = { type: "fetchReq", value: { resource, specifiers } } as const;
  beginRequest(
    core,
    { type: "certificate", name },
    { destinations: [toResource(resource)], body, isSelfContained: true },
  );
  return name;
};

export const fetched = (core: Core, name: string, outcome: ReloadOutcome): void => {
  const fetch = core.fetches.get(name);
  if (fetch === undefined) return;
  core.fetches.delete(name);
  const certificates = certificatesIn(outcome);
  // Only the certificate that was asked for counts: others may be stored there too.
  if (!certificates.some((certificate) => isIdentityOf(fetch.identity, certificate, fetch.nodeId)))
    keepNewest(core.absentUntilMs, ABSENT_MAX, name, core.nowMs + ABSENT_MS);
  for (const waiting of [...core.waiting]) {
    if (!waiting.names.delete(name)) continue;
    waiting.fetched.push(...certificates);
    if (waiting.names.size > 0) continue;
    core.waiting.delete(waiting);
    verifyMessage(core, { ...waiting.delivery, fetched: waiting.fetched });
  }
};

/** What is stored under a Node-ID as CERTIFICATE_BY_NODE. */
const certificatesIn = (outcome: ReloadOutcome): ReadonlyArray<Uint8Array> => {
  const kinds = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value.kinds : [];
  // The values' signatures are not verified: the right certificate is recognised by its hash.
  const values = kinds.flatMap(({ values }) => (values instanceof Uint8Array ? [] : values));
  return values.flatMap(({ value }) => (dataValueOf(value).exists ? [dataValueOf(value).value] : []));
};
