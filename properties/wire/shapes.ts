/** Descriptions with every word of the language and every unusual shape of the RFCs, for the laws and the drawing. */
import {
  bits,
  boolean,
  byFirstBit,
  bytes,
  constant,
  empty,
  enumeration,
  flag,
  i32,
  lengthOf,
  lengthOfAfter,
  lengthOfWhole,
  list,
  opaque,
  opaqueOf,
  openEnumeration,
  optional,
  rest,
  select,
  selectBy,
  struct,
  tagged,
  text,
  textVector,
  tlv,
  u8,
  u16,
  u24,
  u32,
  u64,
  u128,
  vector,
  within,
} from "../../codecs/wire/mod.ts";

/** A STUN-shaped message: bits that interleave, a length counted from after the cookie, padded attributes. */
const methods = { register: 0x001, publish: 0x004, uploadVcr: 0x00b } as const;
const classes = { request: 0b00, success: 0b10, error: 0b11 } as const;
export const Attribute = tlv(
  "Attribute",
  "RFC 5389 §15",
  { padTo: 4 },
  {
    username: [0x0006, text(513)],
    errorCode: [
      0x0009,
      struct("ErrorCode", "RFC 5389 §15.6", {
        reserved: constant(u16, 0),
        class: within(u8, 1, 6),
        number: within(u8, 0, 99),
        reason: text(763),
      }),
    ],
    handle: [0x1002, u32],
    start: [0x2002, u64],
    content: [0x100c, rest],
    integrity: [0x0008, bytes(20)],
  },
);
export const Stun = struct("Stun", "RFC 5389 §6", {
  type: bits("00MMMMMCMMMCMMMM", { method: ["M", methods, "open"], class: ["C", classes] }),
  length: lengthOf("attributes", u16),
  cookie: constant(u32, 0x2112a442),
  transactionId: bytes(12),
  attributes: list(Attribute),
});

/** Three lengths first, then three lists; both forms of a destination in one list; unknown types kept. */
const FullDestination = struct("Destination", "RFC 6940 §6.3.2.2", {
  type: openEnumeration(within(u8, 0, 127), { node: 1, resource: 2, opaqueId: 3 }),
  length: lengthOf("data", u8),
  data: select("type", { node: u128, resource: opaque(u8), opaqueId: opaque(u8) }, { otherwise: rest }),
});
const CompactDestination = struct("Destination", "RFC 6940 §6.3.2.2", { opaqueId: within(u16, 0x8000, 0xffff) });
export const Destination = byFirstBit({ 0: FullDestination, 1: CompactDestination });
const headerFields = {
  token: constant(u32, 0xd2454c4f),
  fragment: bits("1LRRRRRROOOOOOOOOOOOOOOOOOOOOOOO", { last: ["L", flag], reserved: ["R"], offset: ["O"] }),
  length: lengthOfWhole(u32),
  transactionId: u64,
  viaLength: lengthOf("via", u16),
  destinationsLength: lengthOf("destinations", u16),
  via: list(Destination),
  destinations: list(Destination),
};
/** What every hop reads: the header, the rest kept as it came. */
export const Forwarded = struct("Forwarded", "RFC 6940 §6.3.2", { ...headerFields, body: rest });
const StoreReq = struct("StoreReq", "RFC 6940 §7.4.1.1", { resource: opaque(u8), replica: u8 });
const PingReq = struct("PingReq", "RFC 6940 §6.5.3.1", { padding: opaque(u16) });
/** The whole message: its body is chosen by its code and fills a length of its own. */
export const Overlay = struct("Overlay", "RFC 6940 §6.3", {
  ...headerFields,
  code: openEnumeration(u16, { storeRequest: 7, pingRequest: 23 }),
  bodyLength: lengthOf("body", u32),
  body: select("code", { storeRequest: StoreReq, pingRequest: PingReq }, { otherwise: rest }),
  extensions: vector(
    struct("MessageExtension", "RFC 6940 §6.3.3", { type: u16, critical: boolean, contents: opaque(u32) }),
    u32,
  ),
  signature: opaque(u16),
});

/** The data model is not on the wire: the kind implies it. A length of everything that follows. */
const modelOf = (kind: number) => (["singleValue", "array", "dictionary"] as const)[kind % 3];
export const Stored = struct("Stored", "RFC 6940 §7", {
  kind: u32,
  length: lengthOfAfter(u32),
  time: u64,
  value: selectBy("kind", modelOf, {
    singleValue: empty,
    array: struct("ArrayEntry", "RFC 6940 §7.2.2", { index: u32, first: i32 }),
    dictionary: struct("DictionaryEntry", "RFC 6940 §7.2.3", { key: opaque(u16), value: opaque(u32) }),
  }),
  end: u8,
});

/** TLS: a 24-bit length of a chosen body, vectors with both bounds, extensions that may be absent altogether. */
const Extension = tlv(
  "Extension",
  "RFC 5246 §7.4.1.4",
  {},
  { srp: [12, textVector(u8, 255, 1)], encryptThenMac: [22, empty], extendedMasterSecret: [23, empty] },
);
const ClientHello = struct("ClientHello", "RFC 5246 §7.4.1.2", {
  version: u16,
  random: bytes(32),
  sessionId: opaque(u8, 32),
  cipherSuites: vector(u16, u16, 0xfffe, 2),
  compressionMethods: vector(u8, u8, 255, 1),
  extensions: optional(vector(Extension, u16)),
});
const ServerKeyExchange = struct("ServerKeyExchange", "RFC 5054 §2.8.2", {
  prime: opaque(u16, 0xffff, 1),
  generator: opaque(u16, 0xffff, 1),
  salt: opaque(u8, 255, 1),
  public: opaque(u16, 0xffff, 1),
});
export const Handshake = struct("Handshake", "RFC 5246 §7.4", {
  type: openEnumeration(u8, { clientHello: 1, serverKeyExchange: 12, serverHelloDone: 14, finished: 20 }),
  length: lengthOf("body", u24),
  body: select(
    "type",
    { clientHello: ClientHello, serverKeyExchange: ServerKeyExchange, serverHelloDone: empty, finished: bytes(12) },
    { otherwise: rest },
  ),
});

/** A frame without an outer length: only its arms know where it ends. */
export const Frame = struct("Frame", "RFC 6940 §6.6.2", {
  type: enumeration(u8, { data: 128, ack: 129 }),
  frame: select("type", {
    data: struct("DataFrame", "RFC 6940 §6.6.2", { sequence: u32, message: opaque(u24) }),
    ack: struct("AckFrame", "RFC 6940 §6.6.2", { sequence: u32, received: u32 }),
  }),
});

/** Items that stand once each and in order, and one whose value is a message of its own. */
export const Ticketlike = struct("Ticketlike", "docs/protocol/ticket.md#layout", {
  version: constant(u8, 1),
  id: tagged(0x0001, bytes(16)),
  number: tagged(0x0004, text(16)),
  validity: tagged(0x0003, struct("Validity", "docs/protocol/ticket.md#layout", { notBefore: u64, notAfter: u64 })),
  integrity: tagged(0x00ff, bytes(32), { length: u8 }),
});

/** One length over several fields, one inside it, and two lengths of the same field. */
export const Nested = struct("Nested", "ours", {
  outer: lengthOf(["count", "inner", "name", "more"], u16),
  twice: lengthOf("name", u8),
  count: u8,
  inner: lengthOf("name", u8),
  name: text(200),
  more: opaqueOf(
    struct("Inner", "ours", { big: u128, small: u24, word: bits("AAAABBBBAAAA.101", { a: ["A"], b: ["B"] }) }),
    u8,
  ),
  last: u8,
});

/** Optional fields after one another, nested options in a narrow length. */
export const Optionals = struct("Optionals", "ours", {
  length: lengthOf(["always", "first", "second"], u8),
  always: u8,
  first: optional(u16),
  second: optional(vector(textVector(u8), u8)),
});
