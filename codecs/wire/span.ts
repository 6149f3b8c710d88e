/**
 * Where a field lay in the bytes of a message: integrity and signatures cover bytes, not values.
 *
 *   spanOf(VapMessage, bytes, "attributes[3]")            the whole attribute, its type, length and padding included
 *   spanOf(VapMessage, bytes, "attributes[3].username")   its value alone
 *
 * The same reader as decode's, compiled once more to note each field as it passes. DECISIONS.md D-019.
 */
import type { Wire } from "./describe.ts";
import type { Decoded, WireError } from "./error.ts";
import type { Node } from "./node.ts";
import { plain, takeView, textAt, u64At, u128At } from "./octets.ts";
import { readerPrelude, writeReader } from "./read.ts";
import { labelOf, sourceOf } from "./source.ts";

/** From the byte at `start` to the one before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}
/** By path, without the message's own name: `attributes[0].username`. */
export type Spans = ReadonlyMap<string, Span>;

/** Where every field of one whole message lay. */
export const spansOf = (wire: Wire<unknown>, bytes: Uint8Array): Decoded<Spans> => {
  const spans = new Map<string, Span>();
  const mark = (path: string, start: number, end: number): void => {
    spans.set(path.startsWith(".") ? path.slice(1) : path, { start, end });
  };
  const { end, error } = tracerOf(wire.node)(plain(bytes), mark);
  const label = labelOf(wire.node);
  if (error !== null) return { ok: false, error: { ...error, at: label + error.at } };
  const why = `${bytes.length - end} trailing bytes`;
  if (end !== bytes.length) return { ok: false, error: { _tag: "Malformed", at: label, why } };
  return { ok: true, value: spans };
};

/** Where one field lay; undefined when the bytes are not such a message or have no such field. */
export const spanOf = (wire: Wire<unknown>, bytes: Uint8Array, path: string): Span | undefined => {
  const spans = spansOf(wire, bytes);
  return spans.ok ? spans.value.get(path) : undefined;
};

type Mark = (path: string, start: number, end: number) => void;
type Tracer = (bytes: Uint8Array, mark: Mark) => { readonly end: number; readonly error: WireError | null };

const tracers = new WeakMap<Node, Tracer>();
const tracerOf = (node: Node): Tracer => {
  const known = tracers.get(node);
  if (known !== undefined) return known;
  const source = sourceOf();
  source.line(readerPrelude, "let mark;");
  const root = writeReader(source, node, "traced");
  const tracer = source.build<Tracer>(
    { take: takeView, textAt, u64At, u128At },
    `return (b, noted) => { F = null; mark = noted; ${root}(b, 0, b.length, ""); mark = undefined; return { end: P, error: F }; };`,
  );
  tracers.set(node, tracer);
  return tracer;
};
