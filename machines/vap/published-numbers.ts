/**
 * The numbers that a publisher stores again, by their VServices, and when each is due.
 *
 *   VService --> due: time and number --> number          dueOf: number --> its key in `due`
 */
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { entriesOf, firstOf, put, type Sorted, sorted, valueAt, without } from "../kit/mod.ts";

interface OfVService {
  readonly due: Sorted<string, E164>;
  readonly dueOf: Sorted<E164, string>;
}
export interface PublishedNumbers {
  readonly size: number;
  readonly services: Sorted<VServiceId, OfVService>;
}
export interface PublishedNumber {
  readonly vservice: VServiceId;
  readonly number: E164;
}
export const nonePublished: PublishedNumbers = { size: 0, services: sorted() };

/** Digits of a time in milliseconds, so that texts are in the order of their times. */
const MS_DIGITS = 16;
const keyOf = (dueAtMs: number, number: E164): string =>
  `${String(Math.ceil(dueAtMs)).padStart(MS_DIGITS, "0")}${number}`;
const dueAtMsOf = (key: string): number => Number(key.slice(0, MS_DIGITS));

export const hasPublished = ({ services }: PublishedNumbers, { vservice, number }: PublishedNumber): boolean => {
  const own = valueAt(services, vservice);
  return own !== undefined && valueAt(own.dueOf, number) !== undefined;
};

/** Due then, and no more when it was before. */
export const dueAt = (all: PublishedNumbers, one: PublishedNumber, dueAtMs: number): PublishedNumbers => {
  const { vservice, number } = one;
  const { size, services } = notDue(all, one);
  const { due, dueOf } = valueAt(services, vservice) ?? { due: sorted<string, E164>(), dueOf: sorted<E164, string>() };
  const key = keyOf(dueAtMs, number);
  return {
    size: size + 1,
    services: put(services, vservice, { due: put(due, key, number), dueOf: put(dueOf, number, key) }),
  };
};
const notDue = (all: PublishedNumbers, { vservice, number }: PublishedNumber): PublishedNumbers => {
  const own = valueAt(all.services, vservice);
  const key = own === undefined ? undefined : valueAt(own.dueOf, number);
  if (own === undefined || key === undefined) return all;
  const left = { due: without(own.due, key), dueOf: without(own.dueOf, number) };
  const services = left.due.size === 0 ? without(all.services, vservice) : put(all.services, vservice, left);
  return { size: all.size - 1, services };
};

export const withoutVService = ({ size, services }: PublishedNumbers, vservice: VServiceId): PublishedNumbers => ({
  size: size - (valueAt(services, vservice)?.due.size ?? 0),
  services: without(services, vservice),
});

/** When the first of all is due; undefined: there is none. A server has few VServices, and looks through all of them. */
export const firstDueAtMs = ({ services }: PublishedNumbers): number | undefined => {
  let first: number | undefined;
  for (const [, { due }] of entriesOf(services)) {
    const atMs = dueAtMsOf(firstOf(due)![0]);
    if (first === undefined || atMs < first) first = atMs;
  }
  return first;
};

/** Those that are due, so many at most: of each VService its first ones, an equal part of them. */
export const takeDue = (
  all: PublishedNumbers,
  atMs: number,
  countMax: number,
): { readonly taken: ReadonlyArray<PublishedNumber>; readonly left: PublishedNumbers } => {
  const taken: Array<PublishedNumber> = [];
  let left = all;
  const ready = [...entriesOf(all.services)].filter(([, { due }]) => dueAtMsOf(firstOf(due)![0]) <= atMs);
  const part = Math.ceil(countMax / Math.max(1, ready.length));
  for (const [vservice, { due }] of ready) {
    const most = Math.min(countMax, taken.length + part);
    for (const [key, number] of entriesOf(due)) {
      if (taken.length >= most || dueAtMsOf(key) > atMs) break;
      const one = { vservice, number };
      taken.push(one);
      left = notDue(left, one);
    }
  }
  return { taken, left };
};
