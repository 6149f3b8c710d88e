/** The ViPR Access Protocol: messages, their integrity, and the documents in them. */
export { ServiceIdentity, VapAttribute } from "./attributes.ts";
export {
  checkRequest,
  hasIntegrity,
  keptMac,
  type Mac,
  type MakeMac,
  macsOf,
  protect,
  unprotected,
  type Verdict,
  vapKey,
} from "./integrity.ts";
export { decodeKeptRoute, encodeKeptRoute, type KeptRoute, keptRouteKey } from "./kept-route.ts";
export {
  errorAttribute,
  errorNumberOf,
  ourVersion,
  TRANSACTION_ID_BYTES,
  type VapAttributeName,
  type VapAttributeValue,
  type VapContent,
  VapMessage,
  type VapMethod,
  valueIn,
} from "./message.ts";
export { decodeOwner, decodeUse, encodeOwner, encodeUse, ownerKey, type StoredOwner } from "./owner.ts";
export {
  decodePublished,
  encodePublished,
  type PublishedAt,
  publishedKey,
  type StoredPublication,
} from "./published.ts";
export {
  anyInstance,
  attribute,
  CONTENT_BYTES_MAX,
  callDirection,
  errorCode,
  errorReason,
  MESSAGE_BYTES_MAX,
  magicCookie,
  messageClass,
  method,
  protocolVersion,
  realm,
  service,
  serviceIds,
  subservice,
  type VapError,
} from "./registry.ts";
export { DHT_NAME, readVService, type VService, writeVService } from "./service.ts";
export { readValInfo, type ValInfo, withFittingRoutes, writeValInfo } from "./valinfo.ts";
export { child, element, Fault, type Read, type Route, reading, textOf, type XmlError } from "./xml.ts";
