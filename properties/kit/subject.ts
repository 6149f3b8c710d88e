/** A machine together with the inputs and events that it is asked with: for its laws in the tests, and for `vipr fuzz`. */
import type { Machine } from "../../machines/kit/mod.ts";
import type { Law } from "./laws.ts";
import { type MachineArbitraries, type MachineLawOptions, machineLawsOf } from "./laws-of-machine.ts";

export interface MachineSubject {
  readonly name: string;
  readonly lawsOf: (
    more?: Pick<MachineLawOptions<any, any, any>, "runs" | "table" | "everyTransition">,
  ) => ReadonlyArray<Law>;
}

export const machineSubject = <I, E extends { readonly type: string }, A extends { readonly type: string }, C>(
  machine: Machine<I, E, A, C>,
  arbitraries: MachineArbitraries<I, E>,
  options: Omit<MachineLawOptions<I, E, A>, "runs" | "table"> = {},
): MachineSubject => ({
  name: options.name ?? machine.id,
  lawsOf: (more = {}) => machineLawsOf(machine, arbitraries, { ...options, ...more }),
});
