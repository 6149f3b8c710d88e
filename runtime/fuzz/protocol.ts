/**
 * What `vipr fuzz` and the thread that runs the laws say to each other, and the counter-example as a file.
 *
 *   command (runtime/cli/fuzz.ts) -- FuzzOrder --> thread (properties/fuzz/thread.ts) -- FuzzReport --> command
 *
 * A few numbers are shared: whether to stop, and which law is at which run, so that a run that never ends is known by its seed.
 */
import { bared, traceCbor } from "../trace.ts";

export type FuzzOrder =
  | { readonly type: "list" }
  | {
      readonly type: "run";
      readonly target: string;
      readonly seed: number;
      /** Of each law. */
      readonly runs: number;
      readonly timeMs: number | undefined;
    }
  | { readonly type: "replay"; readonly example: FuzzExample }
  /** Makes the value of a run that did not end, and runs nothing. */
  | { readonly type: "show"; readonly example: FuzzExample };

export type FuzzReport =
  | { readonly type: "known"; readonly names: ReadonlyArray<{ readonly name: string; readonly what: string }> }
  /** The target has been loaded: these are its laws. */
  | { readonly type: "begun"; readonly laws: ReadonlyArray<string> }
  /** So many runs of a law have held. */
  | { readonly type: "held"; readonly law: number; readonly runs: number; readonly seconds: number }
  | {
      readonly type: "broken";
      readonly law: number;
      readonly runs: number;
      readonly seconds: number;
      readonly example: FuzzExample;
    }
  | { readonly type: "shown"; readonly example: FuzzExample }
  /** There is no such target, or it is none. */
  | { readonly type: "unusable"; readonly why: string }
  | { readonly type: "ended" };

/** A counter-example: what a law says no to. */
export interface FuzzExample {
  readonly format: typeof FUZZ_FORMAT;
  readonly version: typeof FUZZ_VERSION;
  readonly target: string;
  readonly law: string;
  /** By which fast-check finds it again, as long as the generators are the same. */
  readonly seed: number;
  readonly path: string;
  /** The value itself, CBOR in base64; absent where it has functions in it. */
  readonly value?: string;
  /** The value, for readers. */
  readonly shown: ReadonlyArray<string>;
  /** What is wrong with it. */
  readonly why: string;
}
export const FUZZ_FORMAT = "vipr-fuzz";
export const FUZZ_VERSION = 1;
/** Of a counter-example's file. */
export const EXAMPLE_BYTES_MAX = 64 * 1024 * 1024;

/** Places of the shared numbers. */
export const SHARED = { stop: 0, law: 1, slice: 2, run: 3, beats: 4 } as const;
export const SHARED_BYTES = 4 * Object.keys(SHARED).length;

/** Runs between two looks at the time, and of one seed. */
export const SLICE_RUNS = 100;

/** Of one slice of a law: another for each, and the same for the same seed. */
export const sliceSeed = (seed: number, law: number, slice: number): number =>
  (Math.imul(seed, 0x85ebca6b) ^ Math.imul(law + 1, 0x9e3779b1)) + Math.imul(slice, 0x27d4eb2f) || 1;

/** Throws what is wrong. */
export const readExample = (text: string): FuzzExample => {
  const value = JSON.parse(text) as Partial<Record<keyof FuzzExample, unknown>> | null;
  if (value?.format !== FUZZ_FORMAT || value.version !== FUZZ_VERSION)
    throw new Error(`no ${FUZZ_FORMAT} of version ${FUZZ_VERSION}`);
  for (const name of ["target", "law", "path", "why"] as const)
    if (typeof value[name] !== "string") throw new Error(`no ${name}`);
  if (!Number.isSafeInteger(value.seed)) throw new Error("no seed");
  return value as unknown as FuzzExample;
};

/** Undefined for what is no data, or would come back as something else. */
export const packValue = (value: unknown, isSame: (one: unknown, other: unknown) => boolean): string | undefined => {
  try {
    const packed = Buffer.from(traceCbor.encode(value)).toString("base64");
    return isSame(unpackValue(packed), value) ? packed : undefined;
  } catch {
    return undefined;
  }
};
export const unpackValue = (packed: string): unknown => bared(traceCbor.decode(Buffer.from(packed, "base64")));
