/**
 * What becomes of a packet that arrives, from a link or from this node itself: routed by the ring as the peer last ordered it.
 *
 *   link, or our own --> routeOf --+-- forward --> link.post            (never waits)
 *                                  +-- deliver --> inbox --> request --> peer, storage
 *                                  |                     \-> answer ---> the request that waits for it
 *                                  +-- refuse ---> an error, signed and sent back
 */

import { Clock, Effect, Queue, type Scope } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type ErrorName, errorBody, Packet, type Request, sequenceAny } from "../../codecs/reload/mod.ts";
import { bigOf, nodeIdText } from "../../codecs/shared/mod.ts";
import { decodeViews, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type Asked,
  isAnswer,
  isFirstFragment,
  isFromNeighbour,
  refusalOf,
  replyTo,
  routeOf,
} from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";
import { certificatesOf } from "./finder.ts";
import { makeInbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import type { Opened, Post, Refused } from "./post.ts";
import type { Sender } from "./sender.ts";

/** Between two warnings of forged messages: who floods us with them shall not fill the log as well. */
const WARNING_MS = 1_000;

const ANOTHERS = "the link of another Node-ID";

/** A request for this node, its signature verified; `opened` verifies the values inside. */
export type Serve = (asked: Asked, request: Request, opened: Opened) => Effect.Effect<void>;
export interface Dispatcher {
  /** A message from a link. What an honest neighbour cannot have sent closes the link. */
  readonly arrive: (link: Link, message: Uint8Array) => Effect.Effect<void>;
  /** A message over the limit has begun to arrive. */
  readonly oversize: (link: Link, beginning: Packet) => Effect.Effect<void>;
}

export const makeDispatcher = Effect.fn("reload.dispatcher")(function* (
  self: NodeId,
  configuration: Configuration,
  post: Post,
  sender: Sender,
  serve: Serve,
): Effect.fn.Return<Dispatcher, never, Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const { now } = configuration;
  const { links, counters, answer, hand, drop, requests, repeats, loopback } = sender;
  const routing = () => ({ overlay: post.overlay, initialTtl: now().initialTtl });
  let quietUntilMs = 0;

  /** No error for an error, nor for an answer, nor for a part that does not say what it is. */
  const refuse = (packet: Packet, from: NodeId, error: ErrorName, info = "") =>
    Effect.suspend(() => {
      counters.refused++;
      const isAsking = !isAnswer(packet) && isFirstFragment(packet);
      return isAsking ? answer(replyTo(packet, from), errorBody(error, info)) : drop(error);
    });

  const unbelievable = Effect.fnUntraced(function* (packet: Packet, from: NodeId, why: Refused) {
    counters.badSignatures++;
    const nowMs = yield* Clock.currentTimeMillis;
    if (nowMs >= quietUntilMs) {
      quietUntilMs = nowMs + WARNING_MS;
      const of = counters.badSignatures;
      yield* Effect.logWarning("reload.unbelievable", { from: nodeIdText(from), why: why.refused, of });
    }
    // "the implementation SHOULD simply drop the message"; but what nobody passed on was forged by who brought it.
    if (isFromNeighbour(packet) && why.unknown === undefined && from !== self)
      yield* Effect.forEach(links.get(from) ?? [], (link) => link.close(why.refused));
  });

  /** A link is one node's, whatever else its certificate names: others of them link for themselves. */
  const isAnothers = (packet: Packet, from: NodeId, signer: NodeId): boolean =>
    isFromNeighbour(packet) && signer !== from && links.get(from)?.at(-1)?.names.includes(signer) === true;

  const delivered = Effect.fnUntraced(function* (packet: Packet, from: NodeId, opened: Opened) {
    counters.delivered++;
    const { body, contents } = opened;
    if (packet.configurationSequence !== now().sequence && packet.configurationSequence !== sequenceAny)
      yield* configuration.heard(opened.signer.nodeId, packet.configurationSequence);
    if (isAnswer(packet)) {
      const isTaken = body !== undefined && (yield* requests.answered(packet.transactionId, opened, body));
      return isTaken ? undefined : yield* drop("an answer nobody waits for");
    }
    const refusal = refusalOf(packet, contents, now().sequence);
    if (refusal !== undefined) return yield* refuse(packet, from, refusal);
    if (isAnothers(packet, from, opened.signer.nodeId)) return yield* refuse(packet, from, "forbidden", ANOTHERS);
    if (body === undefined) return yield* refuse(packet, from, "invalidMessage", opened.why);
    const atMs = yield* Clock.currentTimeMillis;
    const reply = replyTo(packet, from);
    const before = repeats.asked(opened.signer.nodeId, body.type, reply, atMs);
    if (before.is === "old") {
      counters.repeated++;
      return yield* before.again?.(reply.to) ?? drop("a request that was answered long ago");
    }
    const draw = bigOf(yield* entropy.bytes(8));
    yield* serve({ from, signer: opened.signer.nodeId, reply, atMs, draw }, body as Request, opened);
  });

  const inbox = yield* makeInbox(post, () => now().maxMessageSize, {
    opened: delivered,
    unbelievable,
    drop,
    askedOf: requests.askedOf,
    fetch: (nodeId) =>
      Effect.suspend(() => {
        counters.certificatesFetched++;
        return certificatesOf(requests, nodeId);
      }),
  });

  const arrive: Dispatcher["arrive"] = Effect.fnUntraced(function* (link, message) {
    const read = decodeViews(Packet, message);
    if (!read.ok) {
      counters.garbage++;
      const why = wireErrorText(read.error);
      yield* Effect.logWarning("reload.garbage", { from: nodeIdText(link.node), why });
      return yield* link.close(why);
    }
    const verdict = routeOf(sender.view, routing(), read.value, link.node);
    const isPassed = verdict.type === "deliver" || verdict.type === "forward";
    if (isPassed && !link.allows(read.value)) return yield* refuse(read.value, link.node, "forbidden", "no Attach yet");
    switch (verdict.type) {
      case "deliver":
        return yield* inbox.deliver(read.value, link.node);
      case "forward": {
        counters.forwarded++;
        const why = `over ${now().maxMessageSize} bytes`; // with us on its Via List
        return yield* hand(verdict.to, verdict.packet, refuse(read.value, link.node, "messageTooLarge", why));
      }
      case "refuse":
        return yield* refuse(read.value, link.node, verdict.error, verdict.info);
      case "drop":
        return yield* drop(verdict.why);
    }
  });

  /** Refused by its header, if that is one of this overlay's and asks something. */
  const oversize: Dispatcher["oversize"] = (link, packet) => {
    const verdict = routeOf(sender.view, routing(), packet, link.node);
    const isOurs = verdict.type === "deliver" || verdict.type === "forward";
    return isOurs ? refuse(packet, link.node, "messageTooLarge", `over ${now().maxMessageSize} bytes`) : Effect.void;
  };

  const toOurselves = Effect.flatMap(Queue.take(loopback), (packet) => inbox.deliver(packet, self));
  yield* Effect.forkScoped(Effect.forever(toOurselves));
  return { arrive, oversize };
});
