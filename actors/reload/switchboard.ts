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
  type BodyOf,
  type Destination,
  type ErrorName,
  errorBody,
  errorCode,
  fragmentWhole,
  optionFlag,
  Packet,
  type Request,
  sequenceAny,
} from "../../codecs/reload/mod.ts";
import { bigOf, nodeIdText } from "../../codecs/shared/mod.ts";
import { decode, encode, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type Asked,
  isAnswer,
  mayAnswer,
  type ReloadOutcome,
  type ReloadTransactionEvent,
  type ReplyTo,
  type RingView,
  routeOf,
  wayBack,
} from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { Link } from "./link.ts";
import type { Opened, Post } from "./post.ts";
import { requestOnce } from "./transaction.ts";

/** Requests of ours under way at once; further ones fail at once. */
const REQUESTS_MAX = 1_024;
/** Packets to ourselves that wait their turn. */
const LOOPBACK_MAX = 512;

export interface SwitchboardSettings {
  readonly self: bigint;
  readonly initialTtl: number;
  readonly configurationSequence: number;
  readonly maxMessageSize: number;
  readonly retransmitMs: number;
}

/** A request for this node, its signature verified; `opened` verifies the values inside. */
export type Serve = (asked: Asked, request: Request, opened: Opened) => Effect.Effect<void>;

export interface Switchboard {
  /** The ring as the peer knows it now. */
  view: RingView;
  readonly links: Map<bigint, Array<Link>>;
  readonly counters: Record<Counter, number>;
  /** A message from a link. What cannot be a neighbour's honest doing closes the link. */
  readonly arrive: (link: Link, message: Uint8Array) => Effect.Effect<void>;
  readonly request: (
    destinations: ReadonlyArray<Destination>,
    body: Request,
    options?: { readonly over?: bigint | undefined; readonly certificates?: ReadonlyArray<Uint8Array> },
  ) => Effect.Effect<Reply>;
  readonly answer: (reply: ReplyTo, body: Body, certificates?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>;
}
/** How a request ended; `opened` verifies the values in its answer. */
export interface Reply {
  readonly outcome: ReloadOutcome;
  readonly opened: Opened | undefined;
}
export type Counter = "forwarded" | "delivered" | "sent" | "refused" | "dropped" | "badSignatures" | "garbage";

export const makeSwitchboard = Effect.fn("reload.switchboard")(function* (
  settings: SwitchboardSettings,
  post: Post,
  serve: Serve,
): Effect.fn.Return<Switchboard, never, Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const { self, maxMessageSize } = settings;
  const routing = { overlay: post.overlay, initialTtl: settings.initialTtl };
  const waiting = new Map<bigint, (opened: Opened, body: Body) => Effect.Effect<void>>();
  const loopback = yield* Queue.dropping<Packet>(LOOPBACK_MAX);
  const links = new Map<bigint, Array<Link>>();
  const counters = { forwarded: 0, delivered: 0, sent: 0, refused: 0, dropped: 0, badSignatures: 0, garbage: 0 };
  const draw = Effect.map(entropy.bytes(8), bigOf);

  const drop = (why: string) => {
    counters.dropped++;
    return Effect.logDebug("reload.dropped", why);
  };

  const hand = (to: bigint, packet: Packet) =>
    Effect.suspend(() => {
      const bytes = encode(Packet, packet);
      if (bytes.length > maxMessageSize) return drop(`over ${maxMessageSize} bytes`);
      return links.get(to)?.at(-1)?.post(bytes) === true ? Effect.void : drop("no link, or a full one");
    });

  /** Sends a packet of our own on its way. */
  const dispatch = (packet: Packet) =>
    Effect.suspend(() => {
      const verdict = routeOf(board.view, routing, packet, self);
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
    const limit = Math.min(maxMessageSize, reply.maxResponseLength === 0 ? maxMessageSize : reply.maxResponseLength);
    const size = encode(Packet, packet).length;
    if (size <= limit || body.type === "error") return yield* dispatch(packet);
    const refusal = errorBody("responseTooLarge", `${size} bytes`);
    yield* dispatch(yield* post.seal({ transactionId, destinations, body: refusal, options }));
  });

  const refuse = (packet: Packet, from: bigint, error: ErrorName, info: string | Uint8Array) => {
    counters.refused++;
    return isAnswer(packet) ? drop(error) : answer(replyTo(packet, from), errorBody(error, info));
  };

  /** Told only once the signature holds; the checks of §6.3.2 and §6.3.3 that belong to the destination. */
  const delivered = Effect.fnUntraced(function* (packet: Packet, from: bigint) {
    if (packet.fragment >>> 0 !== fragmentWhole) return yield* drop("a fragment");
    const opened = yield* post.open(packet);
    if ("refused" in opened) {
      counters.badSignatures++;
      yield* Effect.logWarning("reload.unbelievable", { from: nodeIdText(from), why: opened.refused });
      return;
    }
    counters.delivered++;
    const { body, signer, contents } = opened;
    if (isAnswer(packet)) {
      const told = waiting.get(packet.transactionId);
      return told === undefined || body === undefined
        ? yield* drop("an answer nobody waits for")
        : yield* told(opened, body);
    }
    const stale = staleness(packet, contents.code, settings.configurationSequence);
    if (stale !== undefined) return yield* refuse(packet, from, stale, "");
    if (packet.options.some(({ flags }) => flags & optionFlag.destinationCritical))
      return yield* refuse(packet, from, "unsupportedForwardingOption", "");
    if (contents.extensions.some(({ critical }) => critical))
      return yield* refuse(packet, from, "unknownExtension", "");
    if (body === undefined) return yield* refuse(packet, from, "invalidMessage", opened.why);
    const asked: Asked = {
      from,
      signer: signer.nodeId,
      reply: replyTo(packet, from),
      atMs: yield* Clock.currentTimeMillis,
      draw: yield* draw,
    };
    yield* serve(asked, body as Request, opened);
  });

  const arrive: Switchboard["arrive"] = Effect.fnUntraced(function* (link, message) {
    const read = decode(Packet, message);
    if (!read.ok) {
      counters.garbage++;
      return yield* link.close(wireErrorText(read.error));
    }
    const verdict = routeOf(board.view, routing, read.value, link.node);
    switch (verdict.type) {
      case "deliver":
        return yield* delivered(read.value, link.node);
      case "forward":
        counters.forwarded++;
        return yield* hand(verdict.to, verdict.packet);
      case "refuse":
        return yield* refuse(read.value, link.node, verdict.error, verdict.info);
      case "drop":
        return yield* drop(verdict.why);
    }
  });

  const request: Switchboard["request"] = Effect.fnUntraced(function* (
    destinations,
    body,
    { over, certificates } = {},
  ) {
    if (waiting.size >= REQUESTS_MAX) return { outcome: { type: "lost", why: "too many requests" }, opened: undefined };
    const transactionId = yield* draw;
    const packet = yield* post.seal({ transactionId, destinations, body, certificates: certificates ?? [] });
    counters.sent++;
    const target = destinations[destinations.length - 1]!;
    let opened: Opened | undefined;
    const listen = (tell: (event: ReloadTransactionEvent) => Effect.Effect<void>) =>
      waiting.set(transactionId, (found, answer) => {
        const { nodeId } = found.signer;
        if (answer.type.endsWith("Req")) return Effect.void;
        const believed =
          mayAnswer(board.view, target, nodeId) || (answer.type === "error" && isFromTheWay(answer.value));
        if (!believed) return drop(`${nodeIdText(nodeId)} may not answer for that`);
        opened = found;
        return tell({ type: "answered", signer: nodeId, body: answer as never });
      });
    const send = over === undefined || !links.has(over) ? dispatch(packet) : hand(over, packet);
    const outcome = yield* Effect.ensuring(
      requestOnce({ retransmitMs: settings.retransmitMs }, listen, send),
      Effect.sync(() => waiting.delete(transactionId)),
    );
    return { outcome, opened };
  });

  const board: Switchboard = {
    view: { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
    links,
    counters,
    arrive,
    request,
    answer,
  };
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(loopback), (packet) => delivered(packet, self))));
  return board;
});

const replyTo = (packet: Packet, from: bigint): ReplyTo => ({
  transactionId: packet.transactionId,
  to: wayBack(packet, from),
  maxResponseLength: packet.maxResponseLength,
  options: packet.options
    .filter(({ flags }) => flags & optionFlag.responseCopy)
    .map((option) => ({
      ...option,
      flags: option.flags & ~(optionFlag.forwardCritical | optionFlag.destinationCritical | optionFlag.responseCopy),
    })),
});

/** Any peer on the way may refuse with these; the rest are the destination's to say. */
const isFromTheWay = ({ code }: BodyOf<"error">): boolean =>
  (
    [
      errorCode.ttlExceeded,
      errorCode.unsupportedForwardingOption,
      errorCode.incompatibleWithOverlay,
      errorCode.messageTooLarge,
    ] as ReadonlyArray<number>
  ).includes(code);

/** "greater than or less than are interpreted by modulo arithmetic as in TCP"; 65535 with a ConfigUpdate always passes. */
const staleness = (packet: Packet, code: number, ours: number): ErrorName | undefined => {
  const theirs = packet.configurationSequence;
  if (theirs === ours || (theirs === sequenceAny && code === 0x21)) return undefined;
  return (theirs - ours + 65_535) % 65_535 < 32_768 ? "configTooNew" : "configTooOld";
};
