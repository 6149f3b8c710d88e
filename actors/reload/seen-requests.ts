/**
 * Recognises requests that were received before: a retransmission gets the same answer again, a replayed message none.
 *
 * "Receiving nodes MUST generate semantically equivalent responses to retransmissions of the same request ... if the request
 * is received within the maximum request lifetime (15 seconds). ... For other requests (e.g., Store), it may be necessary to
 * maintain state for the duration of the request lifetime." RFC 6940 §6.2.1. After that time
 * an honest sender does not retransmit, and a copy is a replay: a signed message contains no time.
 * DECISIONS.md D-016.
 */

import type { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type BodyType, type Destination, Destination as DestinationWire } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import type { ReplyTo } from "../../machines/reload/mod.ts";

/** For this long a retransmission is answered again. */
export const REQUEST_MS = 15_000;
/** For this long a request is remembered, so that it is served once. */
export const REPLAY_MS = 600_000;
/** Requests remembered: of one signer, whose oldest is dropped first, and of all signers. */
export const OF_SIGNER_MAX = 512;
export const REQUESTS_MAX = 16_384;

/** Requests without effects: they are simply served again. */
const IDEMPOTENT: ReadonlySet<BodyType> = new Set([
  "fetchReq",
  "statReq",
  "findReq",
  "probeReq",
  "pingReq",
  "routeQueryReq",
]);

/** Sends the same answer once more, along the way that the last copy of the request came. */
export type AnswerAgain = (to: ReadonlyArray<Destination>) => Effect.Effect<void>;

interface SeenRequest {
  readonly name: string;
  readonly atMs: number;
  /** Undefined until the request is answered, and again after REQUEST_MS. */
  again: AnswerAgain | undefined;
}

export interface SeenRequests {
  /** `fresh`: to be served, as is a copy of one not yet answered. `old`: gets its answer `again`, or nothing. */
  readonly received: (
    signer: NodeId,
    type: BodyType,
    reply: ReplyTo,
    atMs: number,
  ) => { readonly is: "fresh" } | { readonly is: "old"; readonly again: AnswerAgain | undefined };
  /** That request has been answered. */
  readonly answered: (reply: ReplyTo, again: AnswerAgain) => void;
  readonly size: () => number;
}

export const makeSeenRequests = (): SeenRequests => {
  const signers = new Map<NodeId, Map<bigint, SeenRequest>>();
  /** Requests being served, by transaction and requester: that is what an answer still has of its request. */
  const serving = new Map<string, SeenRequest>();
  let size = 0;

  /** Requests whose answer may be asked for again, in the order in which they were answered. */
  const recent = new Set<SeenRequest>();

  const forget = (signer: NodeId, of: Map<bigint, SeenRequest>): void => {
    const [transaction, entry] = of.entries().next().value!;
    of.delete(transaction);
    serving.delete(entry.name);
    recent.delete(entry);
    size--;
    if (of.size === 0) signers.delete(signer);
  };

  const makeRoom = (signer: NodeId, atMs: number): Map<bigint, SeenRequest> => {
    const own = signers.get(signer) ?? new Map<bigint, SeenRequest>();
    // The latest signer moves to the end, so that the oldest requests are found at the head.
    signers.delete(signer);
    signers.set(signer, own);
    if (own.size >= OF_SIGNER_MAX) forget(signer, own);
    for (const [first, entries] of signers) {
      const oldest = entries.values().next().value;
      if (size < REQUESTS_MAX && (oldest === undefined || atMs - oldest.atMs < REPLAY_MS)) break;
      if (oldest !== undefined) forget(first, entries);
    }
    if (!signers.has(signer)) signers.set(signer, own);
    return own;
  };

  return {
    received: (signer, type, reply, atMs) => {
      if (IDEMPOTENT.has(type)) return { is: "fresh" };
      for (const entry of recent) {
        if (atMs - entry.atMs < REQUEST_MS) break;
        entry.again = undefined;
        recent.delete(entry);
      }
      const before = signers.get(signer)?.get(reply.transactionId);
      const age = before === undefined ? REPLAY_MS : atMs - before.atMs;
      if (before !== undefined && age < REPLAY_MS) {
        if (age >= REQUEST_MS) return { is: "old", again: undefined };
        return before.again === undefined ? { is: "fresh" } : { is: "old", again: before.again };
      }
      if (before !== undefined && signers.get(signer)?.delete(reply.transactionId)) size--;
      const own = makeRoom(signer, atMs);
      const entry: SeenRequest = { name: nameOf(reply), atMs, again: undefined };
      own.set(reply.transactionId, entry);
      serving.set(entry.name, entry);
      size++;
      return { is: "fresh" };
    },
    answered: (reply, again) => {
      const name = nameOf(reply);
      const entry = serving.get(name);
      if (entry !== undefined) {
        entry.again = again;
        recent.add(entry);
      }
      serving.delete(name);
    },
    size: () => size,
  };
};

/** The transaction and the requester, which is the last destination of the answer. */
const nameOf = ({ transactionId, to }: ReplyTo): string =>
  `${transactionId} ${to.length === 0 ? "" : hexOf(encode(DestinationWire, to[to.length - 1]!))}`;
