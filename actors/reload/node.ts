/**
 * A node of the overlay: everything wired, from the listener to the storage, until its scope closes.
 *
 *   Listener, Dialer --> links --> dispatcher --> storage, peer, configuration
 *                        ^          ^                  |
 *                        |          +--- sender <------+--- store, fetch, ping, appAttach: requests of our own
 *                        +------- events of parts that were made before the links
 */

import { Clock, Deferred, Effect, type Scope } from "effect";
import { expiryOf, type OverlayConfiguration, unsupportedIn } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Endpoint, toNode } from "../../codecs/reload/mod.ts";
import {
  ownedFraction,
  type PeerPolicy,
  type PeerSettings,
  type PeerState,
  peerTiming,
  storageTiming,
} from "../../machines/reload/mod.ts";
import { type Dialer, type Entropy, type Keys, Listener, type StoreFailed } from "../ports/mod.ts";
import { publishCertificate } from "./certificates.ts";
import { type Configuration, makeConfiguration } from "./configuration.ts";
import { makeDispatcher } from "./dispatcher.ts";
import { JoinFailed } from "./errors.ts";
import { type Links, makeLinks } from "./links.ts";
import { makeNodeEvents } from "./node-events.ts";
import { makeNumberHash, type ResourceOf } from "./number-hash.ts";
import { type NodeLimits, type NodeOptions, nodeLimits } from "./options.ts";
import { openOwn } from "./own.ts";
import { makePeer } from "./peer.ts";
import { makePost } from "./post.ts";
import { type Counter, makeSender, type Sender } from "./sender.ts";
import { hostStorage, isStorageRequest, type ValueStorageStatus } from "./storage.ts";
import { makeUsage, type Usage } from "./usage.ts";

export interface NodeStatus extends ValueStorageStatus {
  readonly state: PeerState;
  /** Nearest first. */
  readonly successors: ReadonlyArray<NodeId>;
  readonly predecessors: ReadonlyArray<NodeId>;
  readonly fingers: ReadonlyArray<NodeId>;
  /** Every node with an open link. */
  readonly linked: ReadonlyArray<NodeId>;
  /** The far ends of their links; where a node listens, if it was dialled from here. */
  readonly addresses: ReadonlyMap<NodeId, Endpoint>;
  /** Where linked nodes listen, as far as this node has dialled them: its `known` when it starts again. */
  readonly reached: ReadonlyArray<Endpoint>;
  /** The part of the ring this node answers for, 0 to 1. */
  readonly share: number;
  /** Entries this node may keep in the overlay, and how many it has there, as far as it has put them there itself. */
  readonly quota: number;
  readonly quotaUsed: number;
}

export interface OverlayNode extends Usage {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
  readonly configuration: Configuration;
  /** Where a number lies in this overlay. */
  readonly resourceOf: ResourceOf;
  readonly status: Effect.Effect<NodeStatus>;
  /** Hands over what it keeps and says farewell; done when the node has left. Closing the scope does the same. */
  readonly leave: Effect.Effect<void>;
  readonly counters: Readonly<Record<Counter, number>>;
  /** Why stores and fetches of others were turned away here, counted. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Succeeds once the node has its place in the ring. */
export const startNode = Effect.fn("reload.node")(function* (
  options: NodeOptions,
): Effect.fn.Return<OverlayNode, JoinFailed, Scope.Scope | Dialer | Listener | Keys | Entropy> {
  const { credentials, overlay } = options;
  const limits = { ...nodeLimits, ...options.limits };
  const startedMs = yield* Clock.currentTimeMillis;
  const against = objectionTo(overlay, startedMs);
  if (against !== undefined) return yield* new JoinFailed({ reason: "configuration", why: against });
  const configuration = yield* makeConfiguration({ ...options, roots: credentials.roots });
  const { now } = configuration;
  const post = yield* makePost(credentials, configuration, options.nodeId);
  const names = yield* post.nodesOf(credentials.certificates);
  const nodeId = options.nodeId ?? (names.length === 1 ? names[0] : undefined);
  if (nodeId === undefined || !names.includes(nodeId))
    return yield* new JoinFailed({ reason: "certificate", why: "the certificate names no node of this overlay" });

  const sender = yield* makeSender(nodeId, configuration, post, limits);
  const events = yield* makeNodeEvents;
  const timing = { ...storageTiming, holdDown: limits.holdDownMs };
  const keeping = hostStorage(
    nodeId,
    { ...overlay, timing, startedMs },
    sender,
    (to) => events.emit({ type: "handedOver", to }),
    options.store,
  );
  const storage = yield* Effect.mapError(keeping, storeFault);
  const own = yield* Effect.mapError(openOwn(nodeId, options.store), storeFault);

  const made = yield* Deferred.make<Links>();
  const listening = yield* Effect.mapError(
    (yield* Listener).listen({ ...options.listen, tls: credentials, streamsMax: limits.linksMax }, (stream) =>
      Effect.flatMap(Deferred.await(made), (links) => links.serve(stream)),
    ),
    ({ reason: listen, why }) => new JoinFailed({ reason: "port", listen, why }),
  );
  const endpoint = options.advertise ?? listening;
  let state: PeerState = "joining";
  const settled = yield* Deferred.make<void, JoinFailed>();
  const left = yield* Deferred.make<void>();
  const peer = yield* makePeer(peerSettings(options, limits, nodeId, endpoint, startedMs), sender, {
    dial: (to) => events.emit({ type: "dial", endpoint: to }),
    release: (node) => events.emit({ type: "release", node }),
    connect: (node, to) => events.emit({ type: "connect", node, endpoint: to }),
    ring: (view, change) => {
      sender.view = view;
      return storage.ring(view, change);
    },
    handOver: storage.handOver,
    report: Effect.fnUntraced(function* (now, why) {
      state = now;
      yield* Effect.logInfo(`reload.${now}`);
      if (now === "settled") yield* Deferred.succeed(settled, undefined);
      if (now === "failed") yield* Deferred.fail(settled, new JoinFailed({ reason: "ring", why }));
      if (now === "failed" || now === "left") yield* Deferred.succeed(left, undefined);
    }),
  });
  const dispatcher = yield* makeDispatcher(nodeId, configuration, post, sender, (asked, request, opened) => {
    if (isStorageRequest(request)) return storage.serve(asked, request, opened);
    if (request.type !== "configUpdateReq") return peer.serve(asked, request);
    return configuration.serve(request.value, (body) => sender.answer(asked.reply, body));
  });
  const linkSettings = { ...limits, messageBytesMax: () => now().maxMessageSize };
  const links = yield* makeLinks(nodeId, linkSettings, credentials, post, sender, dispatcher, peer);
  yield* Deferred.succeed(made, links);
  yield* events.route({
    dial: ({ endpoint }) =>
      Effect.matchEffect(links.dial(endpoint), { onSuccess: peer.dialled, onFailure: peer.dialFailed }),
    release: ({ node }) => links.release(node),
    connect: ({ node, endpoint }) => links.connect(node, endpoint),
    handedOver: ({ to }) => peer.handedOver(to),
  });
  yield* Effect.forkScoped(peer.run);
  const leave = Effect.andThen(peer.leave, Deferred.await(left));
  yield* configuration.begin(nodeId, {
    send: (to, body) => sender.request([toNode(to)], body),
    neighbours: () => [...sender.links.keys()],
    changed: Effect.fnUntraced(function* (now) {
      yield* storage.configured(now);
      yield* peer.configured(policyOf(now, options, endpoint));
      yield* closeBad(sender, now);
    }),
    leave: () => leave,
  });
  if (limits.leaveMs > 0) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leave, limits.leaveMs)));
  yield* Effect.catchTag(Effect.timeout(Deferred.await(settled), limits.joinMs), "TimeoutError", () =>
    Effect.fail(new JoinFailed({ reason: "ring", why: `not settled within ${limits.joinMs} ms` })),
  );

  const resourceOf = yield* makeNumberHash(now);
  const usage = yield* makeUsage(now, post, sender, endpoint, own);
  if (options.publishesCertificate !== false)
    yield* Effect.forkScoped(
      publishCertificate(now, usage, nodeId, credentials, (isThere) => {
        sender.published = isThere;
      }),
    );
  const status = Effect.gen(function* (): Effect.fn.Return<NodeStatus> {
    const { successors, predecessors, fingers, linked } = sender.view;
    const held = yield* storage.status;
    const quotaUsed = yield* usage.used;
    const share = ownedFraction(sender.view);
    const reached = [...links.reached.values()];
    const ends = [...sender.links].flatMap(([node, [link]]) => (link === undefined ? [] : [[node, link.at] as const]));
    const addresses = new Map<NodeId, Endpoint>([...ends, ...links.reached]);
    const ring = { state, successors, predecessors, fingers, linked, addresses, reached, share };
    return { ...held, ...ring, quota: now().quota, quotaUsed };
  });
  return {
    ...usage,
    nodeId,
    host: endpoint.host,
    port: endpoint.port,
    configuration,
    resourceOf,
    status,
    leave,
    counters: sender.counters,
    refusals: storage.refusals,
  };
});

const storeFault = ({ reason: fault, why }: StoreFailed) =>
  new JoinFailed({ reason: "store", fault, why: `store ${fault}: ${why}` });

/** Why a node of ours does not join under this configuration at all; in words for its operator. */
const objectionTo = (overlay: OverlayConfiguration, nowMs: number): string | undefined => {
  const missing = unsupportedIn(overlay);
  if (missing.length > 0) return `the configuration asks for what this node cannot: ${missing.join(", ")}`;
  return expiryOf(overlay, nowMs);
};

/** "the certificate with this Node-ID MUST NOT be considered valid", §11.1: its links were made by it, whoever uses them. */
const closeBad = (sender: Sender, { badNodes }: OverlayConfiguration) =>
  Effect.forEach(
    [...sender.links.values()].flat().filter(({ names }) => names.some((name) => badNodes.includes(name))),
    (link) => link.close("a bad node"),
    { discard: true },
  );

const isSame =
  (one: Endpoint) =>
  ({ host, port }: Endpoint): boolean =>
    host === one.host && port === one.port;

/** Bootstrap nodes that a node was started with count on where a document names none. */
const policyOf = (now: OverlayConfiguration, { overlay, known = [] }: NodeOptions, endpoint: Endpoint): PeerPolicy => {
  const listed = now.bootstrapNodes.length > 0 ? now.bootstrapNodes : overlay.bootstrapNodes;
  return {
    bootstrap: [...listed, ...known].filter((node) => !isSame(endpoint)(node)),
    reactive: now.chordReactive,
    updateMs: now.chordUpdateIntervalS * 1000,
    pingMs: now.chordPingIntervalS * 1000,
  };
};

const peerSettings = (
  options: NodeOptions,
  limits: NodeLimits,
  self: NodeId,
  endpoint: Endpoint,
  startedMs: number,
): PeerSettings => {
  const { overlay, applications = {}, first } = options;
  const firstListed = overlay.bootstrapNodes[0];
  const { bootstrap, reactive, updateMs: update, pingMs: ping } = policyOf(overlay, options, endpoint);
  return {
    self,
    endpoint,
    bootstrap,
    mayBeFirst: first ?? (firstListed === undefined || isSame(endpoint)(firstListed)),
    applications: Object.entries(applications).map(([id, endpoint]) => ({ application: Number(id), endpoint })),
    neighbours: limits.neighbours,
    fingers: limits.fingers,
    reactive,
    timing: { ...peerTiming, react: limits.reactMs, update, ping, leave: limits.leaveMs },
    startedMs,
  };
};
