/**
 * Runs the laws of a target in turns, a slice of each, until each has had its runs, the time is over, or somebody says stop.
 * A law that was broken is run no more: its counter-example has been shrunk, and made shorter where that can be.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import {
  FUZZ_FORMAT,
  FUZZ_VERSION,
  type FuzzExample,
  type FuzzReport,
  packValue,
  SHARED,
  SLICE_RUNS,
  sliceSeed,
  unpackValue,
} from "../../runtime/fuzz/protocol.ts";
import type { Law } from "../kit/laws.ts";

export interface Engine {
  readonly target: string;
  readonly laws: ReadonlyArray<Law>;
  readonly shared: Int32Array;
  readonly tell: (report: FuzzReport) => void;
}
export interface EngineLimits {
  readonly seed: number;
  readonly runs: number;
  readonly timeMs: number | undefined;
}

const WHY_CHARACTERS_MAX = 4_000;
const LINE_CHARACTERS_MAX = 2_000;

type Property = fc.IRawProperty<unknown>;
interface Running {
  readonly law: Law;
  runs: number;
  slices: number;
  seconds: number;
  isBroken: boolean;
}

export const runLaws = async (engine: Engine, { seed, runs, timeMs }: EngineLimits): Promise<void> => {
  const { laws, shared, tell } = engine;
  const untilMs = performance.now() + (timeMs ?? Number.POSITIVE_INFINITY);
  const isOver = () => Atomics.load(shared, SHARED.stop) === 1 || performance.now() > untilMs;
  const all = laws.map((law): Running => ({ law, runs: 0, slices: 0, seconds: 0, isBroken: false }));
  const isOpen = (one: Running) =>
    !one.isBroken && one.runs < runs && (one.law.property !== undefined || one.runs === 0);
  while (!isOver() && all.some(isOpen))
    for (const [at, one] of all.entries()) {
      if (isOver() || !isOpen(one)) continue;
      await runSlice(engine, one, at, sliceSeed(seed, at, one.slices++), Math.min(SLICE_RUNS, runs - one.runs), isOver);
      if (!one.isBroken) tell({ type: "held", law: at, runs: one.runs, seconds: one.seconds });
    }
};

const runSlice = async (
  engine: Engine,
  one: Running,
  at: number,
  seed: number,
  numRuns: number,
  isOver: () => boolean,
): Promise<void> => {
  const { shared } = engine;
  Atomics.store(shared, SHARED.law, at);
  Atomics.store(shared, SHARED.slice, one.slices - 1);
  Atomics.store(shared, SHARED.run, -1);
  const startedMs = performance.now();
  const { property } = one.law;
  const found =
    property === undefined ? await checkOnce(one.law) : await checkBy(property, { seed, numRuns }, shared, isOver);
  one.runs += found.runs;
  one.seconds += (performance.now() - startedMs) / 1_000;
  if (found.why === undefined) return;
  one.isBroken = true;
  const shortest = property === undefined ? found : await shortened(one.law, property, found, shared);
  const example = exampleOf(engine.target, one.law.name, seed, shortest);
  engine.tell({ type: "broken", law: at, runs: one.runs, seconds: one.seconds, example });
};

interface Found {
  readonly runs: number;
  /** Absent: it holds. */
  readonly why?: string;
  readonly path?: string;
  readonly values?: unknown;
}

const checkOnce = async ({ check }: Law): Promise<Found> => {
  try {
    await check();
    return { runs: 1 };
  } catch (error) {
    return { runs: 1, why: whyOf(error) };
  }
};

const checkBy = async (
  property: Property,
  parameters: {
    readonly seed: number;
    readonly numRuns?: number;
    readonly path?: string;
    readonly endOnFailure?: boolean;
  },
  shared: Int32Array,
  isOver: () => boolean = () => false,
): Promise<Found> => {
  let runs = 0;
  const watched: Property = {
    isAsync: () => property.isAsync(),
    generate: (random, runId) => {
      Atomics.add(shared, SHARED.run, 1);
      Atomics.add(shared, SHARED.beats, 1);
      return property.generate(random, runId);
    },
    shrink: (value) => property.shrink(value),
    run: ((values: unknown) => {
      Atomics.add(shared, SHARED.beats, 1);
      if (isOver()) return null;
      runs += 1;
      return property.run(values);
    }) as never,
    runBeforeEach: (() => property.runBeforeEach()) as never,
    runAfterEach: (() => property.runAfterEach()) as never,
  };
  const details = await (fc.check(watched, parameters) as Promise<fc.RunDetails<unknown>> | fc.RunDetails<unknown>);
  if (!details.failed) return { runs };
  const why = details.errorInstance === null ? "no value was found that fits" : whyOf(details.errorInstance);
  return { runs, why, path: details.counterexamplePath ?? "", values: details.counterexample };
};

/** The first that fails of those that are shorter than what shrinking has left. */
const shortened = async ({ shorter }: Law, property: Property, found: Found, shared: Int32Array): Promise<Found> => {
  if (shorter === undefined || !Array.isArray(found.values)) return found;
  for (const values of shorter(found.values)) {
    Atomics.add(shared, SHARED.beats, 1);
    const failure = await property.run(values);
    if (failure !== null && "error" in failure) return { ...found, values, why: whyOf(failure.error) };
  }
  return found;
};

const exampleOf = (target: string, law: string, seed: number, { path = "", values, why = "" }: Found): FuzzExample => {
  const value = packValue(values, isDeepStrictEqual);
  const shown = shownOf(values);
  return { format: FUZZ_FORMAT, version: FUZZ_VERSION, target, law, seed, path, ...(value && { value }), shown, why };
};

/** An input and events a line each; anything else as fast-check writes it. */
const shownOf = (values: unknown): ReadonlyArray<string> => {
  if (!Array.isArray(values)) return [];
  return values.flatMap((value): ReadonlyArray<string> => {
    const { input, events } = (value ?? {}) as { readonly input?: unknown; readonly events?: unknown };
    if (!Array.isArray(events)) return [lineOf(value)];
    const lines = events.map((event, i) => `event ${i + 1}: ${lineOf(event)}`);
    return input === undefined ? lines : [`input: ${lineOf(input)}`, ...lines];
  });
};
const lineOf = (value: unknown): string => fc.stringify(value).slice(0, LINE_CHARACTERS_MAX);

const whyOf = (error: unknown): string => {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : fc.stringify(error);
  return text.slice(0, WHY_CHARACTERS_MAX);
};

/** The value of a run, with nothing run. */
export const showExample = async ({ laws, shared, tell }: Engine, example: FuzzExample): Promise<void> => {
  const { seed, path, law } = example;
  const property = laws.find(({ name }) => name === law)?.property;
  if (property === undefined) return;
  const idle: Property = {
    isAsync: () => false,
    generate: (random, runId) => property.generate(random, runId),
    shrink: (value) => property.shrink(value),
    run: (() => ({ error: new Error("not run") })) as never,
    runBeforeEach: () => {},
    runAfterEach: () => {},
  };
  const { values } = await checkBy(idle, { seed, path, endOnFailure: true }, shared);
  const value = packValue(values, isDeepStrictEqual);
  tell({ type: "shown", example: { ...example, ...(value && { value }), shown: shownOf(values) } });
};

/** The same value again, or what the same seed gives where it could not be written down. */
export const replayExample = async ({ laws, shared, tell }: Engine, example: FuzzExample): Promise<void> => {
  const at = laws.findIndex(({ name }) => name === example.law);
  const law = laws[at];
  if (law === undefined) throw new Error(`${example.target} has no law "${example.law}"`);
  Atomics.store(shared, SHARED.law, at);
  const found = await again(law, example, shared);
  if (found.why === undefined) tell({ type: "held", law: at, runs: found.runs, seconds: 0 });
  else tell({ type: "broken", law: at, runs: found.runs, seconds: 0, example: { ...example, why: found.why } });
};

const again = async (law: Law, { value, seed, path }: FuzzExample, shared: Int32Array): Promise<Found> => {
  const { property } = law;
  if (property === undefined) return checkOnce(law);
  if (value === undefined) return checkBy(property, { seed, path, endOnFailure: true }, shared);
  const failure = await property.run(unpackValue(value) as never);
  return failure !== null && "error" in failure ? { runs: 1, why: whyOf(failure.error) } : { runs: 1 };
};
