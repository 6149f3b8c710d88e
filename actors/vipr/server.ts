/**
 * A ViPR server with all its roles, until its scope closes.
 *
 *   call agents <--VAP--> vap --publish--> publisher --> nodes (RELOAD) <--> the overlay
 *                          | upload                         ^ claims, where
 *                          +--received--> call store        |
 *                          +--sent-----> originating -------+--PVP--> other servers
 *   other servers --PVP--> pvp --candidates--> call store
 *                           +----grant--> services --> ticket issuer
 * Requirements: ViPR overview §4.
 */
import { Clock, Deferred, Effect, Queue, type Scope } from "effect";
import { applicationId, type Endpoint } from "../../codecs/reload/mod.ts";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import type { PvpGroupBits } from "../../codecs/validation/mod.ts";
import { callStore, tryableFor } from "../../machines/validation/mod.ts";
import { type AuditReport, currentReport, REQUIRED_BITS } from "../../machines/vipr/mod.ts";
import {
  type Arithmetic,
  type ClusterShape,
  type Credentials,
  type Dialer,
  type Entropy,
  Keys,
  type Listener,
  type ListenFailed,
  type StoreFailed,
} from "../ports/mod.ts";
import { claimsOf, JoinFailed, NUMBER_LIFETIME_S, type OverlayNode } from "../reload/mod.ts";
import { type PvpCounters, servePvp } from "../validation/mod.ts";
import {
  type InsecureVap,
  openKeptRoutes,
  openOwners,
  openPublisher,
  serveVap,
  type VapCounters,
  type VapServerOptions,
} from "../vap/mod.ts";
import { openAuditLogs } from "./audit-logs.ts";
import { openDomains, type ViprDomains } from "./domains.ts";
import type { ViprEvent, ViprWatch } from "./events.ts";
import { openFailedAttempts } from "./failed-attempts.ts";
import { joinWork } from "./follow.ts";
import { makeHandlers } from "./handlers.ts";
import { pvpAt, startNodes, type ViprNodesOptions } from "./nodes.ts";
import { notifyAgents, type ValidatedRoute } from "./notify.ts";
import { nothingOff, type ViprOff, type ViprOperator, viprOperator } from "./operator.ts";
import { openOriginating } from "./originating.ts";
import { watchOverlay } from "./overlay-watch.ts";
import { openPublished } from "./published.ts";
import { openPublishing, type Publishing } from "./publishing.ts";
import { openRecords } from "./records.ts";
import { makeServices } from "./services.ts";
import { tenantShares, type ViprTenants } from "./tenants.ts";

/** A server's settings; what is left out has the default that stands beside it. */
export interface ViprServerOptions extends ViprDomains, ViprNodesOptions {
  /** Where each listens; port 0 takes a free one. Several nodes listen at successive ports. */
  readonly listen: { readonly reload: Endpoint; readonly vap: Endpoint; readonly pvp: Endpoint };
  /** Where other servers reach PVP, when that is not where it listens; port 0 is the one it listens at. */
  readonly advertisePvp?: Endpoint;
  /**
   * The SRP group for originators that validate calls with us. Default 2048 bits; larger ones cost both sides more.
   * docs/protocol/pvp.md#the-channel.
   */
  readonly pvpGroup?: PvpGroupBits;
  /** The users of VAP, and how clients on other machines connect. */
  readonly vap: Pick<VapServerOptions, "users" | "tls" | "insecureVap" | "watch">;
  readonly ticketLifetimeMs?: number;
  /** Equivalent entropy a route must have. Default 12. */
  readonly requiredBits?: number;
  /** Tv is drawn from this. Default 30 s up to the overlay's maxValidationDelay. */
  readonly waitBetweenMs?: readonly [min: number, max: number];
  /** How long calls that are due at the start wait for the call agents to come back. Default 5 min. */
  readonly graceMs?: number;
  /** How long the overlay is away before the call agents are told by PublishRevoke. Default OVERLAY_LOST_MS, 5 min. */
  readonly overlayLostMs?: number;
  /** Receives every event; must not fail or take long. */
  readonly watch?: (event: ViprEvent, tenant: string) => Effect.Effect<void>;
  /** Several companies on this server. Default: it is one's. */
  readonly tenants?: ViprTenants;
  /** What the operator has switched off. Default: nothing. */
  readonly off?: ViprOff;
  /** The other servers that share its store. Default: there are none, and all the work is this one's. */
  readonly cluster?: ClusterShape;
}

/** A server that serves: where it listens, and what it may be asked. */
export interface ViprServer {
  readonly vap: { readonly host: string; readonly port: number };
  readonly pvp: { readonly host: string; readonly port: number };
  readonly nodes: ReadonlyArray<OverlayNode>;
  readonly counters: Effect.Effect<ViprCounters>;
  /** From now on tickets are granted for these domains and no others. */
  readonly setDomains: (domains: ViprDomains) => Effect.Effect<void>;
  /** The audit report of a number, as that company sees it: with a store, until 60 days after its last event. */
  readonly explain: (number: E164, tenant?: string) => Effect.Effect<AuditReport | undefined>;
  readonly operator: ViprOperator;
}
/** What a server counts, since its start. */
export interface ViprCounters {
  readonly vap: VapCounters;
  readonly pvp: Readonly<PvpCounters>;
  /** Received calls that originators may validate. */
  readonly terminating: number;
  /** Calls that wait for their Tv, and those in validation. */
  readonly pending: number;
  readonly underWay: number;
}

const TV_MIN_MS = 30_000;
const EXPIRE_EVERY_MS = 60_000;
/** Also how long agents have to reconnect after a start, before what is not published counts as idle. */
const SWEEP_EVERY_MS = 3_600_000;
/** Validated routes that wait to be sent to the call agents; a validation that finds one more waits for room. */
const VALIDATED_ROUTES_MAX = 1_024;

/**
 * Joins the overlay, listens for VAP and PVP, and serves until its scope closes. Fails where the overlay cannot be joined, a port
 * cannot be listened on, or VAP would be in the clear beyond this machine.
 */
export const startViprServer = Effect.fn("vipr.server")(function* (
  options: ViprServerOptions,
): Effect.fn.Return<
  ViprServer,
  JoinFailed | ListenFailed | InsecureVap,
  Arithmetic | Dialer | Entropy | Keys | Listener | Scope.Scope
> {
  const { overlay, listen, requiredBits = REQUIRED_BITS } = options;
  const { tenants, cluster, off = nothingOff } = options;
  const audits = yield* openAuditLogs({ store: options.store, requiredBits });
  const watch: ViprWatch = (event, by) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMs) => {
      const tenant = tenantOf(by);
      return Effect.andThen(audits.record(tenant, event, atMs), options.watch?.(event, tenant) ?? Effect.void);
    });
  const { waitBetweenMs = [TV_MIN_MS, overlay.maxValidationDelayS * 1_000] } = options;
  const roundMs = overlay.roundIntervalS * 1_000;
  const nodeIds = yield* nodeIdsOf(options.nodes);
  const domains = yield* openDomains(nodeIds[0]!, options.ticketLifetimeMs);
  yield* domains.set(options);
  /** Nodes join after PVP listens, since they advertise its port. A request that needs them earlier waits for them. */
  const joined = yield* Deferred.make<Publishing>();
  const storeStopped = Effect.mapError(
    ({ reason: fault, why }: StoreFailed) => new JoinFailed({ reason: "store", fault, why: `store ${fault}: ${why}` }),
  );
  const owners = yield* storeStopped(openOwners(options.store, isUserOf(options.vap.users)));
  /** The company of a VService of ours; "" is the server's own, and where there are no tenants the only one. */
  const tenantOf = (vservice: VServiceId): string => {
    const owner = owners.ownerOf(vservice);
    return owner === undefined ? "" : (tenants?.tenantOf(owner) ?? "");
  };
  /** Whether something of that age belongs to the present owner of the VService, and not to one before. */
  const isOfOwner = (vservice: VServiceId, atMs: number): boolean =>
    atMs >= (owners.sinceMs(vservice) ?? Number.POSITIVE_INFINITY);
  const isStored = (vservice: VServiceId, number: E164): Effect.Effect<boolean> =>
    Effect.map(
      Effect.flatMap(Deferred.await(joined), ({ life }) => life(vservice, number)),
      (life) => life !== undefined && isOfOwner(vservice, life.fromMs),
    );
  const services = makeServices(
    domains.issuerFor,
    isStored,
    watch,
    (vservice) => owners.sinceMs(vservice) !== undefined,
    off.number,
  );
  const calls = callStore(nodeIds, { roundMs });
  const routes = yield* storeStopped(
    openKeptRoutes(options.store, (vservice, info) => services.leadsTo(vservice, info).isWelcome),
  );
  const records = yield* storeStopped(openRecords(options.store, calls, options.graceMs, cluster));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EXPIRE_EVERY_MS), records.expire)));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(SWEEP_EVERY_MS), owners.sweep)));

  const pvp = yield* servePvp(
    { ...listen.pvp, nodeIds, roundMs, ...(options.pvpGroup === undefined ? {} : { group: options.pvpGroup }) },
    {
      candidates: (name) =>
        Effect.sync(() =>
          tryableFor(calls, name, ({ vservice, keepUntilMs }) => isOfOwner(vservice, keepUntilMs - calls.retentionMs)),
        ),
      ...(yield* openFailedAttempts(calls, records, yield* audits.of(""), watch)),
      grant: services.grant,
    },
  );
  const nodes = yield* startNodes(options, pvpAt(options.advertisePvp, pvp));
  const publishing = openPublishing(nodes);
  yield* Deferred.succeed(joined, publishing);
  const { store, endMs, nodeFor } = publishing;
  const storesPerSecond = overlay.storesPerSecond * nodes.length;
  const publisher = yield* openPublisher({
    storesPerSecond,
    storedBefore: { lifetimeS: NUMBER_LIFETIME_S, endMs },
    store,
  });

  const validated = yield* Queue.bounded<ValidatedRoute>(VALIDATED_ROUTES_MAX);
  const originating = yield* openOriginating(
    {
      nodeId: nodes[0]!.nodeId,
      waitBetweenMs,
      requiredBits,
      roundMs,
      isPrivate: domains.isPrivate,
      domainOf: (vservice) => services.document(vservice)?.domain,
      ...(tenants === undefined ? {} : { companies: { of: tenantOf, partOf: tenants.shareOf } }),
      learned: (vservice, info) =>
        Effect.andThen(routes.keep(vservice, info), Effect.asVoid(Queue.offer(validated, { vservice, info }))),
      watch,
    },
    {
      lookUp: (number) => claimsOf(nodeFor(number), number),
      resolve: (nodeId) => nodes[0]!.appAttach(nodeId, applicationId.pvp),
    },
    records,
    { isOff: off.call, cluster },
  );

  const quota = (): number => (nodes[0]?.configuration.now() ?? overlay).quota * nodes.length;
  let whyLost = (): string | undefined => undefined;
  const ofUser = (username: string) => (vservice: VServiceId) =>
    tenants === undefined || tenantOf(vservice) === tenants.tenantOf(username);
  const { store: shared, graceMs } = options;
  const published =
    cluster === undefined || shared === undefined
      ? undefined
      : yield* storeStopped(openPublished({ store: shared, cluster, services, graceMs }));
  const handlers = makeHandlers({
    whyLost: () => whyLost(),
    overlayName: overlay.name,
    isServed: (domain) => domains.issuerFor(domain.toLowerCase()) !== undefined,
    shares: tenants && tenantShares(tenants, quota),
    quota,
    storesPerSecond,
    quotaOf: (username) => ({
      quotaLimit: Math.floor(quota() * (tenants?.shareOf(tenants.tenantOf(username)) ?? 1)),
      quotaCurrent: services.didCount((vservice) => services.isHere(vservice) && ofUser(username)(vservice)),
    }),
    services,
    publisher,
    isOff: off.number,
    unpublish: publishing.withdraw,
    published,
    originating,
    calls,
    records,
    watch,
  });
  const vap = yield* serveVap(
    { ...listen.vap, ...options.vap, owners, routes, ...(tenants === undefined ? {} : { groups: tenants }) },
    handlers,
  );
  const overlayWatch = yield* watchOverlay(nodes, vap.revoke, options.overlayLostMs);
  whyLost = overlayWatch.whyLost;
  const notify = notifyAgents({ services, vap, routes, watch });
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(validated), notify)));
  if (cluster !== undefined && published !== undefined)
    yield* joinWork(cluster, { owners, published, records, originating, routes, services, notify });

  return {
    vap: { host: vap.host, port: vap.port },
    pvp: { host: pvp.host, port: pvp.port },
    nodes,
    setDomains: domains.set,
    operator: viprOperator({ services, publishing, publisher, originating, tenantOf }),
    explain: Effect.fnUntraced(function* (number, tenant = "") {
      const isOurs = (vservice: VServiceId) => tenants === undefined || tenantOf(vservice) === tenant;
      const present = {
        isPublished: yield* services.hasNumber(number, isOurs),
        ...(yield* originating.presentState(number, isOurs)),
      };
      const audit = yield* audits.of(tenant);
      return currentReport(yield* audit.read(number), number, requiredBits, present);
    }),
    counters: Effect.gen(function* () {
      return {
        vap: yield* vap.counters,
        pvp: yield* pvp.counters,
        terminating: calls.calls.size,
        pending: originating.pending(),
        underWay: yield* originating.underWay,
      };
    }),
  };
});

const isUserOf =
  (users: VapServerOptions["users"]) =>
  (name: string): boolean =>
    typeof users === "function" ? users(name) !== undefined : Object.hasOwn(users, name);

const nodeIdsOf = Effect.fnUntraced(function* (nodes: ReadonlyArray<Credentials>) {
  const keys = yield* Keys;
  const facts = yield* Effect.forEach(nodes, ({ certificates }) => Effect.orDie(keys.inspect(certificates[0]!)));
  return facts.flatMap(({ nodeIds }) => nodeIds.slice(0, 1));
});
