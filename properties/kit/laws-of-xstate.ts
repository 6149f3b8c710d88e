/**
 * What a machine of XState owes, whoever wrote it, as a list of laws: it is stepped by XState's own pure functions, so that no
 * action runs and no time goes by.
 *
 *   xstateLawsOf(machine, { events: () => fc.oneof(...), invariants: { "shows the last": ({ context }) => ... } })
 *
 * Delayed transitions fire, and invoked actors end, only while they run: the fuzzer decides when, and what an actor gives.
 */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition, transition } from "xstate";
import { anInputOf, guessedEvents } from "./guess.ts";
import { type Invariant, type Law, lawOf, ordinary, RUNS } from "./laws.ts";
import { shorterWalks, type Walk, type Walkable, walksOf } from "./walks.ts";

type Event = { readonly type: string };

/** What the laws need to know of a machine that XState itself runs. */
export interface XStateLawOptions {
  readonly name?: string;
  /** Default: none is given. */
  readonly inputs?: fc.Arbitrary<any>;
  /** Events from outside. Default: the machine's own types, with the fields that its guards and actions look at. */
  readonly events?: (input: any) => fc.Arbitrary<any>;
  /** What invoked actors give, by their ids. Default: values by chance. */
  readonly outputs?: Readonly<Record<string, fc.Arbitrary<any>>>;
  /** What holds in every state: false, or what is thrown, breaks the law. */
  readonly invariants?: Readonly<Record<string, Invariant>>;
  readonly eventsMax?: number;
  readonly runs?: number;
}

/** A machine that runs: its snapshot, what it has set for later, and the actors that it has invoked. */
export interface XStateRun {
  readonly snapshot: AnyMachineSnapshot;
  readonly timers: ReadonlyArray<{ readonly id: string; readonly event: Event }>;
}

/** What a machine of XState owes, whoever wrote it: it is stepped by pure functions, no action runs and no time goes by. */
export const xstateLawsOf = (machine: AnyStateMachine, options: XStateLawOptions = {}): ReadonlyArray<Law> => {
  const name = options.name ?? machine.id;
  const runner = runnerOf(machine);
  const walks = walksOf(runner, options.inputs ?? fc.constant(undefined), eventsFor(machine, runner, options), {
    ...(options.eventsMax === undefined ? {} : { eventsMax: options.eventsMax }),
    draws: 2,
  });
  const law = (what: string, check: (walk: Walk<unknown, Event>) => void): Law => ({
    ...lawOf(`${name}: ${what}`, options.runs ?? RUNS, fc.property(walks, check)),
    shorter: ([walk]: [Walk<unknown, Event>]) => [...shorterWalks(walk)].map((one) => [one]),
  });
  const invariants = Object.entries(options.invariants ?? {});
  return [
    ...invariants.map(([what, holds]) =>
      law(what, (walk) => {
        for (const { event, after } of played(runner, walk).all)
          assert.notEqual(holds(after.snapshot, event), false, `${what}: not after ${event?.type ?? "the start"}`);
      }),
    ),
    law("no event makes it throw", (walk) => {
      const { all, thrown } = played(runner, walk);
      if (thrown !== undefined) throw thrown.error;
      for (const { event, after } of all)
        if (after.snapshot.status === "error")
          throw new Error(`${event?.type ?? "the start"} ends it with an error`, { cause: after.snapshot.error });
    }),
    law("the same events lead to the same state", (walk) =>
      assert.deepEqual(statesOf(played(runner, walk).all), statesOf(played(runner, walk).all)),
    ),
    law("a step leaves the state before it as it was", (walk) => {
      const copies: Array<readonly [context: unknown, copy: unknown]> = [];
      const note = ({ snapshot: { context } }: XStateRun) => copies.push([context, copyOf(context)]);
      const { all } = played(runner, walk, note);
      for (const [at, [context, copy]] of copies.entries())
        if (copy !== undefined)
          assert.deepEqual(context, copy, `changed by ${all[at + 1]?.event?.type ?? "a later event"}`);
    }),
  ];
};

interface Played {
  readonly event: Event | undefined;
  readonly after: XStateRun;
}
/** Goes a walk, to where it throws: that is for one law to say, and not for all of them. */
const played = (
  runner: Walkable<unknown, Event, XStateRun>,
  { input, events }: Walk<unknown, Event>,
  note: (after: XStateRun) => void = () => {},
): { readonly all: ReadonlyArray<Played>; readonly thrown: { readonly error: unknown } | undefined } => {
  const all: Array<Played> = [];
  const add = (event: Event | undefined, after: XStateRun): XStateRun => {
    all.push({ event, after });
    note(after);
    return after;
  };
  try {
    let run = add(undefined, runner.start(input));
    for (const event of events) {
      if (runner.isDone(run)) break;
      run = add(event, runner.step(run, event));
    }
    return { all, thrown: undefined };
  } catch (error) {
    return { all, thrown: { error } };
  }
};
const statesOf = (all: ReadonlyArray<Played>) =>
  all.map(({ after: { snapshot } }) => ({
    value: snapshot.value,
    status: snapshot.status,
    context: copyOf(snapshot.context),
  }));

/** Undefined where it has functions or actors in it. */
const copyOf = (context: unknown): unknown => {
  try {
    return structuredClone(context);
  } catch {
    return undefined;
  }
};

const runnerOf = (machine: AnyStateMachine): Walkable<any, Event, XStateRun> => {
  const taken = (
    timers: XStateRun["timers"],
    [snapshot, actions]: readonly [AnyMachineSnapshot, ReadonlyArray<any>],
  ) => {
    let left = timers;
    for (const { type, params } of actions) {
      if (type === "xstate.cancel") left = left.filter(({ id }) => id !== params?.sendId);
      if (type === "xstate.raise" && params?.delay !== undefined)
        left = [...left, { id: params.id ?? params.event.type, event: params.event }];
    }
    return { snapshot, timers: left };
  };
  return {
    start: (input) => taken([], initialTransition(machine, input as never) as never),
    step: (run, event) => {
      if (!isPossible(run, event)) return run;
      const timers = run.timers.filter((one) => one.event.type !== event.type);
      return taken(timers, transition(machine, run.snapshot, event as never) as never);
    },
    isDone: ({ snapshot }) => snapshot.status !== "active",
    way: (before, { type }, after) =>
      `${JSON.stringify(before.snapshot.value)} ${type} ${JSON.stringify(after.snapshot.value)}`,
  };
};

const ACTOR_EVENT = /^xstate\.(done|error|snapshot)\.actor\.(.*)$/;

/** XState's own events come while what they tell of is running; what others send may come at any time. */
const isPossible = ({ snapshot, timers }: XStateRun, { type }: Event): boolean => {
  const actor = ACTOR_EVENT.exec(type)?.[2];
  if (actor !== undefined) return Object.hasOwn(snapshot.children, actor);
  return !type.startsWith("xstate.") || timers.some(({ event }) => event.type === type);
};

const eventsFor = (machine: AnyStateMachine, runner: Walkable<any, Event, XStateRun>, options: XStateLawOptions) => {
  const own = [...new Set(machine.events as ReadonlyArray<string>)];
  const inner = own.filter((type) => type.startsWith("xstate."));
  const outer = own.filter((type) => !type.startsWith("xstate.") && type !== "*");
  const outside = options.events ?? guessedEvents(machine.config, outer, runner, anInputOf(options.inputs));
  const ends = inner.map((type) => {
    const [, how, id = ""] = ACTOR_EVENT.exec(type) ?? [];
    if (how === undefined) return fc.constant({ type });
    const given = options.outputs?.[id] ?? fc.oneof(fc.nat(3), fc.constantFrom(undefined, "", "a"));
    return given.map((value) =>
      how === "done" ? { type, output: value } : { type, error: new Error("by the fuzzer") },
    );
  });
  const all = (input: unknown): fc.Arbitrary<Event> => fc.oneof(outside(input).map(ordinary), ...ends);
  return options.events === undefined || options.events.length === 0 ? () => all(undefined) : all;
};
