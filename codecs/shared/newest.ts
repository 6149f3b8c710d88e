/** Maps and sets that hold so many entries and no more: a new one puts out the oldest. */

/** Sets a key, which becomes the newest, also where it was there. */
export const keepNewest = <K, V>(map: Map<K, V>, max: number, key: K, value: V): void => {
  map.delete(key);
  if (map.size >= max) map.delete(map.keys().next().value!);
  map.set(key, value);
};

/** The same for a set. */
export const addNewest = <T>(set: Set<T>, max: number, value: T): void => {
  set.delete(value);
  if (set.size >= max) set.delete(set.values().next().value!);
  set.add(value);
};
