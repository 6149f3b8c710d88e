/** Everything that `vipr/properties` gives, behind the question whether fast-check is there (mod.ts). */
export { arbitraryOf } from "./arbitrary.ts";
export { RUNS } from "./laws.ts";
export { machineLawsOf } from "./laws-of-machine.ts";
export { wireLawsOf } from "./laws-of-wire.ts";
export { hostPlainly } from "./plain-host.ts";
