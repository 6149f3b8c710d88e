/**
 * A description read as a reader of bytes. It is compiled once, on first use, to a function made for it; see read.ts.
 *
 *   decode(VapMessage, bytes)  -->  { ok: true, value } | { ok: false, error: Truncated | Malformed }
 *
 * Never throws, whatever the bytes. Byte fields are copies, so that a value keeps no message alive and shares no buffer,
 * except where the function's name says Views. Lengths are compared with what is there before anything is made of them. A
 * description is a finite tree, and so is a value.
 * Requirements: RFC 6940 §6.3.1.1.
 */
import type { Wire } from "./describe.ts";
import type { Decoded, WireError } from "./error.ts";
import type { Node } from "./node.ts";
import { plain, type Take, takeCopy, takeView, textAt, u64At, u128At } from "./octets.ts";
import { type Mode, readerPrelude, writeReader } from "./read.ts";
import { labelOf, quoted, sourceOf } from "./source.ts";

/** The first message in some bytes, and how many of them it took. */
export type First<A> =
  | { readonly ok: true; readonly value: A; readonly size: number }
  | { readonly ok: false; readonly error: WireError };

interface Reader {
  readonly all: (bytes: Uint8Array, from: number) => Decoded<any>;
  readonly first: (bytes: Uint8Array, from: number) => First<any>;
}

/** Reads bytes that are, from one on, one whole message and nothing more. */
export const decode = <A>(wire: Wire<A>, bytes: Uint8Array, from = 0): Decoded<A> =>
  copying(wire.node).all(plain(bytes), from);

/** Reads the message that the bytes begin with. Truncated means: more bytes may make it whole. */
export const decodeFirst = <A>(wire: Wire<A>, bytes: Uint8Array, from = 0): First<A> =>
  copying(wire.node).first(plain(bytes), from);

/**
 * As `decode`, where byte fields are views into `bytes`: for who owns those bytes and writes there no more, and keeps no
 * small field of a large message for long.
 */
export const decodeViews = <A>(wire: Wire<A>, bytes: Uint8Array, from = 0): Decoded<A> =>
  viewing(wire.node).all(plain(bytes), from);

/** As `decodeFirst`, with views as `decodeViews` gives them. */
export const decodeFirstViews = <A>(wire: Wire<A>, bytes: Uint8Array, from = 0): First<A> =>
  viewing(wire.node).first(plain(bytes), from);

const readersBy = (take: Take): ((node: Node) => Reader) => {
  const readers = new WeakMap<Node, Reader>();
  return (node) => {
    const known = readers.get(node);
    if (known !== undefined) return known;
    const reader = quick(node, take);
    readers.set(node, reader);
    return reader;
  };
};
const copying = readersBy(takeCopy);
const viewing = readersBy(takeView);

/** Knows that bytes are wrong, not where: then the careful reader, made when it is first needed, reads them again. */
const quick = (node: Node, take: Take): Reader => {
  let careful: Reader | undefined;
  const carefully = (): Reader => {
    careful ??= compiled(node, take, "careful", {});
    return careful;
  };
  return compiled(node, take, "quick", { carefully });
};

const compiled = (node: Node, take: Take, mode: Mode, helpers: object): Reader => {
  const source = sourceOf();
  source.line(readerPrelude);
  const root = writeReader(source, node, mode);
  const label = quoted(labelOf(node));
  const isCareful = mode !== "quick";
  source.line(
    `const failed = () => { const error = F; F = null; error.at = ${label} + error.at; return { ok: false, error }; };`,
    "const all = (b, from) => {",
    `F = null; const value = ${root}(b, from, b.length);`,
    isCareful ? 'if (F === null && P !== b.length) bad("", (b.length - P) + " trailing bytes");' : "",
    `return F === null${isCareful ? "" : " && P === b.length"} ? { ok: true, value } : ${isCareful ? "failed()" : "carefully().all(b, from)"}; };`,
    "const first = (b, from) => {",
    `F = null; const value = ${root}(b, from, b.length);`,
    `return F === null ? { ok: true, value, size: P - from } : ${isCareful ? "failed()" : "carefully().first(b, from)"}; };`,
  );
  return source.build({ take, textAt, u64At, u128At, ...helpers }, "return { all, first };");
};
