/** PostgreSQL as a store: the laws, one owner, versions, what it asks of the server. Its absences: postgres-away.test.ts. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Scope } from "effect";
import type { Change } from "../../actors/ports/mod.ts";
import { openPostgres } from "../../runtime/store/postgres.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { test, testEffect } from "../kit/harness.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";
import { storeLaws } from "../kit/store-laws.ts";

/** One server for all tests of this file, started by the first and ended by the last. */
const lasting = Effect.runSync(Scope.make());
let server: Promise<TestPostgres> | undefined;
const shared = Effect.promise(() => {
  server ??= Effect.runPromise(Scope.provide(startPostgres(), lasting));
  return server;
});
let schemas = 0;
const newSchema = () => `test${schemas++}`;
const addressIn = ({ url }: TestPostgres, schema = newSchema()) =>
  postgresAddress(`${url}&schema=${schema}`) as PostgresAddress;

const put = (key: number, size = 10): Change => ({
  type: "put",
  table: "values",
  key: Uint8Array.of(key >> 8, key & 255),
  value: new Uint8Array(size).fill(key & 255),
});

storeLaws(
  "postgres store",
  Effect.flatMap(shared, (pg) => openPostgres({ address: addressIn(pg) })),
);

testEffect(
  "postgres store: opened again, it has what was written, and nothing of what failed",
  Effect.gen(function* () {
    const address = addressIn(yield* shared);
    yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openPostgres({ address });
        yield* store.write([put(1, 10), put(2, 20)]);
        yield* Effect.flip(store.write([put(3, 2_000_000)]));
      }),
    );
    const store = yield* openPostgres({ address });
    same(
      (yield* store.scan("values")).map(({ value }) => value.length),
      [10, 20],
    );
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: a write larger than a message is done whole",
  Effect.gen(function* () {
    const store = yield* openPostgres({ address: addressIn(yield* shared) });
    const count = 20;
    yield* store.write([put(0), ...Array.from({ length: count }, (_, i) => put(i, 1_048_576))]);
    const sizes = (yield* store.scan("values")).map(({ value }) => value.length);
    same(sizes, Array<number>(count).fill(1_048_576));
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: a second server on the same schema is refused until the first has closed; another schema is another store",
  Effect.gen(function* () {
    const pg = yield* shared;
    const address = addressIn(pg);
    const second = yield* Effect.scoped(
      Effect.gen(function* () {
        const first = yield* openPostgres({ address });
        yield* openPostgres({ address: addressIn(pg) });
        const refused = yield* Effect.flip(Effect.scoped(openPostgres({ address })));
        yield* first.write([put(1)]);
        return refused;
      }),
    );
    same(second.reason, "locked");
    ok(/another server has this store open/.test(second.why), second.why);
    same((yield* (yield* openPostgres({ address })).scan("values")).length, 1);
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: a server that another one has overtaken writes nothing more, and says that it is lost",
  Effect.gen(function* () {
    const pg = yield* shared;
    const schema = newSchema();
    const store = yield* openPostgres({ address: addressIn(pg, schema) });
    yield* store.write([put(1)]);
    pg.sql(pg.url, `UPDATE ${schema}.store SET owner = owner + 1`);
    same((yield* Effect.flip(store.write([put(2)]))).reason, "locked");
    same((yield* Effect.flip(store.lost)).reason, "locked");
    same((yield* Effect.flip(store.write([put(3)]))).reason, "locked");
    same((yield* Effect.flip(store.scan("values"))).reason, "locked");
    same(pg.sql(pg.url, `SELECT count(*) FROM ${schema}.rows`).trim(), "1");
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: a newer version's tables and another program's schema are refused in a sentence, and left alone",
  Effect.gen(function* () {
    const pg = yield* shared;
    const [newer, others] = [newSchema(), newSchema()];
    yield* Effect.scoped(openPostgres({ address: addressIn(pg, newer) }));
    pg.sql(pg.url, `UPDATE ${newer}.store SET version = 99`);
    const late = yield* Effect.flip(Effect.scoped(openPostgres({ address: addressIn(pg, newer) })));
    same(late.reason, "malformed");
    ok(/version 99 of the store is newer than this program's, 2/.test(late.why), late.why);
    pg.sql(pg.url, `CREATE SCHEMA ${others}; CREATE TABLE ${others}.theirs (id integer)`);
    const stranger = yield* Effect.flip(Effect.scoped(openPostgres({ address: addressIn(pg, others) })));
    same(stranger.reason, "malformed");
    ok(/another program's/.test(stranger.why), stranger.why);
    same(pg.sql(pg.url, `SELECT count(*) FROM pg_tables WHERE schemaname = '${others}'`).trim(), "1");
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: a server without fsync is no store; one that may lose a commit by default is told otherwise",
  Effect.gen(function* () {
    const pg = yield* shared;
    pg.sql(pg.url, "ALTER DATABASE vipr SET synchronous_commit = off");
    const store = yield* openPostgres({ address: addressIn(pg) });
    yield* store.write([put(1)]);
    // A commit that waits for the disk has the log flushed up to where it stands.
    const behind = pg.sql(pg.url, "SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn() < 8192").trim();
    same(behind, "t");
    pg.sql(pg.url, "ALTER DATABASE vipr RESET synchronous_commit");
    pg.sql(pg.url, "ALTER SYSTEM SET fsync = off");
    pg.sql(pg.url, "SELECT pg_reload_conf()");
    const open = Effect.scoped(openPostgres({ address: addressIn(pg) }));
    const refused = yield* Effect.flip(Effect.repeat(open, { times: 50 })); // until the server has read it
    pg.sql(pg.url, "ALTER SYSTEM RESET fsync");
    pg.sql(pg.url, "SELECT pg_reload_conf()");
    ok(/fsync is off/.test(refused.why), refused.why);
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: whom the server does not know is refused, and a server that is not there is away",
  Effect.gen(function* () {
    const pg = yield* shared;
    const open = (url: string) =>
      Effect.flip(Effect.scoped(openPostgres({ address: postgresAddress(url) as PostgresAddress })));
    same((yield* open(pg.url.replace("vipr@", "nobody@"))).reason, "refused");
    same((yield* open(pg.url.replace("/vipr?", "/nothing?"))).reason, "refused");
    same((yield* open("postgres://vipr@127.0.0.1:1/vipr")).reason, "away");
  }).pipe(Effect.scoped),
);

testEffect(
  "postgres store: after closing, reads and writes fail as closed",
  Effect.gen(function* () {
    const store = yield* Effect.scoped(openPostgres({ address: addressIn(yield* shared) }));
    same((yield* Effect.flip(store.write([put(1)]))).reason, "closed");
    same((yield* Effect.flip(store.scan("values"))).reason, "closed");
  }),
);

test("postgres store: PostgreSQL ends", () => Effect.runPromise(Scope.close(lasting, Exit.void)));
