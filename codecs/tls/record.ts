/** TLS 1.2 records: their header, two kinds of contents, and the header that a MAC covers. RFC 5246 §6, §7. */
import { constant, enumeration, openEnumeration, struct, type TypeOf, u8, u16, u64 } from "../wire/mod.ts";
import { alertDescription, alertLevel, contentType, tls12 } from "./registry.ts";

/** Bytes of the header of every record. */
export const RECORD_HEADER_BYTES = 5;

/** The fragment that follows has `length` bytes; its bounds depend on whether it is protected. */
// biome-ignore format: columns
export const TlsRecordHeader = struct("TLSPlaintext", "RFC 5246 §6.2.1", {
  type:    openEnumeration(u8, contentType),
  version: u16,
  length:  u16,
});
export type TlsRecordHeader = TypeOf<typeof TlsRecordHeader>;
/** What a record has in it. RFC 5246 §6.2.1. */
export type ContentType = keyof typeof contentType;

/** Two bytes; codes without a name stay numbers. */
// biome-ignore format: columns
export const TlsAlert = struct("Alert", "RFC 5246 §7.2", {
  level:       openEnumeration(u8, alertLevel),
  description: openEnumeration(u8, alertDescription),
});
export type TlsAlert = TypeOf<typeof TlsAlert>;

/** One byte, always 1. */
export const TlsChangeCipherSpec = struct("ChangeCipherSpec", "RFC 5246 §7.1", {
  type: constant(u8, 1),
});

/** The bytes that a record's MAC covers before the fragment. */
// biome-ignore format: columns
export const TlsMacHeader = struct("MAC", "RFC 5246 §6.2.3.1", {
  sequence: u64,
  type:     enumeration(u8, contentType),
  version:  constant(u16, tls12),
  length:   u16,
});
