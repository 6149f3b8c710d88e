/**
 * A node of the overlay: all its parts, from the listener to the storage, until its scope closes.
 *
 *   Listener, Dialer, Keys, Store --> node-host.ts: links, messages, peer, storage --> configuration
 *                                          ^                                              |
 *                                          +--- requests <--------------------------------+--- store, fetch, ping: of our own
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
import { type Lifecycle, makeLifecycle } from "./lifecycle.ts";
import { hostNode, type NodeHost } from "./node-host.ts";
import { objectionTo, peerSettings, policyOf } from "./node-settings.ts";
import { makeNumberHash, type ResourceOf } from "./number-hash.ts";
import { type NodeLimits, type NodeOptions, nodeLimits } from "./options.ts";
import { openOwnEntries } from "./own-entries.ts";
import { restoreValues } from "./restore.ts";
import { makeRequests, type Requests } from "./sender.ts";
import { type NodeStatus, statusOf } from "./status.ts";
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
  const { state, nodeId, host, requests, lifecycle, startedMs } = core;
  const { listening, ready } = yield* listen(options, limits, host);
  const endpoint = options.advertise ?? listening;
  const leave = Effect.andThen(
    Effect.sync(() => host.tell({ type: "leave" })),
    lifecycle.left,
  );
  const configuration = yield* openConfiguration(options, endpoint, core, leave);
  yield* ready;
  host.tell({ type: "join", settings: peerSettings(options, limits, nodeId, endpoint, startedMs) });
  yield* Effect.forkScoped(configuration.run);
  if (limits.leaveMs > 0) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leave, limits.leaveMs)));
  yield* Effect.catchTag(Effect.timeout(lifecycle.settled, limits.joinMs), "TimeoutError", () =>
    Effect.fail(new JoinFailed({ reason: "ring", why: `not settled within ${limits.joinMs} ms` })),
  );

  const resourceOf = yield* makeNumberHash(state.now);
  const signValue = yield* valueSigner(options.credentials, core);
  const usage = yield* makeUsage(state.now, signValue, requests, endpoint, core.ownEntries, core.facts.notAfterMs);
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
    status: statusOf({ configuration: state, lifecycle, core: host.core, usage }),
    leave,
    counters: host.core.counters,
    refusals: host.core.storage?.refusals ?? {},
  };
});

/** The parts that need no network. */
interface Core extends NodeIdentity {
  readonly startedMs: number;
  readonly state: ConfigurationState;
  readonly host: NodeHost;
  readonly requests: Requests;
  readonly lifecycle: Lifecycle;
  /** What the node reports to its configuration finds it, once that is made. */
  readonly configured: (configuration: Configuration) => Effect.Effect<void>;
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
  const { nodeId: self, identity, facts } = named;
  const { certificates, roots, key } = credentials;
  const seed = yield* (yield* Entropy).bytes(SEED_BYTES);
  const timing = { ...storageTiming, holdDown: limits.holdDownMs };
  const storage = { settings: { ...overlay, timing, startedMs }, isDurable: store !== undefined };
  const us = { self, identity, facts, certificates, algorithm: key.algorithm };
  const lifecycle = yield* makeLifecycle;
  const { report, serve, configured } = yield* reports(lifecycle);
  const host = yield* hostNode({ ...us, overlay, roots, seed, limits, storage }, credentials, {
    report,
    sameNode,
    store,
  });
  const requests = makeRequests(host.tell);
  yield* serve(requests);
  if (store !== undefined) {
    const tell = (values: Parameters<Parameters<typeof restoreValues>[2]>[0]) =>
      Effect.sync(() => host.tell({ type: "restored", values }));
    const restored = yield* Effect.mapError(restoreValues(store, self, tell), storeFault);
    yield* Effect.logInfo("reload.restored", restored);
  }
  const ownEntries = yield* Effect.mapError(openOwnEntries(self, store), storeFault);
  return { startedMs, state, ...named, host, requests, lifecycle, configured, ownEntries };
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

/** It does not run yet: its events wait. */
const openConfiguration = Effect.fnUntraced(function* (
  options: NodeOptions,
  endpoint: Endpoint,
  { state, nodeId, host, requests, configured }: Core,
  leave: Effect.Effect<void>,
) {
  const configuration = yield* hostConfiguration(nodeId, state, requests, {
    refetch: options.refetch ?? Effect.succeed(undefined),
    neighbours: () => [...host.core.table.byNode.keys()],
    changed: (overlay) =>
      Effect.sync(() => {
        const policy = policyOf(overlay, options, endpoint);
        host.tell({ type: "configured", overlay, roots: state.roots(), policy });
      }),
    leave: () => leave,
  });
  yield* configured(configuration);
  return configuration;
});

/** What the node reports, given to those whom it concerns. */
const reports = Effect.fnUntraced(function* (lifecycle: Lifecycle) {
  const run = yield* FiberSet.makeRuntime<never>();
  const requests = yield* Deferred.make<Requests>();
  const configuration = yield* Deferred.make<Configuration>();
  const actOn = (report: NodeReport): Effect.Effect<void> => {
    switch (report.type) {
      case "ended":
        return Effect.flatMap(Deferred.await(requests), ({ ended }) => ended(report));
      case "state":
        return lifecycle.report(report.state, report.why);
      case "heard":
        return Effect.flatMap(Deferred.await(configuration), ({ heard }) => heard(report.node, report.sequence));
      case "serve": {
        const { asked, request } = report;
        if (request.type !== "configUpdateReq") return Effect.void; // the node's parts answer all others
        return Effect.flatMap(Deferred.await(requests), ({ answer }) =>
          Effect.flatMap(Deferred.await(configuration), ({ serve }) =>
            serve(request.value, (body) => answer(asked.reply, body)),
          ),
        );
      }
    }
  };
  return {
    report: (report: NodeReport): void => void run(actOn(report)),
    serve: (made: Requests) => Deferred.succeed(requests, made),
    configured: (made: Configuration) => Effect.asVoid(Deferred.succeed(configuration, made)),
  };
});
