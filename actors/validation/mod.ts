/** Validations: those we ask for, and those we serve. */
export { attemptClaim, type PvpAddress, type Resolve } from "./attempt.ts";
export { LookUpFailed, type ValidateHandlers, type ValidateOptions, validate } from "./originator.ts";
export {
  PVP_STREAMS_MAX,
  type PvpCounters,
  type PvpGrant,
  type PvpGrantRequest,
  type PvpHandlers,
  type ServePvpOptions,
  type ServingPvp,
  servePvp,
} from "./terminator.ts";
