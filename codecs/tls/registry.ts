/** Numbers that TLS assigns: RFC 5246, RFC 5054, RFC 5746, RFC 7366, RFC 7627. */

/** The only version that we support. RFC 5246 §6.2.1. */
export const tls12 = 0x0303;

/** RFC 5246 §6.2.1. */
export const contentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
} as const;

/** RFC 5246 §7.4; those that occur in an SRP handshake. */
export const handshakeType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  serverKeyExchange: 12,
  serverHelloDone: 14,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** The SRP suites that we support, none with certificates; RFC 5054 §2.7. With the key's size in bytes. */
export const srpSuites = {
  TLS_SRP_SHA_WITH_AES_128_CBC_SHA: { code: 0xc01d, keySize: 16 },
  TLS_SRP_SHA_WITH_AES_256_CBC_SHA: { code: 0xc020, keySize: 32 },
} as const;
/** The name of a suite that we support. */
export type SrpSuite = keyof typeof srpSuites;

/** In the list of suites it means that the client supports secure renegotiation. RFC 5746 §3.3. */
export const renegotiationScsv = 0x00ff;

/** In the list of suites it means that the client retries with an older version after a failure. RFC 7507 §2. */
export const fallbackScsv = 0x5600;

/** The one compression method that we offer and accept: none. RFC 5246 §7.4.1.2. */
export const nullCompression = 0;

/** RFC 5246 §7.4.1.4, and the RFC named beside each. */
export const extensionType = {
  srp: 12, // RFC 5054 §2.8.1
  encryptThenMac: 22, // RFC 7366 §2
  extendedMasterSecret: 23, // RFC 7627 §5.1
  renegotiationInfo: 0xff01, // RFC 5746 §3.2
} as const;

/** RFC 5246 §7.2. */
export const alertLevel = { warning: 1, fatal: 2 } as const;

/** RFC 5246 §7.2 and RFC 4279 §6. */
export const alertDescription = {
  closeNotify: 0,
  unexpectedMessage: 10,
  badRecordMac: 20,
  decryptionFailed: 21,
  recordOverflow: 22,
  decompressionFailure: 30,
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  certificateRevoked: 44,
  certificateExpired: 45,
  certificateUnknown: 46,
  illegalParameter: 47,
  unknownCa: 48,
  accessDenied: 49,
  decodeError: 50,
  decryptError: 51,
  protocolVersion: 70,
  insufficientSecurity: 71,
  internalError: 80,
  inappropriateFallback: 86,
  userCanceled: 90,
  noRenegotiation: 100,
  unsupportedExtension: 110,
  unknownPskIdentity: 115,
} as const;
/** The name of an alert. */
export type AlertDescription = keyof typeof alertDescription;

/** RFC 5246 §6.2.1 and §6.2.3: the greatest length of a fragment in the clear, and what protection may add to it. */
export const RECORD_PLAINTEXT_BYTES_MAX = 16_384;
/** Of a protected fragment, MAC and padding included. RFC 5246 §6.2.3. */
export const RECORD_CIPHERTEXT_BYTES_MAX = RECORD_PLAINTEXT_BYTES_MAX + 2_048;
/** Greatest size of one handshake message with its header. An SRP handshake needs some 1,200 bytes at 4096 bits. */
export const HANDSHAKE_MESSAGE_BYTES_MAX = 16_384;
