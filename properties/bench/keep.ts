/**
 * What it costs to keep: writes of the store alone and in groups, stores a keeper acknowledges with a disk and without, and
 * the time to read a shelf back after a restart.
 *
 *   node properties/bench/keep.ts        deno run -A ...        bun ...
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Deferred, Effect, Logger, type Scope } from "effect";
import type { StoreFailed, StoreShape } from "../../actors/ports/mod.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { hostKeeper } from "../reload/keeper-host.ts";

const ALONE = 2_000;
const GROUPED = 20_000;
const STORES = 20_000;
/** Requests under way at once. */
const TOGETHER = 256;

const secondsOf = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = performance.now();
    yield* work;
    return (performance.now() - before) / 1_000;
  });
const put = (i: number) => ({
  type: "put" as const,
  table: "bench",
  key: Uint8Array.of(i >> 24, i >> 16, i >> 8, i),
  value: new Uint8Array(600),
});

/** Numbers spread over the ring, as SHA-1 would. */
const placeOf = (i: number): bigint => (BigInt(i) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % (1n << 128n);

const storing = (store: StoreShape | undefined): Effect.Effect<void, StoreFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const { store: ask } = yield* hostKeeper(store);
    const one = Effect.fnUntraced(function* (i: number) {
      const answered = yield* Deferred.make<void>();
      yield* ask({ resource: placeOf(i + 1), storageTime: 1n }, (said) =>
        said === "stored" ? Effect.asVoid(Deferred.succeed(answered, undefined)) : Effect.die(said),
      );
      yield* Deferred.await(answered);
    });
    yield* Effect.forEach(
      Array.from({ length: STORES }, (_, i) => i),
      one,
      { concurrency: TOGETHER, discard: true },
    );
  });

const path = mkdtempSync(join(tmpdir(), "vipr-keep-"));
const file = join(path, "keeper.db");
const perSecond = (count: number, seconds: number) => `${Math.round(count / seconds).toLocaleString("en")} a second`;

const measure = Effect.gen(function* () {
  const bench = yield* openSqlite({ file: join(path, "bench.db") });
  const alone = yield* secondsOf(
    Effect.forEach(
      Array.from({ length: ALONE }, (_, i) => i),
      (i) => bench.write([put(i)]),
      { discard: true },
    ),
  );
  console.log(`writes of 600 bytes, one after another, an fsync each:   ${perSecond(ALONE, alone)}`);
  const grouped = yield* secondsOf(
    Effect.forEach(
      Array.from({ length: GROUPED }, (_, i) => i),
      (i) => bench.write([put(i)]),
      {
        concurrency: TOGETHER,
        discard: true,
      },
    ),
  );
  console.log(`the same by ${TOGETHER} writers at once, which share fsyncs:    ${perSecond(GROUPED, grouped)}`);
  const memory = yield* secondsOf(Effect.scoped(storing(undefined)));
  console.log(`stores a keeper acknowledges, without a disk:            ${perSecond(STORES, memory)}`);
  const disk = yield* secondsOf(Effect.scoped(Effect.flatMap(openSqlite({ file }), storing)));
  console.log(`stores a keeper acknowledges, each on disk before:       ${perSecond(STORES, disk)}`);
  const back = yield* secondsOf(Effect.scoped(Effect.flatMap(openSqlite({ file }), hostKeeper)));
  const bytes = statSync(file).size / STORES;
  console.log(
    `${STORES.toLocaleString("en")} values read back after a restart:              ${back.toFixed(2)} s, ${Math.round(bytes)} bytes each on disk`,
  );
});
try {
  await Effect.runPromise(Effect.provide(Effect.scoped(measure), Logger.layer([])));
} finally {
  rmSync(path, { recursive: true, force: true });
}
