/**
 * A description read as the source of a reader.
 *
 *   function r0(b, p, e)   reads one struct or TLV from the bytes b, from p, not past e; leaves its end in P
 *                          and, when the bytes are wrong, the error in F, its path growing as callers return
 *
 * Nothing is thrown: F is looked at after each call. Each description has two readers, a quick and a careful one
 * (DECISIONS.md D-086). Inside a length that was satisfied a field that runs out of bytes is Malformed, since no further byte
 * can help it; elsewhere it is Truncated, which a stream takes as "wait".
 */
import type { BitsNode, EnumerationNode, Node, SelectNode, StructNode, TlvNode, UintNode } from "./node.ts";
import { leastBytes, maskOf, measuresOf, namesByCode, quoted, runFrom, runsOf, type Source } from "./source.ts";

/**
 * `quick`: tells that bytes are wrong, not where; so nothing is made ready for an error, and a run of fields is looked for
 * at once. `careful`: tells where. `traced`: careful, and notes where each field lay.
 */
export type Mode = "quick" | "careful" | "traced";

/** What the lines being written stand in. */
interface Scope {
  readonly source: Source;
  /** The expression of the end of what may be read, and whether a length has promised that many bytes. */
  readonly end: string;
  readonly bounded: boolean;
  readonly mode: Mode;
  /** Bytes that are known to be there, of which no field has made use yet. */
  readonly room: { left: number };
  readonly functionOf: (node: Node) => string;
}

/** The helpers that the generated text begins with. */
export const readerPrelude = `
let P = 0, F = null;
const fail = () => { F = true; };
const short = (at, missing) => { F = { _tag: "Truncated", at, missing }; };
const over = (at, missing) => { F = { _tag: "Malformed", at, why: "runs " + missing + " bytes past its bounds" }; };
const bad = (at, why) => { F = { _tag: "Malformed", at, why }; };
const under = (at) => { F.at = at + F.at; };
const overUnder = (at) => { if (F._tag === "Truncated") over(at + F.at, F.missing); else F.at = at + F.at; };
`;

/** Writes the function that reads a node, and those it calls; gives its name. */
export const writeReader = (source: Source, root: Node, mode: Mode): string => {
  const names = new Map<Node, string>();
  const functionOf = (node: Node): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    const name = source.fresh("r");
    names.set(node, name);
    const scope: Scope = { source, end: "e", bounded: false, mode, room: { left: 0 }, functionOf };
    source.apart(() => {
      source.line(`function ${name}(b, p, e${mode === "traced" ? ", w" : ""}) {`, "let v;");
      if (node.kind === "struct") readStruct(scope, node);
      else if (node.kind === "tlv") readTlv(scope, node);
      else read(scope, node, "v", '""', () => "");
      source.line("P = p;", "return v;", "}");
    });
    return name;
  };
  return functionOf(root);
};

/** The value of an earlier field of the same struct, by its path. */
type Earlier = (path: string) => string;

/** Lines that read a node into the variable `v`; `at` is the expression of its path within this function. */
type Emit<N> = (s: Scope, node: N, v: string, at: string, earlier: Earlier) => void;
const read: Emit<Node> = (s, node, v, at, earlier) => (emitters[node.kind] as Emit<Node>)(s, node, v, at, earlier);

const emitters: { readonly [K in Node["kind"]]: Emit<Extract<Node, { readonly kind: K }>> } = {
  uint: (s, node, v, at) => readUint(s, node, v, at),
  bytes: (s, node, v, at) => {
    need(s, node.size, at);
    s.source.line(`${v} = take(b, p, p + ${node.size});`, `p += ${node.size};`);
  },
  rest: (s, _, v) => s.source.line(`${v} = take(b, p, ${s.end});`, `p = ${s.end};`),
  boolean: (s, _, v, at) => readBoolean(s, v, at),
  text: (s, node, v, at) => {
    s.source.line(`if (${s.end} - p > ${node.max}) ${bad(s, at, `"longer than ${node.max} bytes"`)};`);
    readText(s, v, at);
  },
  opaque: (s, node, v, at, earlier) => prefixed(s, node, at, (inner) => read(inner, { kind: "rest" }, v, at, earlier)),
  textVector: (s, node, v, at) => prefixed(s, node, at, (inner) => readText(inner, v, at)),
  vector: (s, node, v, at) => prefixed(s, node, at, (inner) => readList(inner, node.item, v, at)),
  list: (s, node, v, at) => readList(s, node.item, v, at),
  opaqueOf: (s, node, v, at) => prefixed(s, { ...node, min: 0 }, at, (inner) => readFilling(inner, node.inner, v, at)),
  enumeration: (s, node, v, at) => readEnumeration(s, node, v, at),
  constant: (s, node, v, at) => readConstant(s, node.width, node.value, v, at),
  lengthOf: (s, node, v, at) => readUint(s, node.width, v, at),
  optional: (s, node, v, at, earlier) => {
    s.source.line(`if (p < ${s.end}) {`);
    read(s, node.inner, v, at, earlier);
    s.source.line("}");
  },
  select: (s, node, v, at, earlier) => readSelect(s, node, v, at, earlier),
  firstBit: (s, node, v, at, earlier) => {
    need(s, 1, at);
    s.source.line("if (b[p] < 128) {");
    read(s, node.zero, v, at, earlier);
    s.source.line("} else {");
    read(s, node.one, v, at, earlier);
    s.source.line("}");
  },
  bits: (s, node, v, at) => readBits(s, node, v, at),
  tagged: (s, node, v, at) => {
    const code = s.source.fresh("c");
    s.source.line(`let ${code};`);
    readConstant(s, node.type, node.code, code, at);
    prefixed(s, unlimited(node.length), at, (inner) => readFilling(inner, node.inner, v, at));
  },
  struct: (s, node, v, at) => call(s, node, v, at),
  tlv: (s, node, v, at) => call(s, node, v, at),
};

const unlimited = (prefix: UintNode) => ({ prefix, min: 0, max: Number.POSITIVE_INFINITY });

/** The end of a reader whose bytes are wrong; `why` is an expression. */
const bad = (s: Scope, at: string, why: string): string =>
  s.mode === "quick" ? "return fail()" : `return bad(${at}, ${why})`;

/** So many bytes must be there, a number or an expression. */
const need = (s: Scope, size: number | string, at: string): void => {
  if (typeof size === "number" && s.room.left >= size) {
    s.room.left -= size;
    return;
  }
  const missing = `${s.bounded ? "over" : "short"}(${at}, ${size} - (${s.end} - p))`;
  s.source.line(`if (${s.end} - p < ${size}) return ${s.mode === "quick" ? "fail()" : missing};`);
};

/** Looks for a whole run of fields at once. The careful reader does not: it tells which of them is missing. */
const needRun = (s: Scope, size: number): void => {
  if (s.mode !== "quick" || size === 0) return;
  s.source.line(`if (${s.end} - p < ${size}) return fail();`);
  s.room.left = size;
};

const call = (s: Scope, node: Node, v: string, at: string): void => {
  const under = s.mode === "quick" ? "" : ` ${s.bounded ? "overUnder" : "under"}(${at})`;
  s.source.line(
    `${v} = ${s.functionOf(node)}(b, p, ${s.end}${s.mode === "traced" ? `, w + ${at}` : ""});`,
    `if (F !== null) return${under};`,
    "p = P;",
  );
};

/** Notes where the lines of `body` read. */
const marked = (s: Scope, at: string, body: () => void): void => {
  if (s.mode !== "traced") {
    body();
    return;
  }
  const from = s.source.fresh("s");
  s.source.line(`const ${from} = p;`);
  body();
  s.source.line(`mark(w + ${at}, ${from}, p);`);
};

const uintOf = ({ bytes, signed }: UintNode): string => {
  const byte = (i: number) => `b[p${i === 0 ? "" : ` + ${i}`}]`;
  switch (bytes) {
    case 1:
      return byte(0);
    case 2:
      return `${byte(0)} << 8 | ${byte(1)}`;
    case 3:
      return `${byte(0)} << 16 | ${byte(1)} << 8 | ${byte(2)}`;
    case 4:
      return `(${byte(0)} << 24 | ${byte(1)} << 16 | ${byte(2)} << 8 | ${byte(3)})${signed ? "" : " >>> 0"}`;
    case 8:
      return "u64At(b, p)";
    case 16:
      return "u128At(b, p)";
  }
};

const readUint = (s: Scope, node: UintNode, v: string, at: string): void => {
  need(s, node.bytes, at);
  s.source.line(`${v} = ${uintOf(node)};`, `p += ${node.bytes};`);
  if (node.min === undefined || node.max === undefined) return;
  const [min, max] = [literal(node.min), literal(node.max)];
  const why = `${v} + " is not in ${node.min}..${node.max}"`;
  s.source.line(`if (${v} < ${min} || ${v} > ${max}) ${bad(s, at, why)};`);
};

const literal = (value: number | bigint): string => (typeof value === "bigint" ? `${value}n` : `${value}`);

const readConstant = (s: Scope, width: UintNode, value: number | bigint, v: string, at: string): void => {
  readUint(s, width, v, at);
  s.source.line(`if (${v} !== ${literal(value)}) ${bad(s, at, `"must be ${value}, is " + ${v}`)};`);
};

const readBoolean = (s: Scope, v: string, at: string): void => {
  need(s, 1, at);
  s.source.line(`if (b[p] > 1) ${bad(s, at, `"neither 0 nor 1"`)};`, `${v} = b[p++] === 1;`);
};

const readText = (s: Scope, v: string, at: string): void =>
  s.source.line(
    `${v} = textAt(b, p, ${s.end});`,
    `if (${v} === undefined) ${bad(s, at, `"not UTF-8"`)};`,
    `p = ${s.end};`,
  );

/** Lines that give `v` the name of a number; it stays undefined where there is none. */
const nameOfCode = (s: Scope, names: Readonly<Record<string, number>>, code: string, v: string): void => {
  const cases = [...namesByCode(names)].map(([number, name]) => `case ${number}: ${v} = ${quoted(name)}; break;`);
  s.source.line(`switch (${code}) {`, ...cases, "}");
};

const readEnumeration = (s: Scope, node: EnumerationNode, v: string, at: string): void => {
  const code = s.source.fresh("c");
  s.source.line(`let ${code};`);
  readUint(s, node.width, code, at);
  nameOfCode(s, node.names, code, v);
  const otherwise = node.open ? `${v} = ${code}` : bad(s, at, `"unassigned value " + ${code}`);
  s.source.line(`if (${v} === undefined) ${otherwise};`);
};

/** A length, then what it bounds. */
const prefixed = (
  s: Scope,
  node: { readonly prefix: UintNode; readonly min: number; readonly max: number },
  at: string,
  body: (inner: Scope) => void,
): void => {
  const size = s.source.fresh("n");
  s.source.line(`let ${size};`);
  readUint(s, node.prefix, size, at);
  if (node.min > 0)
    s.source.line(`if (${size} < ${node.min}) ${bad(s, at, `${size} + " bytes, fewer than ${node.min}"`)};`);
  if (node.max < 2 ** (8 * node.prefix.bytes) - 1)
    s.source.line(`if (${size} > ${node.max}) ${bad(s, at, `${size} + " bytes, more than ${node.max}"`)};`);
  body(within(s, size, at));
};

/** The scope of the next `size` bytes, once they are known to be there. */
const within = (s: Scope, size: string, at: string): Scope => {
  need(s, size, at);
  const end = s.source.fresh("e");
  s.source.line(`const ${end} = p + ${size};`);
  return { ...s, end, bounded: true };
};

const filled = (s: Scope, at: string): void =>
  s.source.line(`if (p !== ${s.end}) ${bad(s, at, `(${s.end} - p) + " trailing bytes"`)};`);

const readFilling = (s: Scope, node: Node, v: string, at: string): void => {
  read(s, node, v, at, () => "");
  filled(s, at);
};

const readList = (s: Scope, item: Node, v: string, at: string): void => {
  const [all, one, from] = [s.source.fresh("a"), s.source.fresh("x"), s.source.fresh("q")];
  const place = `${at} + "[" + ${all}.length + "]"`;
  const mayBeEmpty = leastBytes(item) === 0;
  s.source.line(`const ${all} = [];`, `while (p < ${s.end}) {`, `let ${one};`);
  if (mayBeEmpty) s.source.line(`const ${from} = p;`);
  marked(s, place, () => read(s, item, one, place, () => ""));
  if (mayBeEmpty) s.source.line(`if (p === ${from}) ${bad(s, place, `"an empty item"`)};`);
  s.source.line(`${all}.push(${one});`, "}", `${v} = ${all};`);
};

const readSelect = (s: Scope, node: SelectNode, v: string, at: string, earlier: Earlier): void => {
  const on = earlier(node.on);
  const key = node.via === undefined ? on : `${s.source.constant(node.via)}(${on})`;
  const chosen = s.source.fresh("c");
  s.source.line(`const ${chosen} = ${key};`, `switch (${chosen}) {`);
  for (const [name, arm] of Object.entries(node.cases)) {
    s.source.line(`case ${quoted(name)}: {`);
    read(s, arm, v, at, () => "");
    s.source.line("break;", "}");
  }
  s.source.line("default: {");
  if (node.otherwise === undefined) s.source.line(`${bad(s, at, `"no arm for " + ${chosen}`)};`);
  else read(s, node.otherwise, v, at, () => "");
  s.source.line("}", "}");
};

const readBits = (s: Scope, node: BitsNode, v: string, at: string): void => {
  const word = s.source.fresh("c");
  s.source.line(`let ${word};`);
  readUint(s, { kind: "uint", bytes: (node.picture.length / 8) as 1, signed: false }, word, at);
  const [mask, ones] = [maskOf(node, "01"), maskOf(node, "1")];
  if (mask !== 0) s.source.line(`if ((${word} & ${mask}) >>> 0 !== ${ones}) ${bad(s, at, `"fixed bits differ"`)};`);
  const parts = node.parts.map((part) => {
    const value = s.source.fresh("x");
    const runs = runsOf(node, part.letter).map(({ from, to, size }) => {
      const low = `${word} >>> ${from}${size === 32 ? "" : ` & ${2 ** size - 1}`}`;
      return to === 0 ? `(${low})` : `((${low}) << ${to})`;
    });
    s.source.line(`let ${value} = (${runs.join(" | ")}) >>> 0;`);
    if (part.flag) s.source.line(`${value} = ${value} === 1;`);
    if (part.names !== undefined) {
      const name = s.source.fresh("x");
      const otherwise = part.open
        ? `${name} = ${value}`
        : bad(s, `${at} + ${quoted(`.${part.name}`)}`, `"unassigned value " + ${value}`);
      s.source.line(`let ${name};`);
      nameOfCode(s, part.names, value, name);
      s.source.line(`if (${name} === undefined) ${otherwise};`);
      return `${quoted(part.name)}: ${name}`;
    }
    return `${quoted(part.name)}: ${value}`;
  });
  s.source.line(`${v} = { ${parts.join(", ")} };`);
};

const readTlv = (s: Scope, node: TlvNode): void => {
  const self = '""';
  s.source.line("let c, n, x;");
  needRun(s, node.type.bytes + node.length.bytes);
  readUint(s, node.type, "c", self);
  readUint(s, node.length, "n", self);
  const inner = within(s, "n", self);
  s.source.line("switch (c) {");
  for (const { name, code, value } of node.cases) {
    const at = quoted(`.${name}`);
    s.source.line(`case ${code}: {`);
    marked(inner, at, () => readFilling(inner, value, "x", at));
    s.source.line(`v = { type: ${quoted(name)}, value: x };`, "break;", "}");
  }
  s.source.line("default: {");
  marked(inner, '".unknown"', () => read(inner, { kind: "rest" }, "x", '".unknown"', () => ""));
  s.source.line('v = { type: "unknown", code: c, value: x };', "}", "}");
  if (node.padTo === 1) return;
  s.source.line(`n = (${node.padTo} - n % ${node.padTo}) % ${node.padTo};`);
  need(s, "n", self);
  s.source.line("p += n;");
};

const readStruct = (scope: Scope, node: StructNode): void => {
  const { source } = scope;
  const measures = measuresOf(node);
  const names = node.fields.map(() => source.fresh("v"));
  if (names.length > 0) source.line(`let ${names.join(", ")};`);
  if (measures.some(({ whole }) => whole)) source.line("const p0 = p;");
  const earlier: Earlier = (path) => {
    const [field, ...parts] = path.split(".");
    return (
      names[node.fields.findIndex(({ name }) => name === field)]! + parts.map((part) => `[${quoted(part)}]`).join("")
    );
  };
  let s = scope;
  const open: Array<{ readonly to: number; readonly outer: Scope }> = [];
  node.fields.forEach((field, i) => {
    const at = quoted(`.${field.name}`);
    const starting = measures.filter(({ from }) => from === i).sort((a, b) => b.to - a.to || a.by - b.by);
    for (const { by, to, whole } of starting) {
      open.push({ to, outer: s });
      s = within(s, whole ? remaining(s, names[by]!, quoted(`.${node.fields[by]!.name}`)) : names[by]!, at);
    }
    if (s.room.left === 0) needRun(s, runFrom(node, measures, i));
    marked(s, at, () => read(s, field.node, names[i]!, at, earlier));
    while (open.at(-1)?.to === i) {
      filled(s, at);
      s = open.pop()!.outer;
    }
  });
  source.line(`v = ${literalOf(node, names)};`);
  node.fields.forEach((field, i) => {
    if (field.node.kind === "optional")
      source.line(`if (${names[i]} !== undefined) v[${quoted(field.name)}] = ${names[i]};`);
  });
};

/** What a length of the whole struct leaves for what follows it. */
const remaining = (s: Scope, length: string, at: string): string => {
  const left = s.source.fresh("n");
  s.source.line(
    `const ${left} = ${length} - (p - p0);`,
    `if (${left} < 0) ${bad(s, at, `${length} + " is less than what precedes it"`)};`,
  );
  return left;
};

const literalOf = (node: StructNode, names: ReadonlyArray<string>): string => {
  const shown = node.fields.flatMap((field, i) =>
    ["lengthOf", "constant", "optional"].includes(field.node.kind) ? [] : [`${quoted(field.name)}: ${names[i]}`],
  );
  return `{ ${shown.join(", ")} }`;
};
