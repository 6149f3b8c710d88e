/** All mutants, floor by floor. */
import { actorMutants } from "./actors.ts";
import { codecMutants } from "./codecs.ts";
import { machineMutants } from "./machines.ts";
import type { Mutant } from "./mutant.ts";
import { overlayMutants } from "./overlay.ts";

export const mutants: ReadonlyArray<Mutant> = [codecMutants, machineMutants, overlayMutants, actorMutants].flatMap(
  (rows) => Object.entries(rows).map(([name, row]) => ({ name, ...row })),
);
