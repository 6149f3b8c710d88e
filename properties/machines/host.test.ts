/** The laws of the host: back-pressure, timers, interruption, and defects that end one machine only. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Exit, Fiber, Layer, Logger, Scope } from "effect";
import { drive, mailbox } from "../../actors/kit/mod.ts";
import { type Note, setup } from "../../machines/kit/mod.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

type Ev =
  | { readonly type: "number"; readonly n: number }
  | { readonly type: "timerFired"; readonly timer: "end" }
  | { readonly type: "stop" };
type Action = { readonly type: "report"; readonly n: number } | Note;
/** As `perform` receives it: a note has no number, and none is expected. */
type Order = { readonly type: Action["type"]; readonly n?: number };

const { machine, decide } = setup<{ input: undefined; context: object; event: Ev; order: Action }>();
/** Reports each number, throws at 13, ends at stop or at its timer. */
const listener = machine("listener", {
  context: () => ({}),
  initial: "open",
  states: {
    open: {
      on: {
        number: {
          actions: decide(["report"], (_, { n }) => {
            if (n === 13) throw new Error("thirteen");
            return { actions: [{ type: "report", n }] };
          }),
        },
        stop: { target: "over" },
      },
      timers: { end: { target: "over" } },
    },
    over: { type: "final" },
  },
});

test("host: events are performed one by one, in order, though the mailbox is small", async () => {
  const performed: Array<number> = [];
  await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(2);
        const perform = ({ n = Number.NaN }: Order) =>
          Effect.andThen(
            Effect.sleep(5),
            Effect.sync(() => performed.push(n)),
          );
        const fiber = yield* Effect.forkChild(drive(listener, undefined, box, perform));
        for (let n = 0; n < 10; n++) yield* box.tell({ type: "number", n });
        yield* box.tell({ type: "stop" });
        yield* Fiber.join(fiber);
      }),
    ),
  );
  same(performed, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("host: of two timers that are due at one instant, the first stops the second, whose event has come and is not taken", async () => {
  const performed: Array<number> = [];
  await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(4);
        const perform = ({ n = Number.NaN }: Order) =>
          Effect.andThen(
            Effect.sync(() => performed.push(n)),
            n === 1 ? box.stopTimer("b") : Effect.void,
          );
        yield* Effect.forkScoped(drive(listener, undefined, box, perform));
        yield* box.startTimer("a", 10, { type: "number", n: 1 });
        yield* box.startTimer("b", 10, { type: "number", n: 2 });
        yield* box.startTimer("c", 10, { type: "number", n: 3 });
        yield* Effect.sleep(50);
        yield* box.stopTimer("a");
      }),
    ),
  );
  same(performed, [1, 3]);
});

test("host: a timer started again fires once, a stopped one never, and none outlives the scope", async () => {
  const performed: Array<number> = [];
  await runVirtual(
    Effect.gen(function* () {
      const perform = ({ n = Number.NaN }: Order) => Effect.sync(() => performed.push(n));
      yield* Effect.scoped(
        Effect.gen(function* () {
          const box = yield* mailbox<Ev>(4);
          yield* Effect.forkScoped(drive(listener, undefined, box, perform));
          yield* box.startTimer("a", 10, { type: "number", n: 1 });
          yield* box.startTimer("a", 20, { type: "number", n: 2 });
          yield* box.startTimer("b", 10, { type: "number", n: 3 });
          yield* box.stopTimer("b");
          yield* box.startTimer("c", 100, { type: "number", n: 4 });
          yield* Effect.sleep(50);
        }),
      );
      yield* Effect.sleep(1_000);
    }),
  );
  same(performed, [2]);
});

test("host: an answer that is there at once comes before events of others, a later one in its turn", async () => {
  const performed: Array<number> = [];
  await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(2); // as small as this: nothing that `perform` says may wait for room
        const number = (n: number): Ev => ({ type: "number", n });
        const perform = ({ n = Number.NaN }: Order) => {
          performed.push(n);
          if (n >= 10) return Effect.void;
          const late = Effect.as(Effect.sleep(n), number(100 + n));
          return Effect.andThen(
            box.tellWhen(Effect.succeed(number(10 + n))),
            box.tellWhen(n === 1 ? late : Effect.never),
          );
        };
        const fiber = yield* Effect.forkChild(drive(listener, undefined, box, perform));
        for (const n of [1, 2, 4, 5]) yield* box.tell(number(n)); // 13 breaks it
        yield* Effect.sleep(50);
        yield* box.tell({ type: "stop" });
        yield* Fiber.join(fiber);
      }),
    ),
  );
  same(performed, [1, 11, 2, 12, 4, 14, 5, 15, 101]);
});

test("host: a full mailbox refuses an event, and keeps those that it has", async () => {
  const box = mailbox<Ev>(2);
  const performed = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { tellNow, next } = yield* box;
        const accepted = [1, 2, 3].map((n) => tellNow({ type: "number", n }));
        return [accepted, yield* next, yield* next, tellNow({ type: "stop" }), yield* next];
      }),
    ),
  );
  same(performed, [[true, true, false], { type: "number", n: 1 }, { type: "number", n: 2 }, true, { type: "stop" }]);
});

test("host: a defect in a step ends that machine, is reported with its name, and touches no other", async () => {
  const logged: Array<string> = [];
  const recorder = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]);
  const performed: Array<number> = [];
  await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const [one, two] = [yield* mailbox<Ev>(4), yield* mailbox<Ev>(4)];
        const perform = ({ n = Number.NaN }: Order) => Effect.sync(() => performed.push(n));
        const broken = yield* Effect.forkScoped(drive(listener, undefined, one, perform, "one"));
        const sound = yield* Effect.forkScoped(drive(listener, undefined, two, perform, "two"));
        yield* one.tell({ type: "number", n: 13 });
        ok(Exit.hasDies(yield* Fiber.await(broken)));
        yield* two.tell({ type: "number", n: 14 });
        yield* two.tell({ type: "stop" });
        ok(Exit.isSuccess(yield* Fiber.await(sound)));
      }),
    ).pipe(Effect.provide(Layer.mergeAll(recorder))),
  );
  same(performed, [14]);
  same(logged.length, 1);
  ok(logged[0]!.includes("machine.died,listener one"), logged[0]);
});

const number = (n: number): Ev => ({ type: "number", n });

test("host: orders done at once, by an exit, an effect or a wait are performed in the order of their events", async () => {
  const performed: Array<number> = [];
  await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(3);
        const perform = ({ n = Number.NaN }: Order) => {
          const later = Effect.sync(() => void performed.push(n));
          if (n % 4 === 1) return later;
          if (n % 4 === 2) return Effect.andThen(Effect.sleep(n), later);
          performed.push(n);
          return n % 4 === 3 ? Effect.void : undefined;
        };
        const fiber = yield* Effect.forkChild(drive(listener, undefined, box, perform));
        for (let n = 100; n < 1_500; n++) yield* box.tell(number(n));
        yield* box.tell({ type: "stop" });
        yield* Fiber.join(fiber);
      }),
    ),
  );
  same(
    performed,
    Array.from({ length: 1_400 }, (_, i) => 100 + i),
  );
});

test("host: one that always has an event lets others run", async () => {
  const performed: Array<number | string> = [];
  await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(2);
        const perform = ({ n = Number.NaN }: Order) => {
          performed.push(n);
          if (n < 5_000) box.events.answer(number(n + 1));
        };
        yield* Effect.forkScoped(drive(listener, undefined, box, perform));
        yield* box.tell(number(100));
        while (performed.length === 0) yield* Effect.yieldNow;
        performed.push("other");
        yield* Effect.sleep(1);
      }),
    ),
  );
  ok(performed.indexOf("other") > 0 && performed.indexOf("other") < 2_000, `at ${performed.indexOf("other")}`);
  same(performed.at(-1), 5_000);
});

test("host: an order that ends its own host is its last one, though events wait", async () => {
  for (const isAsleep of [false, true]) {
    const performed: Array<number> = [];
    await runVirtual(
      Effect.gen(function* () {
        const scope = yield* Scope.make();
        const box = yield* Scope.provide(mailbox<Ev>(8), scope);
        const perform = ({ n = Number.NaN }: Order) => {
          performed.push(n);
          if (n === 2) Effect.runFork(Scope.close(scope, Exit.void));
        };
        const fiber = yield* Effect.forkIn(drive(listener, undefined, box, perform), scope);
        if (isAsleep) yield* Effect.sleep(1);
        for (const n of [1, 2, 3, 4]) yield* box.tell(number(n));
        yield* Effect.sleep(1);
        ok(Exit.hasInterrupts(yield* Fiber.await(fiber)));
        yield* box.tell(number(5));
        yield* Effect.sleep(1);
      }),
    );
    same(performed, [1, 2]);
  }
});

test("host: a failure and a defect of an order end the host, whether its fiber sleeps or not", async () => {
  const quiet = Logger.layer([]);
  for (const fails of [() => Effect.fail("no"), () => Effect.andThen(Effect.sleep(1), Effect.fail("no"))])
    for (const isAsleep of [false, true]) {
      const exit = await runVirtual(
        Effect.scoped(
          Effect.gen(function* () {
            const box = yield* mailbox<Ev>(8);
            const fiber = yield* Effect.forkScoped(drive(listener, undefined, box, fails));
            if (isAsleep) yield* Effect.sleep(1);
            yield* box.tell(number(1));
            return yield* Fiber.await(fiber);
          }),
        ).pipe(Effect.provide(quiet)),
      );
      same(exit, Exit.fail("no"));
    }
  const broken = () => {
    throw new Error("perform");
  };
  const exit = await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(8);
        const fiber = yield* Effect.forkScoped(drive(listener, undefined, box, broken));
        yield* Effect.sleep(1);
        yield* box.tell(number(1));
        return yield* Fiber.await(fiber);
      }),
    ).pipe(Effect.provide(quiet)),
  );
  ok(Exit.hasDies(exit));
});

test("host: a timer that fires into a full mailbox waits its turn, and a stop takes its event back", async () => {
  const performed = await runVirtual(
    Effect.scoped(
      Effect.gen(function* () {
        const box = yield* mailbox<Ev>(1);
        const performed: Array<Ev> = [];
        yield* box.tell(number(1));
        yield* box.startTimer("a", 1, number(2));
        yield* box.startTimer("b", 2, number(3));
        yield* box.startTimer("c", 3, Effect.succeed(number(4)));
        yield* Effect.sleep(10);
        yield* box.stopTimer("b");
        while (true) {
          const next = yield* Effect.timeoutOption(box.next, 10);
          if (next._tag === "None") return performed;
          performed.push(next.value);
        }
      }),
    ),
  );
  same(performed, [number(1), number(2), number(4)]);
});
