/** What a storage has acknowledged is on disk, and what is not there was refused: whatever the disk does meanwhile. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Deferred, Effect, Logger } from "effect";
import fc from "fast-check";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { restoredFrom } from "../../machines/reload/mod.ts";
import { memoryStore } from "../../runtime/store/memory.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { runs, test } from "../kit/harness.ts";
import { BASE_MS, hostTestStorage } from "./storage-host.ts";
import { SELF } from "./storage-talk.ts";

const quietly = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.provide(effect, Logger.layer([])));

const FULL = new StoreFailed({ reason: "full", why: "as the test wants it" });

/** A disk whose writes take time, and fail when the test wants it. */
const disk = (fails: ReadonlyArray<boolean>) => {
  const store = memoryStore();
  let writes = 0;
  const write: StoreShape["write"] = (changes) =>
    Effect.gen(function* () {
      const isFull = fails[writes++ % fails.length] ?? false;
      for (let i = 0; i < 3; i++) yield* Effect.yieldNow;
      return yield* isFull ? Effect.fail(FULL) : store.write(changes);
    });
  return { store: { ...store, write }, writes: () => writes };
};

/** What is on disk, as `resource -> storage time`. */
const onDisk = (store: StoreShape) =>
  Effect.map(store.scan("values"), (rows) => {
    const found = new Map<bigint, bigint>();
    for (const { key, value } of rows) {
      const item = restoredFrom(key, value, BASE_MS);
      if (item?.type === "entry") found.set(bigOf(item.resource), item.entry.data.storageTime - BigInt(BASE_MS));
    }
    return found;
  });

const anyStore = fc.record({
  resource: fc.constantFrom(SELF, SELF - 1n, SELF - 2n),
  storageTime: fc.bigInt({ min: 1n, max: 6n }),
  pauses: fc.nat(6),
});

test("a disk that fails now and then: acknowledged is on disk, refused is not remembered, table and disk agree", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStore, { maxLength: 25 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
      (stores, fails) =>
        quietly(
          Effect.gen(function* () {
            const { store } = disk(fails);
            const storage = yield* hostTestStorage(store);
            const acknowledged = new Map<bigint, bigint>();
            const answers: Array<Deferred.Deferred<string>> = [];
            const faults: Array<string> = [];
            for (const { resource, storageTime, pauses } of stores) {
              const answer = yield* Deferred.make<string>();
              answers.push(answer);
              yield* storage.store({ resource, storageTime }, (said) =>
                Effect.gen(function* () {
                  if (said === "stored") {
                    const known = acknowledged.get(resource) ?? 0n;
                    if (storageTime > known) acknowledged.set(resource, storageTime);
                    // At the very moment of the answer it is there already.
                    const there = (yield* Effect.orDie(onDisk(store))).get(resource) ?? 0n;
                    if (there < storageTime) faults.push(`acknowledged ${storageTime}, on disk ${there}`);
                  }
                  yield* Deferred.succeed(answer, said);
                }),
              );
              for (let i = 0; i < pauses; i++) yield* Effect.yieldNow;
            }
            for (const answer of answers)
              ok(/^(stored|dataTooOld|dataTooLarge disk)/.test(yield* Deferred.await(answer)));
            same(faults, []);
            yield* storage.rest;
            const there = yield* onDisk(store);
            for (const [resource, time] of acknowledged) ok((there.get(resource) ?? 0n) >= time);
            for (const resource of [SELF, SELF - 1n, SELF - 2n])
              same(yield* storage.held(resource), there.get(resource), "table and disk");
          }).pipe(Effect.scoped),
        ),
    ),
    { numRuns: runs },
  );
});

test("many stores share a write, and none waits for ever", async () => {
  await quietly(
    Effect.gen(function* () {
      const { store, writes } = disk([false]);
      const storage = yield* hostTestStorage(store);
      const count = 500;
      let stored = 0;
      const all = yield* Deferred.make<void>();
      for (let i = 0; i < count; i++)
        yield* storage.store({ resource: SELF - BigInt(i), storageTime: 1n }, () =>
          ++stored === count ? Effect.asVoid(Deferred.succeed(all, undefined)) : Effect.void,
        );
      yield* Deferred.await(all);
      same((yield* onDisk(store)).size, count);
      ok(writes() < count / 3, `${writes()} writes for ${count} stores`);
    }).pipe(Effect.scoped),
  );
});

test("a disk that is full for good: every store is refused as such, and what was there stays", async () => {
  await quietly(
    Effect.gen(function* () {
      const path = mkdtempSync(join(tmpdir(), "vipr-full-"));
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(path, { recursive: true, force: true })));
      const store = yield* openSqlite({ file: join(path, "store.db"), pagesMax: 30 });
      const storage = yield* hostTestStorage(store);
      const said: Array<string> = [];
      for (let i = 0; i < 400; i++) {
        const answer = yield* Deferred.make<string>();
        yield* storage.store({ resource: SELF - BigInt(i), storageTime: 1n }, (word) =>
          Effect.asVoid(Deferred.succeed(answer, word)),
        );
        said.push(yield* Deferred.await(answer));
      }
      const stored = said.filter((word) => word === "stored").length;
      ok(stored > 50 && stored < 300, `${stored} stored`);
      same(new Set(said), new Set(["stored", "dataTooLarge disk"]));
      same((yield* onDisk(store)).size, stored);
      same(storage.resources(), stored);
      same(storage.refusals(), { disk: 400 - stored });
    }).pipe(Effect.scoped),
  );
});

const CHILD = fileURLToPath(new URL("./durable-child.ts", import.meta.url));
const command = "Deno" in globalThis ? ["run", "-A", "--no-check", CHILD] : [CHILD];

/** Starts the child on that file, kills it after so many acknowledgements and a while, and gives what it had acknowledged. */
const killed = (file: string, first: number, atCount: number, afterMs: number): Promise<ReadonlyArray<number>> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...command, file, String(first)], { stdio: ["ignore", "pipe", "pipe"] });
    let [text, faults] = ["", ""];
    let isDoomed = false;
    child.stderr.on("data", (chunk) => (faults += String(chunk)));
    child.stdout.on("data", (chunk) => {
      text += String(chunk);
      if (isDoomed || text.split("\n").length <= atCount) return;
      isDoomed = true;
      setTimeout(() => child.kill("SIGKILL"), afterMs);
    });
    child.on("error", reject);
    // The last line may be torn: it counts only with its end.
    child.on("close", (_, signal) =>
      signal === "SIGKILL"
        ? resolve(text.split("\n").slice(0, -1).map(Number))
        : reject(new Error(`it ended by itself: ${faults}`)),
    );
  });

test("killed at any moment while it stores, a node has lost nothing of what it acknowledged", async () => {
  const path = mkdtempSync(join(tmpdir(), "vipr-kill-"));
  try {
    const file = join(path, "store.db");
    const acknowledged: Array<number> = [];
    for (const [atCount, afterMs] of [
      [1, 0],
      [40, 3],
      [150, 11],
      [20, 29],
    ] as const) {
      const told = await killed(file, (acknowledged.at(-1) ?? 0) + 10_000, atCount, afterMs);
      ok(told.length >= atCount);
      acknowledged.push(...told);
      await quietly(
        Effect.gen(function* () {
          const there = new Set<bigint>();
          const store = yield* openSqlite({ file });
          let after: Uint8Array | undefined;
          while (true) {
            const rows = yield* store.scan("values", after === undefined ? {} : { after });
            if (rows.length === 0) break;
            after = rows.at(-1)!.key;
            for (const { key, value } of rows) {
              const item = restoredFrom(key, value, BASE_MS);
              ok(item !== undefined, "a torn row");
              if (item.type === "entry") there.add(bigOf(item.resource));
            }
          }
          same(
            acknowledged.filter((i) => !there.has(SELF - BigInt(i))),
            [],
          );
          const storage = yield* hostTestStorage(store);
          same(storage.resources(), there.size);
        }).pipe(Effect.scoped),
      );
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});
