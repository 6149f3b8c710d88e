/** What every store owes the house: one call for each. */
import { runs, test } from "./harness.ts";
import { storeLawsOf } from "./laws-of-store.ts";

type Open = Parameters<typeof storeLawsOf>[1];

export const storeLaws = (name: string, open: Open): void => {
  for (const { name: title, check } of storeLawsOf(name, open, Math.min(runs, 100))) test(title, check);
};
