/**
 * How fast a description reads and writes, beside a codec written by hand for the same 200-byte message.
 *
 * The hand-written one checks what the description checks (lengths, constants, ranges, UTF-8, padding), copies its byte
 * fields and gives the same values, with errors as values but without their paths: what one would write who needs speed.
 */
import * as assert from "node:assert/strict";
import { decode, encode, type TypeOf } from "../../codecs/wire/mod.ts";
import { Stun } from "../wire/shapes.ts";
import { type Contest, rateOf } from "./kit.ts";

type Message = TypeOf<typeof Stun>;
type Attribute = Message["attributes"][number];

const COOKIE = 0x2112a442;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const methodNames = new Map([
  [1, "register"],
  [4, "publish"],
  [11, "uploadVcr"],
] as const);
const methodCodes = { register: 1, publish: 4, uploadVcr: 11 } as const;
const classNames = ["request", undefined, "success", "error"] as const;
const classCodes = { request: 0, success: 2, error: 3 } as const;

/** Undefined for anything that is not such a message. */
const readByHand = (bytes: Uint8Array): Message | undefined => {
  if (bytes.length < 20) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.getUint16(0);
  if (word > 0x3fff) return undefined;
  const code = (word & 0x000f) | ((word & 0x00e0) >> 1) | ((word & 0x3e00) >> 2);
  const kind = classNames[((word & 0x0010) >> 4) | ((word & 0x0100) >> 7)];
  if (kind === undefined || view.getUint32(4) !== COOKIE || view.getUint16(2) !== bytes.length - 20) return undefined;
  const attributes: Array<Attribute> = [];
  let at = 20;
  while (at < bytes.length) {
    if (bytes.length - at < 4) return undefined;
    const type = view.getUint16(at);
    const size = view.getUint16(at + 2);
    at += 4;
    const end = at + size;
    const next = end + (-size & 3);
    if (next > bytes.length) return undefined;
    const attribute = readAttribute(bytes, view, type, at, end);
    if (attribute === undefined) return undefined;
    attributes.push(attribute);
    at = next;
  }
  return {
    type: { method: methodNames.get(code as 1) ?? code, class: kind },
    transactionId: bytes.slice(8, 20),
    attributes,
  };
};

const readAttribute = (b: Uint8Array, view: DataView, type: number, at: number, end: number): Attribute | undefined => {
  switch (type) {
    case 0x0006: {
      const value = end - at > 513 ? undefined : readText(b, at, end);
      return value === undefined ? undefined : { type: "username", value };
    }
    case 0x0009: {
      if (end - at < 4 || end - at > 767 || view.getUint16(at) !== 0) return undefined;
      const [hundreds, number] = [b[at + 2]!, b[at + 3]!];
      const reason = readText(b, at + 4, end);
      if (hundreds < 1 || hundreds > 6 || number > 99 || reason === undefined) return undefined;
      return { type: "errorCode", value: { class: hundreds, number, reason } };
    }
    case 0x1002:
      return end - at === 4 ? { type: "handle", value: view.getUint32(at) } : undefined;
    case 0x2002:
      return end - at === 8 ? { type: "start", value: view.getBigUint64(at) } : undefined;
    case 0x100c:
      return { type: "content", value: b.slice(at, end) };
    case 0x0008:
      return end - at === 20 ? { type: "integrity", value: b.slice(at, end) } : undefined;
    default:
      return { type: "unknown", code: type, value: b.slice(at, end) };
  }
};
const readText = (b: Uint8Array, from: number, to: number): string | undefined => {
  try {
    return decoder.decode(b.subarray(from, to));
  } catch {
    return undefined;
  }
};

const writeByHand = (message: Message): Uint8Array => {
  const values = message.attributes.map(bytesOf);
  let size = 20;
  for (const value of values) size += 4 + value.length + (-value.length & 3);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const { method } = message.type;
  const code = typeof method === "number" ? method : methodCodes[method];
  const kind = classCodes[message.type.class];
  if (message.transactionId.length !== 12 || size > 65_555) throw new Error("does not fit");
  view.setUint16(
    0,
    (code & 0x000f) | ((code & 0x0070) << 1) | ((code & 0x0f80) << 2) | ((kind & 1) << 4) | ((kind & 2) << 7),
  );
  view.setUint16(2, size - 20);
  view.setUint32(4, COOKIE);
  bytes.set(message.transactionId, 8);
  let at = 20;
  message.attributes.forEach((attribute, i) => {
    const value = values[i]!;
    view.setUint16(at, attribute.type === "unknown" ? attribute.code : attributeCodes[attribute.type]);
    view.setUint16(at + 2, value.length);
    bytes.set(value, at + 4);
    at += 4 + value.length + (-value.length & 3);
  });
  return bytes;
};
const attributeCodes = {
  username: 6,
  errorCode: 9,
  handle: 0x1002,
  start: 0x2002,
  content: 0x100c,
  integrity: 8,
} as const;
const bytesOf = (attribute: Attribute): Uint8Array => {
  switch (attribute.type) {
    case "username":
      return encoder.encode(attribute.value);
    case "errorCode": {
      const reason = encoder.encode(attribute.value.reason);
      const out = new Uint8Array(4 + reason.length);
      out[2] = attribute.value.class;
      out[3] = attribute.value.number;
      out.set(reason, 4);
      return out;
    }
    case "handle": {
      const out = new Uint8Array(4);
      new DataView(out.buffer).setUint32(0, attribute.value);
      return out;
    }
    case "start": {
      const out = new Uint8Array(8);
      new DataView(out.buffer).setBigUint64(0, attribute.value);
      return out;
    }
    default:
      return attribute.value;
  }
};

const message: Message = {
  type: { method: "uploadVcr", class: "request" },
  transactionId: Uint8Array.from({ length: 12 }, (_, i) => i),
  attributes: [
    { type: "username", value: "atlanta-call-agent" },
    { type: "unknown", code: 0x0014, value: new Uint8Array(6).fill(0x22) },
    { type: "unknown", code: 0x2001, value: new Uint8Array(4) },
    { type: "start", value: 0xe8f1_2a3b_8000_0000n },
    { type: "unknown", code: 0x2004, value: new Uint8Array(12).fill(0x31) },
    { type: "unknown", code: 0x2005, value: new Uint8Array(12).fill(0x32) },
    { type: "handle", value: 7 },
    { type: "content", value: new Uint8Array(56).fill(9) },
    { type: "integrity", value: new Uint8Array(20).fill(1) },
  ],
};
const bytes = encode(Stun, message);
assert.deepEqual(writeByHand(message), bytes);
assert.deepEqual(readByHand(bytes), message);
assert.deepEqual(decode(Stun, bytes), { ok: true, value: message });

const byHand = "a codec by hand";
export const contests: ReadonlyArray<Contest> = [
  {
    name: `wire: decode ${bytes.length} bytes`,
    unit: "1/s",
    peerName: byHand,
    ours: () => rateOf(() => decode(Stun, bytes)),
    peer: () => rateOf(() => readByHand(bytes)),
  },
  {
    name: `wire: encode ${bytes.length} bytes`,
    unit: "1/s",
    peerName: byHand,
    ours: () => rateOf(() => encode(Stun, message)),
    peer: () => rateOf(() => writeByHand(message)),
  },
];
