/** A company's own numbers as ranges, searched at every call. */
import type { E164 } from "../shared/mod.ts";
import type { NumberRange } from "./plan.ts";

/** The same numbers in ranges that do not overlap, ordered by `compare`. */
const sorted = (ranges: ReadonlyArray<NumberRange>): ReadonlyArray<NumberRange> => {
  const merged: Array<NumberRange> = [];
  for (const range of [...ranges].sort((a, b) => compare(a.from, b.from))) {
    const last = merged.at(-1);
    if (last === undefined || compare(range.from, last.to) > 0) merged.push(range);
    else if (compare(range.to, last.to) > 0) merged[merged.length - 1] = { from: last.from, to: range.to };
  }
  return merged;
};

/** Fewer digits first; numbers of one length compare as texts. */
const compare = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/** Each plan's list is sorted once. */
const sortedLists = new WeakMap<ReadonlyArray<NumberRange>, ReadonlyArray<NumberRange>>();

const rangesOf = (own: ReadonlyArray<NumberRange>): ReadonlyArray<NumberRange> => {
  const ranges = sortedLists.get(own) ?? sorted(own);
  sortedLists.set(own, ranges);
  return ranges;
};

export const isWithin = (own: ReadonlyArray<NumberRange>, number: string): boolean => {
  const ranges = rangesOf(own);
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { from, to } = ranges[middle]!;
    if (compare(number, from) < 0) high = middle;
    else if (compare(number, to) > 0) low = middle + 1;
    else return true;
  }
  return false;
};

/** How many numbers the ranges have; one that is in two of them counts once. */
export const countNumbers = (own: ReadonlyArray<NumberRange>): number =>
  rangesOf(own).reduce((sum, { from, to }) => sum + Number(to) - Number(from) + 1, 0);

/** How many there are, and each of them, as often as somebody asks: a million numbers are a range, and no array. */
export interface NumberList {
  readonly count: number;
  readonly each: Iterable<E164>;
}
/** All of the ranges. */
export const listOf = (own: ReadonlyArray<NumberRange>): NumberList => ({
  count: countNumbers(own),
  each: { [Symbol.iterator]: () => numbersIn(own) },
});
/** Those that are not in `others`. */
export const listWithout = (own: ReadonlyArray<NumberRange>, others: ReadonlyArray<NumberRange>): NumberList => {
  function* left(): Generator<E164> {
    for (const number of numbersIn(own)) if (!isWithin(others, number)) yield number;
  }
  let count = 0;
  for (const _ of left()) count++;
  return { count, each: { [Symbol.iterator]: left } };
};

/** Each number once, in order. */
export function* numbersIn(own: ReadonlyArray<NumberRange>): Generator<E164> {
  for (const { from, to } of rangesOf(own))
    for (let digits = Number(from); digits <= Number(to); digits++) yield `+${digits}` as E164;
}
