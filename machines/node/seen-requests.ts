/**
 * Recognises requests that were received before: a retransmission gets the same answer again, a replayed message none.
 *
 * "Receiving nodes MUST generate semantically equivalent responses to retransmissions of the same request ... if the request
 * is received within the maximum request lifetime (15 seconds). ... For other requests (e.g., Store), it may be necessary to
 * maintain state for the duration of the request lifetime." RFC 6940 §6.2.1. After that time
 * an honest sender does not retransmit, and a copy is a replay: a signed message contains no time.
 * DECISIONS.md D-016.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type BodyType, Destination, type Packet } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import type { ReplyTo } from "../reload/mod.ts";

/** For this long a retransmission is answered again. */
export const REQUEST_MS = 15_000;
/** For this long a request is remembered, so that it is served once. */
export const REPLAY_MS = 600_000;
/** Requests remembered: of one signer, whose oldest is dropped first, and of all signers. */
export const OF_SIGNER_MAX = 512;
/** Of all signers together. */
export const SEEN_MAX = 16_384;

/** Requests without effects: they are simply served again. */
const IDEMPOTENT: ReadonlySet<BodyType> = new Set([
  "fetchReq",
  "statReq",
  "findReq",
  "probeReq",
  "pingReq",
  "routeQueryReq",
]);

interface SeenRequest {
  readonly name: string;
  readonly atMs: number;
  /** The answer as it was sent; undefined until then, and again after REQUEST_MS. */
  again: Packet | undefined;
}

export interface SeenRequests {
  readonly signers: Map<NodeId, Map<bigint, SeenRequest>>;
  /** Requests being served, by transaction and requester: that is what an answer still has of its request. */
  readonly serving: Map<string, SeenRequest>;
  /** Requests whose answer may be asked for again, in the order in which they were answered. */
  readonly recent: Set<SeenRequest>;
  size: number;
}
export const makeSeenRequests = (): SeenRequests => ({
  signers: new Map(),
  serving: new Map(),
  recent: new Set(),
  size: 0,
});

/** `fresh`: to be served, as is a copy of one not yet answered. `old`: gets its answer `again`, or nothing. */
export type Seen = { readonly is: "fresh" } | { readonly is: "old"; readonly again: Packet | undefined };
const fresh: Seen = { is: "fresh" };

export const seeRequest = (seen: SeenRequests, signer: NodeId, type: BodyType, reply: ReplyTo, atMs: number): Seen => {
  if (IDEMPOTENT.has(type)) return fresh;
  for (const entry of seen.recent) {
    if (atMs - entry.atMs < REQUEST_MS) break;
    entry.again = undefined;
    seen.recent.delete(entry);
  }
  const before = seen.signers.get(signer)?.get(reply.transactionId);
  const age = before === undefined ? REPLAY_MS : atMs - before.atMs;
  if (before !== undefined && age < REPLAY_MS) {
    if (age >= REQUEST_MS) return { is: "old", again: undefined };
    return before.again === undefined ? fresh : { is: "old", again: before.again };
  }
  if (before !== undefined && seen.signers.get(signer)?.delete(reply.transactionId)) seen.size--;
  const own = makeRoom(seen, signer, atMs);
  const entry: SeenRequest = { name: nameOf(reply), atMs, again: undefined };
  own.set(reply.transactionId, entry);
  seen.serving.set(entry.name, entry);
  seen.size++;
  return fresh;
};

/** That request has been answered, by this packet. */
export const answerSeen = ({ serving, recent }: SeenRequests, reply: ReplyTo, again: Packet): void => {
  const name = nameOf(reply);
  const entry = serving.get(name);
  if (entry !== undefined) {
    entry.again = again;
    recent.add(entry);
  }
  serving.delete(name);
};

const forget = (seen: SeenRequests, signer: NodeId, of: Map<bigint, SeenRequest>): void => {
  const [transaction, entry] = of.entries().next().value!;
  of.delete(transaction);
  seen.serving.delete(entry.name);
  seen.recent.delete(entry);
  seen.size--;
  if (of.size === 0) seen.signers.delete(signer);
};

const makeRoom = (seen: SeenRequests, signer: NodeId, atMs: number): Map<bigint, SeenRequest> => {
  const { signers } = seen;
  const own = signers.get(signer) ?? new Map<bigint, SeenRequest>();
  // The latest signer moves to the end, so that the oldest requests are found at the head.
  signers.delete(signer);
  signers.set(signer, own);
  if (own.size >= OF_SIGNER_MAX) forget(seen, signer, own);
  for (const [first, entries] of signers) {
    const oldest = entries.values().next().value;
    if (seen.size < SEEN_MAX && (oldest === undefined || atMs - oldest.atMs < REPLAY_MS)) break;
    if (oldest !== undefined) forget(seen, first, entries);
  }
  if (!signers.has(signer)) signers.set(signer, own);
  return own;
};

/** The transaction and the requester, which is the last destination of the answer. */
const nameOf = ({ transactionId, to }: ReplyTo): string =>
  `${transactionId} ${to.length === 0 ? "" : hexOf(encode(Destination, to[to.length - 1]!))}`;
