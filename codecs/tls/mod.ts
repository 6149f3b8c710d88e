/** TLS 1.2 with SRP: numbers, groups, records, handshake messages. */

export { extensionCodeOf, TlsExtension, TlsExtensions } from "./extension.ts";
export { bytesOfInteger, primeBytes, type SrpGroup, type SrpGroupBits, srpGroup, srpGroupOf } from "./group.ts";
export {
  HANDSHAKE_HEADER_BYTES,
  TlsClientHello,
  TlsClientSrpPublic,
  TlsFinished,
  TlsHandshake,
  TlsHandshakeHeader,
  TlsServerHello,
  TlsServerSrpParams,
} from "./handshake.ts";
export {
  type ContentType,
  RECORD_HEADER_BYTES,
  TlsAlert,
  TlsChangeCipherSpec,
  TlsMacHeader,
  TlsRecordHeader,
} from "./record.ts";
export {
  type AlertDescription,
  alertDescription,
  alertLevel,
  contentType,
  extensionType,
  fallbackScsv,
  HANDSHAKE_MESSAGE_BYTES_MAX,
  handshakeType,
  nullCompression,
  RECORD_CIPHERTEXT_BYTES_MAX,
  RECORD_PLAINTEXT_BYTES_MAX,
  renegotiationScsv,
  type SrpSuite,
  srpSuites,
  tls12,
} from "./registry.ts";
