/**
 * The assigned numbers of RELOAD, RFC 6940 §14, and those this project takes from its private ranges.
 * Requirements: RFC 6940 §6.3.3.1, §14.3, §14.4, §14.7, §14.11, §14.14.
 */

/** The first four bytes of each packet. */
export const reloToken = 0xd2454c4f; // "RELO" with the high bit of its first byte set, §6.3.2
/** Another version is refused. RFC 6940 §6.3.2. */
export const reloadVersion = 0x0a; // version 1.0, times ten
/** TCP, of peers. RFC 6940 §14.2. */
export const reloadPort = 6084;

/** The high bit of the `fragment` field, set in every message. RFC 6940 §6.3.2. */
export const fragmentAlways = 0x80000000;
/** Set in the last fragment, and in a message that is whole. */
export const fragmentLast = 0x40000000;
/** The bits of the offset, which counts bytes. RFC 6940 §6.7. */
export const fragmentOffset = 0x00ffffff;
/** The field of a message in one piece. */
export const fragmentWhole = 0xc0000000;
/** §6.3.2.1: a ConfigUpdate with this sequence is always accepted. */
export const sequenceAny = 65_535;

/** RFC 6940 §6.3.2.2. Codes from 128 on are not allowed: their first bit would be that of the short form. */
export const destinationType = { node: 1, resource: 2, opaqueId: 3 } as const;

/** §14.8. Requests are odd, their answers the next even number. */
export const messageCode = {
  probeReq: 0x01,
  probeAns: 0x02,
  attachReq: 0x03,
  attachAns: 0x04,
  storeReq: 0x07,
  storeAns: 0x08,
  fetchReq: 0x09,
  fetchAns: 0x0a,
  findReq: 0x0d,
  findAns: 0x0e,
  joinReq: 0x0f,
  joinAns: 0x10,
  leaveReq: 0x11,
  leaveAns: 0x12,
  updateReq: 0x13,
  updateAns: 0x14,
  routeQueryReq: 0x15,
  routeQueryAns: 0x16,
  pingReq: 0x17,
  pingAns: 0x18,
  statReq: 0x19,
  statAns: 0x1a,
  appAttachReq: 0x1d,
  appAttachAns: 0x1e,
  configUpdateReq: 0x21,
  configUpdateAns: 0x22,
  error: 0xffff,
} as const;

/** §14.9. */
export const errorCode = {
  forbidden: 0x02,
  notFound: 0x03,
  requestTimeout: 0x04,
  generationCounterTooLow: 0x05,
  incompatibleWithOverlay: 0x06,
  unsupportedForwardingOption: 0x07,
  dataTooLarge: 0x08,
  dataTooOld: 0x09,
  ttlExceeded: 0x0a,
  messageTooLarge: 0x0b,
  unknownKind: 0x0c,
  unknownExtension: 0x0d,
  responseTooLarge: 0x0e,
  configTooOld: 0x0f,
  configTooNew: 0x10,
  inProgress: 0x11,
  expA: 0x12,
  expB: 0x13,
  invalidMessage: 0x14,
} as const;
/** A name that `errorCode` has. */
export type ErrorName = keyof typeof errorCode;
/** A code without a name of ours, in hexadecimal. */
export type UnnamedError = `error 0x${string}`;

/** An error's name, or `error 0x8001` for one we do not know. */
export const errorNameOf = (code: number): ErrorName | UnnamedError =>
  namesByCode.get(code) ?? `error 0x${code.toString(16)}`;
const namesByCode: ReadonlyMap<number, ErrorName> = new Map(
  Object.entries(errorCode).map(([name, code]) => [code, name as ErrorName]),
);

/** §14.6; VIPR-REGISTRATION is this project's choice from the private range. */
export const kindId = {
  turnService: 0x2,
  certificateByNode: 0x3,
  certificateByUser: 0x10,
  viprRegistration: 0xf0000100,
} as const;

/** How values of a Kind are stored: one, by index, or by key. RFC 6940 §7.2, §14.7. */
export type DataModel = "single" | "array" | "dictionary";

/** The data model is not on the wire: the Kind implies it. Kinds we do not know keep their values as bytes. */
export const modelOfKind = (kind: number): DataModel | undefined => {
  switch (kind) {
    case kindId.turnService:
      return "single";
    case kindId.certificateByNode:
    case kindId.certificateByUser:
      return "array";
    case kindId.viprRegistration:
      return "dictionary";
    default:
      return undefined;
  }
};

/** Application-IDs for AppAttach, §14.5; PVP's is this project's choice from the private range. */
export const applicationId = { sip: 5060, sips: 5061, pvp: 0xf056 } as const;

/** §14.10. */
export const overlayLink = { dtlsUdpSr: 1, dtlsUdpSrNoIce: 3, tlsTcpFhNoIce: 4 } as const;
/** ICE's kinds of candidates. RFC 6940 §6.5.1.1. */
export const candidateType = { host: 1, srflx: 2, relay: 4 } as const;
/** RFC 6940 §6.3.1.1. */
export const addressType = { ipv4: 1, ipv6: 2 } as const;

/** §6.3.2.3, bits of the flags of a forwarding option. */
export const optionFlag = { forwardCritical: 0x01, destinationCritical: 0x02, responseCopy: 0x04 } as const;

/** §14.13. */
export const probeInformation = { responsibleSet: 1, numResources: 2, uptime: 3 } as const;

/** What a ConfigUpdate brings: a document, or Kinds. RFC 6940 §6.5.4.1. */
export const configUpdateType = { config: 1, kind: 2 } as const;
/** How much of its tables a peer sends in an Update. RFC 6940 §10.7. */
export const chordUpdateType = { peerReady: 1, neighbors: 2, full: 3 } as const;
/** On which side of the receiver the leaving peer was. RFC 6940 §10.9. */
export const chordLeaveType = { fromSuccessor: 1, fromPredecessor: 2 } as const;
/** RFC 6940 §6.6.2. */
export const framedMessageType = { data: 128, ack: 129 } as const;

/** §6.3.4 and the TLS registries it borrows from. */
export const certificateType = { x509: 0 } as const;
/** The codes of RFC 5246 §7.4.1.4.1 that are known here. */
export const hashAlgorithm = { none: 0, sha1: 2, sha256: 4 } as const;
/** The codes of RFC 5246 §7.4.1.4.1 that are known here. */
export const signatureAlgorithm = { anonymous: 0, rsa: 1, ecdsa: 3 } as const;
/** By what a signature names its certificate. RFC 6940 §6.3.4. */
export const signerIdentityType = { certHash: 1, certHashNodeId: 2, none: 3 } as const;
