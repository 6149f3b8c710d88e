/**
 * From a packet that has reached its destination to a message whose signature holds.
 *
 *   packet --> gather --> whole --> open --+-- believed ---------------------------> opened
 *                                         +-- its certificate is not here: fetched, and opened once more
 *                                         +-- not believed --> unbelievable
 *
 * "Intermediate nodes do not verify signatures. Upon receipt (and fragment reassembly, if needed), the destination node MUST
 * verify the signature and the authorizing certificate." RFC 6940 §6.3.4. What waits for a certificate waits apart: the link
 * goes on, and what comes after it may overtake it.
 */

import { Clock, Effect, FiberSet, type Scope } from "effect";
import type { Destination, NodeId, Packet } from "../../codecs/reload/mod.ts";
import { gather, isAnswer, nothingGathered, WILDCARD } from "../../machines/reload/mod.ts";
import { FETCHES_MAX, makeFinder, missingOf, type ToFind } from "./finder.ts";
import type { Opened, Post, Refused } from "./post.ts";

/** Messages that wait for certificates, of one neighbour and of all. */
const WAITING_OF_NEIGHBOUR_MAX = 8;
const WAITING_MAX = 64;
/** Certificates sought for one neighbour's messages at once: half of all fetches, so that nobody has them all. */
const SOUGHT_OF_NEIGHBOUR_MAX = FETCHES_MAX / 2;

const NOTHING = { messages: 0, sought: 0 };

export interface InboxHooks {
  readonly opened: (packet: Packet, from: NodeId, opened: Opened) => Effect.Effect<void>;
  readonly unbelievable: (packet: Packet, from: NodeId, why: Refused) => Effect.Effect<void>;
  readonly drop: (why: string) => Effect.Effect<void>;
  /** Whom the request of that transaction was sent to, when its answer may name a certificate that it does not carry. */
  readonly askedOf: (transactionId: bigint) => Destination | undefined;
  /** What lies at a node's resource as CERTIFICATE_BY_NODE. */
  readonly fetch: (nodeId: NodeId) => Effect.Effect<ReadonlyArray<Uint8Array>>;
}

export interface Inbox {
  readonly deliver: (packet: Packet, from: NodeId) => Effect.Effect<void>;
}

export const makeInbox = Effect.fn("reload.inbox")(function* (
  post: Post,
  messageBytesMax: () => number,
  hooks: InboxHooks,
): Effect.fn.Return<Inbox, never, Scope.Scope> {
  const finder = makeFinder(hooks.fetch);
  const waiting = yield* FiberSet.make();
  const waitingOf = new Map<NodeId, { readonly messages: number; readonly sought: number }>();
  let gathering = nothingGathered;

  /** Who is said to have signed: the node that was asked, or the first on the message's way; else who brought it. */
  const signerOf = (packet: Packet, from: NodeId): bigint | undefined => {
    const asked = isAnswer(packet) ? hooks.askedOf(packet.transactionId) : undefined;
    if (isAnswer(packet) && asked === undefined) return undefined;
    const said = asked ?? packet.viaList[0];
    // Who answers for a resource carries its certificate, unless it is our neighbour.
    if (said === undefined || !("type" in said) || said.type === "resource") return from;
    return said.type === "node" && said.data !== WILDCARD ? said.data : from;
  };

  const later = Effect.fnUntraced(function* (missing: ReadonlyArray<ToFind>, packet: Packet, from: NodeId) {
    const { messages, sought } = waitingOf.get(from) ?? NOTHING;
    const all = [...waitingOf.values()].reduce((sum, one) => sum + one.messages, 0);
    const isShare = messages < WAITING_OF_NEIGHBOUR_MAX && sought + missing.length <= SOUGHT_OF_NEIGHBOUR_MAX;
    if (!isShare || all >= WAITING_MAX) return yield* hooks.drop("too many wait for certificates");
    waitingOf.set(from, { messages: messages + 1, sought: sought + missing.length });
    const work = Effect.gen(function* () {
      const found = yield* Effect.forEach(missing, finder.find, { concurrency: missing.length });
      yield* opened(packet, from, found.flat());
    });
    const done = Effect.sync(() => {
      const { messages, sought } = waitingOf.get(from) ?? NOTHING;
      if (messages <= 1) waitingOf.delete(from);
      else waitingOf.set(from, { messages: messages - 1, sought: sought - missing.length });
    });
    yield* FiberSet.run(waiting, Effect.ensuring(work, done));
  });

  const opened = (packet: Packet, from: NodeId, fetched: ReadonlyArray<Uint8Array> | undefined): Effect.Effect<void> =>
    Effect.gen(function* () {
      const found = yield* post.open(packet, fetched);
      const missing = fetched === undefined ? wanted(found, packet, from) : [];
      if (missing.length > 0) return yield* later(missing, packet, from);
      yield* "refused" in found ? hooks.unbelievable(packet, from, found) : hooks.opened(packet, from, found);
    });

  const wanted = (found: Opened | Refused, packet: Packet, from: NodeId): ReadonlyArray<ToFind> => {
    if ("refused" in found) {
      const nodeId = found.unknown === undefined ? undefined : signerOf(packet, from);
      return nodeId === undefined ? [] : [{ identity: found.unknown!, nodeId }];
    }
    return isAnswer(packet) && hooks.askedOf(packet.transactionId) === undefined ? [] : missingOf(found);
  };

  const deliver: Inbox["deliver"] = Effect.fnUntraced(function* (packet, from) {
    const atMs = yield* Clock.currentTimeMillis;
    const { held, whole, dropped } = gather(gathering, packet, from, atMs, messageBytesMax());
    gathering = held;
    if (dropped !== undefined) yield* hooks.drop(dropped);
    if (whole !== undefined) yield* opened(whole, from, undefined);
  });
  return { deliver };
});
