/** What actors/kit carries for every actor: replies, shared work, common orders, pages of a table, the newest of a map. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Exit, Fiber, Logger } from "effect";
import fc from "fast-check";
import { allRows, eachPage, mailbox, performing, Replies, Shared, untilStored } from "../../actors/kit/mod.ts";
import { type Row, StoreFailed } from "../../actors/ports/mod.ts";
import { addNewest, keepNewest } from "../../codecs/shared/mod.ts";
import { memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

test("kit: the newest of a map and of a set are those used last, in their order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(9), { maxLength: 60 }), (max, keys) => {
      const [map, set] = [new Map<number, string>(), new Set<number>()];
      for (const key of keys) {
        keepNewest(map, max, key, `${key}`);
        addNewest(set, max, key);
      }
      const last = [...new Set([...keys].reverse())].slice(0, max).reverse();
      same([...map.keys()], last);
      same([...set], last);
    }),
    { numRuns: runs },
  );
});

test("kit: each answer finds the one who asked, whatever the order, and the table is empty afterwards", async () => {
  const orders = fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 6 });
  await fc.assert(
    fc.asyncProperty(orders, fc.nat(5), async (order, cancelled) => {
      const replies = new Replies<number, string, string, string>();
      await runVirtual(
        Effect.gen(function* () {
          const asked: Array<number> = [];
          const asking = yield* Effect.forEach(order, (key) =>
            Effect.forkChild(
              Effect.exit(
                replies.ask(
                  key,
                  Effect.sync(() => asked.push(key)),
                  `about ${key}`,
                ),
              ),
            ),
          );
          yield* Effect.sleep(1);
          same(asked, order);
          same([replies.size, replies.about(3)], [6, "about 3"]);
          yield* Fiber.interrupt(asking[cancelled]!);
          same(replies.size, 5);
          for (const key of [1, 2, 3, 4, 5, 6])
            yield* key % 2 === 0 ? replies.fail(key, `no ${key}`) : replies.answer(key, `yes ${key}`);
          for (const [i, fiber] of asking.entries()) {
            const key = order[i]!;
            const answer = key % 2 === 0 ? Exit.fail(`no ${key}`) : Exit.succeed(`yes ${key}`);
            if (i !== cancelled) same(yield* Fiber.join(fiber), answer);
          }
          same(replies.size, 0);
          yield* replies.answer(1, "nobody waits");
        }),
      );
    }),
    { numRuns: Math.min(runs, 50) },
  );
});

test("kit: the end answers all who wait and all who ask later, and lets go who asks what has ended", async () => {
  const replies = new Replies<number, string>();
  const heard = await runVirtual(
    Effect.gen(function* () {
      const waits = yield* Effect.forkChild(replies.ask(replies.nextRef(), Effect.void));
      const stuck = Effect.raceFirst(Effect.never, replies.over);
      const asks = yield* Effect.forkChild(replies.ask(replies.nextRef(), stuck));
      const expected = yield* Effect.forkChild(replies.expect(7));
      yield* Effect.sleep(1);
      yield* replies.end("over");
      const late = yield* replies.ask(replies.nextRef(), Effect.never);
      return [yield* Fiber.join(waits), yield* Fiber.join(asks), yield* Fiber.join(expected), late];
    }),
  );
  same(heard, ["over", "over", "over", "over"]);
  same(replies.size, 0);
});

test("kit: the same work is done once for all who ask meanwhile, within its limits", async () => {
  const shared = new Shared<string>({ keysMax: 2, waitersMax: 2 });
  let works = 0;
  const work = Effect.andThen(
    Effect.sleep(10),
    Effect.sync(() => `work ${++works}`),
  );
  await runVirtual(
    Effect.gen(function* () {
      const ask = (key: string, what: Effect.Effect<string> = work) =>
        Effect.forkChild(shared.share(key, what, "none"));
      const [first, second, third, fourth] = [yield* ask("a"), yield* ask("a"), yield* ask("a"), yield* ask("a")];
      const broken = yield* ask("b", Effect.andThen(Effect.sleep(5), Effect.die("broken")));
      const [after, beyond] = [yield* ask("b"), yield* ask("c")];
      const joined = yield* Effect.forEach([first, second, third, fourth, after, beyond], (fiber) => Fiber.join(fiber));
      same(joined, ["work 1", "work 1", "work 1", "none", "none", "none"]);
      ok(Exit.hasDies(yield* Fiber.await(broken)));
      same(yield* shared.share("a", work, "none"), "work 2");
    }),
  );
});

test("kit: common orders reach the timers, the rest its own perform", async () => {
  type Timed = { readonly type: string; readonly timer?: string; readonly atMs?: number };
  const own: Array<string> = [];
  const heard = await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Timed>(8);
        const drawn = (min: number, max: number) => Effect.succeed((min + max) / 2);
        const perform = performing(
          box,
          { unexpected: "test.unexpected", between: drawn },
          ({ type }: { type: string }) => {
            own.push(type);
          },
        );
        const orders = [
          { type: "startTimer", timer: "a", ms: 30 },
          { type: "startTimer", timer: "b", betweenMs: [9.5, 20] },
          { type: "startTimer", timer: "c", ms: 10, spreadMs: 20.9 },
          { type: "startTimer", timer: "d", ms: 1 },
          { type: "stopTimer", timer: "d" },
          { type: "note", unexpected: "x" },
          { type: "mine" },
        ] as const;
        for (const order of orders) yield* perform(order) ?? Effect.void;
        return [yield* box.next, yield* box.next, yield* box.next];
      }),
    ),
    0,
  );
  same(own, ["mine"]);
  same(
    heard.map(({ timer, atMs }) => [timer, atMs]),
    [
      ["b", 15],
      ["c", 20],
      ["a", 30],
    ],
  );
});

test("kit: pages give every row once, in order, also where each page is removed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 7 }), fc.nat(30), fc.boolean(), async (rowsMax, count, isRemoved) => {
      const keys = await Effect.runPromise(
        Effect.gen(function* () {
          const store = memoryStore();
          const key = (i: number) => Uint8Array.of(1, i);
          const put = (bytes: Uint8Array) =>
            ({ type: "put", table: "t", key: bytes, value: new Uint8Array() }) as const;
          yield* store.write([put(Uint8Array.of(0, 1)), put(Uint8Array.of(2, 1))]);
          for (let i = 0; i < count; i++) yield* store.write([put(key(i))]);
          const found: Array<number> = [];
          const use = (rows: ReadonlyArray<Row>) => {
            ok(rows.length > 0 && rows.length <= rowsMax);
            found.push(...rows.map((row) => row.key[1]!));
            const gone = rows.map((row) => ({ type: "remove", table: "t", key: row.key }) as const);
            return isRemoved ? store.write(gone) : Effect.void;
          };
          yield* eachPage(store, "t", { prefix: Uint8Array.of(1), rowsMax }, use);
          same((yield* allRows(store, "t", { rowsMax })).length, 2 + (isRemoved ? 0 : count));
          return found;
        }).pipe(Effect.scoped),
      );
      same(
        keys,
        Array.from({ length: count }, (_, i) => i),
      );
    }),
    { numRuns: runs },
  );
});

test("kit: a disk that refuses is asked again after the wait and twice as long each time, and said twice: that, and that no more", async () => {
  const lines: Array<unknown> = [];
  const atMs: Array<number> = [];
  const disk = Effect.gen(function* () {
    atMs.push(yield* Clock.currentTimeMillis);
    return atMs.length < 7 ? yield* new StoreFailed({ reason: "full", why: "no room" }) : "written";
  });
  const logger = Logger.make(({ message }) => void lines.push(message));
  const read = untilStored("a.table", disk, [100, 1_000]).pipe(Effect.provide(Logger.layer([logger])));
  same(await runVirtual(read as never), "written");
  same(
    atMs.map((at) => at - atMs[0]!),
    [0, 100, 300, 700, 1_500, 2_500, 3_500],
  );
  same(lines, [
    ["a.table", { reason: "full", why: "no room" }],
    ["a.table", "done now"],
  ]);
});
