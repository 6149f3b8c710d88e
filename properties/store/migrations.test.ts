/** Stores of versions before this one are brought forward and read, wholly or not at all; what those have written is in properties/vectors. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Effect, Exit, Layer, Logger, Scope } from "effect";
import type { StoreShape } from "../../actors/ports/mod.ts";
import { openOwners } from "../../actors/vap/mod.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { callStore } from "../../machines/validation/mod.ts";
import { openPostgres } from "../../runtime/store/postgres.ts";
import { migrationsOf, VERSION } from "../../runtime/store/postgres-sql.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { test, testEffect } from "../kit/harness.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";

const written = (name: string) => readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8");
const quiet = Effect.provide(Layer.mergeAll(Logger.layer([])));

const lasting = Effect.runSync(Scope.make());
let server: Promise<TestPostgres> | undefined;
const shared = Effect.promise(() => {
  server ??= Effect.runPromise(Scope.provide(startPostgres(), lasting));
  return server;
});
const addressIn = ({ url }: TestPostgres, schema: string) =>
  postgresAddress(`${url}&schema=${schema}`) as PostgresAddress;

/** What a server of today finds in it: calls that wait, received ones, proofs, an owner. */
const foundIn = Effect.fnUntraced(function* (store: StoreShape) {
  const calls = callStore([nodeIdFrom(1n)]);
  const { waiting, proofs } = yield* openRecords(store, calls, 0);
  const owners = yield* openOwners(store, () => true);
  return {
    waiting: waiting.map(({ vcr }) => [vcr.called, vcr.calling ?? null, vcr.stopMs - vcr.startMs]),
    received: calls.calls.size,
    proofs: proofs.map(({ claim, bits }) => [claim.split("/").slice(0, 2).join("/"), bits]),
    owner: owners.ownerOf(vserviceId(0xa1n)),
  };
});
const FOUND = {
  waiting: [
    ["+493055509", "+14085550901", 61_250],
    ["+493055508", null, 61_250],
  ],
  received: 1,
  proofs: [["161/+493055509", 12.5]],
  owner: "pbx",
};

testEffect(
  "migrations: what 0.1.0 has written in SQLite is read by a server of today, once and again",
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-old-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
    );
    const file = join(folder, "values.sqlite");
    const db = new DatabaseSync(file);
    db.exec(written("store-0.1.0.sqlite.sql"));
    db.close();
    same(yield* Effect.scoped(Effect.flatMap(openSqlite({ file }), foundIn)), FOUND);
    // Records of times finer than a millisecond have other keys by now: the same calls, and no more of them.
    same(yield* Effect.scoped(Effect.flatMap(openSqlite({ file }), foundIn)), FOUND);
  }).pipe(Effect.scoped, quiet),
);

testEffect(
  "migrations: what the first version has written in PostgreSQL is brought forward and read, once and again",
  Effect.gen(function* () {
    const pg = yield* shared;
    pg.sql(pg.url, written("store-1.postgres.sql").replaceAll(/\bvipr\b(?=[.;])/g, "old"));
    const versionNow = () => pg.sql(pg.url, "SELECT version FROM old.store").trim();
    same(versionNow(), "1");
    const address = addressIn(pg, "old");
    same(yield* Effect.scoped(Effect.flatMap(openPostgres({ address }), foundIn)), FOUND);
    same(versionNow(), String(VERSION));
    same(yield* Effect.scoped(Effect.flatMap(openPostgres({ address }), foundIn)), FOUND);
    const tables = (schema: string) =>
      pg.sql(
        pg.url,
        `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = '${schema}' ORDER BY 1, 2`,
      );
    yield* Effect.scoped(openPostgres({ address: addressIn(pg, "fresh") }));
    same(tables("old"), tables("fresh"), "a store that was brought forward is another one than a new one");
  }).pipe(Effect.scoped, quiet),
);

testEffect(
  "migrations: one that cannot be done leaves the store as it was, and is done once it can be",
  Effect.gen(function* () {
    const pg = yield* shared;
    pg.sql(pg.url, written("store-1.postgres.sql").replaceAll(/\bvipr\b(?=[.;])/g, "half"));
    const tables = () =>
      pg.sql(
        pg.url,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'half' ORDER BY 1, 2",
      );
    // The last statement of the last migration fails: its index has that name already.
    const last = migrationsOf("half")
      .at(-1)!
      .findLast((one) => one.startsWith("CREATE INDEX"))!;
    const [, index] = /^CREATE INDEX (\w+)/.exec(last)!;
    pg.sql(pg.url, `CREATE INDEX ${index} ON half.rows (name)`);
    const before = tables();
    const failed = yield* Effect.flip(Effect.scoped(openPostgres({ address: addressIn(pg, "half") })));
    ok(failed.why.includes("already exists"), failed.why);
    same([tables(), pg.sql(pg.url, "SELECT version, batch FROM half.store").trim()], [before, "1|4711"]);
    pg.sql(pg.url, `DROP INDEX half.${index}`);
    same(yield* Effect.scoped(Effect.flatMap(openPostgres({ address: addressIn(pg, "half") }), foundIn)), FOUND);
  }).pipe(Effect.scoped, quiet),
);

test("migrations: PostgreSQL ends", () => Effect.runPromise(Scope.close(lasting, Exit.void)));
