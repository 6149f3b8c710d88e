/**
 * A description read as a writer of bytes, compiled once, on first use; see write.ts.
 *
 * A value its type allows always fits, save for limits that types cannot say (a range, a length). One that does not fit
 * is our own fault, whatever came from outside having been decoded first: it is thrown as Unfit, with the field's path.
 */
import type { Wire } from "./describe.ts";
import { Unfit } from "./error.ts";
import type { Node } from "./node.ts";
import { grow, put, putText, putU64, putU128, sink, written } from "./octets.ts";
import { labelOf, quoted, sourceOf } from "./source.ts";
import { writerPrelude, writeWriter } from "./write.ts";

type Writer = (value: unknown, p: number) => number;

export const encode = <A>(wire: Wire<A>, value: A): Uint8Array => written(writerOf(wire.node), value);

const writers = new WeakMap<Node, Writer>();
const writerOf = (node: Node): Writer => {
  const known = writers.get(node);
  if (known !== undefined) return known;
  const source = sourceOf();
  source.line(writerPrelude);
  const root = writeWriter(source, node);
  const last = `return (v, p) => { try { return ${root}(v, p); } catch (thrown) { throw under(thrown, ${quoted(labelOf(node))}); } };`;
  const writer = source.build<Writer>({ Unfit, grow, put, putText, putU64, putU128, sink }, last);
  writers.set(node, writer);
  return writer;
};
