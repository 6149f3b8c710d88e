/**
 * Requests that have come before: those of a retransmission get their answer again, replayed ones get none.
 *
 * "Receiving nodes MUST generate semantically equivalent responses to retransmissions of the same request ... if the request
 * is received within the maximum request lifetime (15 seconds). ... For other requests (e.g., Store), it may be necessary to
 * maintain state for the duration of the request lifetime." RFC 6940 §6.2.1. Beyond it nobody transmits again, and who does
 * has recorded the message: a signature holds for as long as its certificate, and nothing in it tells the hour.
 * DECISIONS.md D-016.
 */

import type { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type BodyType, type Destination, Destination as DestinationWire } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import type { ReplyTo } from "../../machines/reload/mod.ts";

/** For so long an answer is given again. */
export const REQUEST_MS = 15_000;
/** For so long a request is known, so that it counts once. */
export const REPLAY_MS = 600_000;
/** Requests known: of one signer, whose oldest goes first, and of all. */
export const OF_SIGNER_MAX = 512;
export const REQUESTS_MAX = 16_384;

/** Asking twice is no more than asking: these are simply served again. */
const HARMLESS: ReadonlySet<BodyType> = new Set([
  "fetchReq",
  "statReq",
  "findReq",
  "probeReq",
  "pingReq",
  "routeQueryReq",
]);

/** How to give an answer once more, along the way the last copy of the request came. */
export type Again = (to: ReadonlyArray<Destination>) => Effect.Effect<void>;

interface Entry {
  readonly name: string;
  readonly atMs: number;
  /** Undefined until it is answered, and once nobody may ask for it again. */
  again: Again | undefined;
}

export interface Repeats {
  /** `fresh` is to be served, as is what has no answer yet; what is `old` gets its answer `again`, or silence. */
  readonly asked: (
    signer: NodeId,
    type: BodyType,
    reply: ReplyTo,
    atMs: number,
  ) => { readonly is: "fresh" } | { readonly is: "old"; readonly again: Again | undefined };
  /** That request has its answer now. */
  readonly answered: (reply: ReplyTo, again: Again) => void;
  readonly size: () => number;
}

export const makeRepeats = (): Repeats => {
  const signers = new Map<NodeId, Map<bigint, Entry>>();
  /** Those being served, by what an answer knows of its request. */
  const serving = new Map<string, Entry>();
  let size = 0;

  /** Those whose answer may be wanted again, by when they were answered. */
  const recent = new Set<Entry>();

  const forget = (signer: NodeId, of: Map<bigint, Entry>): void => {
    const [transaction, entry] = of.entries().next().value!;
    of.delete(transaction);
    serving.delete(entry.name);
    recent.delete(entry);
    size--;
    if (of.size === 0) signers.delete(signer);
  };

  const makeRoom = (signer: NodeId, atMs: number): Map<bigint, Entry> => {
    const own = signers.get(signer) ?? new Map<bigint, Entry>();
    // The last to ask stands last, so that those at the head are the first to be done with.
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
    asked: (signer, type, reply, atMs) => {
      if (HARMLESS.has(type)) return { is: "fresh" };
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
      const entry: Entry = { name: nameOf(reply), atMs, again: undefined };
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

/** Transaction and asker: the last on the way back. */
const nameOf = ({ transactionId, to }: ReplyTo): string =>
  `${transactionId} ${to.length === 0 ? "" : hexOf(encode(DestinationWire, to[to.length - 1]!))}`;
