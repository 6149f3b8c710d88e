/**
 * A mutant: one deliberate fault in one file of the product, as text that stands there once and what stands there instead. The
 * product itself has no switch for it; hook.ts changes the source while a process of the tests loads it. DECISIONS.md D-291.
 */
import { readFileSync } from "node:fs";

export interface Mutant {
  readonly name: string;
  /** From the root of the project. */
  readonly file: string;
  /** Must occur once in the file. */
  readonly from: string;
  readonly to: string;
  /** Who gains by it, or which fault of the field it is: an attack of docs/security.md, a section of an RFC, a row of a table. */
  readonly why: string;
  /** Beginnings of paths below properties/ of tests that come first, where they are not those of the file's own room. */
  readonly tests?: ReadonlyArray<string>;
  /** By it something never ends, or never comes: a test that takes too long, or all memory, catches it as well. */
  readonly mayHang?: true;
}
export type MutantRows = Readonly<Record<string, Omit<Mutant, "name">>>;

export const ROOT: string = new URL("../../", import.meta.url).pathname;

/** Throws where the text is not there, or not once: the table is out of date. */
export const mutated = ({ name, file, from, to }: Mutant): string => {
  const text = readFileSync(ROOT + file, "utf8");
  const count = text.split(from).length - 1;
  if (count !== 1)
    throw new Error(`mutant ${name}: its text stands ${count} times in ${file}, and must stand there once`);
  if (from === to) throw new Error(`mutant ${name} changes nothing`);
  return text.replace(from, () => to);
};
