/**
 * Where packets meet: from links and from ourselves, to links and to ourselves, by the ring as the peer last told it.
 *
 *   link, or our own --> routeOf --+-- forward --> link.post            (never waits)
 *                                  +-- deliver --> open --> request --> peer, keeper
 *                                  |                    \-> answer ---> the request that waits for it
 *                                  +-- refuse ---> sealed and sent back
 */
import { Clock, Effect, Queue, type Scope } from "effect";
import {
  type Body,
  type ErrorName,
  errorBody,
  fragmentWhole,
  Packet,
  type Request,
  sequenceAny,
} from "../../codecs/reload/mod.ts";
import { bigOf, nodeIdText } from "../../codecs/shared/mod.ts";
import { decode, encode, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type Asked,
  isAnswer,
  isFromNeighbour,
  type ReplyTo,
  type RingView,
  refusalOf,
  replyTo,
  routeOf,
} from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { Link } from "./link.ts";
import type { Opened, Post } from "./post.ts";
import { makeRequests, type Requests } from "./requests.ts";

/** Packets to ourselves that wait their turn. */
const LOOPBACK_MAX = 512;

/** A request for this node, its signature verified; `opened` verifies the values inside. */
export type Serve = (asked: Asked, request: Request, opened: Opened) => Effect.Effect<void>;
export type Counter = "forwarded" | "delivered" | "refused" | "dropped" | "badSignatures" | "garbage";

export interface Switchboard {
  /** The ring as the peer knows it now. */
  view: RingView;
  readonly links: Map<bigint, Array<Link>>;
  readonly counters: Record<Counter, number>;
  /** A message from a link. What cannot be a neighbour's honest doing closes the link. */
  readonly arrive: (link: Link, message: Uint8Array) => Effect.Effect<void>;
  readonly request: Requests["ask"];
  readonly answer: (reply: ReplyTo, body: Body, certificates?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>;
}

export const makeSwitchboard = Effect.fn("reload.switchboard")(function* (
  self: bigint,
  configuration: Configuration,
  post: Post,
  serve: Serve,
): Effect.fn.Return<Switchboard, never, Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const { now } = configuration;
  const routing = () => ({ overlay: post.overlay, initialTtl: now().initialTtl });
  const loopback = yield* Queue.dropping<Packet>(LOOPBACK_MAX);
  const links = new Map<bigint, Array<Link>>();
  const counters = { forwarded: 0, delivered: 0, refused: 0, dropped: 0, badSignatures: 0, garbage: 0 };

  const drop = (why: string) => {
    counters.dropped++;
    return Effect.logDebug("reload.dropped", why);
  };

  const hand = (to: bigint, packet: Packet) =>
    Effect.suspend(() => {
      const bytes = encode(Packet, packet);
      const { maxMessageSize } = now();
      if (bytes.length > maxMessageSize) return drop(`over ${maxMessageSize} bytes`);
      return links.get(to)?.at(-1)?.post(bytes) === true ? Effect.void : drop("no link, or a full one");
    });

  /** Sends a packet of our own on its way. */
  const dispatch = (packet: Packet) =>
    Effect.suspend(() => {
      const verdict = routeOf(board.view, routing(), packet, self);
      switch (verdict.type) {
        case "deliver":
          return Queue.offerUnsafe(loopback, packet) ? Effect.void : drop("too much to ourselves");
        case "forward":
          return hand(verdict.to, verdict.packet);
        case "refuse":
          return drop(verdict.error);
        case "drop":
          return drop(verdict.why);
      }
    });

  const answer: Switchboard["answer"] = Effect.fnUntraced(function* (reply, body, certificates = []) {
    const { transactionId, to: destinations, options } = reply;
    const packet = yield* post.seal({ transactionId, destinations, body, certificates, options });
    const { maxMessageSize } = now();
    const limit = Math.min(maxMessageSize, reply.maxResponseLength === 0 ? maxMessageSize : reply.maxResponseLength);
    const size = encode(Packet, packet).length;
    if (size <= limit || body.type === "error") return yield* dispatch(packet);
    const refusal = errorBody("responseTooLarge", `${size} bytes`);
    yield* dispatch(yield* post.seal({ transactionId, destinations, body: refusal, options }));
  });

  const refuse = (packet: Packet, from: bigint, error: ErrorName, info = "") => {
    counters.refused++;
    return isAnswer(packet) ? drop(error) : answer(replyTo(packet, from), errorBody(error, info));
  };

  const delivered = Effect.fnUntraced(function* (
    packet: Packet,
    from: bigint,
    close: (why: string) => Effect.Effect<void>,
  ) {
    if (packet.fragment >>> 0 !== fragmentWhole) return yield* drop("a fragment");
    const opened = yield* post.open(packet);
    if ("refused" in opened) {
      counters.badSignatures++;
      yield* Effect.logWarning("reload.unbelievable", { from: nodeIdText(from), why: opened.refused });
      return yield* isFromNeighbour(packet) ? close(opened.refused) : Effect.void;
    }
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
    if (body === undefined) return yield* refuse(packet, from, "invalidMessage", opened.why);
    const atMs = yield* Clock.currentTimeMillis;
    const draw = bigOf(yield* entropy.bytes(8));
    yield* serve(
      { from, signer: opened.signer.nodeId, reply: replyTo(packet, from), atMs, draw },
      body as Request,
      opened,
    );
  });

  const arrive: Switchboard["arrive"] = Effect.fnUntraced(function* (link, message) {
    const read = decode(Packet, message);
    if (!read.ok) {
      counters.garbage++;
      const why = wireErrorText(read.error);
      yield* Effect.logWarning("reload.garbage", { from: nodeIdText(link.node), why });
      return yield* link.close(why);
    }
    const verdict = routeOf(board.view, routing(), read.value, link.node);
    switch (verdict.type) {
      case "deliver":
        return yield* delivered(read.value, link.node, link.close);
      case "forward":
        counters.forwarded++;
        return yield* hand(verdict.to, verdict.packet);
      case "refuse":
        return yield* refuse(read.value, link.node, verdict.error, verdict.info);
      case "drop":
        return yield* drop(verdict.why);
    }
  });

  const requests = yield* makeRequests(
    () => now().reliabilityTimerMs,
    post,
    () => board.view,
    (packet, over) => (over === undefined || !links.has(over) ? dispatch(packet) : hand(over, packet)),
  );
  const board: Switchboard = {
    view: { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
    links,
    counters,
    arrive,
    request: requests.ask,
    answer,
  };
  const toOurselves = Effect.flatMap(Queue.take(loopback), (packet) => delivered(packet, self, () => Effect.void));
  yield* Effect.forkScoped(Effect.forever(toOurselves));
  return board;
});
