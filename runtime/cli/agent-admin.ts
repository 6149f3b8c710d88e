/** The admin port of a call agent: the calls that it carries, what it counts, what it could not read. DECISIONS.md D-149. */
import { Effect } from "effect";
import {
  addressText,
  CALL_ROWS_MAX,
  CALLS_VERSION,
  type CallRow,
  type CallsReport,
  handleCalls,
  handleListed,
  isoOf,
  type ListedOrders,
  makeLadders,
  withHealth,
  withLadders,
} from "../../actors/admin/mod.ts";
import type { Fallback } from "../../actors/fallback/mod.ts";
import type { AgentProxy } from "../../actors/proxy/mod.ts";
import { maskE164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { vcrOfCall } from "../../machines/agent/mod.ts";
import type { CallView } from "../../machines/proxy/mod.ts";
import type { Configuration } from "../config/mod.ts";
import type { Family } from "../metrics/text.ts";
import { pagesOf } from "../page/programs.ts";
import { callsHealth } from "./calls-health.ts";
import { newToken } from "./door.ts";
import { exitCode, listenStopped, type Stopped } from "./exit.ts";
import { AGENT_STORE, type Folder } from "./folder.ts";
import { openDoor } from "./open-door.ts";

type Shown = Pick<AgentProxy, "counters" | "newestCalls" | "unreadable" | "messages" | "placeOf">;

/** Where the exchange writes calls down and none passes through: routes and health are asked for all the same. */
export const NO_CALLS: Shown = {
  counters: () => ({
    ...{ calls: 0, answered: 0, viaVipr: 0, failedOver: 0, refusedByLimit: 0, loops: 0, strangers: 0, unreadable: 0 },
    ...{ strayResponses: 0, fellBack: {}, underWay: 0, transactions: 0, unwritten: 0 },
  }),
  newestCalls: () => [],
  unreadable: { byReason: () => ({}), newest: () => [] },
  messages: { after: () => ({ last: 0, messages: [] }) },
  placeOf: ({ host }) => ({ side: "stranger", name: host }),
};

/** Opens it, unless the configuration says that there is none. Gives the line for the operator. `configuration`: as it stands now. */
export const openAgentAdmin = Effect.fn("agent.admin")(function* (
  folder: Folder,
  configuration: () => Configuration,
  proxy: Shown,
  fallback?: Pick<Fallback, "counts">,
  more: () => ReadonlyArray<Family> = () => [],
  routes?: ListedOrders,
) {
  const { admin = FREE } = configuration().config.agent;
  if (admin === "none") return "admin    not served: agent.admin";
  const startedMs = Date.now();
  const report = Effect.sync(() => {
    const made = reportOf(configuration(), proxy, startedMs, Date.now());
    return fallback === undefined ? made : { ...made, reasons: { ...made.reasons, fallback: fallback.counts() } };
  });
  const health = yield* callsHealth({ folder, store: AGENT_STORE, startedMs, report, more });
  const token = newToken();
  const calls = withLadders(makeLadders(proxy.messages, proxy.placeOf), handleCalls(report));
  const answer = withHealth(health, routes === undefined ? calls : handleListed(token, { routes }, calls));
  const at = yield* openDoor(folder, admin, token, answer, pagesOf(configuration().config)).pipe(
    Effect.map((at) => `http://${addressText(at)}/calls.json`),
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "agent.admin takes another"))),
    // Calls are not given up for the sake of a report: a full disk is said, and served without.
    Effect.catchIf(isOfDisk, ({ why }) => Effect.as(Effect.logWarning("agent.admin", why), `not served: ${why}`)),
  );
  return `admin    ${at}`;
});

export const reportOf = (
  { plan }: Pick<Configuration, "plan">,
  { counters, newestCalls, unreadable }: Pick<AgentProxy, "counters" | "newestCalls" | "unreadable">,
  startedMs: number,
  nowMs: number,
): CallsReport => {
  const { fellBack, underWay, ...counts } = counters();
  return {
    version: CALLS_VERSION,
    program: "agent",
    upSeconds: Math.max(0, Math.round((nowMs - startedMs) / 1_000)),
    underWay,
    calls: newestCalls(CALL_ROWS_MAX).map((call) => rowOf(plan, call, nowMs)),
    counters: counts,
    reasons: { fellBack, unreadable: unreadable.byReason() },
    unreadable: unreadable.newest().map(({ atMs, ...entry }) => ({ at: isoOf(atMs), ...entry })),
  };
};

/** Its numbers are those that its record will have. */
const rowOf = (
  plan: Configuration["plan"],
  { id, direction, trunk, startMs, texts }: CallView,
  nowMs: number,
): CallRow => {
  const isUp = startMs > 0 && texts !== undefined;
  const atMs = unixMs(Math.max(startMs, nowMs));
  const judged = isUp
    ? vcrOfCall(plan, { ...texts, id, direction, trunk, startMs: unixMs(startMs), stopMs: atMs }, NO_SERVICE)
    : undefined;
  const vcr = judged !== undefined && "vcr" in judged ? judged.vcr : undefined;
  return {
    id,
    direction,
    state: isUp ? "up" : "ringing",
    by: trunk,
    seconds: isUp ? Math.max(0, Math.round((nowMs - startMs) / 1_000)) : 0,
    calling: vcr?.calling === undefined ? null : maskE164(vcr.calling),
    called: vcr === undefined ? null : maskE164(vcr.called),
  };
};
const isOfDisk = ({ code }: Stopped): boolean => code === exitCode.diskFull || code === exitCode.notWritable;
const FREE = { host: "127.0.0.1", port: 0 };
const NO_SERVICE = vserviceId(0n);
