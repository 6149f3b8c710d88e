/** Heap of what a program keeps by the thousand: routes, calls that are up, stored values. Each count is measured on its own. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Exit, Logger, Scope } from "effect";
import { e164FromDigits } from "../../../codecs/shared/mod.ts";
import { learnRoute, routeCache } from "../../../machines/agent/mod.ts";
import { openSqlite } from "../../../runtime/store/sqlite.ts";
import { ticketFor } from "../../border/world.ts";
import { bytesOfCall as bytesOfAgentCall } from "../agent/memory.ts";
import { bytesOfCall as bytesOfBorderCall } from "../border/memory.ts";
import { storing } from "../keep.ts";
import { heapBytesOf } from "../kit.ts";

export interface MemoryRow {
  readonly count: number;
  readonly mb: number;
  /** Where it is on disk as well. */
  readonly diskMb?: number;
}
const MB = 1_048_576;
const DAY_MS = 86_400_000;

/** Routes with tickets of their own, as a call agent has them in memory. */
export const routesHeap = async (count: number): Promise<MemoryRow> => {
  const cache = routeCache(count);
  const real = ticketFor();
  const bytes = await heapBytesOf(() => {
    for (let i = 0; i < count; i++) {
      const number = e164FromDigits(4_930_000_000_000 + i);
      // Of bytes, so that each text is one of its own and shares nothing with the others.
      const ticket = Buffer.from(`${real.slice(0, -8)}${i}`.padEnd(real.length, "=")).toString("latin1");
      const times = { expiresMs: DAY_MS, issuedMs: 0 };
      const uris = [`sip:${number}@nord.example`];
      learnRoute(cache, { number, uris, ticket, grantingDomain: "nord.example", ...times }, 1);
    }
    return cache;
  });
  if (cache.routes.size !== count) throw new Error(`${cache.routes.size} of ${count} routes are kept`);
  return { count, mb: bytes / MB };
};

export const agentCallsHeap = async (count: number): Promise<MemoryRow> => ({
  count,
  mb: (count * (await bytesOfAgentCall(count))) / MB,
});
export const borderCallsHeap = async (count: number): Promise<MemoryRow> => ({
  count,
  mb: (count * (await bytesOfBorderCall(count))) / MB,
});

/** Values that a node stores for the overlay, in memory and in SQLite: those of the storage's tests, with short certificates. */
export const valuesHeap = async (count: number): Promise<MemoryRow> => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-curves-"));
  const scope = Effect.runSync(Scope.make());
  const run = <A, E>(work: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
    Effect.runPromise(Effect.provide(Scope.provide(work, scope), Logger.layer([])));
  try {
    const bytes = await heapBytesOf(() =>
      run(Effect.flatMap(openSqlite({ file: join(folder, "values.sqlite") }), (store) => storing(store, count))),
    );
    const diskMb = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / MB;
    return { count, mb: bytes / MB, diskMb };
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void));
    rmSync(folder, { recursive: true, force: true });
  }
};
