/** PostgreSQL as the store of several servers: who may write, what each learns of the others, and when one counts as dead. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Schedule, Scope } from "effect";
import type { Change, StoreFailed } from "../../actors/ports/mod.ts";
import { openPostgres, type PostgresStore } from "../../runtime/store/postgres.ts";
import { BEAT_MS, EVICT_MS } from "../../runtime/store/postgres-members.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { test, testEffect } from "../kit/harness.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";

const lasting = Effect.runSync(Scope.make());
let server: Promise<TestPostgres> | undefined;
const shared = Effect.promise(() => {
  server ??= Effect.runPromise(Scope.provide(startPostgres(), lasting));
  return server;
});
let schemas = 0;
const newSchema = () => `cluster${schemas++}`;
const addressIn = ({ url }: TestPostgres, schema: string) =>
  postgresAddress(`${url}&schema=${schema}`) as PostgresAddress;

const put = (key: number, isShared = true): Change => ({
  type: "put",
  table: "values",
  key: Uint8Array.of(key >> 8, key & 255),
  value: Uint8Array.of(key & 255),
  ...(isShared ? { isShared } : {}),
});

const CLUSTER = "sha256:one";
const member = (pg: TestPostgres, schema: string, cluster = CLUSTER) =>
  openPostgres({ address: addressIn(pg, schema), cluster });

/** A loaded machine beats late. */
const BEATS_MAX = 60;
const beatsUntil = (is: () => boolean) =>
  Effect.gen(function* () {
    for (let beats = 0; beats < BEATS_MAX && !is(); beats++) yield* Effect.sleep(BEAT_MS);
  });
/** What a member is given until it has so many, and nothing more comes, as keys. */
const followed = Effect.fnUntraced(function* ({ membership }: PostgresStore, count: number) {
  const keys: Array<number> = [];
  const take = Effect.map(membership!.changes, (rows) => keys.push(...rows.map(({ key }) => key[0]! * 256 + key[1]!)));
  for (let beats = 0; beats < BEATS_MAX && keys.length < count; beats++)
    yield* Effect.andThen(Effect.sleep(BEAT_MS), take);
  yield* Effect.andThen(Effect.sleep(2 * BEAT_MS), take);
  return keys;
});

testEffect(
  "cluster store: members write side by side, and each is given what others have shared, once and in their order",
  Effect.gen(function* () {
    const [pg, schema] = [yield* shared, newSchema()];
    const [a, b] = [yield* member(pg, schema), yield* member(pg, schema)];
    yield* a.write([put(1), put(2, false)]);
    yield* b.write([put(3)]);
    for (let key = 10; key < 260; key++) yield* a.write([put(key)]);
    same(yield* followed(b, 251), [1, ...Array.from({ length: 250 }, (_, i) => 10 + i)]);
    same([yield* followed(a, 1), yield* followed(b, 0)], [[3], []]);
    same((yield* b.scan("values")).length, 253);
    const late = yield* member(pg, schema);
    yield* b.write([put(4)]);
    same([yield* followed(late, 1), yield* followed(a, 1)], [[4], [4]]);
    yield* beatsUntil(() => a.membership!.members().length === 3);
    same(
      a.membership!.members().map(({ isSelf }) => isSelf),
      [true, false, false],
    );
  }).pipe(Effect.scoped),
);

testEffect(
  "cluster store: what a member has shared is not lost when it comes and goes between two looks",
  Effect.gen(function* () {
    const [pg, schema] = [yield* shared, newSchema()];
    const a = yield* member(pg, schema);
    yield* Effect.scoped(Effect.flatMap(member(pg, schema), (short) => short.write([put(7)])));
    same(yield* followed(a, 1), [7]);
    yield* beatsUntil(() => a.membership!.members().length === 1);
    same(a.membership!.members().length, 1);
  }).pipe(Effect.scoped),
);

testEffect(
  "cluster store: a server alone, and one of another cluster, are refused beside members, and members beside a server alone",
  Effect.gen(function* () {
    const [pg, schema] = [yield* shared, newSchema()];
    const refusal = (cluster?: string) =>
      Effect.map(
        Effect.flip(Effect.scoped(openPostgres({ address: addressIn(pg, schema), cluster }))),
        ({ reason }) => reason,
      );
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* openPostgres({ address: addressIn(pg, schema) });
        same(yield* refusal(CLUSTER), "locked");
      }),
    );
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* member(pg, schema);
        same([yield* refusal(), yield* refusal("sha256:two")], ["locked", "refused"]);
      }),
    );
    // All are gone in order: other servers may begin.
    yield* Effect.scoped(member(pg, schema, "sha256:two"));
    yield* Effect.scoped(openPostgres({ address: addressIn(pg, schema) }));
  }).pipe(Effect.scoped),
);

testEffect(
  "cluster store: who was taken for dead writes nothing more, whatever it believes, and is told that it is lost",
  Effect.gen(function* () {
    const [pg, schema] = [yield* shared, newSchema()];
    const [a, b] = [yield* member(pg, schema), yield* member(pg, schema)];
    yield* a.write([put(1)]);
    pg.sql(pg.url, `DELETE FROM ${schema}.members WHERE id = ${a.membership!.self}`);
    same((yield* Effect.flip(a.write([put(2)]))).reason, "locked");
    const lost = yield* Effect.flip(a.lost);
    ok(lost.reason === "locked" && /taken this server for dead/.test(lost.why), lost.why);
    yield* b.write([put(3)]);
    same((yield* b.scan("values")).length, 2);
  }).pipe(Effect.scoped),
);

testEffect(
  "cluster store: an absence of PostgreSQL makes no member dead, and each goes on under its number",
  Effect.gen(function* () {
    const pg = yield* startPostgres();
    const schema = newSchema();
    const [a, b] = [yield* member(pg, schema), yield* member(pg, schema)];
    yield* a.write([put(1)]);
    yield* Effect.promise(() => pg.kill("SIGKILL"));
    yield* Effect.sleep(BEAT_MS);
    same((yield* Effect.flip(a.write([put(2)]))).reason, "away");
    yield* Effect.promise(() => pg.start());
    const again = { while: ({ reason }: StoreFailed) => reason === "away", schedule: Schedule.spaced(BEAT_MS) };
    yield* Effect.retry(a.write([put(3)]), again);
    yield* Effect.retry(b.write([put(4)]), again);
    same((yield* a.scan("values")).length, 3);
    same(
      (yield* followed(b, 2)).sort((x, y) => x - y),
      [1, 3],
    );
  }).pipe(Effect.scoped),
);

testEffect(
  "cluster store: of a member that beats no more its shards are free once the others have removed it, and not before",
  Effect.gen(function* () {
    const [pg, schema] = [yield* shared, newSchema()];
    const a = yield* member(pg, schema);
    // A row of a process that was killed: it beats no more.
    pg.sql(
      pg.url,
      `UPDATE ${schema}.store SET owner = owner + 1;
       INSERT INTO ${schema}.members (id, batch) SELECT owner, 1 FROM ${schema}.store;
       INSERT INTO ${schema}.shards SELECT 'default:1', owner FROM ${schema}.store;
       INSERT INTO ${schema}.rows SELECT 'values', '\\x0009', '\\x09', NULL, owner, 1 FROM ${schema}.store`,
    );
    const shards = () => pg.sql(pg.url, `SELECT count(*) FROM ${schema}.shards`).trim();
    yield* Effect.sleep(EVICT_MS - 4 * BEAT_MS);
    same([a.membership!.members().length, shards()], [2, "1"]);
    yield* Effect.sleep(8 * BEAT_MS);
    same([a.membership!.members().length, shards()], [1, "0"]);
    same(
      (yield* a.membership!.changes).map(({ key }) => key[1]),
      [9],
    );
    ok(a.membership!.isSure());
  }).pipe(Effect.scoped),
);

test("cluster store: PostgreSQL ends", () => Effect.runPromise(Scope.close(lasting, Exit.void)));
