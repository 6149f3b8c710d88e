/** The PSTN Validation Protocol's texts: user names, and what is exchanged after the proof. */
export {
  EXCHANGE_BYTES_MAX,
  type ExchangeError,
  FRAME_BYTES_MAX,
  isDomain,
  PvpFrame,
  type Read,
  readAnswer,
  readRequest,
  type ValAnswer,
  type ValErrorCode,
  type ValInfo,
  type ValRequest,
  writeAnswer,
  writeRequest,
} from "./exchange.ts";
export {
  type Direction,
  type ParsedUserName,
  type PvpMethod,
  type PvpParties,
  type PvpUserName,
  parseUserName,
  printUserName,
  USER_NAME_BYTES_MAX,
  type UserNameError,
  vserviceText,
} from "./user-name.ts";
