/** Calls over SIP whose media are bad, taken to the telephone network: the two sides' machines, and the core that ties them. */
export {
  type CalleeEvent,
  type CalleeInput,
  type CalleeOrder,
  fallbackCallee,
  NOTICES_MAX,
} from "./callee.ts";
export {
  type CallerEvent,
  type CallerInput,
  type CallerOrder,
  type FallbackFailure,
  fallbackCaller,
} from "./caller.ts";
export { FALLBACKS_MAX, FallbackCore } from "./core.ts";
export { type CallNumbers, EXPECTED_MS, isSameCaller, SILENT_MS, type Silence } from "./known.ts";
export { inviteAgain } from "./messages.ts";
export { numbersBy } from "./numbers.ts";
export type { FallbackOptions, FallbackOrder, FallbackOutcome, RelayAnswer, TrunkCredentials } from "./types.ts";
