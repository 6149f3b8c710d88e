/**
 * Stores of ten thousand, a hundred thousand and a million rows, SQLite and PostgreSQL: values put again, call records
 * inserted, due calls taken, beside the same rows written and read by the same library in transactions of the same size. By the
 * wall clock: most of it is the disk's. Both are on the disk of the temporary folder.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { make, type PgConnection } from "@effect/sql-pg/PgConnection";
import { array, OID } from "@effect/sql-pg/PgTypes";
import { Effect, Logger, Redacted, Result, Scope } from "effect";
import type { Change, StoreShape } from "../../actors/ports/mod.ts";
import { openPostgres } from "../../runtime/store/postgres.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";
import type { Contest } from "./kit.ts";

const SIZES = [10_000, 100_000, 1_000_000];
/** Uploads that a server has under way, and so rows of one commit. */
const TOGETHER = 48;
const WRITES = 20 * TOGETHER;
const DUE = 100;
const DUE_TURNS = 10;
const VALUE_BYTES = 80;
const LOAD_ROWS = 5_000;
const TABLE = "bench";

const path = mkdtempSync(join(tmpdir(), "vipr-store-bench-"));
const scope = Effect.runSync(Scope.make());
const run = <A, E>(work: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provide(Scope.provide(work, scope), Logger.layer([])));
process.on("exit", () => rmSync(path, { recursive: true, force: true }));

/** Spread over all keys, as hashes are. */
const keyOf = (n: number): Uint8Array => {
  const key = new Uint8Array(24);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.imul(n, 0x9e3779b1) >>> 0);
  view.setUint32(4, n);
  return key;
};
const value = new Uint8Array(VALUE_BYTES).fill(7);
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** What both sides do, in transactions of TOGETHER rows. */
interface Side {
  readonly put: (from: number, count: number) => Promise<void>;
  /** The first DUE rows that are due are due again later. */
  readonly turn: (laterMs: number) => Promise<void>;
}

const storeSide = (store: StoreShape): Side => {
  const put = (n: number): Change => ({ type: "put", table: TABLE, key: keyOf(n), value, dueMs: n });
  return {
    put: (from, count) =>
      run(Effect.forEach(numbers(from, count), (n) => store.write([put(n)]), { concurrency: TOGETHER, discard: true })),
    turn: (laterMs) =>
      run(
        Effect.flatMap(store.due(TABLE, Number.MAX_SAFE_INTEGER, DUE), (rows) =>
          store.write(
            rows.map(({ key }, i): Change => ({ type: "put", table: TABLE, key, value, dueMs: laterMs + i })),
          ),
        ),
      ),
  };
};
const loadStore = (store: StoreShape, size: number) =>
  run(
    Effect.forEach(
      numbers(0, size / LOAD_ROWS),
      (page) =>
        store.write(
          numbers(page * LOAD_ROWS, LOAD_ROWS).map((n): Change => {
            return { type: "put", table: TABLE, key: keyOf(n), value, dueMs: n };
          }),
        ),
      { discard: true },
    ),
  );

const bareSqlite = (file: string, size: number): Side => {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE bare (key BLOB PRIMARY KEY, value BLOB NOT NULL, due INTEGER) WITHOUT ROWID");
  db.exec("CREATE INDEX bare_due ON bare (due) WHERE due IS NOT NULL");
  const insert = db.prepare("INSERT OR REPLACE INTO bare VALUES (?, ?, ?)");
  const due = db.prepare("SELECT key FROM bare WHERE due IS NOT NULL AND due <= ? ORDER BY due, key LIMIT ?");
  const all = (rows: ReadonlyArray<readonly [Uint8Array, number]>) => {
    db.exec("BEGIN IMMEDIATE");
    for (const [key, at] of rows) insert.run(key, value, at);
    db.exec("COMMIT");
  };
  const put = (from: number, count: number, each: number) => {
    for (let n = from; n < from + count; n += each) all(numbers(n, each).map((one) => [keyOf(one), one] as const));
  };
  put(0, size, LOAD_ROWS);
  return {
    put: async (from, count) => put(from, count, TOGETHER),
    turn: async (laterMs) => {
      const rows = due.all(Number.MAX_SAFE_INTEGER, DUE);
      all(rows.map(({ key }, i) => [key as Uint8Array, laterMs + i] as const));
    },
  };
};

const barePostgres = async (connection: PgConnection, size: number): Promise<Side> => {
  const table = `bare${size}`;
  const ask = (sql: string, parameters: ReadonlyArray<unknown> = []) => run(connection.queryValues(sql, parameters));
  await ask(`CREATE TABLE ${table} (key bytea PRIMARY KEY, value bytea NOT NULL, due bigint)`);
  await ask(`CREATE INDEX ON ${table} (due, key) WHERE due IS NOT NULL`);
  const all = (rows: ReadonlyArray<readonly [Uint8Array, number]>) => {
    const arrays = [
      array(
        rows.map(([key]) => key),
        OID.bytea,
      ),
      array(
        rows.map(() => value),
        OID.bytea,
      ),
      array(
        rows.map(([, at]) => BigInt(at)),
        OID.int8,
      ),
    ].map((one) => Result.getOrThrow(one));
    return ask(
      `INSERT INTO ${table} SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[])
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, due = excluded.due`,
      arrays,
    );
  };
  const put = async (from: number, count: number, each: number) => {
    for (let n = from; n < from + count; n += each)
      await all(numbers(n, each).map((one) => [keyOf(one), one] as const));
  };
  await put(0, size, LOAD_ROWS);
  return {
    put: (from, count) => put(from, count, TOGETHER),
    turn: async (laterMs) => {
      const rows = await ask(`SELECT key FROM ${table} WHERE due <= $1 ORDER BY due, key LIMIT $2`, [
        BigInt(Number.MAX_SAFE_INTEGER),
        DUE,
      ]);
      await all(rows.map(([key], i) => [key as Uint8Array, laterMs + i] as const));
    },
  };
};

const perSecond = async (count: number, work: () => Promise<void>): Promise<number> => {
  const from = performance.now();
  await work();
  return (1_000 * count) / (performance.now() - from);
};

/** Filled before its first round. */
const once = (open: () => Promise<Side>): (() => Promise<Side>) => {
  let side: Promise<Side> | undefined;
  return () => {
    side ??= open();
    return side;
  };
};
type Playing = (side: Side, at: { insert: number; again: number; laterMs: number }) => Promise<number>;

const contestsFor = (
  name: string,
  size: number,
  ours: () => Promise<Side>,
  peer: () => Promise<Side>,
): ReadonlyArray<Contest> => {
  const rows = `${name}, ${size.toLocaleString("en")} rows`;
  const places = new Map([ours, peer].map((side) => [side, { insert: size, again: 0, laterMs: 2 * 10 ** 9 }]));
  const contest = (what: string, peerName: string, play: Playing): Contest => {
    const on = (side: () => Promise<Side>) => async () => play(await side(), places.get(side)!);
    return { name: `store: ${what}, ${rows}`, unit: "1/s", peerName, rounds: 5, ours: on(ours), peer: on(peer) };
  };
  return [
    contest("values put again", "bare rows, a transaction each 48", (side, at) => {
      at.again = (at.again + WRITES) % (size - WRITES);
      return perSecond(WRITES, () => side.put(at.again, WRITES));
    }),
    contest("records inserted", "bare rows, a transaction each 48", (side, at) => {
      at.insert += WRITES;
      return perSecond(WRITES, () => side.put(at.insert - WRITES, WRITES));
    }),
    contest("due calls taken by 100", "the same bare", (side, at) =>
      perSecond(DUE * DUE_TURNS, async () => {
        for (let i = 0; i < DUE_TURNS; i++) {
          at.laterMs += DUE;
          await side.turn(at.laterMs);
        }
      }),
    ),
  ];
};

const sqliteAt = (size: number) => async (): Promise<Side> => {
  const store = await run(openSqlite({ file: join(path, `store${size}.db`) }));
  await loadStore(store, size);
  return storeSide(store);
};

const postgres = (() => {
  let server: Promise<TestPostgres> | undefined;
  return () => {
    server ??= run(startPostgres({ isOnDisk: true })).then((pg) => {
      process.on("exit", () => {
        process.kill(pg.pid(), "SIGQUIT");
        rmSync(dirname(pg.small), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      });
      return pg;
    });
    return server;
  };
})();

const postgresAt = (size: number) => async (): Promise<Side> => {
  const address = postgresAddress(`${(await postgres()).url}&schema=store${size}`) as PostgresAddress;
  const store = await run(openPostgres({ address }));
  await loadStore(store, size);
  return storeSide(store);
};
const barePostgresAt = (size: number) => async (): Promise<Side> =>
  barePostgres(
    await run(make({ url: Redacted.make((postgresAddress((await postgres()).url) as PostgresAddress).url) })),
    size,
  );

export const contests: ReadonlyArray<Contest> = SIZES.flatMap((size) => [
  ...contestsFor(
    "SQLite",
    size,
    once(sqliteAt(size)),
    once(async () => bareSqlite(join(path, `bare${size}.db`), size)),
  ),
  ...contestsFor("PostgreSQL", size, once(postgresAt(size)), once(barePostgresAt(size))),
]);
