/**
 * A description read as a reader of bytes. It is compiled once, on first use, to a function made for it; see read.ts.
 *
 *   decode(VapMessage, bytes)  -->  { ok: true, value } | { ok: false, error: Truncated | Malformed }
 *
 * Never throws, whatever the bytes. Byte fields are copies: a value keeps no message alive and shares no buffer. Lengths
 * are compared with what is there before anything is made of them. A description is a finite tree, and so is a value.
 */
import type { Wire } from "./describe.ts";
import type { Decoded, WireError } from "./error.ts";
import type { Node } from "./node.ts";
import { plain, take, textAt, u64At, u128At } from "./octets.ts";
import { readerPrelude, writeReader } from "./read.ts";
import { labelOf, quoted, sourceOf } from "./source.ts";

/** The first message in some bytes, and how many of them it took. */
export type First<A> =
  | { readonly ok: true; readonly value: A; readonly size: number }
  | { readonly ok: false; readonly error: WireError };

interface Reader {
  readonly all: (bytes: Uint8Array) => Decoded<any>;
  readonly first: (bytes: Uint8Array) => First<any>;
}

/** Reads bytes that are one whole message and nothing more. */
export const decode = <A>(wire: Wire<A>, bytes: Uint8Array): Decoded<A> => readerOf(wire.node).all(plain(bytes));

/** Reads the message that the bytes begin with. Truncated means: more bytes may make it whole. */
export const decodeFirst = <A>(wire: Wire<A>, bytes: Uint8Array): First<A> => readerOf(wire.node).first(plain(bytes));

const readers = new WeakMap<Node, Reader>();
const readerOf = (node: Node): Reader => {
  const known = readers.get(node);
  if (known !== undefined) return known;
  const source = sourceOf();
  source.line(readerPrelude);
  const root = writeReader(source, node, false);
  const label = quoted(labelOf(node));
  source.line(
    "const failed = () => { const error = F; F = null; error.at = " +
      label +
      " + error.at; return { ok: false, error }; };",
    "const all = (b) => {",
    `F = null; const value = ${root}(b, 0, b.length);`,
    'if (F === null && P !== b.length) bad("", (b.length - P) + " trailing bytes");',
    "return F === null ? { ok: true, value } : failed(); };",
    "const first = (b) => {",
    `F = null; const value = ${root}(b, 0, b.length);`,
    "return F === null ? { ok: true, value, size: P } : failed(); };",
  );
  const reader = source.build<Reader>({ take, textAt, u64At, u128At }, "return { all, first };");
  readers.set(node, reader);
  return reader;
};
