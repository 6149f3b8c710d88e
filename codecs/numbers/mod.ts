/** Telephone numbers as exchanges, trunks and records show them, and the dial plan that makes one E.164 of each, or none. */
export { FOLD_NAMES, type FoldName } from "./fold.ts";
export { isPattern, matchesPattern } from "./pattern.ts";
export {
  type DialPlan,
  type DialPlanInput,
  defaultPlan,
  dialPlan,
  type NationalRule,
  type NumberRange,
  type PlanError,
  type PlanResult,
  type PlusRule,
  rangeOf,
  type TrunkPlan,
} from "./plan.ts";
export { countNumbers, listOf, listWithout, type NumberList, numbersIn } from "./ranges.ts";
export {
  isOwn,
  maskedSteps,
  NUMBER_SOURCES,
  type NumberPlace,
  type NumberReading,
  type NumberSource,
  readNumber,
} from "./read.ts";
export { NUMBER_REASONS, type NumberReason, reasonText } from "./reasons.ts";
export { isCountry } from "./world.ts";
