/** Backups: the same bytes from SQLite and PostgreSQL, a consistent moment while writes go on, and nothing from a damaged file. */
import { ok, deepStrictEqual as same } from "node:assert";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Exit, Fiber, Scope } from "effect";
import fc from "fast-check";
import type { Change, StoreShape } from "../../actors/ports/mod.ts";
import { type BackupItem, decodeBackupItem, encodeBackupItem } from "../../codecs/vipr/mod.ts";
import { backupCommand, restoreCommand } from "../../runtime/cli/backup.ts";
import { backupStore, restoreStore, type StorePlace } from "../../runtime/store/backup.ts";
import { openPostgres } from "../../runtime/store/postgres.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { runs, test, testEffect } from "../kit/harness.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";

const lasting = Effect.runSync(Scope.make());
let server: Promise<TestPostgres> | undefined;
const shared = Effect.promise(() => {
  server ??= Effect.runPromise(Scope.provide(startPostgres(), lasting));
  return server;
});
let count = 0;

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-backup-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);
const newFile = (path: string): StorePlace => ({ type: "file", file: join(path, `${count++}.sqlite`) });
const newSchema = Effect.map(shared, ({ url }): StorePlace => {
  const address = postgresAddress(`${url}&schema=backup${count++}`) as PostgresAddress;
  return { type: "postgres", address, passwordFile: undefined };
});
const openAt = (place: StorePlace) => (place.type === "file" ? openSqlite({ file: place.file }) : openPostgres(place));

const anyBytes = fc.uint8Array({ maxLength: 4 }).map((given) => Uint8Array.from(given));
const anyRow = fc.record(
  {
    table: fc.constantFrom("a", "b", "Zz"),
    key: anyBytes,
    value: fc.uint8Array({ maxLength: 40 }).map((given) => Uint8Array.from(given)),
    dueMs: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  },
  { noNullPrototype: true },
);
const tableName = (table: string) => (table === "Zz" ? "zZ" : table);
type AnyRow = typeof anyRow extends fc.Arbitrary<infer A> ? A : never;
const putOf = ({ table, key, value, dueMs }: AnyRow): Change => ({
  type: "put",
  table: tableName(table),
  key,
  value,
  ...(dueMs === undefined ? {} : { dueMs }),
});

test("backup: an entry that is written is read back", () => {
  const item: fc.Arbitrary<BackupItem> = fc.oneof(
    anyRow.map((row) => ({ type: "row", row }) as const),
    fc.maxSafeNat().map((rows) => ({ type: "end", rows }) as const),
  );
  fc.assert(
    fc.property(item, (one) => same(decodeBackupItem(encodeBackupItem(one)), one)),
    { numRuns: runs },
  );
});

test("backup: from SQLite into PostgreSQL and back again it is the same file, byte by byte", () =>
  fc.assert(
    fc.asyncProperty(fc.array(anyRow, { maxLength: 30 }), (rows) =>
      Effect.runPromise(
        Effect.gen(function* () {
          const path = yield* folder;
          const [first, second, third] = [newFile(path), yield* newSchema, newFile(path)];
          yield* Effect.scoped(Effect.flatMap(openAt(first), (store) => store.write(rows.map(putOf))));
          const files = ["1", "2", "3"].map((name) => join(path, name)) as [string, string, string];
          yield* backupStore(first, files[0]);
          yield* restoreStore(second, files[0]);
          yield* backupStore(second, files[1]);
          yield* restoreStore(third, files[1]);
          yield* backupStore(third, files[2]);
          const [one, two, three] = files.map((file) => readFileSync(file));
          ok(one!.equals(two!) && one!.equals(three!));
          same(statSync(files[0]).mode & 0o777, 0o600);
        }).pipe(Effect.scoped),
      ),
    ),
    { numRuns: Math.min(runs, 20) },
  ));

/** Two rows in two tables with the same number, and a hundred more, in each write. */
const counting = (store: StoreShape) => {
  let n = 0;
  const one = Effect.suspend(() => {
    n += 1;
    const value = new Uint8Array(new Uint32Array([n]).buffer);
    const both = ["first", "second"].map((table): Change => ({ type: "put", table, key: Uint8Array.of(1), value }));
    return store.write([...both, { type: "put", table: "many", key: value, value: new Uint8Array(2_000) }]);
  });
  return Effect.forever(one);
};

for (const [name, place] of [
  ["SQLite", Effect.map(folder, newFile)],
  ["PostgreSQL", newSchema],
] as const)
  testEffect(
    `backup: ${name} is written while it is taken, and the backup is of one moment`,
    Effect.gen(function* () {
      const path = yield* folder;
      const from = yield* place;
      const store = yield* openAt(from);
      yield* Effect.forEach(Array(50).keys(), (i) =>
        store.write(
          Array.from({ length: 50 }, (_, j): Change => {
            return { type: "put", table: "ballast", key: Uint8Array.of(i, j), value: new Uint8Array(1_000) };
          }),
        ),
      );
      const writer = yield* Effect.forkScoped(counting(store));
      for (let i = 0; i < 5; i++) {
        yield* Effect.sleep(20);
        const [file, to] = [join(path, `backup${i}`), newFile(path)];
        const { rows } = yield* backupStore(from, file);
        yield* restoreStore(to, file);
        yield* Effect.scoped(
          Effect.gen(function* () {
            const restored = yield* openAt(to);
            const [first, second] = yield* Effect.forEach(["first", "second"], (table) =>
              restored.read(table, Uint8Array.of(1)),
            );
            ok(first !== undefined);
            same(first, second);
            same(rows, 2_500 + 2 + new Uint32Array(first.slice().buffer)[0]!);
          }),
        );
      }
      yield* Fiber.interrupt(writer);
    }).pipe(Effect.scoped),
  );

testEffect(
  "backup: a file with a bit changed, cut short or longer is refused as corrupt, and nothing of it is restored",
  Effect.gen(function* () {
    const path = yield* folder;
    const from = newFile(path);
    yield* Effect.scoped(
      Effect.flatMap(openAt(from), (store) =>
        store.write(
          [1, 2, 3].map((n): Change => {
            return { type: "put", table: "a", key: Uint8Array.of(n), value: new Uint8Array(9) };
          }),
        ),
      ),
    );
    const file = join(path, "backup");
    yield* backupStore(from, file);
    const good = readFileSync(file);
    for (let at = 0; at < good.length; at++) {
      const bad = join(path, "bad");
      const to = newFile(path);
      for (const bytes of [good.map((byte, i) => (i === at ? byte ^ 1 : byte)), good.subarray(0, at)]) {
        writeFileSync(bad, bytes);
        same((yield* Effect.flip(restoreStore(to, bad))).reason, "corrupt", `at ${at}`);
      }
      ok(!existsSync(to.type === "file" ? to.file : ""));
    }
  }).pipe(Effect.scoped),
);

for (const [name, place] of [
  ["SQLite", Effect.map(folder, newFile)],
  ["PostgreSQL", newSchema],
] as const)
  testEffect(
    `backup: ${name} says how far it has come, up to all of the rows, and of the file that is restored what is looked through`,
    Effect.gen(function* () {
      const path = yield* folder;
      const [from, to, file] = [yield* place, yield* place, join(path, "backup")];
      const puts = (table: string, rows: number) =>
        Array.from({ length: rows }, (_, i): Change => {
          return { type: "put", table, key: new Uint8Array(new Uint32Array([i]).buffer), value: Uint8Array.of(1) };
        });
      const filled = (store: StoreShape) =>
        Effect.forEach([puts("a", 1_000), puts("b", 700), puts("c", 900)], (rows) => store.write(rows));
      yield* Effect.scoped(Effect.flatMap(openAt(from), filled));
      const steps: Array<[string, number, number]> = [];
      yield* backupStore(from, file, (...step) => steps.push(step));
      ok(steps.length > 3);
      same(steps.at(-1), ["written", 2_600, 2_600]);
      same(
        [...steps].sort(([, a], [, b]) => a - b),
        steps,
      );
      steps.length = 0;
      yield* restoreStore(to, file, (...step) => steps.push(step));
      const [checked, written] = ["checked", "written"].map((one) => steps.filter(([step]) => step === one));
      same([...checked!, ...written!], steps);
      const { size } = statSync(file);
      same(checked!.at(-1), ["checked", size, size]);
      same(
        written!.map(([, done, of]) => [done, of]),
        [1_000, 2_000, 2_600].map((done) => [done, 2_600]),
      );
    }).pipe(Effect.scoped),
  );

for (const [name, place] of [
  ["SQLite", Effect.map(folder, newFile)],
  ["PostgreSQL", newSchema],
] as const)
  testEffect(
    `backup: it is restored into an empty ${name} alone, and not while a server has that`,
    Effect.gen(function* () {
      const path = yield* folder;
      const [from, to, file] = [newFile(path), yield* place, join(path, "backup")];
      const put: Change = { type: "put", table: "a", key: Uint8Array.of(1), value: Uint8Array.of(2) };
      yield* Effect.scoped(Effect.flatMap(openAt(from), (store) => store.write([put])));
      yield* backupStore(from, file);
      const running = Effect.andThen(openAt(to), Effect.flip(restoreStore(to, file)));
      same((yield* Effect.scoped(running)).reason, "locked");
      yield* restoreStore(to, file);
      same((yield* Effect.flip(restoreStore(to, file))).reason, "notEmpty");
      const kept = yield* Effect.scoped(Effect.flatMap(openAt(to), (store) => store.scan("a")));
      same(kept.length, 1);
    }).pipe(Effect.scoped),
  );

testEffect(
  "backup: the commands say what they have done, and end with the number that their help names",
  Effect.gen(function* () {
    const path = yield* folder;
    const [data, other, file] = [join(path, "one"), join(path, "two"), join(path, "backup")];
    const { url } = yield* shared;
    const store = `${url}&schema=command${count++}`;
    const code = (work: Promise<number>) => Effect.promise(() => work);
    same(yield* code(backupCommand([file])), 2);
    same(yield* code(backupCommand([file, "--store", "postgres://vipr:word@db/vipr"])), 2);
    same(yield* code(restoreCommand([join(path, "none"), "--data", data])), 2);
    mkdirSync(data, { mode: 0o700 });
    yield* Effect.scoped(
      Effect.flatMap(openSqlite({ file: join(data, "values.sqlite") }), (opened) =>
        opened.write([{ type: "put", table: "a", key: Uint8Array.of(1), value: Uint8Array.of(2) }]),
      ),
    );
    same(yield* code(backupCommand([file, "--data", data])), 0);
    same(yield* code(restoreCommand([file, "--store", store])), 0);
    same(yield* code(restoreCommand([file, "--store", store])), 4);
    same(yield* code(backupCommand([join(path, "again"), "--store", store])), 0);
    same(yield* code(restoreCommand([join(path, "again"), "--data", other])), 0);
    same(yield* code(Effect.runPromise(Effect.scoped(held(other, file)))), 6);
    writeFileSync(file, "no backup");
    same(yield* code(restoreCommand([file, "--data", join(path, "three")])), 9);
  }).pipe(Effect.scoped),
);
const held = (data: string, file: string) =>
  Effect.andThen(
    openSqlite({ file: join(data, "values.sqlite") }),
    Effect.promise(() => restoreCommand([file, "--data", data])),
  );

const OLD = new URL("../vectors/store-0.1.0.sqlite", import.meta.url).pathname;

testEffect(
  "backup: a store that 0.1.0 has written is opened, written, and taken as it is",
  Effect.gen(function* () {
    const path = yield* folder;
    const place = newFile(path) as Extract<StorePlace, { readonly type: "file" }>;
    copyFileSync(OLD, place.file);
    const file = join(path, "backup");
    same((yield* backupStore(place, file)).rows, 3);
    const store = yield* openAt(place);
    same(
      (yield* store.scan("vcrSent")).map(({ key, value, dueMs }) => [key[0], value[0], dueMs]),
      [
        [1, 101, 1_000],
        [2, 102, 2_000],
      ],
    );
    yield* store.write([{ type: "put", table: "fresh", key: Uint8Array.of(1), value: Uint8Array.of(1) }]);
    same((yield* store.scan("entries")).length, 1);
  }).pipe(Effect.scoped),
);

test("backup: PostgreSQL ends", () => Effect.runPromise(Scope.close(lasting, Exit.void)));
