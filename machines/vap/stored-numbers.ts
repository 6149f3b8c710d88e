/**
 * The numbers of a call agent's session that the overlay stores, in the order in which they were stored: the first one ends first.
 *
 *   places: number --> place          byPlace: place --> number          next: the place of the one that is stored next
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import { firstOf, put, type Sorted, sorted, valueAt, without } from "../kit/mod.ts";

export interface StoredNumbers {
  readonly places: Sorted<E164, number>;
  readonly byPlace: Sorted<number, E164>;
  readonly next: number;
}
export const noNumbers: StoredNumbers = { places: sorted(), byPlace: sorted(), next: 1 };

/** Behind all others, wherever it was. */
export const remembered = (stored: StoredNumbers, number: E164): StoredNumbers => {
  const { places, byPlace, next } = forgotten(stored, number);
  return { places: put(places, number, next), byPlace: put(byPlace, next, number), next: next + 1 };
};
export const forgotten = (stored: StoredNumbers, number: E164): StoredNumbers => {
  const place = valueAt(stored.places, number);
  if (place === undefined) return stored;
  return { ...stored, places: without(stored.places, number), byPlace: without(stored.byPlace, place) };
};
export const isStored = ({ places }: StoredNumbers, number: E164): boolean => valueAt(places, number) !== undefined;

/** The one that was stored first, if that was before `place` was given. */
export const oldestBelow = ({ byPlace }: StoredNumbers, place: number): E164 | undefined => {
  const first = firstOf(byPlace);
  return first !== undefined && first[0] < place ? first[1] : undefined;
};
