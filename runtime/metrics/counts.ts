/** Counters under up to three labels, in their order; of labels that come from outside only so many are told apart. */
import type { Sample } from "./text.ts";

/** Of one counter; more are counted together as `other`. */
export const SERIES_MAX = 200;

export interface Counts {
  readonly add: (...labels: ReadonlyArray<string>) => void;
  readonly samples: () => ReadonlyArray<Sample>;
}

export const counts = (...names: ReadonlyArray<string>): Counts => {
  const seen = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>();
  const at = (values: ReadonlyArray<string>) => {
    const key = JSON.stringify(values);
    const before = seen.get(key);
    if (before !== undefined) return before;
    if (seen.size >= SERIES_MAX && values[0] !== "other") return at(names.map(() => "other"));
    const labels = Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
    const made = { labels, value: 0 };
    seen.set(key, made);
    return made;
  };
  return {
    add: (...values) => {
      const one = at(values);
      one.value += 1;
    },
    samples: () => [...seen.values()].map(({ labels, value }) => ({ labels, value })),
  };
};
