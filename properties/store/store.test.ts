/** Stores: memory and SQLite satisfy the same laws; SQLite also reports failures of the disk. */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Effect } from "effect";
import type { Change } from "../../actors/ports/mod.ts";
import { memoryStore } from "../../runtime/store/memory.ts";
import { readSqlite } from "../../runtime/store/reads.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { test, testEffect } from "../kit/harness.ts";
import { storeLaws } from "../kit/store-laws.ts";

/** A folder that is removed when the scope closes. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-store-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);
const fresh = Effect.flatMap(folder, (path) => openSqlite({ file: join(path, "store.db") }));

storeLaws("memory store", Effect.sync(memoryStore));
storeLaws("sqlite store", fresh);

const put = (key: number, size: number): Change => ({
  type: "put",
  table: "values",
  key: Uint8Array.of(key >> 8, key & 255),
  value: new Uint8Array(size).fill(key & 255),
});

testEffect(
  "sqlite store: opened again, it has what was written, and nothing of what failed",
  Effect.gen(function* () {
    const file = join(yield* folder, "store.db");
    yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openSqlite({ file });
        yield* store.write([put(1, 10), put(2, 20)]);
        yield* Effect.flip(store.write([put(3, 2_000_000)]));
      }),
    );
    const store = yield* openSqlite({ file });
    same(
      (yield* store.scan("values")).map(({ value }) => value.length),
      [10, 20],
    );
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: a write while its scope closes is done, and succeeds",
  Effect.gen(function* () {
    const file = join(yield* folder, "store.db");
    yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openSqlite({ file });
        yield* Effect.addFinalizer(() => Effect.orDie(store.write([put(1, 10)])));
      }),
    );
    const store = yield* readSqlite(file);
    same((yield* store.scan("values")).length, 1);
    same((yield* Effect.flip(openSqlite({ file }))).reason, "locked");
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: opened for reading it gives the same rows; it is not created by reading, nor read while another has it open",
  Effect.gen(function* () {
    const file = join(yield* folder, "store.db");
    same((yield* Effect.flip(Effect.scoped(readSqlite(file)))).reason, "readOnly");
    ok(!existsSync(file));
    const owned = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openSqlite({ file });
        yield* store.write(Array.from({ length: 20 }, (_, i) => ({ ...put(i, i), dueMs: 20 - i })));
        same((yield* Effect.flip(Effect.scoped(readSqlite(file)))).reason, "locked");
        return [yield* store.scan("values", { after: put(3, 0).key }), yield* store.due("values", 9)];
      }),
    );
    const seen = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* readSqlite(file);
        yield* readSqlite(file); // several may look at once, and none may write meanwhile
        same((yield* Effect.flip(openSqlite({ file }))).reason, "locked");
        same(yield* store.scan("never"), []);
        return [yield* store.scan("values", { after: put(3, 0).key }), yield* store.due("values", 9)];
      }),
    );
    same(seen, owned);
    yield* Effect.scoped(openSqlite({ file })); // and it can be opened for writing again
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: on a full disk a write fails, stored rows stay, and writes succeed again once there is room",
  Effect.gen(function* () {
    const file = join(yield* folder, "store.db");
    const kept: Array<number> = [];
    yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openSqlite({ file, pagesMax: 40 });
        for (let i = 0; i < 60; i++) {
          const written = yield* Effect.result(store.write([put(i, 8_000)]));
          if (written._tag === "Success") kept.push(i);
          else same(written.failure.reason, "full");
        }
        ok(kept.length > 5 && kept.length < 40, `${kept.length} kept`);
        yield* store.write([{ type: "remove", table: "values", key: put(kept.shift()!, 0).key }]);
        yield* store.write([put(99, 100)]);
        kept.push(99);
      }),
    );
    const store = yield* openSqlite({ file });
    same(
      (yield* store.scan("values")).map(({ key }) => key[1]),
      kept,
    );
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: one bad write of a group does not affect the others",
  Effect.gen(function* () {
    const store = yield* openSqlite({ file: join(yield* folder, "store.db"), pagesMax: 60 });
    const all = Array.from({ length: 10 }, (_, i) => Effect.result(store.write([put(i, i === 5 ? 1_000_000 : 100)])));
    const results = yield* Effect.all(all, { concurrency: "unbounded" });
    same(results.map(({ _tag }, i) => (_tag === "Success" ? "" : i)).join(""), "5");
    same((yield* store.scan("values")).length, 9);
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: a file that cannot be opened gives the reason",
  Effect.gen(function* () {
    const path = yield* folder;
    const why = (file: string) => Effect.map(Effect.flip(Effect.scoped(openSqlite({ file }))), (fault) => fault);
    const nowhere = yield* why(join(path, "none", "store.db"));
    same(nowhere.reason, "readOnly");
    ok(nowhere.why.includes(join(path, "none", "store.db")), nowhere.why);
    writeFileSync(join(path, "text.db"), "this is no database. ".repeat(300));
    same((yield* why(join(path, "text.db"))).reason, "corrupt");
    const other = new DatabaseSync(join(path, "other.db"));
    other.exec("CREATE TABLE theirs (id INTEGER)");
    other.close();
    const stranger = yield* why(join(path, "other.db"));
    same(stranger.reason, "malformed");
    ok(/another program's/.test(stranger.why), stranger.why);
    const newer = new DatabaseSync(join(path, "newer.db"));
    newer.exec("PRAGMA application_id = 1449742418; PRAGMA user_version = 99");
    newer.close();
    const late = yield* why(join(path, "newer.db"));
    ok(/newer than this program/.test(late.why), late.why);
    same((yield* why("/proc/self/store.db")).reason, "readOnly"); // even root cannot make a file there
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: a second one on the same file is refused, until the first has closed",
  Effect.gen(function* () {
    const file = join(yield* folder, "store.db");
    const second = yield* Effect.scoped(
      Effect.gen(function* () {
        yield* openSqlite({ file });
        return yield* Effect.flip(Effect.scoped(openSqlite({ file })));
      }),
    );
    same(second.reason, "locked");
    ok(/another process has it open/.test(second.why), second.why);
    yield* openSqlite({ file });
  }).pipe(Effect.scoped),
);

test("sqlite store: a damaged page is reported as corruption, and not given as a value", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const file = join(yield* folder, "store.db");
      yield* Effect.scoped(
        Effect.flatMap(openSqlite({ file }), (store) =>
          store.write(Array.from({ length: 40 }, (_, i) => put(i, 3_000))),
        ),
      );
      const { readFileSync } = yield* Effect.promise(() => import("node:fs"));
      const bytes = readFileSync(file);
      bytes.fill(0xa5, 4_096 * 2); // all but the first two pages
      writeFileSync(file, bytes);
      const met = yield* Effect.flip(
        Effect.scoped(Effect.flatMap(openSqlite({ file }), (store) => store.scan("values"))),
      );
      same(met.reason, "corrupt");
    }).pipe(Effect.scoped),
  );
});

testEffect(
  "sqlite store: after closing, reads and writes fail as closed",
  Effect.gen(function* () {
    const store = yield* Effect.scoped(fresh);
    same((yield* Effect.flip(store.write([put(1, 1)]))).reason, "closed");
    same((yield* Effect.flip(store.scan("values"))).reason, "closed");
  }).pipe(Effect.scoped),
);

testEffect(
  "sqlite store: a program of 0.1.0, which locks the file itself, is kept out, and keeps us out",
  Effect.gen(function* () {
    const file = join(yield* folder, "store.db");
    const old = () => {
      const db = new DatabaseSync(file);
      try {
        db.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE");
        db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        db.exec("BEGIN IMMEDIATE");
        db.exec("COMMIT");
        return db;
      } catch (cause) {
        db.close();
        throw cause;
      }
    };
    yield* Effect.scoped(Effect.flatMap(openSqlite({ file }), () => Effect.sync(() => throws(old, /locked/))));
    const theirs = old();
    same((yield* Effect.flip(Effect.scoped(openSqlite({ file })))).reason, "locked");
    theirs.close();
    yield* openSqlite({ file });
  }).pipe(Effect.scoped),
);
