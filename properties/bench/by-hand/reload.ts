/**
 * A whole RELOAD message opened and made by hand, from the frame on its link to the fields of its signature: one pass, one
 * buffer, no layer. RFC 6940 §6.3, §6.6.2.
 *
 * It checks what the descriptions check (constants, lengths, ranges, closed enumerations, trailing bytes), gives views as
 * our own path does, and the same values; its errors have no place.
 */
import {
  type Destination,
  type ForwardingOption,
  framedMessageType,
  type MessageContents,
  nodeIdFrom,
  type Packet,
  reloToken,
  type SecurityBlock,
  type SignerIdentity,
} from "../../../codecs/reload/mod.ts";

export interface Whole {
  readonly sequence: number;
  readonly packet: Packet;
  readonly contents: MessageContents;
  readonly security: SecurityBlock;
}

/** Thrown inside, never outside: one handler for a whole message costs nothing while bytes are right. */
class Wrong extends Error {}
const wrong = (): never => {
  throw new Wrong();
};
// The bytes that are read, and how far: shared by all functions below, as a parser written for speed does.
let b: Uint8Array = new Uint8Array(0);
let view: DataView = new DataView(b.buffer);
let at = 0;

const u16 = (): number => {
  at += 2;
  return view.getUint16(at - 2);
};
const u32 = (): number => {
  at += 4;
  return view.getUint32(at - 4);
};
const take = (size: number, end: number): Uint8Array => {
  if (end - at < size) wrong();
  at += size;
  return b.subarray(at - size, at);
};
const fills = (end: number): void => {
  if (at !== end) wrong();
};

const readDestination = (limit: number): Destination => {
  if (limit - at < 2) wrong();
  const first = b[at]!;
  if (first >= 128) return { compactId: u16() };
  const end = at + 2 + b[at + 1]!;
  at += 2;
  if (end > limit) wrong();
  if (first === 1) {
    if (end - at !== 16) wrong();
    at += 16;
    return { type: "node", data: nodeIdFrom((view.getBigUint64(at - 16) << 64n) | view.getBigUint64(at - 8)) };
  }
  if (first === 2 || first === 3) {
    if (end === at) wrong();
    const data = take(b[at++]!, end);
    fills(end);
    return { type: first === 2 ? "resource" : "opaqueId", data };
  }
  return { type: first, data: take(end - at, end) };
};
const readDestinations = (end: number): Array<Destination> => {
  const found: Array<Destination> = [];
  while (at < end) found.push(readDestination(end));
  return found;
};
const readOptions = (end: number): Array<ForwardingOption> => {
  const found: Array<ForwardingOption> = [];
  while (at < end) {
    if (end - at < 4) wrong();
    const [type, flags] = [b[at]!, b[at + 1]!];
    at += 2;
    found.push({ type, flags, option: take(u16(), end) });
  }
  return found;
};

const readPacket = (end: number): Packet => {
  const start = at;
  if (end - at < 38 || u32() !== reloToken) wrong();
  const overlay = u32();
  const configurationSequence = u16();
  const [version, ttl] = [b[at]!, b[at + 1]!];
  at += 2;
  const fragment = u32();
  if (start + u32() !== end) wrong();
  const transactionId = view.getBigUint64(at);
  at += 8;
  const maxResponseLength = u32();
  const [via, to, extra] = [u16(), u16(), u16()];
  if (end - at < via + to + extra) wrong();
  const viaList = readDestinations(at + via);
  const destinationList = readDestinations(at + to);
  const options = readOptions(at + extra);
  const payload = b.subarray(at, end);
  const ids = { overlay, configurationSequence, version, ttl, fragment, transactionId, maxResponseLength };
  return { ...ids, viaList, destinationList, options, payload };
};

const readContents = (limit: number): MessageContents => {
  if (limit - at < 6) wrong();
  const code = u16();
  const body = take(u32(), limit);
  if (limit - at < 4) wrong();
  const size = u32();
  const end = at + size;
  if (end > limit) wrong();
  const extensions: Array<MessageContents["extensions"][number]> = [];
  while (at < end) {
    if (end - at < 7) wrong();
    const type = u16();
    const critical = b[at++]!;
    if (critical > 1) wrong();
    extensions.push({ type, critical: critical === 1, contents: take(u32(), end) });
  }
  return { code, body, extensions };
};

const readIdentity = (end: number): SignerIdentity => {
  if (end - at < 3) wrong();
  const type = b[at++]!;
  const size = u16();
  const last = at + size;
  if (last > end) wrong();
  if (type === 3) {
    fills(last);
    return { type: "none", identity: {} };
  }
  if ((type !== 1 && type !== 2) || last - at < 2) wrong();
  const algorithm = b[at++]!;
  const hash = take(b[at++]!, last);
  fills(last);
  return { type: type === 1 ? "certHash" : "certHashNodeId", identity: { algorithm, hash } };
};
const readSecurity = (end: number): SecurityBlock => {
  if (end - at < 2) wrong();
  const size = u16();
  const last = at + size;
  if (last > end) wrong();
  const certificates: Array<SecurityBlock["certificates"][number]> = [];
  while (at < last) {
    if (last - at < 3) wrong();
    const type = b[at++]!;
    certificates.push({ type, certificate: take(u16(), last) });
  }
  if (end - at < 2) wrong();
  const [hash, signature] = [b[at]!, b[at + 1]!];
  at += 2;
  const identity = readIdentity(end);
  if (end - at < 2) wrong();
  const value = take(u16(), end);
  fills(end);
  return { certificates, signature: { hash, signature, identity, value } };
};

/** Undefined for anything that is not one whole message in one frame. */
export const openByHand = (frame: Uint8Array): Whole | undefined => {
  b = frame;
  view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  at = 8;
  try {
    const size = frame.length < 8 ? -1 : view.getUint32(4) & 0xffffff;
    if (frame[0] !== framedMessageType.data || size !== frame.length - 8) return undefined;
    const sequence = view.getUint32(1);
    const packet = readPacket(frame.length);
    at = frame.length - packet.payload.length;
    const contents = readContents(frame.length);
    return { sequence, packet, contents, security: readSecurity(frame.length) };
  } catch (thrown) {
    if (thrown instanceof Wrong) return undefined;
    throw thrown;
  }
};

const OUT_BYTES = 65_536;
const out = new Uint8Array(OUT_BYTES);
const words = new DataView(out.buffer);
const put = (bytes: Uint8Array): void => {
  out.set(bytes, at);
  at += bytes.length;
};
const put8 = (value: number): void => {
  if ((value & 0xff) !== value) wrong();
  out[at++] = value;
};
const put16 = (value: number): void => {
  if ((value & 0xffff) !== value) wrong();
  words.setUint16(at, value);
  at += 2;
};
const put32 = (value: number): void => {
  if (value >>> 0 !== value) wrong();
  words.setUint32(at, value);
  at += 4;
};

const writeDestination = (one: Destination): void => {
  if ("compactId" in one) {
    if (one.compactId < 0x8000) wrong();
    put16(one.compactId);
  } else if (one.type === "node") {
    const high = one.data >> 64n;
    if (BigInt.asUintN(64, high) !== high) wrong();
    words.setUint16(at, 0x0110);
    words.setBigUint64(at + 2, high);
    words.setBigUint64(at + 10, one.data);
    at += 18;
  } else {
    const named = one.type === "resource" ? 2 : one.type === "opaqueId" ? 3 : undefined;
    put8(named ?? (one.type as number));
    put8(named === undefined ? one.data.length : one.data.length + 1);
    if (named !== undefined) put8(one.data.length);
    put(one.data);
  }
};

/** `bucket`: the certificates, already written, as a node that sends its own with each message has them. */
export const makeByHand = (
  sequence: number,
  packet: Omit<Packet, "payload">,
  contents: MessageContents,
  bucket: Uint8Array,
  { hash, signature, identity, value }: SecurityBlock["signature"],
): Uint8Array => {
  out[0] = framedMessageType.data;
  at = 1;
  put32(sequence);
  at = 8;
  put32(reloToken);
  put32(packet.overlay);
  put16(packet.configurationSequence);
  put8(packet.version);
  put8(packet.ttl);
  put32(packet.fragment);
  at += 4;
  if (BigInt.asUintN(64, packet.transactionId) !== packet.transactionId) wrong();
  words.setBigUint64(at, packet.transactionId);
  at += 8;
  put32(packet.maxResponseLength);
  const lengths = at;
  at += 6;
  for (const one of packet.viaList) writeDestination(one);
  words.setUint16(lengths, at - lengths - 6);
  const destinations = at;
  for (const one of packet.destinationList) writeDestination(one);
  words.setUint16(lengths + 2, at - destinations);
  const options = at;
  for (const { type, flags, option } of packet.options) {
    put8(type);
    put8(flags);
    put16(option.length);
    put(option);
  }
  words.setUint16(lengths + 4, at - options);
  put16(contents.code);
  put32(contents.body.length);
  put(contents.body);
  const extensions = at;
  at += 4;
  for (const { type, critical, contents: bytes } of contents.extensions) {
    put16(type);
    put8(critical ? 1 : 0);
    put32(bytes.length);
    put(bytes);
  }
  words.setUint32(extensions, at - extensions - 4);
  put(bucket);
  put8(hash);
  put8(signature);
  put8(identity.type === "certHash" ? 1 : identity.type === "certHashNodeId" ? 2 : 3);
  if (identity.type === "none") put16(0);
  else {
    put16(2 + identity.identity.hash.length);
    put8(identity.identity.algorithm);
    put8(identity.identity.hash.length);
    put(identity.identity.hash);
  }
  put16(value.length);
  put(value);
  words.setUint32(8 + 16, at - 8);
  words.setUint16(5, (at - 8) >>> 8);
  out[7] = (at - 8) & 0xff;
  return out.slice(0, at);
};
