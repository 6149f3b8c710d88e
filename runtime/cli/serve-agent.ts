/**
 * The call agent as a process.
 *
 *   PBX <--SIP--> proxy <--SIP--> trunks            agent.sqlite: routes, calls under way, records, who we are
 *                  |  +---SIP----> border element
 *                  | calls that are over --> outbox --VAP--> ViPR server, or the backup
 *                  +-- route? <-- cache <-----Notify--------------+
 *                        +------> GET /route
 */
import { Effect, type Scope } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { type Outbox, openOutbox, openRouteCache, openUploads, type Routes } from "../../actors/agent/mod.ts";
import type { Fallback } from "../../actors/fallback/mod.ts";
import { doubling, type RetryMs } from "../../actors/kit/mod.ts";
import { type Credentials, Entropy, type StoreShape } from "../../actors/ports/mod.ts";
import { type ProxyListen, serveAgentProxy, serveRedirects } from "../../actors/proxy/mod.ts";
import { isOwn, readNumber } from "../../codecs/numbers/mod.ts";
import type { Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import { type DecisionRules, decideCall, vcrOfCall } from "../../machines/agent/mod.ts";
import type { CallReport, SipPeer } from "../../machines/proxy/mod.ts";
import { allowsDomain, allowsNumber, type Configuration, type ViprConfig } from "../config/mod.ts";
import { certificateEnd } from "../metrics/certificates.ts";
import { certificateFamily } from "../metrics/process.ts";
import { single } from "../metrics/table.ts";
import type { Ports } from "../node.ts";
import { serveRoutes } from "../route-service.ts";
import { openSqlite } from "../store/sqlite.ts";
import { openAgentAdmin } from "./agent-admin.ts";
import { listensOf, peersOf, wayFor } from "./agent-sip.ts";
import { agentData, missing } from "./config-file.ts";
import { listenStopped, type Stopped, stopped, storeStopped } from "./exit.ts";
import { openAgentFallback } from "./fallback.ts";
import { AGENT_STORE, type Folder, openFolder } from "./folder.ts";
import { atHangUp, surviveHangUp } from "./hangup.ts";
import { shownNumber } from "./log.ts";
import { say } from "./output.ts";
import { passwordFrom } from "./password.ts";
import { openRecordReading } from "./record-program.ts";
import { openRouteControl, type RouteControl } from "./route-control.ts";
import { noteReady } from "./service.ts";
import { agentCredentials, trunkRoots } from "./sip-credentials.ts";
import { openVapServers, ownService, type VapAccount, type VapServers, vapAccount } from "./vap-servers.ts";
import { followRecords } from "./vcr-follow.ts";

const NAME = "vipr agent";
/** Progress of a publication is logged no more often. */
const PROGRESS_MS = 5_000;
/** Of a record file that could not be read for a minute. */
const FOLLOW_AGAIN_MS: RetryMs = [1_000, 60_000];

/** What `vipr company` knows without the configuration. */
export interface AgentSettings {
  /** Default: as `[vap]` has it. */
  readonly account?: VapAccount;
  /** Beside agent.listen. */
  readonly listen?: ReadonlyArray<ProxyListen>;
  /** What takes calls to the telephone network. Default: as `[fallback]` has it. */
  readonly fallback?: Fallback | undefined;
  /** Performed once it serves. */
  readonly serving?: Effect.Effect<unknown>;
  /** The configuration as it stands at SIGHUP: its lists count from then on. */
  readonly again?: Effect.Effect<Configuration, Stopped>;
}

/** Until it is interrupted. */
export const serveAgent = (
  configuration: Configuration,
  settings: AgentSettings = {},
): Effect.Effect<void, Stopped, Ports | Scope.Scope> =>
  Effect.catchTag(standAgent(configuration, settings), "StoreFailed", ({ reason, why }) =>
    Effect.fail(storeStopped(AGENT_STORE, reason, why)),
  );

const standAgent = Effect.fnUntraced(function* (configuration: Configuration, settings: AgentSettings) {
  const { config } = configuration;
  yield* surviveHangUp;
  const fallback = settings.fallback ?? (yield* openAgentFallback(configuration));
  const followed = config.agent.listen.length === 0 ? config.records.file : undefined;
  const sip = followed === undefined ? yield* sipOf(config, { ...settings, fallback }) : undefined;
  const data = agentData(config) ?? (yield* missing("agent.data", "the directory for routes and records"));
  const folder = yield* openFolder(data);
  const store = yield* openSqlite({ file: folder.at(AGENT_STORE) });
  const routes = yield* openRouteCache({ store });
  const control = yield* openRouteControl(folder, routes);
  const service = yield* ownService(store, yield* Entropy, config);
  const account = settings.account ?? (yield* vapAccount(config));
  const servers = yield* openVapServers(configuration, service, { name: NAME, account, learn: routes.keep });
  const outbox = yield* openOutbox({ store, upload: (yield* openUploads(servers)).upload });
  const agent: AgentParts = {
    configuration,
    folder,
    store,
    outbox,
    vservice: service.vservice,
    rules: rulesOf(configuration.plan, yield* readLists(settings.again, config.lists), control.to),
    known: () => routes.all().length,
    control,
  };
  const calls = yield* sip === undefined ? followCalls(agent, followed!) : proxyCalls(agent, sip);
  const routing = yield* serveDecisions(configuration, agent.rules);
  const redirects = yield* serveSipDecisions(configuration, agent.rules);
  say(
    [
      ...calls,
      `route    ${routing === undefined ? "not served: route.listen" : `http://${addressText(routing)}/route`}`,
      ...(redirects.length === 0 ? [] : [`redirect ${redirects.join(" ")}`]),
      `routes   ${routes.all().length} known; ${outbox.counts().waiting} call records wait for the server`,
      `numbers  ${servers.numbers === 0 ? "none published: agent.public and numbers.own" : `${servers.numbers} to publish`}`,
    ].join("\n"),
  );
  yield* Effect.forkScoped(Effect.ignore(publish(servers)));
  yield* settings.serving ?? noteReady("serves");
  return yield* Effect.never;
});

interface AgentParts {
  readonly configuration: Configuration;
  readonly folder: Folder;
  readonly store: StoreShape;
  readonly outbox: Outbox;
  readonly vservice: VServiceId;
  readonly rules: DecisionRules;
  /** How many routes are known. */
  readonly known: () => number;
  readonly control: RouteControl;
}

/** `lists`: as they stand now. */
const rulesOf = (plan: Configuration["plan"], lists: () => ViprConfig["lists"], to: Routes["to"]): DecisionRules => ({
  isOwn: (number) => isOwn(plan, number),
  allowsNumber: (number) => allowsNumber(lists(), number),
  allowsDomain: (domain) => allowsDomain(lists(), domain),
  routeTo: to,
});

/** At SIGHUP. What cannot be read leaves everything as it was, and is said. */
const readLists = Effect.fnUntraced(function* (again: AgentSettings["again"], lists: ViprConfig["lists"]) {
  let now = lists;
  const read = Effect.flatMap(again ?? Effect.never, ({ config }) => {
    now = config.lists;
    return Effect.logInfo("agent.readAgain");
  });
  yield* atHangUp(
    again === undefined ? Effect.void : Effect.catch(read, ({ why }) => Effect.logError("agent.notReadAgain", why)),
  );
  return () => now;
});

interface SipParts {
  readonly credentials: Credentials | undefined;
  readonly servers: ReadonlyMap<string, ReadonlyArray<Uint8Array>>;
  readonly peers: ReadonlyArray<SipPeer>;
  readonly listen: ReadonlyArray<ProxyListen>;
  readonly fallback: Fallback | undefined;
}

/** Looked at before anything is opened. */
const sipOf = Effect.fnUntraced(function* (config: ViprConfig, { listen = [], fallback }: AgentSettings) {
  const credentials = yield* agentCredentials(config);
  const peers = yield* peersOf(config);
  const servers = yield* trunkRoots(config);
  return {
    credentials,
    servers,
    peers: fallback === undefined ? peers : [...peers, fallback.peer],
    listen: [...(yield* listensOf(config, credentials)), ...listen],
    fallback,
  } satisfies SipParts;
});

/** Calls that pass through the proxy. Gives lines for the operator. */
const proxyCalls = Effect.fnUntraced(function* (
  { configuration, folder, store, outbox, vservice, rules, known, control }: AgentParts,
  { credentials, servers, peers, listen, fallback }: SipParts,
) {
  const { config } = configuration;
  const proxy = yield* serveAgentProxy({
    listen: fallback === undefined ? listen : [...listen, fallback.listen],
    ...(fallback === undefined ? {} : { fallback: fallback.agent }),
    peers,
    servers,
    ...(credentials === undefined ? {} : { credentials }),
    route: wayFor(configuration, rules),
    record: (reports, also) =>
      Effect.flatMap(recordsOf(configuration, vservice, reports), (vcrs) => outbox.put(vcrs, also)),
    store,
    timing: { attemptMs: config.agent.attemptTimeoutMs },
  }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "agent.listen takes another"))),
  );
  const at = proxy.listening
    .slice(0, listen.length)
    .map((on, i) => `${listen[i]!.transport.toLowerCase()}:${addressText(on)}`);
  const { border } = config.agent;
  return [
    `sip      ${at.join(" ")}`,
    `trunks   ${config.trunk.map(({ name }) => name).join(" ")}`,
    `border   ${border === undefined ? "none: calls go to the trunks only" : addressText(border)}`,
    yield* openAgentAdmin(
      folder,
      configuration,
      proxy,
      fallback,
      () => [
        single("vipr_agent_routes", known()),
        single("vipr_agent_records_waiting", outbox.counts().waiting),
        certificateFamily({ sip: certificateEnd(credentials) }, Date.now()),
      ],
      control,
    ),
  ];
});

/** Calls that the exchange writes down: where there is no proxy. Gives lines for the operator. */
const followCalls = Effect.fnUntraced(function* ({ configuration, store, outbox, vservice }: AgentParts, file: string) {
  const reading = yield* openRecordReading({ configuration, store, outbox, vservice });
  const following = Effect.scoped(followRecords(reading, file, { print: () => {}, flush: () => {} }));
  const told = Effect.tapError(following, ({ why }) => Effect.logError("agent.records", why));
  yield* Effect.forkScoped(Effect.retry(told, doubling(FOLLOW_AGAIN_MS)));
  return [`sip      not served: agent.listen`, `records  ${file}`];
});

/** What is no record of ours is counted by the log, with the reason. */
const recordsOf = (
  { plan }: Configuration,
  vservice: Vcr["vservice"],
  reports: ReadonlyArray<CallReport>,
): Effect.Effect<ReadonlyArray<Vcr>> =>
  Effect.map(
    Effect.forEach(reports, (report) => {
      const judged = vcrOfCall(plan, report, vservice);
      const { direction, trunk, startMs, stopMs } = report;
      const about = { direction, trunk, ms: stopMs - startMs };
      return "vcr" in judged
        ? Effect.as(
            Effect.flatMap(shownNumber(judged.vcr.called), (called) => Effect.logInfo("agent.call", called, about)),
            [judged.vcr],
          )
        : Effect.as(Effect.logInfo("agent.call.aside", judged.aside, { ...about, why: judged.detail ?? "" }), []);
    }),
    (found) => found.flat(),
  );

/** Refused only by a server whose operator must do something: said once, with the reason; calls go on. */
const publish = Effect.fnUntraced(function* (servers: VapServers) {
  let saidMs = Number.NEGATIVE_INFINITY;
  yield* servers
    .publishAll((progress) =>
      Effect.suspend(() => {
        const isEnd = progress.done + progress.failed >= progress.of;
        const nowMs = performance.now();
        if (!isEnd && nowMs - saidMs < PROGRESS_MS) return Effect.void;
        saidMs = nowMs;
        return Effect.logInfo(isEnd ? "agent.published" : "agent.publishing", progress);
      }),
    )
    .pipe(Effect.catch(({ why }) => Effect.logError("agent.publish", why)));
});

const serveDecisions = Effect.fnUntraced(function* ({ config, plan }: Configuration, rules: DecisionRules) {
  const { listen, tokenFile } = config.route;
  if (listen === undefined) return undefined;
  if (tokenFile === undefined) return yield* missing("route.token-file", "the token that is asked for");
  const token = yield* passwordFrom(tokenFile, "token");
  return yield* serveRoutes(listen, {
    token,
    decide: ({ called }) => decideCall(rules, readNumber(plan, called, { source: "dialled" }).number, Date.now()),
  }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "route.listen takes another"))),
  );
});

const serveSipDecisions = Effect.fnUntraced(function* ({ config, plan }: Configuration, rules: DecisionRules) {
  const said: Array<string> = [];
  for (const { transport, host, port } of config.route.redirect) {
    if (transport === "tls") return yield* stopped("usage", "route.redirect: UDP or TCP, not TLS");
    const on = yield* serveRedirects(
      { transport: transport === "udp" ? "UDP" : "TCP", host, port },
      {
        decide: ({ uri }) => decideCall(rules, readNumber(plan, uri, { source: "dialled" }).number, Date.now()),
        border: config.agent.border,
      },
    ).pipe(
      Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "route.redirect takes another"))),
    );
    said.push(`${transport}:${addressText(on)}`);
  }
  return said;
});
