/**
 * A machine hosted in an Effect fiber beside the same chart in XState's own actor: events through the mailbox, the step and
 * what it orders; and the heap of a role that waits for its timer.
 */
import { Effect, Exit, Fiber, Scope } from "effect";
import { createActor, setup as xstateSetup } from "xstate";
import { drive, fired, mailbox } from "../../actors/kit/mod.ts";
import { type Note, type Of, setup } from "../../machines/kit/mod.ts";
import { type Contest, cpuMs, heapBytesOf } from "./kit.ts";

type Ev =
  | { readonly type: "told"; readonly n: number }
  | { readonly type: "stop" }
  | { readonly type: "timerFired"; readonly timer: "idle"; readonly atMs: number };
type Order =
  | { readonly type: "heard"; readonly n: number }
  | { readonly type: "startTimer"; readonly timer: "idle"; readonly ms: number }
  | Note;

const EVENTS = 50_000;
const MAILBOX_MAX = 256;
const ROLES = 2_000;
const IDLE_MS = 3_600_000;

const { machine, give } = setup<{ input: undefined; context: object; event: Ev; order: Order }>();
const heard = give("heard", (_, { n }: Of<Ev, "told">) => ({ n }));
/** Hears numbers until it is stopped. */
const theListener = machine("listener", {
  context: () => ({}),
  initial: "open",
  states: { open: { on: { told: { actions: heard }, stop: { target: "over" } } }, over: { type: "final" } },
});
/** The same, with a timer that it orders as it starts. */
const theIdler = machine("idler", {
  context: () => ({}),
  initial: "idle",
  states: {
    idle: {
      entry: { type: "startTimer", timer: "idle", ms: IDLE_MS },
      on: { told: { actions: heard } },
      timers: { idle: { target: "over" } },
    },
    over: { type: "final" },
  },
});
/** The same charts in XState's own words. */
const listener = xstateSetup({
  types: { events: {} as Ev },
  actions: { heard: (_, __: { readonly n: number }) => {} },
}).createMachine({
  id: "listener",
  initial: "open",
  states: {
    open: { on: { told: { actions: { type: "heard", params: ({ event }) => ({ n: event.n }) } }, stop: "over" } },
    over: { type: "final" },
  },
});
const xstateIdler = xstateSetup({ types: { events: {} as Ev } }).createMachine({
  id: "idler",
  initial: "idle",
  states: { idle: { after: { [IDLE_MS]: "over" }, on: { told: { actions: () => {} } } }, over: { type: "final" } },
});

const events: ReadonlyArray<Ev> = Array.from({ length: EVENTS }, (_, n) => ({ type: "told", n }));
let sum = 0;
const hear = (order: Order): void => {
  if (order.type === "heard") sum += order.n;
};
const heardAll = (): void => {
  if (sum !== (EVENTS * (EVENTS - 1)) / 2) throw new Error("events were lost");
};

/** Events a second from one fiber that tells to one that hears. */
const hosted = (perform: (order: Order) => Effect.Effect<void> | void) => async (): Promise<number> => {
  sum = 0;
  const from = cpuMs();
  const run = Effect.gen(function* () {
    const box = yield* mailbox<Ev>(MAILBOX_MAX);
    const hearer = yield* Effect.forkScoped(drive(theListener, undefined, box, perform));
    for (const event of events) yield* box.tell(event);
    yield* box.tell({ type: "stop" });
    yield* Fiber.join(hearer);
  });
  await Effect.runPromise(Effect.scoped(run));
  heardAll();
  return (1_000 * EVENTS) / (cpuMs() - from);
};
const sent = (): number => {
  sum = 0;
  const from = cpuMs();
  const actor = createActor(listener.provide({ actions: { heard: (_, order) => hear({ type: "heard", ...order }) } }));
  actor.start();
  for (const event of events) actor.send(event);
  actor.send({ type: "stop" });
  heardAll();
  return (1_000 * EVENTS) / (cpuMs() - from);
};

const idleRole = Effect.gen(function* () {
  const box = yield* mailbox<Ev>(MAILBOX_MAX);
  const perform = (order: Order) =>
    order.type === "startTimer" ? box.startTimer(order.timer, order.ms, fired(order.timer)) : Effect.void;
  yield* Effect.forkScoped(drive(theIdler, undefined, box, perform));
});
const scope = Effect.runSync(Scope.make());
const idleRoles = async (): Promise<number> => {
  let end: Scope.Closeable = scope;
  const bytes = await heapBytesOf(() =>
    Effect.runPromise(
      Effect.gen(function* () {
        end = yield* Scope.make();
        const boxes: Array<unknown> = [];
        for (let i = 0; i < ROLES; i++) boxes.push(yield* Scope.provide(idleRole, yield* Scope.fork(end)));
        yield* Effect.sleep(20);
        return boxes;
      }),
    ),
  );
  await Effect.runPromise(Scope.close(end, Exit.void));
  return bytes / 1_024 / ROLES;
};
const idleActors = async (): Promise<number> => {
  const actors: Array<{ readonly stop: () => unknown }> = [];
  const bytes = await heapBytesOf(() => {
    for (let i = 0; i < ROLES; i++) actors.push(createActor(xstateIdler).start());
    return actors;
  });
  for (const actor of actors) actor.stop();
  return bytes / 1_024 / ROLES;
};

export const contests: ReadonlyArray<Contest> = [
  {
    name: "host: mailbox, step, perform",
    unit: "1/s",
    peerName: "XState createActor().send",
    aim: 3,
    ours: hosted(hear),
    peer: sent,
  },
  {
    name: "host: the same, an Effect for each order",
    unit: "1/s",
    peerName: "XState createActor().send",
    ours: hosted((order) => Effect.sync(() => hear(order))),
    peer: sent,
  },
  {
    name: "host: an idle role with a timer",
    unit: "KiB",
    peerName: "an XState actor with `after`",
    lowerIsBetter: true,
    rounds: 3,
    ours: idleRoles,
    peer: idleActors,
  },
];
