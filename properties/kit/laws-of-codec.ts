/**
 * What a codec owes that is written by hand, as a list of laws: any object with `decode`, and `encode` where it writes as well.
 *
 *   codecLawsOf({ decode: (bytes) => message, encode: (message) => bytes, values: fc.record({ ... }) })
 *
 * `decode` refuses bytes by what it throws, by `{ ok: false }`, by undefined or by null. A TypeError, a RangeError or a
 * ReferenceError is no refusal, as it is what JavaScript says of a program's mistake; `refuses` says otherwise.
 */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { changesOf } from "./changes.ts";
import { type Law, lawOf, ordinary, RUNS } from "./laws.ts";

/** A reader of bytes, and where there is one its writer, whoever has made them. */
export interface Codec<A = any> {
  readonly name?: string;
  readonly decode: (bytes: Uint8Array) => A | { readonly ok: boolean; readonly value?: A } | null | undefined;
  readonly encode?: (value: A) => Uint8Array;
  /** What may be written, and is to be read back. */
  readonly values?: fc.Arbitrary<A>;
  /** Messages as they are on the wire, to be changed at some places. */
  readonly samples?: ReadonlyArray<Uint8Array>;
  /** Whether what it has thrown refuses the bytes. */
  readonly refuses?: (error: unknown) => boolean;
}

const BYTES_MAX = 200;
const FAULTS = new Set(["TypeError", "RangeError", "ReferenceError"]);
const isRefusal = (error: unknown): boolean => !FAULTS.has((error as Error | undefined)?.name ?? "");

/** What a codec owes that is written by hand. `runs`: of each law, default `RUNS`. */
export const codecLawsOf = <A>(codec: Codec<A>, options: { readonly runs?: number } = {}): ReadonlyArray<Law> => {
  const { encode, values } = codec;
  const law = (what: string, property: fc.IRawProperty<any>): Law =>
    lawOf(`${codec.name ?? "codec"}: ${what}`, options.runs ?? RUNS, property);
  const bytes = bytesFor(codec);
  const written = values?.map(ordinary);
  return [
    law(
      "any bytes give a value or a refusal",
      fc.property(bytes, (given) => {
        const { fault } = read(codec, given);
        if (fault !== undefined) throw fault.error;
      }),
    ),
    law(
      "reading leaves the bytes as they were, and reads the same again",
      fc.property(bytes, (given) => {
        const copy = given.slice();
        const first = read(codec, given);
        assert.deepEqual(given, copy);
        assert.deepEqual(read(codec, given), first);
      }),
    ),
    ...(encode === undefined
      ? []
      : [
          law(
            "what is read is written so that it reads the same",
            fc.property(bytes, (given) => {
              const first = read(codec, given);
              if ("value" in first) assert.deepEqual(read(codec, encode(first.value)), first);
            }),
          ),
        ]),
    ...(encode === undefined || written === undefined
      ? []
      : [
          law(
            "what is written is read back",
            fc.property(written, (value) => assert.deepEqual(read(codec, encode(value)), { value })),
          ),
        ]),
  ];
};

/** Bytes by chance, and messages changed at some places: those that are given, and those that it writes. */
const bytesFor = ({ encode, values, samples = [] }: Codec<any>): fc.Arbitrary<Uint8Array> => {
  const any = fc.uint8Array({ maxLength: BYTES_MAX, size: "max" });
  const sampled = samples.length === 0 ? [] : [fc.constantFrom(...samples).chain((one) => changesOf(one, samples))];
  const encoded =
    encode === undefined || values === undefined
      ? []
      : [fc.tuple(values, values).chain(([one, other]) => changesOf(encode(one), [encode(other)]))];
  const changed = [...sampled, ...encoded].map((arbitrary) => ({ weight: 3, arbitrary }));
  return fc.oneof({ weight: 1, arbitrary: any }, ...changed);
};

interface Read<A> {
  /** Absent: refused. */
  readonly value?: A;
  /** What it has thrown and should not have: the first law says so, and the others pass it by. */
  readonly fault?: { readonly error: unknown };
}

const read = <A>({ decode, refuses = isRefusal }: Codec<A>, bytes: Uint8Array): Read<A> => {
  let found: ReturnType<typeof decode>;
  try {
    found = decode(bytes);
  } catch (error) {
    return refuses(error) ? {} : { fault: { error } };
  }
  if (found === undefined || found === null) return {};
  const { ok, value } = found as { readonly ok?: unknown; readonly value?: A };
  if (ok === false) return {};
  return { value: ok === true && value !== undefined ? value : (found as A) };
};
