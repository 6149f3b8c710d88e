/**
 * Receives packets, from links and from this node itself, and routes them by the ring as the peer last reported it.
 *
 *   link, or our own --> routeOf --+-- forward --> link.send            (never waits)
 *                                  +-- deliver --> inbox --> request --> peer, storage
 *                                  |                     \-> answer ---> the request that waits
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
import { certificatesOf } from "./certificate-fetcher.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import { type InboxHooks, makeInbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import type { MessageSecurity, VerifiedMessage } from "./message-security.ts";
import type { Sender } from "./sender.ts";

/** Between two warnings of forged messages, so that a flood of them does not fill the log. */
const WARNING_MS = 1_000;

const OTHER_LINK = "the link of another Node-ID";

export interface DispatcherHooks {
  /** A request for this node, its signature verified; `message` verifies the values inside. */
  readonly serve: (asked: Asked, request: Request, message: VerifiedMessage) => Effect.Effect<void>;
  /** A node's message showed this configuration sequence, which is not ours. */
  readonly sequenceSeen: (node: NodeId, sequence: number) => Effect.Effect<void>;
}

export interface Dispatcher {
  /** A message from a link. One that an honest neighbour cannot have sent closes the link. */
  readonly arrive: (link: Link, message: Uint8Array) => Effect.Effect<void>;
  /** The beginning of a message over the limit. */
  readonly oversize: (link: Link, beginning: Packet) => Effect.Effect<void>;
}

export const makeDispatcher = Effect.fn("reload.dispatcher")(function* (
  self: NodeId,
  configuration: Pick<ConfigurationState, "now">,
  security: MessageSecurity,
  sender: Sender,
  hooks: DispatcherHooks,
): Effect.fn.Return<Dispatcher, never, Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const { now } = configuration;
  const { links, counters, answer, hand, drop, requests, seenRequests, loopback } = sender;
  const routing = () => ({ overlay: security.overlay, initialTtl: now().initialTtl });

  /** Sends an error, except for answers and errors, and for fragments that do not show which of these they are. */
  const refuse = (packet: Packet, from: NodeId, error: ErrorName, info = "") =>
    Effect.suspend(() => {
      counters.refused++;
      const isRequest = !isAnswer(packet) && isFirstFragment(packet);
      return isRequest ? answer(replyTo(packet, from), errorBody(error, info)) : drop(error);
    });

  /** Signed by another Node-ID of the neighbour's certificate: that node needs a link of its own. */
  const isOfOtherLink = (packet: Packet, from: NodeId, signer: NodeId): boolean =>
    isFromNeighbour(packet) && signer !== from && links.get(from)?.at(-1)?.names.includes(signer) === true;

  const delivered = Effect.fnUntraced(function* (packet: Packet, from: NodeId, message: VerifiedMessage) {
    counters.delivered++;
    const { body, contents, signer } = message;
    if (packet.configurationSequence !== now().sequence && packet.configurationSequence !== sequenceAny)
      yield* hooks.sequenceSeen(signer.nodeId, packet.configurationSequence);
    if (isAnswer(packet)) {
      const isTaken = body !== undefined && (yield* requests.answered(packet.transactionId, message, body));
      return isTaken ? undefined : yield* drop("an answer nobody waits for");
    }
    const refusal = refusalOf(packet, contents, now().sequence);
    if (refusal !== undefined) return yield* refuse(packet, from, refusal);
    if (isOfOtherLink(packet, from, signer.nodeId)) return yield* refuse(packet, from, "forbidden", OTHER_LINK);
    if (body === undefined) return yield* refuse(packet, from, "invalidMessage", message.why);
    const atMs = yield* Clock.currentTimeMillis;
    const reply = replyTo(packet, from);
    const before = seenRequests.received(signer.nodeId, body.type, reply, atMs);
    if (before.is === "old") {
      counters.repeated++;
      return yield* before.again?.(reply.to) ?? drop("a request that was answered long ago");
    }
    const draw = bigOf(yield* entropy.bytes(8));
    yield* hooks.serve({ from, signer: signer.nodeId, reply, atMs, draw }, body as Request, message);
  });

  const inbox = yield* makeInbox(security, () => now().maxMessageSize, {
    received: delivered,
    rejected: makeRejection(self, sender),
    drop,
    destinationOf: requests.destinationOf,
    certificatesAt: (nodeId) =>
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
    const verdict = routeOf(sender.view(), routing(), read.value, link.node);
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

  /** Refused by its header, if that is a request of this overlay. */
  const oversize: Dispatcher["oversize"] = (link, packet) => {
    const verdict = routeOf(sender.view(), routing(), packet, link.node);
    const isOurs = verdict.type === "deliver" || verdict.type === "forward";
    return isOurs ? refuse(packet, link.node, "messageTooLarge", `over ${now().maxMessageSize} bytes`) : Effect.void;
  };

  const toOurselves = Effect.flatMap(Queue.take(loopback), (packet) => inbox.deliver(packet, self));
  yield* Effect.forkScoped(Effect.forever(toOurselves));
  return { arrive, oversize };
});

/** Counts and logs a message whose signature does not hold, and closes the link of a neighbour that has forged it. */
const makeRejection = (self: NodeId, { links, counters }: Sender): InboxHooks["rejected"] => {
  let quietUntilMs = 0;
  return Effect.fnUntraced(function* (packet, from, { rejected: why, unknown }) {
    counters.badSignatures++;
    const nowMs = yield* Clock.currentTimeMillis;
    if (nowMs >= quietUntilMs) {
      quietUntilMs = nowMs + WARNING_MS;
      const of = counters.badSignatures;
      yield* Effect.logWarning("reload.unbelievable", { from: nodeIdText(from), why, of });
    }
    // "the implementation SHOULD simply drop the message"; but a message that was not forwarded was forged by our neighbour.
    if (isFromNeighbour(packet) && unknown === undefined && from !== self)
      yield* Effect.forEach(links.get(from) ?? [], (link) => link.close(why));
  });
};
