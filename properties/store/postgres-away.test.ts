/**
 * PostgreSQL is killed, stopped, cut off and full, while writers write: what was acknowledged is there, what has failed is not,
 * and it goes on by itself.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import process from "node:process";
import { Effect, Exit, Fiber, Scope } from "effect";
import type { Change, StoreFailed, StoreFault } from "../../actors/ports/mod.ts";
import { openPostgres, type PostgresStore } from "../../runtime/store/postgres.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { testEffect } from "../kit/harness.ts";
import { canMount } from "../kit/mounts.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";

const addressOf = ({ url }: TestPostgres, more = "") => postgresAddress(`${url}${more}`) as PostgresAddress;
const keyOf = (n: number) => Uint8Array.of(n >> 24, n >> 16, n >> 8, n);
const put = (n: number, size = 100): Change => ({
  type: "put",
  table: "values",
  key: keyOf(n),
  value: new Uint8Array(size).fill(n),
});

interface Tally {
  readonly written: Set<number>;
  readonly failed: Map<number, StoreFault>;
}

const EVERY_MS = 2;

/** Writes numbers, each once, another every so often whether the ones before it are done or not, until it is interrupted. */
const writing = (store: PostgresStore, tally: Tally) => {
  let next = 0;
  const one = Effect.suspend(() => {
    const n = next++;
    return Effect.map(Effect.result(store.write([put(n)])), (done) => {
      if (done._tag === "Success") tally.written.add(n);
      else tally.failed.set(n, done.failure.reason);
    });
  });
  return Effect.forever(Effect.andThen(Effect.forkDetach(one), Effect.sleep(EVERY_MS)));
};

const until = (isSo: () => boolean) =>
  Effect.gen(function* () {
    while (!isSo()) yield* Effect.sleep(10);
  }).pipe(Effect.timeout("60 seconds"), Effect.orDie);

/** What the table holds, page by page. */
const numbersIn = Effect.fnUntraced(function* (store: PostgresStore): Effect.fn.Return<Set<number>, StoreFailed> {
  const found = new Set<number>();
  let after: Uint8Array | undefined;
  while (true) {
    const rows = yield* store.scan("values", after === undefined ? {} : { after });
    for (const { key } of rows) found.add(Buffer.from(key).readUInt32BE());
    if (rows.length < 1_000) return found;
    after = rows.at(-1)!.key;
  }
});

/** Whoever is under way when the test ends may be either. */
const settle = Effect.fnUntraced(function* (store: PostgresStore, { written, failed }: Tally) {
  const found = yield* numbersIn(store);
  same(
    [...written].filter((n) => !found.has(n)),
    [],
    "acknowledged and lost",
  );
  same(
    [...failed.keys()].filter((n) => found.has(n)),
    [],
    "failed and there",
  );
});

const story = (disturb: (pg: TestPostgres, tally: Tally) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const pg = yield* startPostgres();
    const store = yield* openPostgres({ address: addressOf(pg), answerMs: 1_000 });
    const tally: Tally = { written: new Set(), failed: new Map() };
    const writers = yield* Effect.forkScoped(writing(store, tally));
    const more = (count: number) => {
      const from = tally.written.size;
      return until(() => tally.written.size >= from + count);
    };
    for (let i = 0; i < 3; i++) {
      yield* more(50);
      yield* disturb(pg, tally);
    }
    yield* more(50);
    yield* Fiber.interrupt(writers);
    yield* settle(store, tally);
    return { pg, store, tally };
  });

testEffect(
  "postgres store: its server killed under load and started again, nothing acknowledged is lost, and nothing that failed is there",
  Effect.gen(function* () {
    const { tally } = yield* story((pg, { failed }) =>
      Effect.gen(function* () {
        const before = failed.size;
        yield* Effect.promise(() => pg.kill("SIGKILL"));
        yield* until(() => failed.size > before + 20); // refused at once, and not held
        yield* Effect.promise(pg.start);
      }),
    );
    same(new Set(tally.failed.values()), new Set(["away"]));
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: its connection cut by the server under load, it connects again and goes on",
  Effect.scoped(
    story((pg) =>
      Effect.sync(() => {
        pg.sql(pg.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vipr %'");
      }),
    ),
  ),
);

testEffect(
  "postgres store: a server that stands still is away after the named time; the commit under way is settled by the next connection",
  Effect.scoped(
    story((pg, { failed }) =>
      Effect.gen(function* () {
        const before = failed.size;
        const held = pg.sql(pg.url, "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'vipr %'").trim();
        const all = [pg.pid(), Number(held)];
        const signal = (name: "SIGSTOP" | "SIGCONT") =>
          Effect.sync(() => all.forEach((pid) => process.kill(pid, name)));
        yield* Effect.acquireUseRelease(
          signal("SIGSTOP"),
          () => until(() => failed.size > before + 20),
          () => signal("SIGCONT"),
        );
      }),
    ),
  ),
);

testEffect(
  "postgres store: while it is away another server takes the store: the first one finds itself lost when it is back",
  Effect.gen(function* () {
    const pg = yield* startPostgres();
    const store = yield* openPostgres({ address: addressOf(pg) });
    yield* store.write([put(1)]);
    yield* Effect.promise(() => pg.kill("SIGINT"));
    same((yield* Effect.flip(store.scan("values"))).reason, "away");
    same((yield* Effect.flip(store.write([put(2)]))).reason, "away");
    yield* Effect.promise(pg.start);
    pg.sql(pg.url, "UPDATE vipr.store SET owner = owner + 1");
    same((yield* Effect.flip(store.lost)).reason, "locked");
    same((yield* Effect.flip(store.write([put(3)]))).reason, "locked");
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: closed while PostgreSQL is away, it ends, and who still waits is told so",
  Effect.gen(function* () {
    const pg = yield* startPostgres();
    const scope = yield* Scope.make();
    const store = yield* Scope.provide(openPostgres({ address: addressOf(pg), answerMs: 300 }), scope);
    yield* Effect.promise(() => pg.kill("SIGINT"));
    const waiting = yield* Effect.forkScoped(Effect.flip(store.write([put(1)])));
    yield* Effect.sleep(100);
    yield* Scope.close(scope, Exit.void);
    ok(["away", "closed"].includes((yield* Fiber.join(waiting)).reason));
  }).pipe(Effect.scoped),
);

const fullTableSpace = Effect.gen(function* () {
  const pg = yield* startPostgres({ smallMib: 24 });
  pg.sql(pg.url, `CREATE TABLESPACE small LOCATION '${pg.small}'`);
  pg.sql(
    pg.url,
    "CREATE TABLE ballast TABLESPACE small AS SELECT g, repeat('x', 900) FROM generate_series(1, 12000) g",
  );
  const store = yield* openPostgres({ address: addressOf(pg, "&options=-c%20default_tablespace%3Dsmall") });
  const tally: Tally = { written: new Set(), failed: new Map() };
  for (let n = 0; n < 600 && tally.failed.size < 3; n++) {
    const random = crypto.getRandomValues(new Uint8Array(60_000)); // so that PostgreSQL cannot make it smaller
    const done = yield* Effect.result(store.write([{ ...put(n), value: random } as Change]));
    if (done._tag === "Success") tally.written.add(n);
    else tally.failed.set(n, done.failure.reason);
  }
  same([...tally.failed.values()], ["full", "full", "full"]);
  ok(tally.written.size > 10);
  pg.sql(pg.url, "DROP TABLE ballast");
  pg.sql(pg.url, "CHECKPOINT");
  yield* store.write([put(1_000, 60_000)]);
  tally.written.add(1_000);
  yield* settle(store, tally);
}).pipe(Effect.scoped);
if (canMount)
  testEffect(
    "postgres store: a full table space refuses writes as full, keeps what it has, and takes writes again once there is room",
    fullTableSpace,
  );
