/**
 * What every machine owes the house: one call for each.
 *
 *   machineLaws(vapTransaction, { inputs: fc.record({ … }), events: (input) => fc.oneof(…) });
 *
 * Its transition table is committed text: VIPR_TABLES=write writes it, otherwise it must be as it was.
 */
import process from "node:process";
import type { Machine } from "../../machines/kit/mod.ts";
import { runs, test } from "./harness.ts";
import type { MachineArbitraries, MachineLawOptions } from "./laws-of-machine.ts";
import { type MachineSubject, machineSubject } from "./subject.ts";

const table = { folder: new URL("../tables/", import.meta.url), write: process.env.VIPR_TABLES === "write" };

export const machineLaws = <I, E extends { readonly type: string }, A extends { readonly type: string }, C>(
  machine: Machine<I, E, A, C>,
  arbitraries: MachineArbitraries<I, E>,
  options: Omit<MachineLawOptions<I, E, A>, "runs" | "table"> = {},
): void => subjectLaws(machineSubject(machine, arbitraries, options));

export const subjectLaws = (...subjects: ReadonlyArray<MachineSubject>): void => {
  for (const { lawsOf } of subjects)
    for (const { name, check } of lawsOf({ runs, table, everyTransition: true })) test(name, check);
};
