/** The PSTN Validation Protocol: user names and passwords made of calls, both sides of a validation, and the stored calls. */
export {
  type ClaimVerdict,
  CONNECT_TIMEOUT_MS,
  EXCHANGE_TIMEOUT_MS,
  HANDSHAKE_TIMEOUT_MS,
  methodsFor,
  type PvpAttemptAction,
  type PvpAttemptEvent,
  type PvpAttemptInput,
  type PvpClaim,
  type PvpTimer,
  pvpAttempt,
} from "./attempt.ts";
export { type Candidate, candidatesFor, NAMED_TOGETHER_MAX, tryableFor } from "./candidates.ts";
export { DUE_MAX, type DueQueue, dropDue, dueQueue, nextDueMs, schedule, takeDue } from "./due.ts";
export { type CallToName, formsFor, type PvpForm, STRANGER_BITS } from "./forms.ts";
export {
  CLAIMS_MAX,
  CLAIMS_OF_NODE_MAX,
  GATE_MS_MAX,
  type LookUpFailure,
  type PvpOriginatorAction,
  type PvpOriginatorEvent,
  type PvpOriginatorInput,
  type PvpOutcome,
  pvpOriginator,
  TV_MS_MAX,
  TV_MS_MIN,
} from "./originator.ts";
export {
  forgivePeer,
  peerFailed,
  peerSucceeded,
  type Reputation,
  type ReputationLimits,
  type Reputations,
  reputationLimits,
  reputationOf,
  reputations,
} from "./reputation.ts";
export {
  type CallFacts,
  calledHash,
  callerHash,
  callFacts,
  halfHourOf,
  instantWithin,
  minutesNear,
  minutesOf,
  type NameForm,
  originatorPassword,
  ROUND_MS,
  type Rounded,
  roundedFor,
  roundInDirection,
  roundNearest,
  terminatorPassword,
  timeBits,
  userNameFor,
} from "./secret.ts";
export {
  ATTEMPTS_MAX,
  CALLS_MAX,
  type CallStore,
  callNamed,
  callStore,
  expireCalls,
  failCall,
  findStored,
  insertCall,
  isLocked,
  RETENTION_MS,
  removeCall,
  SAME_KEY_MAX,
  type StoredCall,
  type Way,
  wayOf,
} from "./store.ts";
export {
  type PvpCandidate,
  type PvpFailure,
  type PvpTerminatorAction,
  type PvpTerminatorEvent,
  type PvpTerminatorInput,
  type PvpTerminatorOutcome,
  pvpTerminator,
} from "./terminator.ts";
export { ALONE, BITS_CAP, type EndsApart, equivalentBits, HALF_HOUR_MS, windowOf, worthOf } from "./worth.ts";
