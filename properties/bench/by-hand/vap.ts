/**
 * The VAP message read and written by hand: what one would write who needs speed and has no descriptions.
 *
 * It checks what the description checks (fixed bits, cookie, lengths, ranges, UTF-8, trailing bytes), copies its byte
 * fields, writes into one buffer of the right size and gives the same values; its errors have no path. RFC 5389 §6, §15.
 */
import { ntp, vserviceId } from "../../../codecs/shared/mod.ts";
import type { VapAttribute, VapMessage } from "../../../codecs/vap/mod.ts";
import { attribute, magicCookie, messageClass, method } from "../../../codecs/vap/mod.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
type Method = keyof typeof method;
const methodNames = new Map<number, Method>(Object.entries(method).map(([name, code]) => [code, name as Method]));
const classNames = ["request", undefined, "success", "error"] as const;

/** Undefined for anything that is not such a message. */
export const readVapByHand = (bytes: Uint8Array): VapMessage | undefined => {
  if (bytes.length < 20) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.getUint16(0);
  if (word > 0x3fff || view.getUint16(2) !== bytes.length - 20 || view.getUint32(4) !== magicCookie) return undefined;
  const code = (word & 0x000f) | ((word & 0x00e0) >> 1) | ((word & 0x3e00) >> 2);
  const kind = classNames[((word & 0x0010) >> 4) | ((word & 0x0100) >> 7)];
  if (kind === undefined) return undefined;
  const transactionId = bytes.slice(8, 20);
  const attributes: Array<VapAttribute> = [];
  let at = 20;
  while (at < bytes.length) {
    if (bytes.length - at < 4) return undefined;
    const type = view.getUint16(at);
    const size = view.getUint16(at + 2);
    at += 4;
    const end = at + size;
    const next = end + (-size & 3);
    if (next > bytes.length) return undefined;
    const read = readAttribute(bytes, view, type, at, end);
    if (read === undefined) return undefined;
    attributes.push(read);
    at = next;
  }
  return { type: { method: methodNames.get(code) ?? code, class: kind }, transactionId, attributes };
};

const readAttribute = (b: Uint8Array, view: DataView, type: number, at: number, end: number) => {
  const size = end - at;
  switch (type) {
    case attribute.username:
      return readText("username", b, at, end, 513);
    case attribute.realm:
      return readText("realm", b, at, end, 763);
    case attribute.clientName:
      return readText("clientName", b, at, end, 255);
    case attribute.clientLabel:
      return readText("clientLabel", b, at, end, 255);
    case attribute.callingNumber:
      return readText("callingNumber", b, at, end, 64);
    case attribute.calledNumber:
      return readText("calledNumber", b, at, end, 64);
    case attribute.clientHandle:
      return size === 4 ? { type: "clientHandle" as const, value: view.getUint32(at) } : undefined;
    case attribute.keepalive:
      return size === 4 ? { type: "keepalive" as const, value: view.getUint32(at) } : undefined;
    case attribute.callDirection: {
      const direction = size === 4 ? view.getUint32(at) : 2;
      if (direction > 1) return undefined;
      return { type: "callDirection" as const, value: direction === 0 ? ("received" as const) : ("sent" as const) };
    }
    case attribute.startTime:
      return size === 8 ? { type: "startTime" as const, value: ntp(view.getBigUint64(at)) } : undefined;
    case attribute.stopTime:
      return size === 8 ? { type: "stopTime" as const, value: ntp(view.getBigUint64(at)) } : undefined;
    case attribute.serviceIdentity:
      return size === 20 ? readIdentity(view, at) : undefined;
    case attribute.messageIntegrity:
      return size === 20 ? { type: "messageIntegrity" as const, value: b.slice(at, end) } : undefined;
    case attribute.serviceContent:
      return { type: "serviceContent" as const, value: b.slice(at, end) };
    case attribute.errorCode:
      return size >= 4 ? readError(b, view, at, end) : undefined;
    default:
      return { type: "unknown" as const, code: type, value: b.slice(at, end) };
  }
};
const readIdentity = (view: DataView, at: number) => ({
  type: "serviceIdentity" as const,
  value: {
    service: view.getUint16(at),
    subservice: view.getUint16(at + 2),
    vservice: vserviceId(view.getBigUint64(at + 4)),
    instance: view.getBigUint64(at + 12),
  },
});
const readError = (b: Uint8Array, view: DataView, at: number, end: number) => {
  const [hundreds, number] = [b[at + 2]!, b[at + 3]!];
  const reason = textAt(b, at + 4, end, 763);
  if (view.getUint16(at) !== 0 || hundreds < 1 || hundreds > 6 || number > 99 || reason === undefined) return undefined;
  return { type: "errorCode" as const, value: { class: hundreds, number, reason } };
};
const readText = <T extends string>(type: T, b: Uint8Array, from: number, to: number, max: number) => {
  const value = textAt(b, from, to, max);
  return value === undefined ? undefined : { type, value };
};
/** Below some dozens of bytes a loop over ASCII is quicker than the engine's decoder. */
const textAt = (b: Uint8Array, from: number, to: number, max: number): string | undefined => {
  if (to - from > max) return undefined;
  if (to - from <= 64) {
    let out = "";
    let at = from;
    while (at < to && b[at]! < 0x80) out += String.fromCharCode(b[at++]!);
    if (at === to) return out;
  }
  try {
    return decoder.decode(b.subarray(from, to));
  } catch {
    return undefined;
  }
};

/** Written here first, as the size is known only then: a message of VAP has at most 65,555 bytes. */
const scratch = new Uint8Array(128 * 1024);
const words = new DataView(scratch.buffer);

/** Throws for a value that does not fit. */
export const writeVapByHand = (message: VapMessage): Uint8Array => {
  const { type, transactionId, attributes } = message;
  const code = typeof type.method === "number" ? type.method : method[type.method];
  const kind = messageClass[type.class];
  if (code === undefined || kind === undefined || transactionId.length !== 12) throw new Error("does not fit");
  const high = ((code & 0x0070) << 1) | ((code & 0x0f80) << 2);
  words.setUint16(0, (code & 0x000f) | high | ((kind & 1) << 4) | ((kind & 2) << 7));
  words.setUint32(4, magicCookie);
  scratch.set(transactionId, 8);
  let at = 20;
  for (let i = 0; i < attributes.length; i++) {
    const one = attributes[i]!;
    const length = writeAttribute(scratch, words, at + 4, one);
    words.setUint16(at, one.type === "unknown" ? one.code : attribute[one.type]);
    words.setUint16(at + 2, length);
    at += 4 + length;
    while ((at & 3) !== 0) scratch[at++] = 0;
    if (at > 65_555) throw new Error("does not fit");
  }
  words.setUint16(2, at - 20);
  return scratch.slice(0, at);
};
const writeText = (b: Uint8Array, at: number, text: string, max: number): number => {
  let i = 0;
  if (text.length <= 64)
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) break;
      b[at + i] = unit;
    }
  if (i === text.length && i <= max) return i;
  if (!text.isWellFormed()) throw new Error("does not fit");
  const bytes = encoder.encode(text);
  if (bytes.length > max) throw new Error("does not fit");
  b.set(bytes, at);
  return bytes.length;
};
const isWord = (value: number): boolean => value >>> 0 === value;
const isLong = (value: bigint): boolean => BigInt.asUintN(64, value) === value;
const writeWord = (view: DataView, at: number, value: number): number => {
  if (!isWord(value)) throw new Error("does not fit");
  view.setUint32(at, value);
  return 4;
};
const writeLong = (view: DataView, at: number, value: bigint): number => {
  if (!isLong(value)) throw new Error("does not fit");
  view.setBigUint64(at, value);
  return 8;
};
const writeAttribute = (b: Uint8Array, view: DataView, at: number, one: VapAttribute): number => {
  switch (one.type) {
    case "username":
      return writeText(b, at, one.value, 513);
    case "realm":
      return writeText(b, at, one.value, 763);
    case "clientName":
    case "clientLabel":
      return writeText(b, at, one.value, 255);
    case "callingNumber":
    case "calledNumber":
      return writeText(b, at, one.value, 64);
    case "clientHandle":
    case "keepalive":
    case "serviceVersion":
    case "subscriptionId":
    case "dhtLifetime":
      return writeWord(view, at, one.value);
    case "callDirection":
      return writeWord(view, at, one.value === "received" ? 0 : one.value === "sent" ? 1 : -1);
    case "startTime":
    case "stopTime":
      return writeLong(view, at, one.value);
    case "serviceIdentity": {
      const { service, subservice, vservice, instance } = one.value;
      if ((service & 0xffff) !== service || (subservice & 0xffff) !== subservice) throw new Error("does not fit");
      view.setUint16(at, service);
      view.setUint16(at + 2, subservice);
      return 4 + writeLong(view, at + 4, vservice) + writeLong(view, at + 12, instance);
    }
    case "messageIntegrity":
      if (one.value.length !== 20) throw new Error("does not fit");
      b.set(one.value, at);
      return 20;
    case "errorCode": {
      const { class: hundreds, number, reason } = one.value;
      if (!(hundreds >= 1 && hundreds <= 6 && number >= 0 && number <= 99)) throw new Error("does not fit");
      view.setUint32(at, hundreds * 256 + number);
      return 4 + writeText(b, at + 4, reason, 763);
    }
    case "serviceContent":
    case "unknown":
      b.set(one.value, at);
      return one.value.length;
    default:
      throw new Error(`not written by hand: ${one.type}`);
  }
};
