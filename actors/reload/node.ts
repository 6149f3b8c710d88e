/**
 * A node of the overlay: all its parts, from the listener to the storage, until its scope closes.
 *
 *   Listener, Dialer, Keys --> node-host.ts: links and messages --> storage, peer, configuration
 *                                    ^                                       |
 *                                    +--- requests and answers of theirs <---+--- store, fetch, ping, appAttach: of our own
 */

import { Clock, Deferred, Effect, FiberSet, type Scope } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { type Counter, type NodeReport, SEED_BYTES } from "../../machines/node/mod.ts";
import { storageTiming } from "../../machines/reload/mod.ts";
import { type Dialer, Entropy, type Keys, Listener, type StoreFailed } from "../ports/mod.ts";
import { publishCertificate } from "./certificates.ts";
import { type Configuration, hostConfiguration } from "./configuration.ts";
import { type ConfigurationState, makeConfigurationState } from "./configuration-state.ts";
import { JoinFailed } from "./errors.ts";
import { identityIn, type NodeIdentity, valueSigner } from "./identity.ts";
import { inSequence } from "./in-sequence.ts";
import { type Lifecycle, makeLifecycle } from "./lifecycle.ts";
import { hostNode, type NodeHost } from "./node-host.ts";
import { objectionTo, peerSettings, policyOf } from "./node-settings.ts";
import { makeNumberHash, type ResourceOf } from "./number-hash.ts";
import { type NodeLimits, type NodeOptions, nodeLimits } from "./options.ts";
import { openOwnEntries } from "./own-entries.ts";
import { makePeer, type Peer } from "./peer.ts";
import { makeRequests, type Requests, type Sender } from "./sender.ts";
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
  const { state, nodeId, host, sender } = core;
  const { listening, ready } = yield* listen(options, limits, host);
  const endpoint = options.advertise ?? listening;
  const { lifecycle, peer, configuration, leave } = yield* hostMachines(options, limits, endpoint, core);
  yield* core.parts({ peer, configuration, storage: core.storage, sender, requests: core.requests });
  yield* ready;
  yield* Effect.forkScoped(peer.run);
  yield* Effect.forkScoped(configuration.run);
  if (limits.leaveMs > 0) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leave, limits.leaveMs)));
  yield* Effect.catchTag(Effect.timeout(lifecycle.settled, limits.joinMs), "TimeoutError", () =>
    Effect.fail(new JoinFailed({ reason: "ring", why: `not settled within ${limits.joinMs} ms` })),
  );

  const resourceOf = yield* makeNumberHash(state.now);
  const signValue = yield* valueSigner(options.credentials, core);
  const usage = yield* makeUsage(state.now, signValue, sender, endpoint, core.ownEntries);
  const published = (isThere: boolean) => host.tell({ type: "published", isThere });
  if (options.publishesCertificate !== false)
    yield* Effect.forkScoped(publishCertificate(state.now, usage, nodeId, options.credentials, published));
  return {
    ...usage,
    nodeId,
    host: endpoint.host,
    port: endpoint.port,
    configuration,
    resourceOf,
    status: statusOf({ configuration: state, lifecycle, core: host.core, storage: core.storage, usage }),
    leave,
    counters: host.core.counters,
    refusals: core.storage.refusals,
  };
});

/** The parts that need no network. */
interface Core extends NodeIdentity {
  readonly startedMs: number;
  readonly state: ConfigurationState;
  readonly host: NodeHost;
  readonly requests: Requests;
  readonly sender: Sender;
  readonly storage: ValueStorage;
  /** A node has received all values it is responsible for. */
  readonly handedOver: Deferred.Deferred<(to: NodeId) => Effect.Effect<void>>;
  /** What the node reports finds its part, from the time that all are made. */
  readonly parts: (parts: Parts) => Effect.Effect<void>;
  readonly ownEntries: Effect.Success<ReturnType<typeof openOwnEntries>>;
}

const openCore = Effect.fnUntraced(function* (
  options: NodeOptions,
  limits: NodeLimits,
): Effect.fn.Return<Core, JoinFailed, Scope.Scope | Dialer | Keys | Entropy> {
  const { credentials, overlay, store, sameNode = () => Effect.void } = options;
  const startedMs = yield* Clock.currentTimeMillis;
  const objection = objectionTo(overlay, startedMs);
  if (objection !== undefined) return yield* new JoinFailed({ reason: "configuration", why: objection });
  const state = yield* makeConfigurationState({ ...options, roots: credentials.roots });
  const named = yield* identityIn(credentials, overlay, state.roots(), options.nodeId);
  if (named === undefined)
    return yield* new JoinFailed({ reason: "certificate", why: "the certificate names no node of this overlay" });
  const { nodeId, identity, facts } = named;
  const { certificates, roots, key } = credentials;
  const seed = yield* (yield* Entropy).bytes(SEED_BYTES);
  const settings = {
    self: nodeId,
    identity,
    certificates,
    algorithm: key.algorithm,
    facts,
    overlay,
    roots,
    seed,
    limits,
  };
  const { report, route } = yield* reports;
  const host = yield* hostNode(settings, credentials, { report, sameNode });
  const requests = makeRequests(host.tell);
  const sender = { answer: requests.answer, request: inSequence(state, requests.request) };
  const timing = { ...storageTiming, holdDown: limits.holdDownMs };
  const handedOver = yield* Deferred.make<(to: NodeId) => Effect.Effect<void>>();
  const storage = yield* Effect.mapError(
    hostStorage(
      nodeId,
      { ...overlay, timing, startedMs },
      sender,
      (to) => Effect.flatMap(Deferred.await(handedOver), (tell) => tell(to)),
      store,
    ),
    storeFault,
  );
  const ownEntries = yield* Effect.mapError(openOwnEntries(nodeId, store), storeFault);
  return { startedMs, state, ...named, host, requests, sender, storage, handedOver, parts: route, ownEntries };
});

const storeFault = ({ reason: fault, why }: StoreFailed) =>
  new JoinFailed({ reason: "store", fault, why: `store ${fault}: ${why}` });

/** Listens at once, since the address is part of the node's settings. A stream waits until `ready`. */
const listen = Effect.fnUntraced(function* (options: NodeOptions, limits: NodeLimits, host: NodeHost) {
  const ready = yield* Deferred.make<void>();
  const listening = yield* Effect.mapError(
    (yield* Listener).listen({ ...options.listen, tls: options.credentials, streamsMax: limits.linksMax }, (stream) =>
      Effect.andThen(Deferred.await(ready), host.serve(stream)),
    ),
    ({ reason: listen, why }) => new JoinFailed({ reason: "port", listen, why }),
  );
  return { listening, ready: Deferred.succeed(ready, undefined) };
});

/** The peer and the configuration. Neither runs yet: their events wait. */
const hostMachines = Effect.fnUntraced(function* (
  options: NodeOptions,
  limits: NodeLimits,
  endpoint: Endpoint,
  { startedMs, state, nodeId, host, sender, storage, handedOver }: Core,
) {
  const lifecycle: Lifecycle = yield* makeLifecycle;
  const peer = yield* makePeer(peerSettings(options, limits, nodeId, endpoint, startedMs), sender, {
    dial: (to) => host.tell({ type: "visit", endpoint: to }),
    release: (node) => host.tell({ type: "release", node }),
    connect: (node, to) => host.tell({ type: "connect", node, endpoint: to }),
    ring: (view, change) => {
      host.tell({ type: "ring", view });
      return storage.ring(view, change);
    },
    handOver: storage.handOver,
    report: lifecycle.report,
  });
  yield* Deferred.succeed(handedOver, peer.handedOver);
  const leave = Effect.andThen(peer.leave, lifecycle.left);
  const configuration = yield* hostConfiguration(nodeId, state, sender, {
    refetch: options.refetch ?? Effect.succeed(undefined),
    neighbours: () => [...host.core.table.byNode.keys()],
    changed: Effect.fnUntraced(function* (now) {
      host.tell({ type: "configured", overlay: now, roots: state.roots() });
      yield* storage.configured(now);
      yield* peer.configured(policyOf(now, options, endpoint));
    }),
    leave: () => leave,
  });
  return { lifecycle, peer, configuration, leave };
});

interface Parts {
  readonly peer: Peer;
  readonly configuration: Configuration;
  readonly storage: ValueStorage;
  readonly sender: Sender;
  readonly requests: Requests;
}

/** What the node reports before its parts are made waits for them; there is nothing then but the end of requests. */
const reports = Effect.gen(function* () {
  const run = yield* FiberSet.makeRuntime<never>();
  let parts: Parts | undefined;
  const early: Array<NodeReport> = [];
  const report = (what: NodeReport): void => {
    if (parts === undefined) early.push(what);
    else run(actOn(parts, what));
  };
  const route = (made: Parts) =>
    Effect.sync(() => {
      parts = made;
      early.splice(0).forEach(report);
    });
  return { report, route };
});

const actOn = ({ peer, configuration, storage, sender, requests }: Parts, report: NodeReport): Effect.Effect<void> => {
  switch (report.type) {
    case "ended":
      return requests.ended(report);
    case "heard":
      return configuration.heard(report.node, report.sequence);
    case "linked":
      return peer.linked(report.node);
    case "unlinked":
      return peer.unlinked(report.node, report.why);
    case "visited":
      return peer.dialled(report.node);
    case "visitFailed":
      return peer.dialFailed(report.why);
    case "serve": {
      const { asked, request, signers, users } = report;
      if (isStorageRequest(request)) return storage.serve(asked, request, signers, users);
      if (request.type !== "configUpdateReq") return peer.serve(asked, request);
      return configuration.serve(request.value, (body) => sender.answer(asked.reply, body));
    }
  }
};
