/** The known name that a mistyped one is nearest to. */

/** So many wrong, missing, additional or exchanged letters, at most, and at most a third of the word. */
const EDITS_MAX = 3;

export const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  const most = Math.min(EDITS_MAX, Math.max(1, Math.floor(name.length / 3)));
  let [best, edits]: [string | undefined, number] = [undefined, most + 1];
  for (const one of known) {
    const needed = editsBetween(name, one);
    if (needed < edits) [best, edits] = [one, needed];
  }
  // `--pass` for --password-file: not near, but its beginning.
  return best ?? (name.length >= 3 ? known.find((one) => one.startsWith(name)) : undefined);
};

/** `; did you mean "x"?`, or nothing. */
export const didYouMean = (name: string, known: ReadonlyArray<string>, dashes = ""): string => {
  const near = nearest(name, known);
  return near === undefined ? "" : `; did you mean ${dashes}${near}?`;
};

/** Damerau-Levenshtein distance, neighbours exchanged counted as one (optimal string alignment). */
export const editsBetween = (one: string, other: string): number => {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
};
