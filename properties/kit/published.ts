/** Everything that `vipr/properties` gives, behind the question whether fast-check is there (mod.ts). */
export { arbitraryOf, boundariesOf } from "./arbitrary.ts";
export { attacksOf } from "./attacks.ts";
export { explore } from "./explorer.ts";
export { RUNS } from "./laws.ts";
export { codecLawsOf } from "./laws-of-codec.ts";
export { keysLawsOf } from "./laws-of-keys.ts";
export { machineLawsOf } from "./laws-of-machine.ts";
export { storeLawsOf } from "./laws-of-store.ts";
export { streamLawsOf } from "./laws-of-streams.ts";
export { tlsLawsOf } from "./laws-of-tls.ts";
export { wireLawsOf } from "./laws-of-wire.ts";
export { xstateLawsOf } from "./laws-of-xstate.ts";
export { modelLawOf } from "./models.ts";
export { hostPlainly } from "./plain-host.ts";
export { walksOf } from "./walks.ts";
