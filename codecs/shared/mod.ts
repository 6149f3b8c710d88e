/** What several codecs share: numbers, times, call records, bytes. */
export { base64Of, bytesOfBase64 } from "./base64.ts";
export type { Branded } from "./brand.ts";
export {
  bigOf,
  bytesOfBig,
  bytesOfHex,
  concat,
  equalBytes,
  equalSecrets,
  hexOf,
  keyText,
  utf8,
} from "./bytes.ts";
export { type E164, e164, e164FromDigits, isE164, maskE164, normalizeE164 } from "./e164.ts";
export { ipBytes, ipTextOf, ipv4Of, ipv4Text, ipv6Of, ipv6Text, isGlobalHost } from "./ip.ts";
export { addNewest, keepNewest } from "./newest.ts";
export { NodeId, nodeIdFrom, nodeIdText } from "./node-id.ts";
export {
  isEarlierNtp,
  msFromNtp,
  type Ntp,
  type NtpMs,
  ntp,
  ntp64,
  ntpFromMs,
  ntpMs,
  ntpMsOf,
  unixMsOf,
} from "./ntp.ts";
export { answerSeal, nonceOf, orderSeal } from "./order-seal.ts";
export { type UnixMs, unixMs } from "./time.ts";
export type { CallTimes, Vcr } from "./vcr.ts";
export { type VServiceId, vservice64, vserviceId } from "./vservice.ts";
