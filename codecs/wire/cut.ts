/**
 * Whole messages out of a stream that was cut anywhere.
 *
 *   let remainder = emptyRemainder;
 *   const { messages, rest, error } = cut(VapMessage, remainder, chunk, MESSAGE_BYTES_MAX);   remainder = rest;
 *
 * There is no second parser: the first message is decoded, and Truncated means "wait for so many bytes more". Until they
 * are there nothing is decoded again, so bytes that come one by one cost no more than bytes that come together. A message
 * that would be longer than the limit is refused as soon as its length is known, before it is buffered.
 */
import { decodeFirst, decodeFirstViews, type First } from "./decode.ts";
import type { Wire } from "./describe.ts";
import type { WireError } from "./error.ts";
import { plain } from "./octets.ts";

/** The beginning of a message, waiting for the rest of it. Give it to `cut` once: its buffer is written again. */
export interface Remainder {
  readonly buffer: Uint8Array;
  /** How many bytes of the buffer are the message's. */
  readonly size: number;
  /** How many there must be before it is worth to look again. */
  readonly wanted: number;
}
/** What a stream begins with: no bytes. */
export const emptyRemainder: Remainder = { buffer: new Uint8Array(0), size: 0, wanted: 1 };

/** What `cut` made of a remainder and a chunk; after an `error` the stream is to be closed. */
export interface Cut<A> {
  /** Those before the error, if there is one. */
  readonly messages: ReadonlyArray<A>;
  /** The bytes of each, for what covers bytes: views into the chunk or the remainder's buffer, good until the next cut. */
  readonly raw: ReadonlyArray<Uint8Array>;
  readonly rest: Remainder;
  /** The stream is lost: where its next message begins is not known. Malformed, always. */
  readonly error?: WireError;
}

/** `limit` is a message's greatest size in bytes. The description must know where a message ends, from its own bytes. */
export const cut = <A>(wire: Wire<A>, remainder: Remainder, chunk: Uint8Array, limit: number): Cut<A> =>
  cutBy(decodeFirst, wire, remainder, chunk, limit);

/**
 * As `cut`, where the byte fields of the messages are views into the chunk, or into the remainder's buffer, which is then not
 * written again. The chunk must be the caller's own, and stay as it is; who keeps a field for long copies it, since a view
 * keeps its whole chunk.
 */
export const cutViews = <A>(wire: Wire<A>, remainder: Remainder, chunk: Uint8Array, limit: number): Cut<A> =>
  cutBy(decodeFirstViews, wire, remainder, chunk, limit);

const cutBy = <A>(
  read: (wire: Wire<A>, bytes: Uint8Array, from: number) => First<A>,
  wire: Wire<A>,
  remainder: Remainder,
  chunk: Uint8Array,
  limit: number,
): Cut<A> => {
  const { bytes, owned } = joined(remainder, chunk);
  const messages: Array<A> = [];
  const raw: Array<Uint8Array> = [];
  let from = 0;
  let wanted = remainder.wanted;
  while (bytes.length - from >= wanted) {
    const first = read(wire, bytes, from);
    if (first.ok) {
      if (first.size > limit) return lost(messages, raw, tooLong(first.size, limit));
      if (first.size === 0) return lost(messages, raw, malformed("an empty message"));
      messages.push(first.value);
      raw.push(first.size === bytes.length ? bytes : bytes.subarray(from, from + first.size));
      from += first.size;
      wanted = 1;
      continue;
    }
    if (first.error._tag === "Malformed") return lost(messages, raw, first.error);
    wanted = bytes.length - from + first.error.missing;
    if (wanted > limit) return lost(messages, raw, tooLong(wanted, limit));
  }
  if (from === bytes.length) return { messages, raw, rest: emptyRemainder };
  if (owned !== undefined && from === 0) return { messages, raw, rest: { buffer: owned, size: bytes.length, wanted } };
  return { messages, raw, rest: { buffer: bytes.slice(from), size: bytes.length - from, wanted } };
};

const lost = <A>(messages: ReadonlyArray<A>, raw: ReadonlyArray<Uint8Array>, error: WireError): Cut<A> => ({
  messages,
  raw,
  rest: emptyRemainder,
  error,
});
const malformed = (why: string): WireError => ({ _tag: "Malformed", at: "stream", why });
const tooLong = (size: number, limit: number): WireError =>
  malformed(`a message of ${size} bytes or more, the limit is ${limit}`);

/** The remainder and what came, in one piece. The buffer doubles, so that each byte is moved a few times at most. */
const joined = (
  remainder: Remainder,
  chunk: Uint8Array,
): { readonly bytes: Uint8Array; readonly owned?: Uint8Array } => {
  if (remainder.size === 0) return { bytes: plain(chunk) };
  const size = remainder.size + chunk.length;
  const owned = size <= remainder.buffer.length ? remainder.buffer : wider(remainder, size);
  owned.set(chunk, remainder.size);
  return { bytes: owned.subarray(0, size), owned };
};
const wider = ({ buffer, size }: Remainder, needed: number): Uint8Array => {
  const wide = new Uint8Array(Math.max(needed, 2 * buffer.length));
  wide.set(buffer.subarray(0, size));
  return wide;
};
