/**
 * What this node sends: requests of its own, answers, and packets that it passes on.
 *
 *   peer, storage, usage --> request, answer --> signed --> outgoing.ts --> link.post          (never waits)
 *                                                              \--> loopback, for what is addressed to this node
 *
 * It is made first. dispatcher.ts, which takes what arrives, is made when those that serve requests are there.
 */

import { Effect, Queue } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Body, type Destination, errorBody, type Packet, packetBytes } from "../../codecs/reload/mod.ts";
import type { ReplyTo, RingView } from "../../machines/reload/mod.ts";
import type { Entropy } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";
import { inSequence } from "./in-sequence.ts";
import type { Link } from "./link.ts";
import { makeOutgoing, type Outgoing, type OutgoingSettings, onItsWay } from "./outgoing.ts";
import type { Post } from "./post.ts";
import { makeRepeats, type Repeats } from "./repeats.ts";
import { makeRequests, type Requests } from "./requests.ts";

/** Packets addressed to this node itself that wait for the dispatcher. */
const LOOPBACK_MAX = 512;

export type Counter =
  | "forwarded"
  | "delivered"
  | "refused"
  | "dropped"
  | "repeated"
  | "badSignatures"
  | "garbage"
  | "certificatesFetched";

export interface Sender {
  /** The ring as the peer last ordered it. */
  view: RingView;
  /** Whether our certificate is stored in the overlay for others to find. */
  published: boolean;
  /** By Node-ID, the newest link last. */
  readonly links: Map<NodeId, Array<Link>>;
  readonly counters: Record<Counter, number>;
  /** A request of our own, repeated until it is answered; refused for its configuration, it is sent again in time. */
  readonly request: Requests["ask"];
  readonly answer: (reply: ReplyTo, body: Body, certificates?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>;
  readonly hand: Outgoing["hand"];
  readonly drop: (why: string) => Effect.Effect<void>;
  /** Requests that wait for an answer. */
  readonly requests: Requests;
  readonly repeats: Repeats;
  readonly loopback: Queue.Dequeue<Packet>;
}

export const makeSender = Effect.fn("reload.sender")(function* (
  self: NodeId,
  configuration: Configuration,
  post: Post,
  settings: OutgoingSettings = { fragmentBytes: 0, carry: "always" },
): Effect.fn.Return<Sender, never, Entropy> {
  const { now } = configuration;
  const loopback = yield* Queue.dropping<Packet>(LOOPBACK_MAX);
  const links = new Map<NodeId, Array<Link>>();
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
  const state: Pick<Sender, "view" | "published"> = {
    view: { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
    published: false,
  };

  const drop = (why: string) => {
    counters.dropped++;
    return Effect.logDebug("reload.dropped", why);
  };

  const { hand, dispatch, isBare } = makeOutgoing(self, configuration, settings, post.overlay, links, {
    view: () => state.view,
    drop,
    toOurselves: (packet) => Queue.offerUnsafe(loopback, packet),
  });
  const isBareRequest = (destinations: ReadonlyArray<Destination>): boolean =>
    isBare(destinations) || (settings.carry === "answers" && state.published && post.standsAlone);

  const answer: Sender["answer"] = Effect.fnUntraced(function* (reply, body, certificates = []) {
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

  const requests = yield* makeRequests(
    () => now().reliabilityTimerMs,
    post,
    () => state.view,
    () => now().maxMessageSize,
    isBareRequest,
    (packet, over) => (over === undefined || !links.has(over) ? dispatch(packet) : hand(over, onItsWay(packet))),
  );
  const request = inSequence(configuration, requests.ask);
  return Object.assign(state, { links, counters, request, answer, hand, drop, requests, repeats, loopback });
});
