/** What call agents and strangers do to the log: each kind is said, and nobody fills a disk. */
import { ok, deepStrictEqual as same } from "node:assert";
import net from "node:net";
import { Deferred, Effect, Logger } from "effect";
import { TestClock } from "effect/testing";
import fc from "fast-check";
import { seldom } from "../../actors/kit/mod.ts";
import { Listener } from "../../actors/ports/mod.ts";
import { vapLog } from "../../actors/vap/log.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { credentialsUnder } from "../kit/credentials.ts";
import { runs, test, testEffect } from "../kit/harness.ts";

const MINUTE_MS = 60_000;
const STRANGERS = 20;

test("seldom: however many keys there are, no more than one above the most are said in a window, and all are counted", () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 20 })), { maxLength: 300 }),
      fc.integer({ min: 1, max: 5 }),
      (events, keysMax) => {
        const due = seldom({ everyMs: 1_000, keysMax });
        const saidMs: Array<number> = [];
        let atMs = 0;
        for (const [waitMs, key] of events) {
          atMs += waitMs;
          if (due(String(key), atMs) !== undefined) saidMs.push(atMs);
        }
        for (const fromMs of saidMs)
          ok(saidMs.filter((ms) => ms >= fromMs && ms < fromMs + 1_000).length <= keysMax + 1);
      },
    ),
    { numRuns: runs },
  ));

test("seldom: of one key the first is said, and then how often it was passed over", () => {
  const due = seldom({ everyMs: 1_000, keysMax: 1 });
  same([due("a", 0), due("a", 1), due("a", 999), due("a", 1_000), due("a", 2_000)], [0, undefined, undefined, 2, 0]);
  same([due("b", 2_001), due("c", 2_002), due("d", 2_003), due("a", 2_004)], [0, undefined, undefined, undefined]);
  same([due("d", 4_000), due("a", 4_001)], [0, 2]);
});

testEffect(
  "vap log: strangers whose garbage or name is another each time are said some times a minute, not each time",
  Effect.gen(function* () {
    const lines: Array<string> = [];
    const taken = Logger.layer([Logger.make(({ message }) => void lines.push(JSON.stringify(message)))]);
    const saidOf = (event: (i: number) => Parameters<ReturnType<typeof vapLog>>[0]) =>
      Effect.gen(function* () {
        const log = vapLog();
        const before = lines.length;
        for (let i = 0; i < 5_000; i++) yield* log(event(i));
        const first = lines.length - before;
        yield* TestClock.adjust(MINUTE_MS);
        yield* log(event(0));
        return [first, lines.length - before - first] as const;
      });
    yield* Effect.gen(function* () {
      const garbage = yield* saidOf((i) => ({
        ...{ type: "closed", username: "", host: "192.0.2.1", reason: "garbage", why: `cookie: is ${i}` },
      }));
      same(garbage, [1, 1]);
      ok(lines.at(-1)?.includes('"more":4999'), lines.at(-1));
      const [first, again] = yield* saidOf(
        (i) =>
          ({
            ...{ type: "refused", username: `u${i}`, host: "192.0.2.1", reason: "unauthorized", code: 401 },
            ...{ method: "register", why: "" },
          }) as never,
      );
      ok(first > 1 && first <= 65 && again === 1, `${first} ${again}`);
    }).pipe(Effect.provide([taken, TestClock.layer()]));
  }),
);

testEffect(
  "listener log: of the streams of one address that are no TLS one is said, and how many followed it",
  Effect.gen(function* () {
    const lines: Array<string> = [];
    const logger = Logger.make(({ message }) => void lines.push(JSON.stringify(message)));
    yield* Effect.gen(function* () {
      const authority = yield* makeAuthority({ name: "log test", nowMs: Date.now() });
      const tls = yield* credentialsUnder("acme.example", authority);
      let refused = 0;
      const done = yield* Deferred.make<void>();
      const { listen } = yield* Listener;
      const { port } = yield* listen(
        {
          ...{ host: "127.0.0.1", port: 0, tls },
          refused: () => {
            refused += 1;
            if (refused === STRANGERS) Deferred.doneUnsafe(done, Effect.void);
          },
        },
        () => Effect.void,
      );
      for (let i = 0; i < STRANGERS; i++) {
        const socket = net.connect(port, "127.0.0.1", () => socket.write("no TLS\r\n\r\n"));
        socket.on("error", () => {}); // we are cut off: that is what is looked for
      }
      yield* Deferred.await(done);
      same(lines.filter((line) => line.includes("listener.refused")).length, 1);
    }).pipe(Effect.scoped, Effect.provide([nodeLayer(), Logger.layer([logger])]));
  }),
);
