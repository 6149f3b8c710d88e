/**
 * One description for each attribute: type, length without padding, value, zeros to a multiple of four bytes.
 * draft-jennings-vipr-vap-02 §9, RFC 5389 §15. An unknown attribute is preserved and ignored.
 */
import { ntp64, vservice64 } from "../shared/mod.ts";
import {
  bytes,
  constant,
  enumeration,
  rest,
  struct,
  type TypeOf,
  text,
  tlv,
  u8,
  u16,
  u32,
  u64,
  u128,
  within,
} from "../wire/mod.ts";
import { attribute, callDirection } from "./registry.ts";

const ErrorCode = struct("ErrorCode", "RFC 5389 §15.6", {
  reserved: constant(u16, 0),
  class: within(u8, 1, 6), // hundreds; its five high bits are zero
  number: within(u8, 0, 99),
  reason: text(763),
});

const ProtocolVersion = struct("ProtocolVersion", "draft-jennings-vipr-vap-02", { major: u16, minor: u16 });

/** Which service of which VService it is about, and which instance of that: 20 bytes. */
export const ServiceIdentity = struct("ServiceIdentity", "draft-jennings-vipr-vap-02", {
  service: u16,
  subservice: u16,
  vservice: vservice64,
  instance: u64,
});
export type ServiceIdentity = TypeOf<typeof ServiceIdentity>;

const Quota = struct("Quota", "draft-jennings-vipr-vap-02", { limit: u32, current: u32 });

/** One attribute by its name, or unknown with its code and bytes. Texts are UTF-8 of 64 to 763 bytes at most, by attribute. */
// biome-ignore format: columns
export const VapAttribute = tlv("VapAttribute", "RFC 5389 §15", { padTo: 4 }, {
  username:         [attribute.username,         text(513)],
  messageIntegrity: [attribute.messageIntegrity, bytes(20)],
  errorCode:        [attribute.errorCode,        ErrorCode],
  realm:            [attribute.realm,            text(763)],
  clientName:       [attribute.clientName,       text(255)],
  clientHandle:     [attribute.clientHandle,     u32],
  protocolVersion:  [attribute.protocolVersion,  ProtocolVersion],
  clientLabel:      [attribute.clientLabel,      text(255)],
  keepalive:        [attribute.keepalive,        u32],   // milliseconds
  serviceIdentity:  [attribute.serviceIdentity,  ServiceIdentity],
  serviceVersion:   [attribute.serviceVersion,   u32],
  serviceContent:   [attribute.serviceContent,   rest],
  subscriptionId:   [attribute.subscriptionId,   u32],
  callDirection:    [attribute.callDirection,    enumeration(u32, callDirection)],
  startTime:        [attribute.startTime,        ntp64],
  stopTime:         [attribute.stopTime,         ntp64],
  callingNumber:    [attribute.callingNumber,    text(64)], // as the telephone network gave it
  calledNumber:     [attribute.calledNumber,     text(64)], // E.164, once it has been looked at
  peerId:           [attribute.peerId,           u128],
  quota:            [attribute.quota,            Quota],
  dhtLifetime:      [attribute.dhtLifetime,      u32],   // seconds
});
export type VapAttribute = TypeOf<typeof VapAttribute>;
