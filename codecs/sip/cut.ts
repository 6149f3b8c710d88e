/**
 * Whole messages out of a stream cut anywhere. RFC 3261 §7.5 and §18.3.
 *
 *   chunk --> whole messages, read where they lie
 *         --> [ from ... scanned ... to )  one buffer, at most twice the limit --> messages, rest
 *
 * Each byte is looked at once and moved a bounded number of times, however small the chunks are. A message that would be
 * larger than the limit is refused when its header fields say so, or when they themselves go over it.
 */
import { type SipError, tooLarge } from "./error.ts";
import { type HeadRead, parseHead } from "./head.ts";
import { bodyIn, endOfHead, messageOf, type SipMessage, type Unreadable, unreadableOf } from "./message.ts";
import { isOfKind, TOKENS } from "./scan.ts";

/** The beginning of a message, waiting for the rest of it. It belongs to `cutSip`, which writes into it: go on with the newest, drop the older. */
export interface SipRemainder {
  readonly buffer: Uint8Array;
  readonly from: number;
  readonly to: number;
  /** No end of the header fields lies before this. */
  readonly scanned: number;
  /** The header fields, once they are whole, and where their body begins. */
  readonly head: { readonly read: Exclude<HeadRead, { type: "lost" }>; readonly bodyAt: number } | undefined;
}

/** What a stream begins with: no bytes. */
export const emptySipRemainder: SipRemainder = {
  buffer: new Uint8Array(),
  from: 0,
  to: 0,
  scanned: 0,
  head: undefined,
};

/** What `cutSip` found: messages in their order, and what is left. */
export interface SipCut {
  readonly messages: ReadonlyArray<SipMessage>;
  /** Messages whose content is not SIP, and behind which the stream goes on. */
  readonly unreadable: ReadonlyArray<Unreadable>;
  readonly rest: SipRemainder;
  /** After an error the stream cannot be read on. */
  readonly error: SipError | undefined;
}

/**
 * Whole messages from what waited and what came. `limit`: bytes of one message; a larger one is an error, and so is what
 * has no end that can be found.
 */
export const cutSip = (remainder: SipRemainder, chunk: Uint8Array, limit: number): SipCut => {
  const messages: Array<SipMessage> = [];
  const unreadable: Array<Unreadable> = [];
  const lost = (error: SipError): SipCut => ({ messages, unreadable, rest: emptySipRemainder, error });
  const takeAll = (now: Mutable): SipError | undefined => {
    for (let next = take(now, limit); next !== undefined; next = take(now, limit)) {
      if ("_tag" in next) return next;
      if ("type" in next) messages.push(next);
      else unreadable.push(next);
    }
    return undefined;
  };
  let now: Mutable = { ...remainder };
  let at = 0;
  if (now.from === now.to && chunk.length <= limit) {
    // Nearly always nothing waits and what has come is whole: it is read where it lies.
    const here: Mutable = { buffer: chunk, from: 0, to: chunk.length, scanned: 0, head: undefined };
    const error = takeAll(here);
    if (error !== undefined) return lost(error);
    if (here.from < here.to) now = kept(now, here, limit);
    at = chunk.length;
  }
  while (at < chunk.length) {
    const piece = chunk.subarray(at, at + Math.max(1, limit - (now.to - now.from)));
    now = append(now, piece, limit);
    at += piece.length;
    const error = takeAll(now);
    if (error !== undefined) return lost(error);
  }
  return { messages, unreadable, rest: now, error: undefined };
};

/** The beginning of a message out of somebody else's bytes, with what is known of it. */
const kept = (empty: Mutable, { buffer, from, to, scanned, head }: Mutable, limit: number): Mutable => {
  const now = append(empty, buffer.subarray(from, to), limit);
  now.from = now.to - (to - from);
  const moved = now.from - from;
  now.scanned = scanned + moved;
  now.head = head && { ...head, bodyAt: head.bodyAt + moved };
  return now;
};

type Mutable = { -readonly [K in keyof SipRemainder]: SipRemainder[K] };

/** The next whole message, the reason why there can be none, or undefined: wait. */
const take = (now: Mutable, limit: number): SipMessage | Unreadable | SipError | undefined => {
  if (now.head === undefined) {
    const problem = findHead(now, limit);
    if (problem !== undefined || now.head === undefined) return problem;
  }
  const { read, bodyAt } = now.head as NonNullable<SipRemainder["head"]>;
  const end = bodyAt + read.contentLength;
  if (end > now.to) return undefined;
  const body = bodyIn(now.buffer, bodyAt, end);
  now.from = end;
  now.scanned = end;
  now.head = undefined;
  return read.type === "read" ? messageOf(read.start, read.headers, body) : unreadableOf(read);
};

const findHead = (now: Mutable, limit: number): SipError | undefined => {
  // Empty lines between messages keep a connection alive and mean nothing. RFC 3261 §7.5.
  while (now.from < now.to && (now.buffer[now.from] === 13 || now.buffer[now.from] === 10)) now.from++;
  if (now.from === now.to) return undefined;
  if (!isOfKind(now.buffer[now.from]!, TOKENS)) return { _tag: "SipMalformed", at: "start line", why: "not text" };
  const bodyAt = endOfHead(now.buffer, Math.max(now.from, now.scanned - 3), now.to);
  now.scanned = now.to;
  if (bodyAt < 0)
    return now.to - now.from >= limit ? tooLarge("header fields", `more than ${limit} bytes`).error : undefined;
  const read = parseHead(now.buffer.subarray(now.from, bodyAt));
  if (read.type === "lost") return read.error;
  const size = bodyAt - now.from + read.contentLength;
  if (size > limit) return tooLarge("Content-Length", `more than ${limit} bytes`).error;
  now.head = { read, bodyAt };
  return undefined;
};

/** Bytes are moved to the front only when the end is reached: at most once for each `limit` bytes that came. */
const append = (now: Mutable, piece: Uint8Array, limit: number): Mutable => {
  const need = now.to + piece.length;
  if (need <= now.buffer.length) {
    now.buffer.set(piece, now.to);
    return { ...now, to: need };
  }
  const kept = now.to - now.from;
  const grown = Math.min(2 * limit, Math.max(FIRST_BYTES, 2 * (kept + piece.length)));
  const buffer = grown > now.buffer.length ? new Uint8Array(grown) : now.buffer;
  buffer.set(now.buffer.subarray(now.from, now.to), 0);
  buffer.set(piece, kept);
  const head = now.head && { ...now.head, bodyAt: now.head.bodyAt - now.from };
  return { buffer, from: 0, to: kept + piece.length, scanned: Math.max(0, now.scanned - now.from), head };
};

const FIRST_BYTES = 2_048;
