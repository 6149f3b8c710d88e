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
import { openOutbox, openRouteCache, openUploads } from "../../actors/agent/mod.ts";
import { Entropy, type StoreFailed } from "../../actors/ports/mod.ts";
import { serveAgentProxy, serveRedirects } from "../../actors/proxy/mod.ts";
import { isOwn, readNumber } from "../../codecs/numbers/mod.ts";
import { maskE164, type Vcr } from "../../codecs/shared/mod.ts";
import { type DecisionRules, decideCall, vcrOfCall } from "../../machines/agent/mod.ts";
import type { CallReport } from "../../machines/proxy/mod.ts";
import { allowsDomain, allowsNumber, type Configuration } from "../config/mod.ts";
import type { Ports } from "../node.ts";
import { serveRoutes } from "../route-service.ts";
import { openSqlite } from "../store/sqlite.ts";
import { listensOf, peersOf, wayFor } from "./agent-sip.ts";
import { missing } from "./config-file.ts";
import { listenStopped, type Stopped, stopped, storeStopped } from "./exit.ts";
import { openFolder } from "./folder.ts";
import { say } from "./output.ts";
import { passwordFrom } from "./password.ts";
import { agentCredentials } from "./sip-credentials.ts";
import { openVapServers, ownService, type VapServers } from "./vap-servers.ts";

/** What outlives the process, in the directory `agent.data`. */
export const AGENT_STORE = "agent.sqlite";
const NAME = "vipr agent";
/** Progress of a publication is logged no more often. */
const PROGRESS_MS = 5_000;

const openStore = Effect.fnUntraced(function* ({ config }: Configuration) {
  const data = config.agent.data ?? (yield* missing("agent.data", "the directory for routes and records"));
  const folder = yield* openFolder(data);
  return { folder, store: yield* openSqlite({ file: folder.at(AGENT_STORE) }) };
});

const keepsStore = <A, R>(work: Effect.Effect<A, StoreFailed | Stopped, R>): Effect.Effect<A, Stopped, R> =>
  Effect.catchTag(work, "StoreFailed", ({ reason, why }) => Effect.fail(storeStopped(AGENT_STORE, reason, why)));

/** Until it is interrupted. */
export const serveAgent = (configuration: Configuration): Effect.Effect<void, Stopped, Ports | Scope.Scope> =>
  keepsStore(standAgent(configuration));

const standAgent = Effect.fnUntraced(function* (configuration: Configuration) {
  const { config, plan } = configuration;
  const credentials = yield* agentCredentials(config);
  const peers = yield* peersOf(config);
  const listen = yield* listensOf(config, credentials);
  const { store } = yield* openStore(configuration);
  const routes = yield* openRouteCache({ store });
  const service = yield* ownService(store, yield* Entropy, config);
  const servers = yield* openVapServers(configuration, service, { name: NAME, learn: routes.keep });
  const { upload } = yield* openUploads(servers);
  const outbox = yield* openOutbox({ store, upload });
  const rules: DecisionRules = {
    isOwn: (number) => isOwn(plan, number),
    allowsNumber: (number) => allowsNumber(config.lists, number),
    allowsDomain: (domain) => allowsDomain(config.lists, domain),
    routeTo: routes.to,
  };
  const proxy = yield* serveAgentProxy({
    listen,
    peers,
    ...(credentials === undefined ? {} : { credentials }),
    route: wayFor(configuration, rules),
    record: (reports, forget) =>
      Effect.flatMap(recordsOf(configuration, service.vservice, reports), (vcrs) => outbox.put(vcrs, forget)),
    store,
    timing: { attemptMs: config.agent.attemptTimeoutMs },
  }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "agent.listen takes another"))),
  );
  const routing = yield* serveDecisions(configuration, rules);
  const redirects = yield* serveSipDecisions(configuration, rules);
  const at = proxy.listening.map((on, i) => `${listen[i]!.transport.toLowerCase()}:${addressText(on)}`);
  say(
    [
      `sip      ${at.join(" ")}`,
      `trunks   ${config.trunk.map(({ name }) => name).join(" ")}`,
      `border   ${config.agent.border === undefined ? "none: calls go to the trunks only" : addressText(config.agent.border)}`,
      `route    ${routing === undefined ? "not served: route.listen" : `http://${addressText(routing)}/route`}`,
      ...(redirects.length === 0 ? [] : [`redirect ${redirects.join(" ")}`]),
      `routes   ${routes.all().length} known; ${outbox.counts().waiting} call records wait for the server`,
      `numbers  ${servers.numbers === 0 ? "none published: agent.public and numbers.own" : `${servers.numbers} to publish`}`,
    ].join("\n"),
  );
  yield* Effect.forkScoped(Effect.ignore(publish(servers)));
  return yield* Effect.never;
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
        ? Effect.as(Effect.logInfo("agent.call", maskE164(judged.vcr.called), about), [judged.vcr])
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
