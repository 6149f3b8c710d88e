/**
 * The admin port of a program that carries calls: what it is asked, answered from memory. DECISIONS.md D-149.
 *
 *   GET /calls.json      anyone on this machine: there is nothing secret in it
 */
import { Effect } from "effect";
import type { CallsReport } from "./calls-form.ts";
import { type AdminAnswer, type AdminRequest, isThisMachine, OTHER_MACHINE, refused } from "./request.ts";

export const CALLS_PATH = "/calls.json";

export const handleCalls =
  (report: Effect.Effect<CallsReport>) =>
  ({ method, path, host }: AdminRequest): Effect.Effect<AdminAnswer> =>
    Effect.suspend(() => {
      if (!isThisMachine(host)) return Effect.succeed(OTHER_MACHINE);
      if (path !== CALLS_PATH) return Effect.succeed(refused(404, `nothing here but ${CALLS_PATH}`));
      if (method !== "GET") return Effect.succeed(refused(405, `${path} takes GET`));
      return Effect.map(report, (body) => ({ status: 200, body }));
    });
