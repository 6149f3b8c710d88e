/** What every program shows of itself: memory, files, how late its timers fire, and what it has logged at WARN and ERROR. */
import { readdirSync, statfsSync, statSync } from "node:fs";
import process from "node:process";
import { Effect, type Scope } from "effect";
import { versionOf } from "../cli/version.ts";
import { logSamples } from "./log.ts";
import { family, single } from "./table.ts";
import type { Family, Sample } from "./text.ts";

const TICK_MS = 100;
const BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

/** How late a timer fires that is due each 100 ms, as a histogram. */
export const watchLoop: Effect.Effect<() => Family, never, Scope.Scope> = Effect.gen(function* () {
  const buckets = BUCKETS_S.map(() => 0);
  let [sum, count] = [0, 0];
  let dueMs = performance.now() + TICK_MS;
  const tick = () => {
    const nowMs = performance.now();
    const lateS = Math.max(0, nowMs - dueMs) / 1_000;
    dueMs = nowMs + TICK_MS;
    sum += lateS;
    count += 1;
    for (const [i, bound] of BUCKETS_S.entries()) if (lateS <= bound) buckets[i]! += 1;
  };
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const timer = setInterval(tick, TICK_MS);
      timer.unref?.();
      return timer;
    }),
    (timer) => Effect.sync(() => clearInterval(timer)),
  );
  return () =>
    family("vipr_event_loop_delay_seconds", [
      ...BUCKETS_S.map(
        (bound, i): Sample => ({ suffix: "_bucket", labels: { le: String(bound) }, value: buckets[i]! }),
      ),
      { suffix: "_bucket", labels: { le: "+Inf" }, value: count },
      { suffix: "_sum", value: sum },
      { suffix: "_count", value: count },
    ]);
});

const runtimeName = (): string =>
  "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : `node ${process.versions.node}`;

export const processFamilies = (program: string, startedMs: number, nowMs: number): ReadonlyArray<Family> => [
  family("vipr_build_info", [{ labels: { program, version: versionOf(), runtime: runtimeName() }, value: 1 }]),
  single("vipr_up_seconds", Math.max(0, (nowMs - startedMs) / 1_000)),
  single("vipr_resident_bytes", process.memoryUsage().rss),
  family(
    "vipr_open_files",
    numbered(() => readdirSync("/proc/self/fd").length),
  ),
  family("vipr_log_events_total", logSamples()),
];

/** Of a data directory: what is free there, and what its stores take. */
export const storeFamilies = (folder: string, files: ReadonlyArray<string>): ReadonlyArray<Family> => [
  family(
    "vipr_disk_free_bytes",
    numbered(() => freeBytes(folder)),
  ),
  family(
    "vipr_store_bytes",
    files.map((file) => ({ labels: { file }, value: sizeOf(`${folder}/${file}`) + sizeOf(`${folder}/${file}-wal`) })),
  ),
];

export const freeBytes = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return Number(bavail) * Number(bsize);
};

const sizeOf = (file: string): number => {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
};

/** No sample where the platform does not say. */
const numbered = (value: () => number): ReadonlyArray<Sample> => {
  try {
    return [{ value: value() }];
  } catch {
    return [];
  }
};

/** Whole seconds. */
export const certificateFamily = (ends: Readonly<Record<string, number | undefined>>, nowMs: number): Family =>
  family(
    "vipr_certificate_left_seconds",
    Object.entries(ends).flatMap(([certificate, endMs]) =>
      endMs === undefined ? [] : [{ labels: { certificate }, value: Math.round((endMs - nowMs) / 1_000) }],
    ),
  );
