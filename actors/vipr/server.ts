/**
 * A ViPR server: every role wired, until its scope closes.
 *
 *   call agents <--VAP--> vap --publish--> publisher --> nodes (RELOAD) <--> the overlay
 *                          | upload                         ^ claims, where
 *                          +--received--> call store        |
 *                          +--sent-----> originating -------+--PVP--> other servers
 *   other servers --PVP--> pvp --candidates--> call store
 *                           +----grant--> services --> ticket issuer
 */
import { Clock, Effect, type Scope } from "effect";
import { applicationId, type OverlayConfiguration } from "../../codecs/reload/mod.ts";
import { type E164, maskE164, type Vcr } from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import {
  callStore,
  candidatesFor,
  failCall,
  insertCall,
  isLocked,
  removeCall,
  timesOf,
} from "../../machines/validation/mod.ts";
import { REQUIRED_BITS, remember, type Story, stories, storyOf } from "../../machines/vipr/mod.ts";
import {
  type Arithmetic,
  type Credentials,
  type Dialer,
  type Entropy,
  Keys,
  type Listener,
  type ListenFailed,
  type StoreShape,
} from "../ports/mod.ts";
import {
  claimsOf,
  JoinFailed,
  type NodeLimits,
  NUMBER_LIFETIME_S,
  type OverlayNode,
  startNode,
} from "../reload/mod.ts";
import { openTicketIssuer, type TicketIssuer, type TicketSecret } from "../ticket/mod.ts";
import { type PvpCounters, servePvp } from "../validation/mod.ts";
import { type InsecureVap, openPublisher, serveVap, type VapCounters, type VapHandlers } from "../vap/mod.ts";
import type { ViprEvent } from "./events.ts";
import { openOriginating } from "./originating.ts";
import { openPublishing } from "./publishing.ts";
import { openRecords } from "./records.ts";
import { makeServices } from "./services.ts";

export interface ViprServerOptions {
  /** One for each node of the overlay that this server runs; each certificate holds one Node-ID. */
  readonly nodes: ReadonlyArray<Credentials>;
  readonly overlay: OverlayConfiguration;
  /** Where the nodes, VAP and PVP listen; port 0 takes a free one. */
  readonly host: string;
  readonly reloadPort?: number;
  readonly vapPort?: number;
  readonly pvpPort?: number;
  /** Call agents' passwords by user name. */
  readonly users: Readonly<Record<string, string>>;
  /** By domain, lower case: shared with that domain's border elements. */
  readonly tickets: Readonly<Record<string, TicketSecret>>;
  readonly ticketLifetimeMs?: number;
  /** Equivalent entropy a route must have. Default 12. */
  readonly requiredBits?: number;
  /** Domains of ours, lower case, that show no telephone number to claimants: method C proves their calls. */
  readonly privateDomains?: ReadonlyArray<string>;
  /** Tv is drawn from this. Default 30 s up to the overlay's maxValidationDelay. */
  readonly waitBetweenMs?: readonly [min: number, max: number];
  readonly limits?: Partial<NodeLimits>;
  /** Where nodes and call records are kept that must outlive the process; without it they begin anew each time. */
  readonly store?: StoreShape;
  /** Hears of everything that happens; must not fail or take long. */
  readonly watch?: (event: ViprEvent) => Effect.Effect<void>;
}

export interface ViprServer {
  readonly vap: { readonly host: string; readonly port: number };
  readonly pvp: { readonly host: string; readonly port: number };
  readonly nodes: ReadonlyArray<OverlayNode>;
  readonly counters: Effect.Effect<ViprCounters>;
  /** The story of a number, as far as it is remembered. */
  readonly explain: (number: E164) => Effect.Effect<Story | undefined>;
}
export interface ViprCounters {
  readonly vap: VapCounters;
  readonly pvp: Readonly<PvpCounters>;
  /** Calls kept for callers who know them. */
  readonly terminating: number;
  /** Calls waiting for their Tv, and those being validated. */
  readonly pending: number;
  readonly underWay: number;
}

const TV_MIN_MS = 30_000;
const EXPIRE_EVERY_MS = 60_000;

export const startViprServer = Effect.fn("vipr.server")(function* (
  options: ViprServerOptions,
): Effect.fn.Return<
  ViprServer,
  JoinFailed | ListenFailed | InsecureVap,
  Arithmetic | Dialer | Entropy | Keys | Listener | Scope.Scope
> {
  const { overlay, host, requiredBits = REQUIRED_BITS, privateDomains = [] } = options;
  const told = stories(requiredBits);
  const watch = (event: ViprEvent): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (atMs) => {
      remember(told, event, atMs);
      return options.watch?.(event) ?? Effect.void;
    });
  const { waitBetweenMs = [TV_MIN_MS, overlay.maxValidationDelayS * 1_000] } = options;
  const roundMs = overlay.roundIntervalS * 1_000;
  const nodeIds = yield* nodeIdsOf(options.nodes);
  const issuers = yield* issuersOf(options, nodeIds[0]!);
  const services = makeServices((domain) => issuers.get(domain), watch);
  const calls = callStore(nodeIds, { roundMs });
  const records = yield* Effect.mapError(
    openRecords(options.store, calls),
    ({ reason: fault, why }) => new JoinFailed({ reason: "store", fault, why: `store ${fault}: ${why}` }),
  );
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EXPIRE_EVERY_MS), records.expire)));

  const pvp = yield* servePvp(
    { host, port: options.pvpPort ?? 0, nodeIds, roundMs },
    {
      candidates: (name) =>
        Effect.sync(() => candidatesFor(calls, name).map((call) => ({ ...call, isLocked: isLocked(call) }))),
      failed: (call) =>
        Effect.suspend(() => {
          const charged = failCall(calls, call.id);
          if (charged === undefined) return Effect.void;
          const { attempts, startMs, stopMs } = charged;
          return Effect.andThen(
            Effect.catch(records.received(charged), ({ why }) => Effect.logWarning("vipr.records", why)),
            watch({ type: "charged", number: call.called, call: { startMs, stopMs }, attempts }),
          );
        }),
      grant: services.grant,
    },
  );
  const nodes = yield* startNodes(options, { host: pvp.host, port: pvp.port });
  const { store, endMs, nodeFor } = openPublishing(nodes);
  const publisher = yield* openPublisher({
    storesPerSecond: overlay.storesPerSecond * nodes.length,
    held: { lifetimeS: NUMBER_LIFETIME_S, endMs },
    store,
  });

  const learned = (vservice: bigint, info: ValInfo): Effect.Effect<void> =>
    Effect.gen(function* () {
      const { domain, isWelcome } = services.leadsTo(vservice, info);
      if (!isWelcome) {
        yield* Effect.logInfo("vipr.unwelcome", maskE164(info.number), domain || "no domain");
        return yield* watch({ type: "unwelcome", number: info.number, domain });
      }
      const told = yield* vap.notify(vservice, info);
      yield* watch({ type: "learned", number: info.number, domain, told });
    });
  const originating = yield* openOriginating(
    {
      nodeId: nodes[0]!.nodeId,
      waitBetweenMs,
      requiredBits,
      roundMs,
      isPrivate: (domain) => privateDomains.includes(domain),
      domainOf: (vservice) => services.document(vservice)?.domain,
      learned,
      watch,
    },
    {
      lookUp: (number) => claimsOf(nodeFor(number), number),
      resolve: (nodeId) => nodes[0]!.appAttach(nodeId, applicationId.pvp),
    },
    records,
  );

  const handlers: VapHandlers = {
    publishVService: (identity, _version, document) =>
      Effect.gen(function* () {
        // "DHTname must equal it": a call agent provisioned for another overlay shall hear so.
        if (document.dhtName !== overlay.name) return yield* Effect.fail({ why: `unknown DHT ${document.dhtName}` });
        services.publish(identity, document);
        const quotaLimit = (nodes[0]?.configuration.now() ?? overlay).quota * nodes.length;
        return { quotaLimit, quotaCurrent: services.didCount(), dhtLifetimeS: NUMBER_LIFETIME_S };
      }),
    withdrawVService: (identity) =>
      Effect.gen(function* () {
        services.withdraw(identity);
        if (services.document(identity.vservice) === undefined) yield* publisher.withdraw(identity.vservice);
      }),
    publishNumber: (vservice, number) =>
      Effect.gen(function* () {
        yield* publisher
          .publish(vservice, number)
          .pipe(Effect.tapError(({ why }) => watch({ type: "publishFailed", number, why })));
        if (!services.addNumber(vservice, number)) return yield* Effect.fail({ why: "too many numbers" });
        yield* watch({ type: "published", number });
      }),
    uploadVcr: (vcr: Vcr) =>
      Effect.gen(function* () {
        if (vcr.direction === "sent") {
          if (!(yield* originating.take(vcr))) return yield* Effect.fail({ why: "too many calls wait" });
          return;
        }
        const kept = insertCall(calls, vcr, yield* Clock.currentTimeMillis);
        yield* Effect.tapError(records.received(kept), () => Effect.sync(() => removeCall(calls, kept.id)));
        const [call, hasCaller] = [timesOf(vcr), vcr.calling !== undefined];
        yield* watch({ type: "vcr", direction: "received", number: vcr.called, call, hasCaller });
      }),
  };
  const vap = yield* serveVap({ host, port: options.vapPort ?? 0, users: options.users }, handlers);

  return {
    vap: { host: vap.host, port: vap.port },
    pvp: { host: pvp.host, port: pvp.port },
    nodes,
    explain: (number) => Effect.sync(() => storyOf(told, number)),
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

const nodeIdsOf = Effect.fnUntraced(function* (nodes: ReadonlyArray<Credentials>) {
  const keys = yield* Keys;
  const facts = yield* Effect.forEach(nodes, ({ certificates }) => Effect.orDie(keys.inspect(certificates[0]!)));
  return facts.flatMap(({ nodeIds }) => nodeIds.slice(0, 1));
});

const issuersOf = Effect.fnUntraced(function* (options: ViprServerOptions, grantingNode: bigint) {
  const issuers = new Map<string, TicketIssuer>();
  for (const [grantingDomain, secret] of Object.entries(options.tickets)) {
    const lifetime = options.ticketLifetimeMs === undefined ? {} : { lifetimeMs: options.ticketLifetimeMs };
    issuers.set(grantingDomain, yield* openTicketIssuer({ grantingNode, grantingDomain, secret, ...lifetime }));
  }
  return issuers;
});

/** One after another: each finds the one before it in the ring. */
const startNodes = ({ nodes, overlay, host, reloadPort = 0, limits = {}, store }: ViprServerOptions, pvp: HostPort) =>
  Effect.forEach(nodes, (credentials, i) =>
    startNode({
      credentials,
      overlay,
      listen: { host, port: reloadPort === 0 ? 0 : reloadPort + i },
      applications: { [applicationId.pvp]: pvp },
      limits,
      ...(store === undefined ? {} : { store }),
    }),
  );

interface HostPort {
  readonly host: string;
  readonly port: number;
}
