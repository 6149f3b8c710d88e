/**
 * A running call agent at SIGHUP: vipr.toml is read again.
 *
 *   lists, numbers, certificates --> count from now on; new numbers are published, and those that have gone are not published again
 *   all else that has changed ------> WARN, with the keys: it counts after a restart
 */
import { Effect } from "effect";
import type { PublishProgress } from "../../actors/agent/mod.ts";
import type { AgentProxy } from "../../actors/proxy/mod.ts";
import type { Configuration } from "../config/mod.ts";
import type { Stopped } from "./exit.ts";
import { atHangUp } from "./hangup.ts";
import { warnOfOthers } from "./read-again.ts";
import { agentCredentials } from "./sip-credentials.ts";
import type { VapServers } from "./vap-servers.ts";

/** Progress of a publication is logged no more often. */
const PROGRESS_MS = 5_000;
const TABLES = ["agent", "trunk", "vap", "numbers", "lists", "records", "route", "fallback", "domain", "data"];
/** Keys that count from SIGHUP on. */
const TAKEN = ["numbers", "lists", "agent.certificate-file", "agent.key-file", "agent.ca-file"];

export interface ReadAgain {
  /** The configuration as it stands. */
  readonly now: () => Configuration;
  readonly take: (configuration: Configuration) => Effect.Effect<void>;
  readonly servers: VapServers;
  /** Undefined: there is no proxy, and numbers are those of the start, by which the record file is read. */
  readonly useCredentials: AgentProxy["useCredentials"] | undefined;
}

/**
 * At SIGHUP. What cannot be read leaves everything as it was, and is said; so is what has changed and counts after a restart only.
 * Numbers that are new are published; those that are ours no more are published no more.
 */
export const readAgentAgain = Effect.fnUntraced(function* (
  again: Effect.Effect<Configuration, Stopped> | undefined,
  { now, take, servers, useCredentials }: ReadAgain,
) {
  if (again === undefined) return;
  const first = now();
  const taken = useCredentials === undefined ? ["lists"] : TAKEN;
  const read = Effect.gen(function* () {
    const found = yield* again;
    const credentials = yield* agentCredentials(found.config);
    const next = useCredentials === undefined ? { ...found, plan: first.plan } : found;
    if (useCredentials !== undefined) yield* useCredentials(credentials);
    yield* take(next);
    yield* Effect.logInfo("agent.readAgain");
    yield* warnOfOthers("agent", first, found, { tables: TABLES, taken });
    const { added, removed } = yield* servers.publishAgain(next, progressLog());
    if (added + removed > 0) yield* Effect.logInfo("agent.numbers", { added, removed });
    if (removed > 0)
      yield* Effect.logWarning("agent.numbers.removed", "the overlay has them for up to a week", { removed });
  });
  yield* atHangUp(Effect.catch(read, ({ why }) => Effect.logError("agent.notReadAgain", why)));
});

/** How far a publication is, no more often than PROGRESS_MS. */
export const progressLog = () => {
  let saidMs = Number.NEGATIVE_INFINITY;
  return (progress: PublishProgress) =>
    Effect.suspend(() => {
      const isEnd = progress.done + progress.failed >= progress.of;
      const nowMs = performance.now();
      if (!isEnd && nowMs - saidMs < PROGRESS_MS) return Effect.void;
      saidMs = nowMs;
      return Effect.logInfo(isEnd ? "agent.published" : "agent.publishing", progress);
    });
};
