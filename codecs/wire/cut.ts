/**
 * Whole messages out of a stream that was cut anywhere.
 *
 *   let held = nothingHeld;
 *   const { messages, rest, error } = cut(VapMessage, held, chunk, MESSAGE_BYTES_MAX);   held = rest;
 *
 * There is no second parser: the first message is decoded, and Truncated means "wait for so many bytes more". Until they
 * are there nothing is decoded again, so bytes that come one by one cost no more than bytes that come together. A message
 * that would be longer than the limit is refused as soon as its length is known, before it is held.
 */
import { decodeFirst } from "./decode.ts";
import type { Wire } from "./describe.ts";
import type { WireError } from "./error.ts";
import { plain } from "./octets.ts";

/** The beginning of a message, waiting for the rest of it. Give it to `cut` once: its buffer is written again. */
export interface Held {
  readonly buffer: Uint8Array;
  /** How many bytes of the buffer are the message's. */
  readonly size: number;
  /** How many there must be before it is worth to look again. */
  readonly wanted: number;
}
export const nothingHeld: Held = { buffer: new Uint8Array(0), size: 0, wanted: 1 };

export interface Cut<A> {
  /** Those before the error, if there is one. */
  readonly messages: ReadonlyArray<A>;
  readonly rest: Held;
  /** The stream is lost: where its next message begins is not known. Malformed, always. */
  readonly error?: WireError;
}

/** `limit` is a message's greatest size in bytes. The description must know where a message ends, from its own bytes. */
export const cut = <A>(wire: Wire<A>, held: Held, chunk: Uint8Array, limit: number): Cut<A> => {
  const { bytes, owned } = joined(held, chunk);
  const messages: Array<A> = [];
  let from = 0;
  let wanted = held.wanted;
  while (bytes.length - from >= wanted) {
    const first = decodeFirst(wire, bytes.subarray(from));
    if (first.ok) {
      if (first.size > limit) return refused(messages, first.size, limit);
      if (first.size === 0) return lost(messages, "an empty message");
      messages.push(first.value);
      from += first.size;
      wanted = 1;
      continue;
    }
    if (first.error._tag === "Malformed") return { messages, rest: nothingHeld, error: first.error };
    wanted = bytes.length - from + first.error.missing;
    if (wanted > limit) return refused(messages, wanted, limit);
  }
  if (from === bytes.length) return { messages, rest: nothingHeld };
  if (owned !== undefined && from === 0) return { messages, rest: { buffer: owned, size: bytes.length, wanted } };
  return { messages, rest: { buffer: bytes.slice(from), size: bytes.length - from, wanted } };
};

const lost = <A>(messages: ReadonlyArray<A>, why: string): Cut<A> => ({
  messages,
  rest: nothingHeld,
  error: { _tag: "Malformed", at: "stream", why },
});
const refused = <A>(messages: ReadonlyArray<A>, size: number, limit: number): Cut<A> =>
  lost(messages, `a message of ${size} bytes or more, the limit is ${limit}`);

/** What is held and what came, in one piece. The buffer doubles, so that each byte is moved a few times at most. */
const joined = (held: Held, chunk: Uint8Array): { readonly bytes: Uint8Array; readonly owned?: Uint8Array } => {
  if (held.size === 0) return { bytes: plain(chunk) };
  const size = held.size + chunk.length;
  const owned = size <= held.buffer.length ? held.buffer : wider(held, size);
  owned.set(chunk, held.size);
  return { bytes: owned.subarray(0, size), owned };
};
const wider = ({ buffer, size }: Held, needed: number): Uint8Array => {
  const wide = new Uint8Array(Math.max(needed, 2 * buffer.length));
  wide.set(buffer.subarray(0, size));
  return wide;
};
