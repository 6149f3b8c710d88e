/**
 * What every machine owes, as a list of laws: whoever has them may run them by any test runner, or by none.
 *
 *   for (const { name, check } of machineLawsOf(lamp, { inputs: fc.record({ … }), events: (input) => fc.oneof(…) }))
 *     test(name, check);
 *
 * Timers are the actions { type: "startTimer" | "stopTimer", timer } and the event { type: "timerFired", timer }. Events are
 * sent in any order and any state, a timer's event also when the timer was stopped or never ran: a host may have it in its
 * mailbox already.
 */
import * as assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Clock, Effect, Fiber } from "effect";
import { TestClock } from "effect/testing";
import fc from "fast-check";
import { drive, mailbox, Watch } from "../../actors/kit/mod.ts";
import { type Machine, type Snapshot, type Step, tableOf } from "../../machines/kit/mod.ts";
import { byXState } from "./by-xstate.ts";
import { type Invariant, type Law, lawOf, ordinary, RUNS } from "./laws.ts";
import { type Fired, hostPlainly, type Moment, type Seen } from "./plain-host.ts";
import { walkable } from "./rows.ts";
import { markTransitions } from "./transitions.ts";
import { type Walk as Play, shorterWalks, walksOf } from "./walks.ts";

/** Where the laws take a machine's inputs and events from. */
export interface MachineArbitraries<I, E> {
  readonly inputs: fc.Arbitrary<I>;
  /** Any event that can reach a machine with this input; stale timers are added by the laws. */
  readonly events: (input: I) => fc.Arbitrary<E>;
}
/** What the laws of a machine need to know besides, of machines that differ from most. */
export interface MachineLawOptions<I, E, A> {
  readonly name?: string;
  /** Events of one run. Default 30. */
  readonly eventsMax?: number;
  /** The event of a fired timer, where it carries more than its name and the hour. */
  readonly fired?: Fired<E>;
  /** How long a timer is set for. Default the action's `ms`, or the first of its `betweenMs`. */
  readonly msOf?: (action: A) => number;
  /** Timers that are still to run when the machine is done. Default none. */
  readonly outlive?: (timer: string) => boolean;
  /** The input as a machine may share it: runs are compared on copies of it. Default structuredClone. */
  readonly copyOf?: (input: I) => I;
  /** What holds in every state besides. */
  readonly invariants?: Readonly<Record<string, Invariant>>;
  /** Of each law. Default `RUNS`. */
  readonly runs?: number;
  /** Where its transition table lies as text, and whether to write it there. Default: nowhere. */
  readonly table?: TableAt;
  /** Its inputs and events must come to every transition that it declares. Default false. */
  readonly everyTransition?: boolean;
  /** Plays that come where generated ones do not, as their events have to fit one another. The laws go on from anywhere in them. */
  readonly plays?: ReadonlyArray<Play<I, E>>;
}
/** Where a machine's transition table is kept as text. */
export interface TableAt {
  /** A directory; the file is called after the machine. */
  readonly folder: URL;
  /** Otherwise the table must be the one that is there. */
  readonly write: boolean;
}

type Typed = { readonly type: string };
type Order = Typed & { readonly timer?: string; readonly ms?: number; readonly betweenMs?: readonly [number, number] };

const EVENTS_MAX = 30;
const DELAY_MS_MAX = 60_000;
const MAILBOX_EVENTS_MAX = 64;
const SAMPLE = { numRuns: 50, seed: 1 };
const COVERING = { runs: 200, seeds: 15 };

/** What every machine owes, for all inputs and all events in any order, those of stale timers too. */
export const machineLawsOf = <I, E extends Typed, A extends Order, C>(
  machine: Machine<I, E, A, C>,
  { inputs, events }: MachineArbitraries<I, E>,
  options: MachineLawOptions<I, E, A> = {},
): ReadonlyArray<Law> => {
  const name = options.name ?? machine.id;
  const fired = options.fired ?? ((timer: string, atMs: number) => ({ type: "timerFired", timer, atMs }) as never as E);
  const msOf = options.msOf ?? ((action: A) => Math.max(1, action.ms ?? action.betweenMs?.[0] ?? 1));
  const copyOf = options.copyOf ?? structuredClone;
  const timers = timersOf(machine, inputs, events);
  const anyEvent = (input: I) =>
    timers.length === 0 ? events(input) : fc.oneof({ weight: 4, arbitrary: events(input) }, stale(timers, fired));
  const maxLength = options.eventsMax ?? EVENTS_MAX;
  const lists = inputs.chain((input) =>
    fc.record({ input: fc.constant(ordinary(input)), events: fc.array(anyEvent(input).map(ordinary), { maxLength }) }),
  );
  const anyOrdinary = (input: I) => anyEvent(input).map(ordinary);
  // What takes no input gives events of none, which holds for the walk's function as well.
  const eventsOf = events.length === 0 ? () => anyOrdinary(undefined as never) : anyOrdinary;
  const walks = walksOf(walkable(machine), inputs.map(ordinary), eventsOf, { eventsMax: maxLength });
  const given = options.plays ?? [];
  const fromGiven =
    given.length === 0 ? [] : [continued(given, (input) => fc.array(anyOrdinary(input), { maxLength }))];
  const plays = fc.oneof<Array<fc.Arbitrary<Play<I, E>>>>(lists, walks, ...fromGiven);
  const numRuns = options.runs ?? RUNS;
  const law = (what: string, check: (play: Play<I, E>) => void): Law => ({
    ...lawOf(`${name}: ${what}`, numRuns, fc.property(plays, check)),
    shorter: ([play]: [Play<I, E>]) => [...shorterWalks(play)].map((one) => [one]),
  });
  const invariants = Object.entries(options.invariants ?? {}).map(([what, holds]) =>
    law(what, (given) => {
      for (const { event, snapshot } of play(machine, given))
        assert.notEqual(holds(snapshot, event), false, `${what}: not after ${event?.type ?? "the start"}`);
    }),
  );
  const laws = [
    ...invariants,
    law("the same events give the same orders", ({ input, events }) =>
      assert.deepEqual(shown(play(machine, { input: copyOf(input), events })), shown(play(machine, { input, events }))),
    ),
    law("its steps are those that XState makes of its definition", ({ input, events }) => {
      const theirs: Machine<I, E, A, C> = { ...machine, ...byXState(machine) };
      assert.deepEqual(
        shown(play(machine, { input: copyOf(input), events })),
        shown(play(theirs, { input: copyOf(input), events })),
      );
    }),
    law("every order is plain data", (given) => {
      for (const { actions } of play(machine, given))
        for (const action of actions) assert.deepEqual(structuredClone(action), action);
    }),
    law("a step changes neither the snapshot before it nor the event", (given) => leavesAlone(machine, given)),
    law("nothing happens after the end", (given) => endsForGood(machine, given)),
    law("a finished machine leaves no timer running, and stops none that does not run", (given) =>
      keepsTimers(play(machine, given), options.outlive ?? (() => false)),
    ),
    lawOf(
      `${name}: the actors' host and a plain one leave the same trace`,
      numRuns,
      fc.asyncProperty(plays, fc.array(fc.nat(DELAY_MS_MAX)), async ({ input, events }, delays) => {
        const script = events.map((event, i) => ({ afterMs: delays[i % delays.length] ?? 1, event }));
        const plain = hostPlainly(machine, copyOf(input), script, fired, msOf);
        assert.deepEqual(await hostByEffect(machine, copyOf(input), script, fired, msOf), plain);
      }),
    ),
  ];
  const covered = () => walksEverything(machine, plays, given);
  return [
    ...laws,
    ...(options.everyTransition === true
      ? [{ name: `${name}: every declared transition is walked`, check: covered }]
      : []),
    ...(options.table === undefined ? [] : [tableLaw(machine, name, options.table)]),
  ];
};

/** The beginning of one of these plays, and then other events. */
const continued = <I, E>(
  given: ReadonlyArray<Play<I, E>>,
  tails: (input: I) => fc.Arbitrary<ReadonlyArray<E>>,
): fc.Arbitrary<Play<I, E>> =>
  fc
    .constantFrom(...given)
    .chain(({ input, events }) =>
      fc
        .tuple(fc.nat(events.length), tails(input))
        .map(([length, tail]) => ({ input, events: [...events.slice(0, length), ...tail] })),
    );

interface Played<E, A> extends Seen<E, A> {
  readonly snapshot: Snapshot<any>;
}

/** The names of its timers: those of its definition, and those found by playing; always the same plays, so that a seed means the same twice. */
const timersOf = <I, E>(
  machine: Machine<I, E, Order>,
  inputs: fc.Arbitrary<I>,
  events: (input: I) => fc.Arbitrary<E>,
): ReadonlyArray<string> => {
  const plays = inputs.chain((input) =>
    fc.tuple(fc.constant(ordinary(input)), fc.array(events(input).map(ordinary), { maxLength: EVENTS_MAX })),
  );
  const actions = fc
    .sample(plays, SAMPLE)
    .flatMap(([input, events]) => play(machine, { input, events }).flatMap(({ actions }) => actions));
  const { root, byName } = machine.definition.tree;
  const declared = [root, ...byName.values()].flatMap(({ state }) => Object.keys(state.timers ?? {}));
  const started = actions.flatMap(({ type, timer }) => (type === "startTimer" ? [timer!] : []));
  return [...new Set([...declared, ...started])].sort();
};
const stale = <E>(timers: ReadonlyArray<string>, fired: Fired<E>): fc.Arbitrary<E> =>
  fc.tuple(fc.constantFrom(...timers), fc.nat(DELAY_MS_MAX)).map(([timer, atMs]) => fired(timer, atMs));

const play = <I, E, A, C>(machine: Machine<I, E, A, C>, { input, events }: Play<I, E>): ReadonlyArray<Played<E, A>> => {
  let now: Step<Snapshot<C>, A> = machine.start(input);
  const played: Array<Played<E, A>> = [{ event: undefined, ...now }];
  for (const event of events) {
    if (machine.isDone(now.snapshot)) break;
    now = machine.step(now.snapshot, event);
    played.push({ event, ...now });
  }
  return played;
};
const shown = (played: ReadonlyArray<Played<unknown, unknown>>) =>
  played.map(({ actions, snapshot: { value, status, context } }) => ({ actions, value, status, context }));

const leavesAlone = <I, E, A, C>(machine: Machine<I, E, A, C>, { input, events }: Play<I, E>): void => {
  let { snapshot } = machine.start(input);
  for (const event of events) {
    if (machine.isDone(snapshot)) return;
    const [context, value, sent] = [structuredClone(snapshot.context), snapshot.value, structuredClone(event)];
    const next = machine.step(snapshot, event);
    assert.deepEqual({ context: snapshot.context, value: snapshot.value, event }, { context, value, event: sent });
    snapshot = next.snapshot;
  }
};

const endsForGood = <I, E, A, C>(machine: Machine<I, E, A, C>, { input, events }: Play<I, E>): void => {
  let { snapshot } = machine.start(input);
  for (const event of events) {
    const wasDone = machine.isDone(snapshot);
    const next = machine.step(snapshot, event);
    if (wasDone) assert.deepEqual(next.actions, []);
    if (wasDone) assert.equal(machine.isDone(next.snapshot), true);
    snapshot = next.snapshot;
  }
};

const keepsTimers = (played: ReadonlyArray<Played<Typed, Order>>, outlive: (timer: string) => boolean): void => {
  const running = new Set<string>();
  for (const { event, actions } of played) {
    if (event?.type === "timerFired") running.delete((event as Order).timer!);
    for (const { type, timer } of actions) {
      if (type === "startTimer") running.add(timer!);
      if (type === "stopTimer") assert.ok(running.delete(timer!), `${timer} was stopped and did not run`);
    }
  }
  if (played.at(-1)!.snapshot.status !== "active")
    assert.deepEqual(
      [...running].filter((timer) => !outlive(timer)),
      [],
    );
};

/** Always the same plays, until all is walked: what is covered once is covered always. An event that nobody has heard of comes too. */
const walksEverything = <I, E, A, C>(
  machine: Machine<I, E, A, C>,
  plays: fc.Arbitrary<Play<I, E>>,
  given: ReadonlyArray<Play<I, E>>,
): void => {
  const { machine: marked, untaken } = markTransitions(machine);
  for (const one of given) play(marked, one);
  for (let seed = 1; seed <= COVERING.seeds && untaken().length > 0; seed++)
    for (const one of fc.sample(plays, { numRuns: COVERING.runs, seed })) {
      const { snapshot } = play(marked, one).at(-1)!;
      if (!marked.isDone(snapshot)) marked.step(snapshot, { type: "unheard of" } as E);
    }
  assert.deepEqual(untaken(), [], `${machine.id}: no play takes these transitions:\n${untaken().join("\n")}`);
};

/** The same script on a virtual clock, in the fiber and with the mailbox that actors use. */
const hostByEffect = <I, E, A extends Order, C>(
  machine: Machine<I, E, A, C>,
  input: I,
  script: ReadonlyArray<Moment<E>>,
  fired: Fired<E>,
  msOf: (action: A) => number,
): Promise<ReadonlyArray<Seen<E, A>>> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const seen: Array<Seen<E, A>> = [];
      const box = yield* mailbox<E>(MAILBOX_EVENTS_MAX + script.length);
      const perform = (action: A): Effect.Effect<void> => {
        const happened = Effect.map(Clock.currentTimeMillis, (atMs) => fired(action.timer!, atMs));
        if (action.type === "startTimer") return box.startTimer(action.timer!, msOf(action), happened);
        return action.type === "stopTimer" ? box.stopTimer(action.timer!) : Effect.void;
      };
      const saw = (_: string, __: string, event: any, { actions }: Step<unknown, unknown>) => {
        seen.push({ event: event.type === "(start)" ? undefined : event, actions: actions as ReadonlyArray<A> });
      };
      const host = yield* Effect.forkChild(Effect.provideService(drive(machine, input, box, perform), Watch, { saw }));
      yield* settled(() => seen.length > 0);
      for (const { afterMs, event } of script) {
        yield* TestClock.adjust(afterMs);
        const count = seen.length;
        yield* box.tell(event);
        yield* settled(() => seen.length > count || host.pollUnsafe() !== undefined);
      }
      yield* Fiber.interrupt(host);
      return seen;
    }).pipe(Effect.scoped, Effect.provide(TestClock.layer())),
  );
const settled = (so: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (so() ? Effect.yieldNow : Effect.andThen(Effect.yieldNow, settled(so))));

const tableLaw = (machine: Machine<any, any, any>, name: string, { folder, write }: TableAt): Law => ({
  name: `${name}: its table is the one committed`,
  check: () => {
    const file = new URL(`${machine.id}.txt`, folder);
    const table = tableOf(machine);
    if (write) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, table);
    }
    assert.equal(table, readFileSync(file, "utf8"));
  },
});
