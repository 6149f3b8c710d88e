/**
 * What this node sends: requests of its own, answers, and packets that it forwards.
 *
 *   peer, storage, usage --> request, answer --> signed --> outgoing.ts --> link.send          (never waits)
 *                                                              \--> loopback, for what is addressed to this node
 *
 * The parts that serve requests need it and are made after it; dispatcher.ts, which receives packets, is made last.
 */

import { Effect, Queue } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Body, type Destination, errorBody, type Packet, packetBytes } from "../../codecs/reload/mod.ts";
import type { ReplyTo, RingView } from "../../machines/reload/mod.ts";
import type { Entropy } from "../ports/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import { inSequence } from "./in-sequence.ts";
import type { Link } from "./link.ts";
import type { MessageSecurity } from "./message-security.ts";
import { makeOutgoing, type Outgoing, type OutgoingSettings, onItsWay } from "./outgoing.ts";
import { makeRequests, type Requests } from "./requests.ts";
import { makeSeenRequests, type SeenRequests } from "./seen-requests.ts";

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
  /** The ring as the peer last reported it. */
  readonly view: () => RingView;
  /** The peer reports a change of the ring: packets are routed by it from now on. */
  readonly ringChanged: (view: RingView) => void;
  /** Whether other nodes can fetch our certificate from the overlay, as far as we know. */
  readonly certificatePublished: (isThere: boolean) => void;
  /** By Node-ID, the newest link last. */
  readonly links: Map<NodeId, Array<Link>>;
  readonly counters: Record<Counter, number>;
  /** Sends a request of our own until it is answered. One refused for its configuration is sent again when that has changed. */
  readonly request: Requests["request"];
  readonly answer: (reply: ReplyTo, body: Body, certificates?: ReadonlyArray<Uint8Array>) => Effect.Effect<void>;
  readonly hand: Outgoing["hand"];
  readonly drop: (why: string) => Effect.Effect<void>;
  /** Requests that wait for an answer. */
  readonly requests: Requests;
  readonly seenRequests: SeenRequests;
  readonly loopback: Queue.Dequeue<Packet>;
}

export const makeSender = Effect.fn("reload.sender")(function* (
  self: NodeId,
  configuration: ConfigurationState,
  security: MessageSecurity,
  settings: OutgoingSettings = { fragmentBytes: 0, carry: "always" },
): Effect.fn.Return<Sender, never, Entropy> {
  const { now } = configuration;
  const loopback = yield* Queue.dropping<Packet>(LOOPBACK_MAX);
  const links = new Map<NodeId, Array<Link>>();
  const counters = noCounts();
  const seenRequests = makeSeenRequests();
  let ring: RingView = { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] };
  let isPublished = false;
  const view = () => ring;

  const drop = (why: string) => {
    counters.dropped++;
    return Effect.logDebug("reload.dropped", why);
  };

  const { hand, dispatch, isBare } = makeOutgoing(self, configuration, settings, security.overlay, links, {
    view,
    drop,
    toOurselves: (packet) => Queue.offerUnsafe(loopback, packet),
  });
  const isBareRequest = (destinations: ReadonlyArray<Destination>): boolean =>
    isBare(destinations) || (settings.carry === "answers" && isPublished && security.standsAlone);

  const answer: Sender["answer"] = Effect.fnUntraced(function* (reply, body, certificates = []) {
    const { transactionId, to: destinations, options } = reply;
    const bare = isBare(destinations);
    const signed = yield* security.sign({ transactionId, destinations, body, certificates, options, bare });
    const { maxMessageSize } = now();
    const limit = Math.min(maxMessageSize, reply.maxResponseLength === 0 ? maxMessageSize : reply.maxResponseLength);
    const size = packetBytes(signed);
    const isFit = size <= limit || body.type === "error";
    const refusal = errorBody("responseTooLarge", `${size} bytes`);
    const sent = isFit ? signed : yield* security.sign({ transactionId, destinations, body: refusal, options, bare });
    seenRequests.answered(reply, (to) => dispatch({ ...sent, destinationList: to }));
    yield* dispatch(sent);
  });

  const requests = yield* makeRequests(
    () => now().reliabilityTimerMs,
    security,
    view,
    () => now().maxMessageSize,
    isBareRequest,
    (packet, over) => (over === undefined || !links.has(over) ? dispatch(packet) : hand(over, onItsWay(packet))),
  );
  return {
    view,
    ringChanged: (changed) => {
      ring = changed;
    },
    certificatePublished: (isThere) => {
      isPublished = isThere;
    },
    links,
    counters,
    request: inSequence(configuration, requests.request),
    answer,
    hand,
    drop,
    requests,
    seenRequests,
    loopback,
  };
});

const noCounts = (): Record<Counter, number> => ({
  forwarded: 0,
  delivered: 0,
  refused: 0,
  dropped: 0,
  repeated: 0,
  badSignatures: 0,
  garbage: 0,
  certificatesFetched: 0,
});
