/** How many of each key there are at this moment; a key with none is absent. */
export const more = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

export const less = <K>(counts: Map<K, number>, key: K): void => {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
};
