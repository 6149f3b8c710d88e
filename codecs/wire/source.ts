/**
 * The text of a generated function, line by line, and the constants it refers to.
 *
 *   description --> read.ts, write.ts --> lines of JavaScript --> new Function, once --> a reader, a writer
 *
 * Only descriptions reach the text: names are quoted by `quoted`, numbers are numbers, everything else is a constant
 * passed beside it. No byte of a message and no value ever becomes source. DECISIONS.md D-010.
 */
import type { BitsNode, Node, StructNode } from "./node.ts";

export interface Source {
  readonly line: (...text: ReadonlyArray<string>) => void;
  /** A name not used before. */
  readonly fresh: (stem: string) => string;
  /** The name under which the generated text finds a value. */
  readonly constant: (value: unknown) => string;
  /** The lines written by `body`, apart: what they declare is hoisted to where functions stand. */
  readonly apart: (body: () => void) => void;
  /** Calls the text with its constants and these helpers: what its last line returns. */
  readonly build: <A>(helpers: Readonly<Record<string, unknown>>, last: string) => A;
}

export const sourceOf = (): Source => {
  const constants: Array<unknown> = [];
  const done: Array<string> = [];
  let lines: Array<string> = [];
  let count = 0;
  return {
    line: (...text) => {
      lines.push(...text);
    },
    fresh: (stem) => `${stem}${count++}`,
    constant: (value) => `k${constants.push(value) - 1}`,
    apart: (body) => {
      const outer = lines;
      lines = [];
      body();
      done.push(...lines);
      lines = outer;
    },
    build: (helpers, last) => {
      const names = constants.map((_, i) => `k${i}`);
      const text = ['"use strict";', ...done, ...lines, last].join("\n");
      return compiled([...Object.keys(helpers), ...names], text)(...Object.values(helpers), ...constants);
    },
  };
};

const compiled = (names: ReadonlyArray<string>, text: string): Function => {
  try {
    return new Function(...names, text);
  } catch (cause) {
    if (!(cause instanceof EvalError)) throw cause;
    throw new Error("codecs are compiled from their descriptions: the page's policy must allow 'unsafe-eval'", {
      cause,
    });
  }
};

/** A name or a text as a JavaScript literal. */
export const quoted = (text: string): string => JSON.stringify(text);

/** Codes to names. Of two names with one code, the later. */
export const namesByCode = (names: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(names).map(([name, code]) => [code, name]));

/** What a path begins with. */
export const labelOf = (node: Node): string => ("name" in node ? node.name : node.kind);

/** The fewest bytes a value can take: an item that may take none would be read for ever. */
export const leastBytes = (node: Node): number => {
  switch (node.kind) {
    case "uint":
      return node.bytes;
    case "bytes":
      return node.size;
    case "boolean":
      return 1;
    case "opaque":
    case "textVector":
    case "vector":
      return node.prefix.bytes + node.min;
    case "opaqueOf":
      return node.prefix.bytes + leastBytes(node.inner);
    case "enumeration":
    case "constant":
    case "lengthOf":
      return node.width.bytes;
    case "bits":
      return node.picture.length / 8;
    case "tlv":
      return node.type.bytes + node.length.bytes;
    case "tagged":
      return node.type.bytes + node.length.bytes + leastBytes(node.inner);
    case "struct":
      return node.fields.reduce((sum, { node }) => sum + leastBytes(node), 0);
    case "firstBit":
      return Math.min(leastBytes(node.zero), leastBytes(node.one));
    case "select": {
      const arms = Object.values(node.cases);
      return Math.min(...(node.otherwise ? [...arms, node.otherwise] : arms).map(leastBytes));
    }
    case "text":
    case "rest":
    case "list":
    case "optional":
      return 0;
  }
};

/** How many bytes a field takes whatever its value, where its lines stand in place; else undefined. */
export const fixedBytes = (node: Node): number | undefined => {
  switch (node.kind) {
    case "uint":
      return node.bytes;
    case "bytes":
      return node.size;
    case "boolean":
      return 1;
    case "enumeration":
    case "constant":
    case "lengthOf":
      return node.width.bytes;
    case "bits":
      return node.picture.length / 8;
    default:
      return undefined;
  }
};

/** A run of bits of one part: `size` bits at `from` in the word (counted from its low end), `to` in the part. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}
export const runsOf = ({ picture }: BitsNode, letter: string): ReadonlyArray<Run> => {
  const runs: Array<{ from: number; to: number; size: number }> = [];
  let part = 0;
  for (let bit = 0; bit < picture.length; bit++) {
    if (picture[picture.length - 1 - bit] !== letter) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.from + last.size === bit) last.size++;
    else runs.push({ from: bit, to: part, size: 1 });
    part++;
  }
  return runs;
};
/** The word in which the bits drawn with these signs are 1. */
export const maskOf = ({ picture }: BitsNode, signs: string): number =>
  Number.parseInt([...picture].map((sign) => (signs.includes(sign) ? "1" : "0")).join(""), 2);

/** A length and the fields it bounds: from the field of one index to that of another, both included. */
export interface Measure {
  readonly by: number;
  readonly from: number;
  readonly to: number;
  /** The length counts from the beginning of the struct. */
  readonly whole: boolean;
}
export const measuresOf = ({ name, fields }: StructNode): ReadonlyArray<Measure> => {
  const measures = fields.flatMap(({ node }, by): ReadonlyArray<Measure> => {
    if (node.kind !== "lengthOf") return [];
    const whole = node.of === "whole";
    if (typeof node.of === "string") return [{ by, from: by + 1, to: fields.length - 1, whole }];
    const from = fields.findIndex((field) => field.name === node.of[0]);
    return [{ by, from, to: from + node.of.length - 1, whole }];
  });
  for (const a of measures) {
    if (a.to < a.from) throw new Error(`${name}.${fields[a.by]!.name} measures nothing`);
    for (const b of measures)
      if (a.from < b.from && b.from <= a.to && a.to < b.to)
        throw new Error(`${name}: the fields of ${fields[a.by]!.name} and ${fields[b.by]!.name} overlap`);
  }
  return measures;
};

/** Bytes of the fields of a fixed size from one on, as far as no length begins or ends among them; 0 for fewer than two. */
export const runFrom = ({ fields }: StructNode, measures: ReadonlyArray<Measure>, first: number): number => {
  let run = 0;
  let next = first;
  while (next < fields.length && (next === first || !measures.some(({ from }) => from === next))) {
    const size = fixedBytes(fields[next]!.node);
    if (size === undefined) break;
    run += size;
    next++;
    if (measures.some(({ to }) => to === next - 1)) break;
  }
  return next - first > 1 ? run : 0;
};
