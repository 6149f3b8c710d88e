/**
 * Encodes a value as its description says. The writer of a description is compiled on first use, and kept; see write.ts.
 *
 * The caller may keep and change the bytes. They may be part of an ArrayBuffer of 16 KiB that other messages share, as with
 * Node's `Buffer.allocUnsafe`: pass on the Uint8Array, not its `buffer` (DECISIONS.md D-085).
 *
 * A value of the right type fits, except for limits that types cannot express (a range, a length). One that does not fit is a
 * mistake of this program, since input is decoded first: `encode` then throws Unfit, with the field's path.
 */
import type { Wire } from "./describe.ts";
import { Unfit } from "./error.ts";
import type { Node } from "./node.ts";
import { grow, put, putText, sink, written } from "./octets.ts";
import { labelOf, quoted, sourceOf } from "./source.ts";
import { writerPrelude, writeWriter } from "./write.ts";

interface Writer {
  readonly write: (value: unknown, p: number) => number;
  /** The size of the last message, which is reserved for the next one. */
  hint: number;
}

/** The bytes of a value. Throws Unfit, with the field's path, for one that its description does not allow. */
export const encode = <A>(wire: Wire<A>, value: A): Uint8Array => {
  const writer = writerOf(wire.node);
  const bytes = written(writer.write, value, writer.hint);
  writer.hint = bytes.length;
  return bytes;
};

const writers = new WeakMap<Node, Writer>();
const writerOf = (node: Node): Writer => {
  const known = writers.get(node);
  if (known !== undefined) return known;
  const writer = { write: quick(node), hint: 0 };
  writers.set(node, writer);
  return writer;
};

/**
 * A writer that does not track the path of the field it writes. Where it throws, a second writer, which does and is compiled only
 * then, repeats the work and throws the error with the path.
 */
const quick = (node: Node): Writer["write"] => {
  const write = compiled(node, false);
  let careful: Writer["write"] | undefined;
  return (value, p) => {
    try {
      return write(value, p);
    } catch {
      careful ??= compiled(node, true);
      return careful(value, p);
    }
  };
};

const compiled = (node: Node, careful: boolean): Writer["write"] => {
  const source = sourceOf();
  source.line(writerPrelude);
  const root = writeWriter(source, node, careful);
  const helpers = { Unfit, grow, put, putText, sink };
  if (!careful) return source.build(helpers, `return ${root};`);
  const label = quoted(labelOf(node));
  return source.build(
    helpers,
    `return (v, p) => { try { return ${root}(v, p); } catch (thrown) { throw under(thrown, ${label}); } };`,
  );
};
