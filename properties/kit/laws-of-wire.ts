/**
 * What every description of a message owes, as a list of laws.
 *
 *   for (const { name, check } of wireLawsOf(Greeting, { limit: 64 })) test(name, check);
 */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  cut,
  cutViews,
  decode,
  decodeFirst,
  decodeFirstViews,
  decodeViews,
  emptyRemainder,
  encode,
  spansOf,
  type Wire,
} from "../../codecs/wire/mod.ts";
import { labelOf } from "../../codecs/wire/source.ts";
import { arbitraryOf, boundariesOf } from "./arbitrary.ts";
import { attacksOf } from "./attacks.ts";
import { type Law, lawOf, ordinary, RUNS } from "./laws.ts";
import { bytesOf, piecesOf } from "./pieces.ts";
import { settles } from "./settles.ts";

/** What the laws of a description need to know besides. */
export interface WireLawOptions<A> {
  readonly name?: string;
  /** Values to write, where the description allows more than can be said. */
  readonly arbitrary?: fc.Arbitrary<A>;
  /** The end is not told by the bytes (a trailing `rest`, `list` or `optional`): truncations may be read, streams not cut. */
  readonly openEnded?: boolean;
  /** A message's greatest size in bytes on a stream. */
  readonly limit?: number;
  /** Of each law. Default `RUNS`. */
  readonly runs?: number;
}

/**
 * What every description of a message owes: written is read back, any bytes give a value or an error, streams may be cut
 * anywhere.
 */
export const wireLawsOf = <A>(wire: Wire<A>, options: WireLawOptions<A> = {}): ReadonlyArray<Law> => {
  const name = options.name ?? labelOf(wire.node);
  const values = (options.arbitrary ?? arbitraryOf(wire)).map(ordinary);
  const limits = (options.arbitrary ?? boundariesOf(wire)).map(ordinary);
  const law = (what: string, property: fc.IProperty<any>) => lawOf(`${name}: ${what}`, options.runs ?? RUNS, property);
  const laws = [...lawsOfAny(wire, values, law), ...lawsOfAttacked(wire, fc.oneof(values, limits), law)];
  return options.openEnded ? laws : [...laws, ...lawsOfClosed(wire, values, law, options.limit ?? 2 ** 32)];
};

type MakeLaw = (what: string, property: fc.IProperty<any>) => Law;

const lawsOfAny = <A>(wire: Wire<A>, values: fc.Arbitrary<A>, law: MakeLaw): ReadonlyArray<Law> => [
  law(
    "what is written is read back",
    fc.property(values, (value) => readsBack(wire, value)),
  ),
  law(
    "what is read does not change when its bytes are written again, nor what is written when the next is",
    fc.property(values, values, (value, next) => keepsItsBytes(wire, value, next)),
  ),
  law(
    "views say what copies say, of good bytes and of bad ones",
    fc.property(values, changes, (value, changed) => {
      for (const bytes of [encode(wire, value), changedIn(encode(wire, value), changed)]) {
        assert.deepEqual(decodeViews(wire, bytes), decode(wire, bytes));
        assert.deepEqual(decodeFirstViews(wire, bytes), decodeFirst(wire, bytes));
      }
    }),
  ),
  law(
    "any bytes give a value or an error",
    fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), (bytes) => settles(wire, bytes)),
  ),
  law(
    "a message with bytes changed gives a value or an error",
    fc.property(values, changes, (value, changed) => {
      settles(wire, changedIn(encode(wire, value), changed));
    }),
  ),
  law(
    "a field lies within its message",
    fc.property(values, (value) => lies(wire, encode(wire, value))),
  ),
];

/** At its limits, and damaged in a piece or two. */
const lawsOfAttacked = <A>(wire: Wire<A>, values: fc.Arbitrary<A>, law: MakeLaw): ReadonlyArray<Law> => [
  law(
    "a value at its limits is read back, and its pieces are its bytes",
    fc.property(values, (value) => {
      readsBack(wire, value);
      assert.deepEqual(bytesOf(piecesOf(wire, value)), encode(wire, value));
    }),
  ),
  law(
    "an almost valid message gives a value or an error with its place",
    fc.property(attacksOf(wire, values), ({ bytes }) => settles(wire, bytes)),
  ),
];

/** Of a message whose bytes tell where it ends. */
const lawsOfClosed = <A>(wire: Wire<A>, values: fc.Arbitrary<A>, law: MakeLaw, limit: number): ReadonlyArray<Law> => [
  law(
    "a truncated message is refused",
    fc.property(values, fc.nat(), (value, at) => refuses(wire, encode(wire, value), at)),
  ),
  law(
    "however a stream is cut, the same messages come out",
    fc.property(fc.array(values, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 12 }), (messages, at) =>
      cutsTo(wire, messages, at, limit),
    ),
  ),
  law(
    "a message over the limit is refused",
    fc.property(values, (value) => overLimit(wire, encode(wire, value))),
  ),
];

const readsBack = <A>(wire: Wire<A>, value: A): void =>
  assert.deepEqual(decode(wire, encode(wire, value)), { ok: true, value });

const keepsItsBytes = <A>(wire: Wire<A>, value: A, next: A): void => {
  const bytes = encode(wire, value);
  const [copy, read] = [bytes.slice(), decode(wire, bytes)];
  encode(wire, next);
  assert.deepEqual(bytes, copy);
  bytes.fill(0xa5);
  assert.deepEqual(read, { ok: true, value });
};

const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
const changedIn = (bytes: Uint8Array, changed: ReadonlyArray<readonly [number, number]>): Uint8Array => {
  for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
  return bytes;
};

const lies = (wire: Wire<unknown>, bytes: Uint8Array): void => {
  const spans = spansOf(wire, bytes);
  assert.equal(spans.ok, true);
  if (spans.ok)
    for (const { start, end } of spans.value.values()) assert.ok(0 <= start && start <= end && end <= bytes.length);
};

const refuses = (wire: Wire<unknown>, bytes: Uint8Array, at: number): void => {
  if (bytes.length === 0) return;
  assert.equal(decode(wire, bytes.subarray(0, at % bytes.length)).ok, false);
};

const cutsTo = <A>(wire: Wire<A>, messages: ReadonlyArray<A>, at: ReadonlyArray<number>, limit: number): void => {
  const stream = Uint8Array.from(messages.flatMap((message) => [...encode(wire, message)]));
  const points = [0, ...at.map((n) => n % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  const pieces = points.slice(1).map((point, i) => stream.subarray(points[i]!, point));
  const oneByOne = Array.from(stream, (byte) => Uint8Array.of(byte));
  for (const [chunks, cutting] of [
    [pieces, cut],
    [oneByOne, cut],
    [pieces, cutViews],
    [oneByOne, cutViews],
  ] as const) {
    let remainder = emptyRemainder;
    const found: Array<A> = [];
    for (const whole of chunks) {
      const chunk = whole.slice();
      const result = cutting(wire, remainder, chunk, limit);
      assert.equal(result.error, undefined);
      found.push(...result.messages);
      assert.deepEqual(
        result.raw.map((bytes) => decode(wire, bytes)),
        result.messages.map((value) => ({ ok: true, value })),
      );
      remainder = result.rest;
      if (cutting === cut) chunk.fill(0xa5);
    }
    assert.deepEqual(found, messages);
    assert.equal(remainder.size, 0);
  }
};

const overLimit = (wire: Wire<unknown>, bytes: Uint8Array): void => {
  if (bytes.length === 0) return;
  const { messages, error } = cut(wire, emptyRemainder, bytes, bytes.length - 1);
  assert.deepEqual(messages, []);
  assert.equal(error?._tag, "Malformed");
};
