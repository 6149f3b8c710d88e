/** Numbers assigned by draft-jennings-vipr-vap-02; properties/vectors/vap-registry.csv holds its tables. */

/** Tells VAP from STUN, whose cookie is 0x2112A442. */
export const magicCookie = 0x41666679;

/** 0x003 and 0x009 are not assigned. */
export const method = {
  register: 0x001,
  unregister: 0x002,
  publish: 0x004,
  unpublish: 0x005,
  publishRevoke: 0x006,
  subscribe: 0x007,
  unsubscribe: 0x008,
  notify: 0x00a,
  uploadVcr: 0x00b,
} as const;

/** The bits C1 and C0; 01, STUN's indication, is not used. */
export const messageClass = { request: 0b00, success: 0b10, error: 0b11 } as const;

/** Types of attributes. */
export const attribute = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  realm: 0x0014,
  clientName: 0x1001,
  clientHandle: 0x1002,
  protocolVersion: 0x1003,
  clientLabel: 0x1005,
  keepalive: 0x1006,
  serviceIdentity: 0x1007,
  serviceVersion: 0x100b,
  serviceContent: 0x100c,
  subscriptionId: 0x100e,
  callDirection: 0x2001,
  startTime: 0x2002,
  stopTime: 0x2003,
  callingNumber: 0x2004,
  calledNumber: 0x2005,
  peerId: 0x2008,
  quota: 0x200a,
  dhtLifetime: 0x200b,
} as const;

/** As seen by the end that uploads the call. */
export const callDirection = { received: 0, sent: 1 } as const;

/** As drafted; the last two are RFC 5766's (§15), for a case that the draft has no code for. DECISIONS.md D-210. */
export const errorCode = {
  badRequest: 400,
  integrityCheckFailure: 431,
  unknownUsername: 436,
  badClientHandle: 471,
  versionNumberTooLow: 472,
  unregistered: 474,
  unknownSubscription: 476,
  alreadyRegistered: 477,
  unsupportedProtocolVersion: 478,
  publicationFailed: 481,
  quotaReached: 486,
  insufficientCapacity: 508,
} as const;
/** The name of an error. */
export type VapError = keyof typeof errorCode;

/** The text beside an error's number, for people. */
export const errorReason: { readonly [K in VapError]: string } = {
  badRequest: "Bad Request",
  integrityCheckFailure: "Integrity Check Failure",
  unknownUsername: "Unknown Username",
  badClientHandle: "Bad Client Handle",
  versionNumberTooLow: "Version Number Too Low",
  unregistered: "Unregistered",
  unknownSubscription: "Unknown Subscription",
  alreadyRegistered: "Already Registered",
  unsupportedProtocolVersion: "Unsupported Protocol Version",
  publicationFailed: "Publication Failed",
  quotaReached: "Allocation Quota Reached",
  insufficientCapacity: "Insufficient Capacity",
};

/** The draft says 101 in one place and 100 in another: we write what each section writes, and read both. */
export const serviceIds: ReadonlyArray<number> = [100, 101];
/** The ServiceID that we write, by what the request is for. */
export const service = { publish: 101, vcr: 100, notify: 100, subscribe: 101 } as const;
/** The SubserviceID: a single number, or a VService. */
export const subservice = { number: 3, vservice: 4 } as const;
/** "all ones": every instance of a VService. */
export const anyInstance = 0xffff_ffff_ffff_ffffn;

/** Of the draft that we speak: 1.0. */
export const protocolVersion = { major: 1, minor: 0 } as const;
/** An RFC 3261 quoted-string, quotes included; always this one. */
export const realm = '"ViPR"';

/** A 20-byte header and a 16-bit length. */
export const MESSAGE_BYTES_MAX = 65_555;
/** Of a ServiceContent, which the draft wants below 32 KiB. */
export const CONTENT_BYTES_MAX = 32_767;
