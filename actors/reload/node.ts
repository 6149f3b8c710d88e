/**
 * A node of the overlay: all its parts, from the listener to the storage, until its scope closes.
 *
 *   Listener, Dialer --> links --> dispatcher --> storage, peer, configuration
 *                        ^          ^                  |
 *                        |          +--- sender <------+--- store, fetch, ping, appAttach: requests of our own
 *                        +------- events of parts that are made before the links
 */

import { Clock, Deferred, Effect, type Scope } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { storageTiming } from "../../machines/reload/mod.ts";
import { type Dialer, type Entropy, type Keys, Listener, type StoreFailed } from "../ports/mod.ts";
import { publishCertificate } from "./certificates.ts";
import { type Configuration, hostConfiguration } from "./configuration.ts";
import { type ConfigurationState, makeConfigurationState } from "./configuration-state.ts";
import { makeDispatcher } from "./dispatcher.ts";
import { JoinFailed } from "./errors.ts";
import { type Lifecycle, makeLifecycle } from "./lifecycle.ts";
import { type Links, makeLinks } from "./links.ts";
import { type MessageSecurity, makeMessageSecurity } from "./message-security.ts";
import { makeNodeEvents, type NodeEvents } from "./node-events.ts";
import { objectionTo, peerSettings, policyOf } from "./node-settings.ts";
import { makeNumberHash, type ResourceOf } from "./number-hash.ts";
import { type NodeLimits, type NodeOptions, nodeLimits } from "./options.ts";
import { openOwnEntries } from "./own-entries.ts";
import { makePeer, type Peer } from "./peer.ts";
import { type Counter, makeSender, type Sender } from "./sender.ts";
import { type NodeStatus, statusOf } from "./status.ts";
import { hostStorage, isStorageRequest, type ValueStorage } from "./storage.ts";
import { makeUsage, type Usage } from "./usage.ts";

export interface OverlayNode extends Usage {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
  readonly configuration: Configuration;
  /** The Resource-ID of a number in this overlay. */
  readonly resourceOf: ResourceOf;
  readonly status: Effect.Effect<NodeStatus>;
  /** Hands over what it stores and sends its Leave requests; done when the node has left. Closing the scope does the same. */
  readonly leave: Effect.Effect<void>;
  readonly counters: Readonly<Record<Counter, number>>;
  /** Why stores and fetches of others were refused here, counted. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Succeeds once the node has its place in the ring. */
export const startNode = Effect.fn("reload.node")(function* (
  options: NodeOptions,
): Effect.fn.Return<OverlayNode, JoinFailed, Scope.Scope | Dialer | Listener | Keys | Entropy> {
  const limits = { ...nodeLimits, ...options.limits };
  const core = yield* openCore(options, limits);
  const { state, security, nodeId, sender } = core;
  const { listening, serveBy } = yield* listen(options, limits);
  const endpoint = options.advertise ?? listening;
  const { lifecycle, peer, configuration, leave } = yield* hostMachines(options, limits, endpoint, core);
  const links = yield* connect(options, limits, core, peer, configuration);
  yield* serveBy(links);
  yield* Effect.forkScoped(peer.run);
  yield* Effect.forkScoped(configuration.run);
  if (limits.leaveMs > 0) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leave, limits.leaveMs)));
  yield* Effect.catchTag(Effect.timeout(lifecycle.settled, limits.joinMs), "TimeoutError", () =>
    Effect.fail(new JoinFailed({ reason: "ring", why: `not settled within ${limits.joinMs} ms` })),
  );

  const resourceOf = yield* makeNumberHash(state.now);
  const usage = yield* makeUsage(state.now, security, sender, endpoint, core.ownEntries);
  if (options.publishesCertificate !== false)
    yield* Effect.forkScoped(
      publishCertificate(state.now, usage, nodeId, options.credentials, sender.certificatePublished),
    );
  return {
    ...usage,
    nodeId,
    host: endpoint.host,
    port: endpoint.port,
    configuration,
    resourceOf,
    status: statusOf({ configuration: state, lifecycle, sender, storage: core.storage, links, usage }),
    leave,
    counters: sender.counters,
    refusals: core.storage.refusals,
  };
});

/** The parts that need no network. */
interface Core {
  readonly startedMs: number;
  readonly state: ConfigurationState;
  readonly security: MessageSecurity;
  readonly nodeId: NodeId;
  readonly sender: Sender;
  readonly events: NodeEvents;
  readonly storage: ValueStorage;
  readonly ownEntries: Effect.Success<ReturnType<typeof openOwnEntries>>;
}

const openCore = Effect.fnUntraced(function* (
  options: NodeOptions,
  limits: NodeLimits,
): Effect.fn.Return<Core, JoinFailed, Scope.Scope | Keys | Entropy> {
  const { credentials, overlay, store } = options;
  const startedMs = yield* Clock.currentTimeMillis;
  const objection = objectionTo(overlay, startedMs);
  if (objection !== undefined) return yield* new JoinFailed({ reason: "configuration", why: objection });
  const state = yield* makeConfigurationState({ ...options, roots: credentials.roots });
  const security = yield* makeMessageSecurity(credentials, state, options.nodeId);
  const names = yield* security.nodesOf(credentials.certificates);
  const nodeId = options.nodeId ?? (names.length === 1 ? names[0] : undefined);
  if (nodeId === undefined || !names.includes(nodeId))
    return yield* new JoinFailed({ reason: "certificate", why: "the certificate names no node of this overlay" });
  const sender = yield* makeSender(nodeId, state, security, limits);
  const events = yield* makeNodeEvents;
  const timing = { ...storageTiming, holdDown: limits.holdDownMs };
  const handedOver = (to: NodeId) => events.emit({ type: "handedOver", to });
  const storage = yield* Effect.mapError(
    hostStorage(nodeId, { ...overlay, timing, startedMs }, sender, handedOver, store),
    storeFault,
  );
  const ownEntries = yield* Effect.mapError(openOwnEntries(nodeId, store), storeFault);
  return { startedMs, state, security, nodeId, sender, events, storage, ownEntries };
});

const storeFault = ({ reason: fault, why }: StoreFailed) =>
  new JoinFailed({ reason: "store", fault, why: `store ${fault}: ${why}` });

/** Listens at once, since the address is part of the node's settings. A stream waits until there are links to serve it. */
const listen = Effect.fnUntraced(function* (options: NodeOptions, limits: NodeLimits) {
  const links = yield* Deferred.make<Links>();
  const listening = yield* Effect.mapError(
    (yield* Listener).listen({ ...options.listen, tls: options.credentials, streamsMax: limits.linksMax }, (stream) =>
      Effect.flatMap(Deferred.await(links), ({ serve }) => serve(stream)),
    ),
    ({ reason: listen, why }) => new JoinFailed({ reason: "port", listen, why }),
  );
  return { listening, serveBy: (made: Links) => Deferred.succeed(links, made) };
});

/** The peer and the configuration. Neither runs yet: their events wait. */
const hostMachines = Effect.fnUntraced(function* (
  options: NodeOptions,
  limits: NodeLimits,
  endpoint: Endpoint,
  { startedMs, state, nodeId, sender, events, storage }: Core,
) {
  const lifecycle: Lifecycle = yield* makeLifecycle;
  const peer = yield* makePeer(peerSettings(options, limits, nodeId, endpoint, startedMs), sender, {
    dial: (to) => events.emit({ type: "dial", endpoint: to }),
    release: (node) => events.emit({ type: "release", node }),
    connect: (node, to) => events.emit({ type: "connect", node, endpoint: to }),
    ring: (view, change) => {
      sender.ringChanged(view);
      return storage.ring(view, change);
    },
    handOver: storage.handOver,
    report: lifecycle.report,
  });
  const leave = Effect.andThen(peer.leave, lifecycle.left);
  const configuration = yield* hostConfiguration(nodeId, state, sender, {
    refetch: options.refetch ?? Effect.succeed(undefined),
    changed: Effect.fnUntraced(function* (now) {
      yield* storage.configured(now);
      yield* peer.configured(policyOf(now, options, endpoint));
      yield* closeBad(sender, now);
    }),
    leave: () => leave,
  });
  return { lifecycle, peer, configuration, leave };
});

/** Requests that arrive, and events that concern links, find their parts. */
const connect = Effect.fnUntraced(function* (
  { credentials, sameNode = () => Effect.void }: NodeOptions,
  limits: NodeLimits,
  { state, security, nodeId, sender, events, storage }: Core,
  peer: Peer,
  configuration: Configuration,
) {
  const dispatcher = yield* makeDispatcher(nodeId, state, security, sender, {
    sequenceSeen: configuration.heard,
    serve: (asked, request, message) => {
      if (isStorageRequest(request)) return storage.serve(asked, request, message);
      if (request.type !== "configUpdateReq") return peer.serve(asked, request);
      return configuration.serve(request.value, (body) => sender.answer(asked.reply, body));
    },
  });
  const linkSettings = {
    ...limits,
    messageBytesMax: () => state.now().maxMessageSize,
    sameNode: (host: string) => Effect.andThen(Effect.logError("reload.sameNode", { host }), sameNode(host)),
  };
  const links = yield* makeLinks(nodeId, linkSettings, credentials, security, sender, dispatcher, peer);
  yield* events.route({
    dial: ({ endpoint }) =>
      Effect.matchEffect(links.dial(endpoint), { onSuccess: peer.dialled, onFailure: peer.dialFailed }),
    release: ({ node }) => links.release(node),
    connect: ({ node, endpoint }) => links.connect(node, endpoint),
    handedOver: ({ to }) => peer.handedOver(to),
  });
  return links;
});

/** "the certificate with this Node-ID MUST NOT be considered valid", §11.1: no link of such a certificate stays open. */
const closeBad = (sender: Sender, { badNodes }: OverlayConfiguration) =>
  Effect.forEach(
    [...sender.links.values()].flat().filter(({ names }) => names.some((name) => badNodes.includes(name))),
    (link) => link.close("a bad node"),
    { discard: true },
  );
