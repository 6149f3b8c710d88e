/** Validations: those we ask for, and those we serve. */
export { attemptClaim, type Gate, type PvpAddress, type Resolve } from "./attempt.ts";
export type { PvpCounters } from "./counters.ts";
export { LookUpFailed } from "./errors.ts";
export type { PvpGrant, PvpGrantRequest, PvpHandlers } from "./handlers.ts";
export { type CallNaming, nameCall, type ValidateHandlers, type ValidateOptions, validate } from "./originator.ts";
export {
  PVP_STREAMS_MAX,
  PVP_STREAMS_OF_ADDRESS_MAX,
  type ServePvpOptions,
  type ServingPvp,
  servePvp,
} from "./terminator.ts";
