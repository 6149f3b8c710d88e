/**
 * A description read as a writer of bytes, compiled once, on first use; see write.ts.
 *
 * The bytes are the caller's own. They may share an ArrayBuffer of 16 KiB with other messages, as those of Node's
 * `Buffer.allocUnsafe` do: pass the bytes on, not their `buffer` (DECISIONS.md D-085).
 *
 * A value its type allows always fits, save for limits that types cannot say (a range, a length). One that does not fit
 * is our own fault, whatever came from outside having been decoded first: it is thrown as Unfit, with the field's path.
 */
import type { Wire } from "./describe.ts";
import { Unfit } from "./error.ts";
import type { Node } from "./node.ts";
import { grow, put, putText, sink, written } from "./octets.ts";
import { labelOf, quoted, sourceOf } from "./source.ts";
import { writerPrelude, writeWriter } from "./write.ts";

interface Writer {
  readonly write: (value: unknown, p: number) => number;
  /** How long the last one was: the next one is probably no longer. */
  hint: number;
}

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

/** Knows that a value does not fit, not where: the careful writer, which nobody needs till then, is asked to fail again. */
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
