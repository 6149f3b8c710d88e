/**
 * What a watcher asks of every program: whether it lives, whether it can serve, and its metrics.
 *
 *   GET /healthz   200 as long as this process answers at all
 *   GET /readyz    200 when it serves, else 503 with the reasons
 *   GET /metrics   Prometheus' text
 *
 * Everything else goes to the program's own handler.
 */
import { Effect } from "effect";
import { type AdminAnswer, type AdminHandle, objectionTo } from "./request.ts";

export interface Health {
  /** Why it cannot serve now, each in a few words; none: it can. */
  readonly unready: Effect.Effect<ReadonlyArray<string>>;
  readonly metrics: Effect.Effect<string>;
  /** The media type of that text. */
  readonly metricsType: string;
}

export const withHealth =
  (health: Health, handle: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      const answer = Object.hasOwn(ANSWERS, request.path) ? ANSWERS[request.path] : undefined;
      if (answer === undefined) return handle(request);
      const objection = objectionTo(request, "GET", "GET, HEAD");
      return objection === undefined ? answer(health) : Effect.succeed(objection);
    });

const ANSWERS: Readonly<Record<string, (health: Health) => Effect.Effect<AdminAnswer>>> = {
  "/healthz": () => Effect.succeed({ status: 200, body: { status: "alive" } }),
  "/readyz": ({ unready }) =>
    Effect.map(unready, (reasons) =>
      reasons.length === 0
        ? { status: 200, body: { status: "ready" } }
        : { status: 503, body: { status: "unready", reasons } },
    ),
  "/metrics": ({ metrics, metricsType }) =>
    Effect.map(metrics, (body) => ({ status: 200, body, contentType: metricsType })),
};
