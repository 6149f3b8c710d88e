/**
 * A description read as the source of a writer.
 *
 *   function w0(v, p)   writes one struct or TLV into the sink's buffer from p, and gives its end
 *
 * Lengths are left open and filled in when what they measure has been written; nothing is built apart and copied. A value
 * that does not fit is thrown as Unfit. Each description has two writers: a quick one that only finds out that a value does
 * not fit, and a careful one that says where, compiled when it is first needed.
 */
import type { BitsNode, EnumerationNode, Node, SelectNode, StructNode, TlvNode, UintNode } from "./node.ts";
import { fixedBytes, maskOf, measuresOf, quoted, runsOf, type Source } from "./source.ts";

interface Scope {
  readonly source: Source;
  /** Tell where a value does not fit. The quick writer only tells that it does not, and costs nothing until then. */
  readonly careful: boolean;
  /** Bytes that are known to be there, of which no field has made use yet. */
  readonly room: { left: number };
  readonly functionOf: (node: Node) => string;
}

export const writerPrelude = `
const unfit = (at = "", why = "") => { throw new Unfit(at, why); };
const under = (thrown, at) => thrown instanceof Unfit ? new Unfit(at + thrown.at, thrown.why) : new Unfit(at, String(thrown));
`;

/** Writes the function that writes a node, and those it calls; gives its name. */
export const writeWriter = (source: Source, root: Node, careful: boolean): string => {
  const names = new Map<Node, string>();
  const functionOf = (node: Node): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    const name = source.fresh("w");
    names.set(node, name);
    const scope: Scope = { source, careful, room: { left: 0 }, functionOf };
    source.apart(() => {
      source.line(`function ${name}(v, p) {`, "let b = sink.b;");
      if (node.kind === "struct") writeStruct(scope, node);
      else if (node.kind === "tlv") writeTlv(scope, node);
      else write(scope, node, "v", '""', "v");
      source.line("return p;", "}");
    });
    return name;
  };
  return functionOf(root);
};

/** Lines that write the value of the expression `v`; `at` is the expression of its path, `whole` the struct it stands in. */
type Emit<N> = (s: Scope, node: N, v: string, at: string, whole: string) => void;
const write: Emit<Node> = (s, node, v, at, whole) => (emitters[node.kind] as Emit<Node>)(s, node, v, at, whole);

const emitters: { readonly [K in Node["kind"]]: Emit<Extract<Node, { readonly kind: K }>> } = {
  uint: (s, node, v, at) => writeUint(s, node, v, at),
  bytes: (s, node, v, at) => writeBytes(s, v, at, node.size),
  rest: (s, _, v, at) => writeBytes(s, v, at),
  boolean: (s, _, v, at) => {
    s.source.line(`if (typeof ${v} !== "boolean") ${unfit(s, at, `"neither true nor false"`)};`);
    store(s, 1, `${v} ? 1 : 0`);
  },
  text: (s, node, v, at) => writeText(s, v, at, node.max),
  opaque: (s, node, v, at) => prefixed(s, node, at, () => writeBytes(s, v, at)),
  textVector: (s, node, v, at) => prefixed(s, node, at, () => writeText(s, v, at, node.max)),
  vector: (s, node, v, at) => prefixed(s, node, at, () => writeList(s, node.item, v, at)),
  list: (s, node, v, at) => writeList(s, node.item, v, at),
  opaqueOf: (s, node, v, at, whole) => prefixed(s, { ...node, min: 0 }, at, () => write(s, node.inner, v, at, whole)),
  enumeration: (s, node, v, at) => writeEnumeration(s, node, v, at),
  constant: (s, { width, value }) => store(s, width.bytes, width.bytes > 4 ? `${value}n` : `${value}`),
  lengthOf: (s, { width }) => {
    reserve(s, width.bytes);
    s.source.line(`p += ${width.bytes};`);
  },
  optional: (s, node, v, at, whole) => {
    s.source.line(`if (${v} !== undefined) {`);
    apart(s, () => write(s, node.inner, v, at, whole));
    s.source.line("}");
  },
  select: (s, node, v, at, whole) => writeSelect(s, node, v, at, whole),
  firstBit: (s, node, v, at) => writeFirstBit(s, node.zero, node.one, v, at),
  bits: (s, node, v, at) => writeBits(s, node, v, at),
  tagged: (s, node, v, at, whole) => {
    store(s, node.type.bytes, `${node.code}`);
    const limits = { prefix: node.length, min: 0, max: Number.POSITIVE_INFINITY };
    prefixed(s, limits, at, () => write(s, node.inner, v, at, whole));
  },
  struct: (s, node, v, at) => call(s, node, v, at),
  tlv: (s, node, v, at) => call(s, node, v, at),
};

const call = (s: Scope, node: Node, v: string, at: string): void => {
  const plain = `p = ${s.functionOf(node)}(${v}, p);`;
  s.source.line(s.careful ? `try { ${plain} } catch (thrown) { throw under(thrown, ${at}); }` : plain, "b = sink.b;");
};

/** The call that says that a value does not fit; `why` is an expression. */
const unfit = (s: Scope, at: string, why: string): string => (s.careful ? `unfit(${at}, ${why})` : "unfit()");

/** Makes sure that so many bytes can be written at p. A run of fields has made sure of them all at once. */
const reserve = (s: Scope, bytes: number): void => {
  if (s.room.left >= bytes) s.room.left -= bytes;
  else {
    s.source.line(`if (p + ${bytes} > b.length) b = grow(p + ${bytes});`);
    s.room.left = 0;
  }
};

/** Stores an integer that is known to fit. */
const store = (s: Scope, bytes: number, value: string): void => {
  reserve(s, bytes);
  s.source.line(...stored(bytes, "p", value), `p += ${bytes};`);
};
const stored = (bytes: number, p: string, value: string): ReadonlyArray<string> => {
  if (bytes === 8) return [`sink.v.setBigUint64(${p}, ${value});`];
  if (bytes === 16) return [`sink.v.setBigUint64(${p}, ${value} >> 64n);`, `sink.v.setBigUint64(${p} + 8, ${value});`];
  if (bytes === 1) return [`b[${p}] = ${value};`];
  return Array.from({ length: bytes }, (_, i) => {
    const shift = 8 * (bytes - 1 - i);
    return `b[${p} + ${i}] = ${shift === 0 ? value : `${value} >>> ${shift}`};`;
  });
};

const writeUint = (s: Scope, node: UintNode, v: string, at: string): void => {
  const { bytes, min, max } = node;
  const x = s.source.fresh("x");
  s.source.line(`const ${x} = ${v};`);
  const why = `String(${x}) + " is not an integer of ${8 * bytes} bits"`;
  s.source.line(`if (!(${fitting(node, x)})) ${unfit(s, at, why)};`);
  if (min !== undefined && max !== undefined)
    s.source.line(`if (${x} < ${min} || ${x} > ${max}) ${unfit(s, at, `${x} + " is not in ${min}..${max}"`)};`);
  store(s, bytes, x);
};
/** Whether the value is an integer of that width. Engines do 64 bits of a bigint in place, and call for more. */
const fitting = ({ bytes, signed }: UintNode, x: string): string => {
  if (bytes === 16) return `typeof ${x} === "bigint" && BigInt.asUintN(64, ${x} >> 64n) === ${x} >> 64n`;
  if (bytes === 8) return `typeof ${x} === "bigint" && BigInt.asUintN(64, ${x}) === ${x}`;
  if (bytes === 4) return `(${x} ${signed ? "| 0" : ">>> 0"}) === ${x}`;
  return `(${x} & ${2 ** (8 * bytes) - 1}) === ${x}`;
};

const writeBytes = (s: Scope, v: string, at: string, size?: number): void => {
  s.source.line(`if (!(${v} instanceof Uint8Array)) ${unfit(s, at, `"not bytes"`)};`);
  if (size === undefined) s.source.line(`if (p + ${v}.length > b.length) b = grow(p + ${v}.length);`);
  else {
    s.source.line(`if (${v}.length !== ${size}) ${unfit(s, at, `"must be ${size} bytes"`)};`);
    reserve(s, size);
  }
  s.source.line(`put(b, p, ${v});`, `p += ${size ?? `${v}.length`};`);
};

const writeText = (s: Scope, v: string, at: string, max: number): void =>
  s.source.line(
    `p = putText(${v}, p, ${max});`,
    `if (p < 0) ${unfit(s, at, `p === -1 ? "longer than ${max} bytes" : "not text"`)};`,
    "b = sink.b;",
  );

/** Lines that give `code` the number of the name `v`; it stays undefined where there is none. */
const codeOfName = (s: Scope, names: Readonly<Record<string, number>>, v: string, code: string): void => {
  const cases = Object.entries(names).map(([name, number]) => `case ${quoted(name)}: ${code} = ${number}; break;`);
  s.source.line(`let ${code};`, `switch (${v}) {`, ...cases, "}");
};

const writeEnumeration = (s: Scope, node: EnumerationNode, v: string, at: string): void => {
  const code = s.source.fresh("c");
  codeOfName(s, node.names, v, code);
  const unknown = node.open ? openCode(s, node, v, code, at) : unfit(s, at, `"no name " + String(${v})`);
  s.source.line(`if (${code} === undefined) ${unknown};`);
  store(s, node.width.bytes, code);
};
/** A number that has a name is written by its name, so that a value has one form. */
const openCode = (s: Scope, node: EnumerationNode, v: string, code: string, at: string): string => {
  const taken = s.source.constant(new Set(Object.values(node.names)));
  const max = node.width.max ?? 2 ** (8 * node.width.bytes) - 1;
  const wrong = `!Number.isInteger(${v}) || ${v} < 0 || ${v} > ${max} || ${taken}.has(${v})`;
  return `{ if (${wrong}) ${unfit(s, at, `"no name or number " + String(${v})`)}; ${code} = ${v}; }`;
};

/** A length left open, what it measures, and the length. */
const prefixed = (
  s: Scope,
  node: { readonly prefix: UintNode; readonly min: number; readonly max: number },
  at: string,
  body: () => void,
): void => {
  const open = s.source.fresh("l");
  s.source.line(`const ${open} = p;`);
  write(s, { kind: "lengthOf", of: "after", width: node.prefix }, "", at, "");
  body();
  closeLength(s, node.prefix, open, `p - ${open} - ${node.prefix.bytes}`, at, node.min, node.max);
};

const closeLength = (s: Scope, width: UintNode, p: string, size: string, at: string, min = 0, max = Infinity): void => {
  const n = s.source.fresh("n");
  const most = Math.min(max, Number(width.max ?? 2 ** (8 * width.bytes) - 1));
  const least = Math.max(min, Number(width.min ?? 0));
  s.source.line(
    `const ${n} = ${size};`,
    `if (${n} > ${most}) ${unfit(s, at, `${n} + " bytes, more than ${most}"`)};`,
    ...(least > 0 ? [`if (${n} < ${least}) ${unfit(s, at, `${n} + " bytes, fewer than ${least}"`)};`] : []),
    ...stored(width.bytes, p, n),
  );
};

const writeList = (s: Scope, item: Node, v: string, at: string): void => {
  const [all, i, n] = [s.source.fresh("a"), s.source.fresh("i"), s.source.fresh("n")];
  s.source.line(`const ${all} = ${v};`, `if (!Array.isArray(${all})) ${unfit(s, at, `"not a list"`)};`);
  s.source.line(`let ${i} = 0;`);
  if (s.careful) s.source.line("try {");
  s.source.line(`for (const ${n} = ${all}.length; ${i} < ${n}; ${i}++) {`);
  apart(s, () => write(s, item, `${all}[${i}]`, '""', all));
  s.source.line("}");
  if (s.careful) s.source.line(`} catch (thrown) { throw under(thrown, ${at} + "[" + ${i} + "]"); }`);
};

/** Lines that may run or not, or more than once: what they have made sure of holds for nothing else. */
const apart = (s: Scope, lines: () => void): void => {
  s.room.left = 0;
  lines();
  s.room.left = 0;
};

const writeSelect = (s: Scope, node: SelectNode, v: string, at: string, whole: string): void => {
  const on =
    whole +
    node.on
      .split(".")
      .map((part) => `[${quoted(part)}]`)
      .join("");
  const chosen = s.source.fresh("c");
  s.source.line(`const ${chosen} = ${node.via === undefined ? on : `${s.source.constant(node.via)}(${on})`};`);
  s.source.line(`switch (${chosen}) {`);
  for (const [name, arm] of Object.entries(node.cases)) {
    s.source.line(`case ${quoted(name)}: {`);
    apart(s, () => write(s, arm, v, at, ""));
    s.source.line("break;", "}");
  }
  s.source.line("default: {");
  const { otherwise } = node;
  if (otherwise === undefined) s.source.line(`${unfit(s, at, `"no arm for " + String(${chosen})`)};`);
  else apart(s, () => write(s, otherwise, v, at, ""));
  s.source.line("}", "}");
};

/** Which form a value has is told by a field that only that form has. */
const writeFirstBit = (s: Scope, zero: Node, one: Node, v: string, at: string): void => {
  const from = s.source.fresh("q");
  s.source.line(`const ${from} = p;`, `if (${quoted(ownField(zero, one))} in ${v}) {`);
  apart(s, () => write(s, zero, v, at, v));
  s.source.line(`if (b[${from}] >= 128) ${unfit(s, at, `"the first bit must be 0"`)};`, "} else {");
  apart(s, () => write(s, one, v, at, v));
  s.source.line(`if (b[${from}] < 128) ${unfit(s, at, `"the first bit must be 1"`)};`, "}");
};
const ownField = (a: Node, b: Node): string => {
  const own = shown(a).find((name) => !shown(b).includes(name));
  if (own === undefined || shown(b).every((name) => shown(a).includes(name)))
    throw new Error("two forms told apart by their first bit need a field each that the other has not");
  return own;
};
const shown = (node: Node): ReadonlyArray<string> =>
  node.kind !== "struct"
    ? []
    : node.fields.flatMap(({ name, node }) => (["constant", "lengthOf", "optional"].includes(node.kind) ? [] : [name]));

const writeBits = (s: Scope, node: BitsNode, v: string, at: string): void => {
  const word = s.source.fresh("c");
  s.source.line(`let ${word} = ${maskOf(node, "1")};`);
  for (const part of node.parts) {
    const [x, path] = [s.source.fresh("x"), `${at} + ${quoted(`.${part.name}`)}`];
    const value = `${v}[${quoted(part.name)}]`;
    const runs = runsOf(node, part.letter);
    const size = runs.reduce((sum, run) => sum + run.size, 0);
    if (part.flag) {
      s.source.line(`if (typeof ${value} !== "boolean") ${unfit(s, path, `"neither true nor false"`)};`);
      s.source.line(`const ${x} = ${value} ? 1 : 0;`);
    } else if (part.names === undefined) s.source.line(`const ${x} = ${value};`);
    else {
      const taken = s.source.constant(new Set(Object.values(part.names)));
      codeOfName(s, part.names, value, x);
      if (part.open) s.source.line(`if (${x} === undefined && !${taken}.has(${value})) ${x} = ${value};`);
      s.source.line(`if (${x} === undefined) ${unfit(s, path, `"no name " + String(${value})`)};`);
    }
    const fits = `Number.isInteger(${x}) && ${x} >= 0 && ${x} < ${2 ** size}`;
    s.source.line(`if (!(${fits})) ${unfit(s, path, `String(${x}) + " does not fit ${size} bits"`)};`);
    for (const { from, to, size } of runs)
      s.source.line(`${word} |= (${x} >>> ${to}${size === 32 ? "" : ` & ${2 ** size - 1}`}) << ${from};`);
  }
  store(s, node.picture.length / 8, word);
};

const writeTlv = (s: Scope, node: TlvNode): void => {
  const header = node.type.bytes + node.length.bytes;
  s.source.line(
    "const x = v.value, t = p;",
    `if (p + ${header} > b.length) b = grow(p + ${header});`,
    `p += ${header};`,
  );
  s.source.line("let c;", "switch (v.type) {");
  for (const { name, code, value } of node.cases) {
    s.source.line(`case ${quoted(name)}: {`, `c = ${code};`);
    apart(s, () => write(s, value, "x", quoted(`.${name}`), "x"));
    s.source.line("break;", "}");
  }
  const taken = s.source.constant(new Set(node.cases.map(({ code }) => code)));
  s.source.line('case "unknown": {', "c = v.code;");
  s.source.line(
    `if (!Number.isInteger(c) || c < 0 || c >= ${2 ** (8 * node.type.bytes)} || ${taken}.has(c)) ${unfit(s, '".code"', `String(c) + " is no unknown code"`)};`,
  );
  write(s, { kind: "rest" }, "x", '".unknown"', "x");
  s.source.line("break;", "}", `default: ${unfit(s, '""', `"no name " + String(v.type)`)};`, "}");
  s.source.line(...stored(node.type.bytes, "t", "c"));
  closeLength(s, node.length, `t + ${node.type.bytes}`, `p - t - ${header}`, '""');
  if (node.padTo === 1) return;
  s.source.line(`let pad = (${node.padTo} - (p - t - ${header}) % ${node.padTo}) % ${node.padTo};`);
  s.source.line("if (p + pad > b.length) b = grow(p + pad);", "while (pad-- > 0) b[p++] = 0;");
};

const writeStruct = (s: Scope, node: StructNode): void => {
  const { source } = s;
  const measures = measuresOf(node);
  const opened = node.fields.map(() => "");
  const begun = measures.map(() => "");
  if (measures.some(({ whole }) => whole)) source.line("const p0 = p;");
  node.fields.forEach((field, i) => {
    const at = quoted(`.${field.name}`);
    measures.forEach(({ from }, m) => {
      if (from !== i) return;
      begun[m] = source.fresh("q");
      source.line(`const ${begun[m]} = p;`);
    });
    if (s.room.left === 0) reserveRun(s, node.fields.slice(i));
    if (field.node.kind === "lengthOf") {
      opened[i] = source.fresh("l");
      source.line(`const ${opened[i]} = p;`);
    }
    write(s, field.node, expressionOf(field.node, field.name), at, "v");
    measures.forEach(({ by, to, whole }, m) => {
      const length = node.fields[by]!;
      if (to !== i || length.node.kind !== "lengthOf") return;
      const size = whole ? "p - p0" : `p - ${begun[m]}`;
      closeLength(s, length.node.width, opened[by]!, size, quoted(`.${length.name}`));
    });
  });
};

/** Makes sure at once of all fields of a fixed size that these begin with. */
const reserveRun = (s: Scope, fields: StructNode["fields"]): void => {
  let run = 0;
  let count = 0;
  for (const { node } of fields) {
    const size = fixedBytes(node);
    if (size === undefined) break;
    run += size;
    count++;
  }
  if (count < 2) return;
  s.source.line(`if (p + ${run} > b.length) b = grow(p + ${run});`);
  s.room.left = run;
};
const expressionOf = (node: Node, name: string): string =>
  node.kind === "constant" || node.kind === "lengthOf" ? "undefined" : `v[${quoted(name)}]`;
