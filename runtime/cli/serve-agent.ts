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
import { withCaptures } from "../../actors/capture/mod.ts";
import type { Fallback } from "../../actors/fallback/mod.ts";
import { doubling, type RetryMs } from "../../actors/kit/mod.ts";
import { type Credentials, Entropy, type StoreShape } from "../../actors/ports/mod.ts";
import { type AgentProxy, type ProxyListen, serveAgentProxy } from "../../actors/proxy/mod.ts";
import { isOwn } from "../../codecs/numbers/mod.ts";
import type { Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import { type DecisionRules, vcrOfCall } from "../../machines/agent/mod.ts";
import type { CallReport, SipPeer } from "../../machines/proxy/mod.ts";
import { allowsDomain, allowsNumber, type Configuration, type ViprConfig } from "../config/mod.ts";
import { certificateEnd } from "../metrics/certificates.ts";
import { certificateFamily } from "../metrics/process.ts";
import { single } from "../metrics/table.ts";
import type { Family } from "../metrics/text.ts";
import type { Ports } from "../node.ts";
import { openSqlite } from "../store/sqlite.ts";
import { NO_CALLS, openAgentAdmin } from "./agent-admin.ts";
import { progressLog, readAgentAgain } from "./agent-again.ts";
import { serveDecisions, serveSipDecisions } from "./agent-decisions.ts";
import { listensOf, peersOf, wayFor } from "./agent-sip.ts";
import { sayCertificate, watchCertificate } from "./certificate-end.ts";
import { agentData, missing } from "./config-file.ts";
import { listenStopped, type Stopped, storeStopped } from "./exit.ts";
import { openAgentFallback } from "./fallback.ts";
import { AGENT_STORE, type Folder, openFolder } from "./folder.ts";
import { surviveHangUp } from "./hangup.ts";
import { shownNumber } from "./log.ts";
import { say } from "./output.ts";
import { openRecordReading } from "./record-program.ts";
import { openRouteControl, type RouteControl } from "./route-control.ts";
import { noteReady } from "./service.ts";
import { agentCredentials, trunkRoots } from "./sip-credentials.ts";
import { openVapServers, ownService, type VapAccount, type VapServers, vapAccount } from "./vap-servers.ts";
import { followRecords } from "./vcr-follow.ts";

const NAME = "vipr agent";
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
  /** The configuration as it stands at SIGHUP: its lists, numbers and certificates count from then on. */
  readonly again?: Effect.Effect<Configuration, Stopped>;
}

/** Until it is interrupted. */
export const serveAgent = (
  configuration: Configuration,
  settings: AgentSettings = {},
): Effect.Effect<void, Stopped, Ports | Scope.Scope> =>
  Effect.catchTag(withCaptures(standAgent(configuration, settings)), "StoreFailed", ({ reason, why }) =>
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
  let current = configuration;
  const now = () => current;
  const servers = yield* openVapServers(configuration, service, { name: NAME, account, learn: routes.keep });
  const outbox = yield* openOutbox({ store, upload: (yield* openUploads(servers)).upload });
  const agent: AgentParts = {
    now,
    folder,
    store,
    outbox,
    vservice: service.vservice,
    rules: rulesOf(now, control.to),
    known: () => routes.all().length,
    control,
  };
  const { lines, useCredentials } = yield* sip === undefined ? followCalls(agent, followed!) : proxyCalls(agent, sip);
  const routing = yield* serveDecisions(agent);
  const redirects = yield* serveSipDecisions(agent);
  say(
    [
      ...lines,
      `route    ${routing === undefined ? "not served: route.listen" : `http://${addressText(routing)}/route`}`,
      ...(redirects.length === 0 ? [] : [`redirect ${redirects.join(" ")}`]),
      `routes   ${routes.all().length} known; ${outbox.counts().waiting} call records wait for the server`,
      `numbers  ${servers.numbers === 0 ? "none published: agent.public and numbers.own" : `${servers.numbers} to publish`}`,
    ].join("\n"),
  );
  yield* Effect.forkScoped(Effect.ignore(publish(servers)));
  const take = (next: Configuration) =>
    Effect.sync(() => {
      current = next;
    });
  yield* readAgentAgain(settings.again, { now, take, servers, useCredentials });
  yield* settings.serving ?? noteReady("serves");
  return yield* Effect.never;
});

interface AgentParts {
  /** The configuration as it stands. */
  readonly now: () => Configuration;
  readonly folder: Folder;
  readonly store: StoreShape;
  readonly outbox: Outbox;
  readonly vservice: VServiceId;
  readonly rules: DecisionRules;
  /** How many routes are known. */
  readonly known: () => number;
  readonly control: RouteControl;
}

const rulesOf = (now: AgentParts["now"], to: Routes["to"]): DecisionRules => ({
  isOwn: (number) => isOwn(now().plan, number),
  allowsNumber: (number) => allowsNumber(now().config.lists, number),
  allowsDomain: (domain) => allowsDomain(now().config.lists, domain),
  routeTo: to,
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
  agent: AgentParts,
  { credentials, servers, peers, listen, fallback }: SipParts,
) {
  const { now, store, outbox, vservice, rules } = agent;
  const { config } = now();
  let shown = credentials;
  const proxy = yield* serveAgentProxy({
    listen: fallback === undefined ? listen : [...listen, fallback.listen],
    ...(fallback === undefined ? {} : { fallback: fallback.agent }),
    peers,
    servers,
    ...(credentials === undefined ? {} : { credentials }),
    route: wayFor({ config, plan: () => now().plan }, rules),
    record: (reports, also) => Effect.flatMap(recordsOf(now(), vservice, reports), (vcrs) => outbox.put(vcrs, also)),
    store,
    timing: { attemptMs: config.agent.attemptTimeoutMs },
  }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "agent.listen takes another"))),
  );
  const at = proxy.listening
    .slice(0, listen.length)
    .map((on, i) => `${listen[i]!.transport.toLowerCase()}:${addressText(on)}`);
  const { border } = config.agent;
  const lines = [
    `sip      ${at.join(" ")}`,
    `trunks   ${config.trunk.map(({ name }) => name).join(" ")}`,
    `border   ${border === undefined ? "none: calls go to the trunks only" : addressText(border)}`,
    yield* adminOf(agent, proxy, fallback, () => [certificateFamily({ sip: certificateEnd(shown) }, Date.now())]),
  ];
  yield* watchCertificate("agent", () => shown);
  const useCredentials: AgentProxy["useCredentials"] = (next) => {
    shown = next;
    return Effect.andThen(proxy.useCredentials(next), sayCertificate("agent", next));
  };
  return { lines, useCredentials };
});

const adminOf = (
  { folder, now, known, outbox, control }: AgentParts,
  proxy: Parameters<typeof openAgentAdmin>[2],
  fallback?: Fallback,
  more: () => ReadonlyArray<Family> = () => [],
) => {
  const families = () => [
    single("vipr_agent_routes", known()),
    single("vipr_agent_records_waiting", outbox.counts().waiting),
    ...more(),
  ];
  return openAgentAdmin(folder, now, proxy, fallback, families, control);
};

/** Calls that the exchange writes down: where there is no proxy. Gives lines for the operator. */
const followCalls = Effect.fnUntraced(function* (agent: AgentParts, file: string) {
  const { now, store, outbox, vservice } = agent;
  const reading = yield* openRecordReading({ configuration: now(), store, outbox, vservice });
  const following = Effect.scoped(followRecords(reading, file, { print: () => {}, flush: () => {} }));
  const told = Effect.tapError(following, ({ why }) => Effect.logError("agent.records", why));
  yield* Effect.forkScoped(Effect.retry(told, doubling(FOLLOW_AGAIN_MS)));
  const lines = ["sip      not served: agent.listen", `records  ${file}`, yield* adminOf(agent, NO_CALLS)];
  return { lines, useCredentials: undefined };
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
const publish = (servers: VapServers) =>
  Effect.catch(servers.publishAll(progressLog()), ({ why }) => Effect.logError("agent.publish", why));
