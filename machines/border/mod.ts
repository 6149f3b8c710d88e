/** The border element decided: admission, the messages as they cross, calls and their limits, and the core that ties them. */
export { BorderCore } from "./core.ts";
export { BORDER_LIMITS, BORDER_TIMING } from "./defaults.ts";
export { HELD_MESSAGES_MAX } from "./gate.ts";
export { rehearse } from "./rehearsal.ts";
export { bytesOfUrlText, TOKEN_KEY_BYTES, TOKEN_KEYS_MAX, type TokenKey, tokenKey, urlTextOf } from "./tokens.ts";
export type {
  BorderCoreOptions,
  BorderCount,
  BorderLimits,
  BorderOrder,
  BorderSource,
  MediaAnswer,
  MediaQuestion,
  Place,
  RefusalReason,
} from "./types.ts";
