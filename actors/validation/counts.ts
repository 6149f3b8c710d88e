/** A table of how many there are of each key at this moment; a key with none is absent. */
export const countUp = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

export const countDown = <K>(counts: Map<K, number>, key: K): void => {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
};
