/**
 * The admin port of a program that carries calls: what it is asked, answered from memory. DECISIONS.md D-149.
 *
 *   GET /calls.json      anyone on this machine: there is nothing secret in it
 */
import { Effect } from "effect";
import type { CallsReport } from "./calls-form.ts";
import { type AdminAnswer, type AdminRequest, isThisMachine, OTHER_MACHINE, objectionTo, refused } from "./request.ts";

export const CALLS_PATH = "/calls.json";

export const handleCalls =
  (report: Effect.Effect<CallsReport>) =>
  (request: AdminRequest): Effect.Effect<AdminAnswer> =>
    Effect.suspend(() => {
      if (!isThisMachine(request.host)) return Effect.succeed(OTHER_MACHINE);
      if (request.path !== CALLS_PATH) return Effect.succeed(refused(404, `nothing here but ${CALLS_PATH}`));
      const objection = objectionTo(request, "GET");
      if (objection !== undefined) return Effect.succeed(objection);
      return Effect.map(report, (body) => ({ status: 200, body }));
    });
