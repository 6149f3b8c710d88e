/** Health and metrics of a program that carries calls: it serves as long as it is up. */
import { Effect } from "effect";
import type { CallsReport, Health } from "../../actors/admin/mod.ts";
import { callsFamilies } from "../metrics/calls.ts";
import { processFamilies, storeFamilies, watchLoop } from "../metrics/process.ts";
import { single } from "../metrics/table.ts";
import { type Family, METRICS_TYPE, metricsText } from "../metrics/text.ts";
import type { Folder } from "./folder.ts";

export interface CallsHealthOf {
  readonly folder: Folder;
  /** The file of its store, if it has one. */
  readonly store: string | undefined;
  readonly startedMs: number;
  readonly report: Effect.Effect<CallsReport>;
  /** Beside the report's. */
  readonly more: () => ReadonlyArray<Family>;
}

export const callsHealth = Effect.fn("calls.health")(function* (of: CallsHealthOf) {
  const { folder, store, startedMs, report, more } = of;
  const loop = yield* watchLoop;
  const metrics = Effect.map(report, (now) =>
    metricsText([
      ...processFamilies(now.program, startedMs, Date.now()),
      loop(),
      single("vipr_ready", 1),
      ...storeFamilies(folder.path, store === undefined ? [] : [store]),
      ...callsFamilies(now),
      ...more(),
    ]),
  );
  return { unready: Effect.succeed([]), metrics, metricsType: METRICS_TYPE } satisfies Health as Health;
});
