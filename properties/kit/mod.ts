/**
 * `vipr/properties`: the laws of machines, messages and ports, for those who write their own. docs/embedding.md#laws.
 * Lists of `{ name, check }`, which any test runner takes.
 */
import type * as Published from "./published.ts";

const published: typeof Published = await import("./published.ts").catch((cause) => {
  if (!String(cause).includes("fast-check")) throw cause;
  throw new Error("vipr/properties makes its values by fast-check, which is not here: npm install fast-check@4", {
    cause,
  });
});

export const {
  arbitraryOf,
  attacksOf,
  boundariesOf,
  codecLawsOf,
  explore,
  hostPlainly,
  keysLawsOf,
  machineLawsOf,
  modelLawOf,
  RUNS,
  storeLawsOf,
  streamLawsOf,
  tlsLawsOf,
  walksOf,
  wireLawsOf,
  xstateLawsOf,
} = published;
export type { Attack } from "./attacks.ts";
export type { CounterExample, Explored, ExploreOptions, SmallStep, SmallWorld } from "./explorer.ts";
export type { Invariant, Law } from "./laws.ts";
export type { Codec } from "./laws-of-codec.ts";
export type { MachineArbitraries, MachineLawOptions, TableAt } from "./laws-of-machine.ts";
export type { WireLawOptions } from "./laws-of-wire.ts";
export type { XStateLawOptions } from "./laws-of-xstate.ts";
export type { ModelCommand, Modelled, ModelOptions } from "./models.ts";
export type { Fired, Moment, Seen } from "./plain-host.ts";
export type { Run } from "./port-law.ts";
export type { Walk, Walkable, WalkOptions } from "./walks.ts";
