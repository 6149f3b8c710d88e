/**
 * Where packets meet: from links and from ourselves, to links and to ourselves, by the ring as the peer last told it.
 *
 *   link, or our own --> routeOf --+-- forward --> link.post            (never waits)
 *                                  +-- deliver --> inbox --> request --> peer, storage
 *                                  |                     \-> answer ---> the request that waits for it
 *                                  +-- refuse ---> sealed and sent back
 */
import { Clock, Effect, Queue, type Scope } from "effect";
import {
  type Body,
  type Destination,
  type ErrorName,
  errorBody,
  Packet,
  packetBytes,
  type Request,
  sequenceAny,
} from "../../codecs/reload/mod.ts";
import { bigOf, nodeIdText } from "../../codecs/shared/mod.ts";
import { decodeViews, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type Asked,
  isAnswer,
  isFirstFragment,
  isFromNeighbour,
  type ReplyTo,
  type RingView,
  refusalOf,
  replyTo,
  routeOf,
} from "../../machines/reload/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";
import { certificatesOf } from "./finder.ts";
import { inSequence } from "./in-sequence.ts";
import { makeInbox } from "./inbox.ts";
import type { Link } from "./link.ts";
import { makeOutgoing, type OutgoingSettings, onItsWay } from "./outgoing.ts";
import type { Opened, Post, Refused } from "./post.ts";
import { makeRepeats } from "./repeats.ts";
import { makeRequests, type Requests } from "./requests.ts";

/** Packets to ourselves that wait their turn. */
const LOOPBACK_MAX = 512;

/** Between two warnings of forged messages: who floods us with them shall not fill the log as well. */
const WARNING_MS = 1_000;

const ANOTHERS = "the link of another Node-ID";

/** A request for this node, its signature verified; `opened` verifies the values inside. */
export type Serve = (asked: Asked, request: Request, opened: Opened) => Effect.Effect<void>;
export type Counter =
  | "forwarded"
  | "delivered"
  | "refused"
  | "dropped"
  | "repeated"
  | "badSignatures"
  | "garbage"
  | "certificatesFetched";

export interface Switchboard {
  /** The ring as the peer knows it now. */
  view: RingView;
  /** Whether our certificate lies in the overlay for others to find. */
  published: boolean;
  readonly links: Map<bigint, Array<Link>>;
  readonly counters: Record<Counter, number>;
  /** A message from a link. What cannot be a neighbour's honest doing closes the link. */
  readonly arrive: (link: Link, message: Uint8Array) => Effect.Effect<void>;
  /** A message over the limit has begun to come. */
  readonly oversize: (link: Link, beginning: Packet) => Effect.Effect<void>;
  readonly request: Requests["ask"];
  readonly answer: (reply: ReplyTo, body: Body, certificates?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>;
}

export const makeSwitchboard = Effect.fn("reload.switchboard")(function* (
  self: bigint,
  configuration: Configuration,
  post: Post,
  serve: Serve,
  settings: OutgoingSettings = { fragmentBytes: 0, carry: "always" },
): Effect.fn.Return<Switchboard, never, Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const { now } = configuration;
  const routing = () => ({ overlay: post.overlay, initialTtl: now().initialTtl });
  const loopback = yield* Queue.dropping<Packet>(LOOPBACK_MAX);
  const links = new Map<bigint, Array<Link>>();
  const counters = {
    forwarded: 0,
    delivered: 0,
    refused: 0,
    dropped: 0,
    repeated: 0,
    badSignatures: 0,
    garbage: 0,
    certificatesFetched: 0,
  };
  const repeats = makeRepeats();
  let quietUntilMs = 0;

  const drop = (why: string) => {
    counters.dropped++;
    return Effect.logDebug("reload.dropped", why);
  };

  const { hand, dispatch, isBare } = makeOutgoing(self, configuration, settings, post.overlay, links, {
    view: () => board.view,
    drop,
    toOurselves: (packet) => Queue.offerUnsafe(loopback, packet),
  });
  const isBareRequest = (destinations: ReadonlyArray<Destination>): boolean =>
    isBare(destinations) || (settings.carry === "answers" && board.published && post.standsAlone);

  const answer: Switchboard["answer"] = Effect.fnUntraced(function* (reply, body, certificates = []) {
    const { transactionId, to: destinations, options } = reply;
    const bare = isBare(destinations);
    const packet = yield* post.seal({ transactionId, destinations, body, certificates, options, bare });
    const { maxMessageSize } = now();
    const limit = Math.min(maxMessageSize, reply.maxResponseLength === 0 ? maxMessageSize : reply.maxResponseLength);
    const size = packetBytes(packet);
    const isFit = size <= limit || body.type === "error";
    const refusal = errorBody("responseTooLarge", `${size} bytes`);
    const sent = isFit ? packet : yield* post.seal({ transactionId, destinations, body: refusal, options, bare });
    repeats.answered(reply, (to) => dispatch({ ...sent, destinationList: to }));
    yield* dispatch(sent);
  });

  /** No error for an error, nor for an answer, nor for a part that does not say what it is. */
  const refuse = (packet: Packet, from: bigint, error: ErrorName, info = "") =>
    Effect.suspend(() => {
      counters.refused++;
      const isAsking = !isAnswer(packet) && isFirstFragment(packet);
      return isAsking ? answer(replyTo(packet, from), errorBody(error, info)) : drop(error);
    });

  const unbelievable = Effect.fnUntraced(function* (packet: Packet, from: bigint, why: Refused) {
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
  const isAnothers = (packet: Packet, from: bigint, signer: bigint): boolean =>
    isFromNeighbour(packet) && signer !== from && links.get(from)?.at(-1)?.names.includes(signer) === true;

  const delivered = Effect.fnUntraced(function* (packet: Packet, from: bigint, opened: Opened) {
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

  const arrive: Switchboard["arrive"] = Effect.fnUntraced(function* (link, message) {
    const read = decodeViews(Packet, message);
    if (!read.ok) {
      counters.garbage++;
      const why = wireErrorText(read.error);
      yield* Effect.logWarning("reload.garbage", { from: nodeIdText(link.node), why });
      return yield* link.close(why);
    }
    const verdict = routeOf(board.view, routing(), read.value, link.node);
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
  const oversize: Switchboard["oversize"] = (link, packet) => {
    const verdict = routeOf(board.view, routing(), packet, link.node);
    const isOurs = verdict.type === "deliver" || verdict.type === "forward";
    return isOurs ? refuse(packet, link.node, "messageTooLarge", `over ${now().maxMessageSize} bytes`) : Effect.void;
  };

  const requests = yield* makeRequests(
    () => now().reliabilityTimerMs,
    post,
    () => board.view,
    () => now().maxMessageSize,
    isBareRequest,
    (packet, over) => (over === undefined || !links.has(over) ? dispatch(packet) : hand(over, onItsWay(packet))),
  );
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
  const board: Switchboard = {
    view: { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
    published: false,
    links,
    counters,
    arrive,
    oversize,
    request: inSequence(configuration, requests.ask),
    answer,
  };
  const toOurselves = Effect.flatMap(Queue.take(loopback), (packet) => inbox.deliver(packet, self));
  yield* Effect.forkScoped(Effect.forever(toOurselves));
  return board;
});
