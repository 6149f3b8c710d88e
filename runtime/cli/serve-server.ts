/**
 * A ViPR server as a process: a member of the overlay (member.ts) that also speaks VAP to call agents and PVP to other servers.
 *
 *   agents, domains --> looked at each second --> VAP's users, tickets, private domains
 *   values.sqlite ----> what the node keeps, call records, proofs: one file, one owner
 */
import { Clock, Effect, type Scope } from "effect";
import { addressText, makeHappenings } from "../../actors/admin/mod.ts";
import type { Credentials } from "../../actors/ports/mod.ts";
import type { JoinFailed } from "../../actors/reload/mod.ts";
import {
  startViprServer,
  type ViprDomains,
  type ViprEvent,
  type ViprServer,
  type ViprServerOptions,
} from "../../actors/vipr/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { PvpGroupBits } from "../../codecs/validation/mod.ts";
import { countEvents, type EventCounts, serverFamilies } from "../metrics/server.ts";
import type { Ports } from "../node.ts";
import { happened } from "../page/happening.ts";
import { type Agents, openAgents } from "./agents.ts";
import { type ClusterSettings, clusterIn, type RunningCluster } from "./cluster.ts";
import { type Declared, declare } from "./declared.ts";
import { followDomains } from "./domains.ts";
import { listenStopped, type Stopped, stopped } from "./exit.ts";
import { lookAgain } from "./lines.ts";
import { shownNumber } from "./log.ts";
import { type MemberSettings, type Membership, type Standing, serveMember } from "./member.ts";
import { openServerControl } from "./server-control.ts";
import { openTraces } from "./server-traces.ts";
import { openTenants } from "./tenants.ts";
import { fingerprintText } from "./trust.ts";
import { openVapCredentials, VAP_ROOT } from "./vap-door.ts";

export interface ServerSettings extends MemberSettings {
  readonly vap: Endpoint;
  /** How VAP is spoken there. */
  readonly vapOver: "loopback" | "tls" | "plain";
  readonly pvp: Endpoint;
  readonly advertisePvp: Endpoint | undefined;
  readonly pvpGroup: PvpGroupBits | undefined;
  /** What the operator decides of validations; undefined leaves the default. */
  readonly requiredBits: number | undefined;
  readonly waitBetweenMs: readonly [min: number, max: number] | undefined;
  readonly graceMs: number | undefined;
  /** Call agents of the configuration, each with the file of its password; and domains of it. */
  readonly agents: Readonly<Record<string, string>>;
  readonly domains: ReadonlyArray<string>;
  /** The company's other servers, with the same PostgreSQL. */
  readonly cluster?: ClusterSettings | undefined;
  /** A collector of OpenTelemetry. */
  readonly otlp?: string | undefined;
  /** Both as the configuration has them at SIGHUP. */
  readonly again?: Effect.Effect<Declared, Stopped>;
}

export const serveServer = (settings: ServerSettings): Effect.Effect<void, Stopped, Ports | Scope.Scope> =>
  serveMember(settings, (membership) => standServer(settings, membership));

export interface StandingServer extends Standing {
  readonly vap: Endpoint;
}

export const standServer = Effect.fnUntraced(function* (
  settings: ServerSettings,
  { folder, node, membership }: Membership,
): Effect.fn.Return<StandingServer, Stopped | JoinFailed, Ports | Scope.Scope> {
  yield* declare(folder, settings);
  const agents = yield* openAgents(folder);
  const tenants = yield* openTenants(folder);
  const follow = yield* followDomains(folder);
  const domains = yield* follow;
  const counted = countEvents();
  const control = yield* openServerControl(folder);
  const happenings = makeHappenings();
  const traced = yield* openTraces(folder, settings.otlp);
  const tls = settings.vapOver === "tls" ? yield* openVapCredentials(folder) : undefined;
  const { credentials, overlay, listen, limits, store, ...told } = node;
  const cluster = yield* clusterIn(settings.cluster, membership);
  const options: ViprServerOptions = {
    nodes: [credentials],
    overlay,
    node: told,
    listen: { reload: listen, vap: settings.vap, pvp: settings.pvp },
    ...given("advertisePvp", settings.advertisePvp),
    ...given("pvpGroup", settings.pvpGroup),
    vap: { users: agents.keyOf, insecureVap: settings.vapOver === "plain", ...given("tls", tls) },
    ...domains,
    ...validationsOf(settings),
    ...given("limits", limits),
    ...given("tenants", tenants),
    off: control.off,
    ...given("cluster", cluster),
    store,
    watch: (event, tenant) => {
      counted.record(event, tenant);
      traced(event);
      return Effect.andThen(
        Effect.map(Clock.currentTimeMillis, (atMs) => happened(happenings, event, atMs)),
        logged(event, tenant),
      );
    },
  };
  const server = yield* startViprServer(options).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "--vap or --pvp takes another"))),
    Effect.catchTag("InsecureVap", ({ host }) =>
      Effect.fail(stopped("usage", `VAP in plain TCP at ${host}: --insecure-vap`)),
    ),
  );
  yield* lookAgain(setAgain(follow, domains, server));
  const names = Object.keys(domains.tickets);
  const said = linesOf(settings, server, { cluster, overlay: overlay.name, tls, agents, domains: names });
  const metrics = familiesOf(server, counted, cluster);
  const readAgain = Effect.flatMap(settings.again ?? Effect.succeed(settings), (now) => declare(folder, now));
  const listed = control.listed(server.operator);
  const standing = { node: server.nodes[0]!, explain: server.explain, listed, said, vap: server.vap };
  return { ...standing, metrics, happenings, readAgain };
});

const familiesOf = ({ counters }: ViprServer, counted: EventCounts, cluster: RunningCluster | undefined) =>
  Effect.map(Effect.all([counters, cluster?.families ?? Effect.succeed([])]), ([now, ofCluster]) => [
    ...serverFamilies(now),
    ...counted.families(),
    ...ofCluster,
  ]);

/** What tickets are granted for, where that has changed. */
const setAgain = <E>(follow: Effect.Effect<ViprDomains, E>, first: ViprDomains, { setDomains }: ViprServer) => {
  let seen = first;
  return Effect.flatMap(follow, (now) => {
    if (now === seen) return Effect.void;
    seen = now;
    return setDomains(now);
  });
};

const validationsOf = ({ requiredBits, waitBetweenMs, graceMs }: ServerSettings) => ({
  ...given("requiredBits", requiredBits),
  ...given("waitBetweenMs", waitBetweenMs),
  ...given("graceMs", graceMs),
});

/** Left out where it is not given. */
const given = <K extends string, A>(key: K, value: A | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [_ in K]?: A };

interface Told {
  readonly cluster: RunningCluster | undefined;
  readonly overlay: string;
  readonly tls: Credentials | undefined;
  readonly agents: Agents;
  readonly domains: ReadonlyArray<string>;
}

const linesOf = (
  { data, vapOver, advertisePvp }: ServerSettings,
  { vap, pvp }: ViprServer,
  { overlay, tls, agents, domains, cluster }: Told,
): ReadonlyArray<string> => {
  const how = { loopback: "", plain: ", in plain TCP", tls: tls && `, TLS, root ${fingerprintText(tls.roots[0]!)}` };
  const where = tls === undefined ? "" : ` in ${VAP_ROOT}`;
  const reached = advertisePvp === undefined ? "" : `, reached at ${addressText(reachedAt(advertisePvp, pvp))}`;
  const none = (order: string) => `none yet: vipr server ${order} --data ${data}`;
  return [
    `vap      ${addressText(vap)}${how[vapOver]}${where}; DHTname ${overlay}`,
    `pvp      ${addressText(pvp)}${reached}`,
    ...(cluster === undefined ? [] : [`cluster  ${addressText(cluster.at)}, member ${cluster.self}`]),
    `agents   ${agents.count === 0 ? none("add-agent NAME") : agents.count}`,
    `domains  ${domains.length === 0 ? none("add-domain DOMAIN") : domains.toSorted().join(" ")}`,
  ];
};

const reachedAt = ({ host, port }: Endpoint, pvp: Endpoint): Endpoint => ({ host, port: port === 0 ? pvp.port : port });

/**
 * A line each for what an operator may wait for, the rest with --verbose; with the company where it is not the server's own. No
 * number is whole, no ticket is told.
 */
const logged = (event: ViprEvent, tenant: string): Effect.Effect<void> =>
  Effect.flatMap(shownNumber(event.number), (number) => {
    const of = tenant === "" ? [] : [{ tenant }];
    switch (event.type) {
      case "learned":
        return Effect.logInfo("vipr.learned", number, event.domain, { told: event.told }, ...of);
      case "granted":
        return Effect.logInfo("vipr.granted", number, event.domain, ...of);
      case "declined":
        return Effect.logInfo("vipr.declined", number, event.domain, event.code, ...of);
      case "publishFailed":
        return Effect.logWarning("vipr.publishFailed", number, event.why, ...of);
      case "attempted":
        return Effect.logDebug("vipr.attempted", number, event.attempt.verdict, ...of);
      default:
        return Effect.logDebug(`vipr.${event.type}`, number, ...of);
    }
  });
