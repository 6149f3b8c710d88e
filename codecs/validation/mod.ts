/** The texts of the PSTN Validation Protocol: user names, and the exchange after the proof. */
export type { ValInfo } from "../vap/mod.ts";
export {
  EXCHANGE_BYTES_MAX,
  FRAME_BYTES_MAX,
  isDomain,
  PvpFrame,
  readAnswer,
  readRequest,
  type ValAnswer,
  type ValErrorCode,
  type ValRequest,
  writeAnswer,
  writeRequest,
} from "./exchange.ts";
export {
  type Attempts,
  decodeProof,
  decodeRecord,
  encodeProof,
  encodeRecord,
  proofKey,
  proofPrefix,
  RECORD_VERSION,
  recordKey,
  type StoredProof,
  type StoredRecord,
  timeOfKey,
} from "./record.ts";
export { PVP_GROUPS, type PvpGroupBits } from "./registry.ts";
export {
  type Direction,
  ERA_SECONDS_MAX,
  HALF_HOUR_S,
  type ParsedUserName,
  type PvpMethod,
  type PvpParties,
  type PvpUserName,
  type PvpVersion,
  parseUserName,
  printUserName,
  TIME_BITS_MAX,
  USER_NAME_BYTES_MAX,
  type UserNameError,
  vserviceText,
} from "./user-name.ts";
