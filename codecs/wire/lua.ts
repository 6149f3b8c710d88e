/**
 * A description read as Lua, for Wireshark: a table that ./lua-reader.ts reads messages by, and a field for each name in it.
 *
 *   VapMessage --> { kind="struct", fields={ { name="type", of={ kind="bits", ... } }, ... } }
 *              --> ProtoField.uint16("vipr.vap.type.method", "method", base.HEX, { [1]="register", ... })
 *
 * A field is named after its path, without the places in lists: `vipr.vap.attributes.username`. An item of a list is
 * `NAME.item`, a length before a value `NAME.length`, an arm of a select `NAME.ARM`. Only descriptions reach the text, and their
 * names are quoted. Throws for a description of which that cannot be made: two fields of one name, a choice by a function.
 */
import type { Wire } from "./describe.ts";
import type { BitsNode, EnumerationNode, Field, Node, SelectNode, StructNode, TlvNode, UintNode } from "./node.ts";
import { leastBytes, measuresOf, namesByCode, quoted, runsOf } from "./source.ts";

export interface LuaOptions {
  /** What every field's name begins with: `vipr.vap`. */
  readonly prefix: string;
  /** Fields of bytes that another dissector of Wireshark reads, by path: `{ "attributes.serviceContent": "xml" }`. */
  readonly inner?: Readonly<Record<string, string>>;
}
export interface LuaDescription {
  /** The table, an expression. */
  readonly node: string;
  /** The fields that it numbers, from 1: expressions. */
  readonly fields: ReadonlyArray<string>;
  /** What a message's first bytes must be, a table; empty where nothing is fixed. */
  readonly fixed: string;
  readonly fixedBits: number;
}

/** Of a struct. */
export const luaOf = ({ node }: Wire<unknown>, options: LuaOptions): LuaDescription => {
  if (node.kind !== "struct") throw new Error(`a dissector begins with a struct, not with ${node.kind}`);
  const plan = planOf(options);
  const text = structText(plan, node, undefined, options.prefix);
  const { runs, bits } = fixedOf(node);
  return {
    node: text,
    fields: [...plan.fields.values()].map(({ text }) => text),
    fixed: tableOf(runs),
    fixedBits: bits,
  };
};

interface Plan {
  /** By name. */
  readonly fields: Map<string, { readonly index: number; readonly text: string }>;
  readonly fieldOf: (name: string, type: string, ...more: ReadonlyArray<string>) => number;
  readonly innerOf: (name: string) => string | undefined;
}

const planOf = ({ prefix, inner = {} }: LuaOptions): Plan => {
  const fields: Plan["fields"] = new Map();
  return {
    fields,
    fieldOf: (name, type, ...more) => {
      const words = [quoted(name), quoted(name.slice(name.lastIndexOf(".") + 1)), ...more].join(", ");
      const text = `ProtoField.${type}(${words})`;
      const known = fields.get(name);
      if (known !== undefined && known.text !== text) throw new Error(`two fields are ${name}: ${known.text}, ${text}`);
      const index = known?.index ?? fields.size + 1;
      fields.set(name, { index, text });
      return index;
    },
    innerOf: (name) => inner[name.slice(prefix.length + 1)],
  };
};

type Lua = string | number | boolean | undefined;
/** A table of what is defined; values are expressions. */
const record = (entries: Readonly<Record<string, Lua>>): string =>
  `{ ${Object.entries(entries)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join(", ")} }`;
const tableOf = (items: ReadonlyArray<string>): string => `{ ${items.join(", ")} }`;
const byCode = (names: Readonly<Record<string, number>>): string =>
  tableOf([...namesByCode(names)].map(([code, name]) => `[${code}]=${quoted(name)}`));

/** The table of a node whose own field is `own`; what it holds has names that begin with `base`. */
type TextOf<N> = (plan: Plan, node: N, own: string, base: string) => string;
const textOf = (plan: Plan, node: Node, own: string, base: string = own): string =>
  (texts[node.kind] as TextOf<Node>)(plan, node, own, base);

const texts: { readonly [K in Node["kind"]]: TextOf<Extract<Node, { readonly kind: K }>> } = {
  uint: (plan, node, own) => uintText(plan, node, own, node.shown === "hex" ? "base.HEX" : "base.DEC"),
  bytes: (plan, { size }, own) => record({ kind: '"bytes"', size, ...bytesField(plan, own) }),
  rest: (plan, _, own) => record({ kind: '"rest"', ...bytesField(plan, own) }),
  boolean: (plan, _, own) => record({ kind: '"boolean"', f: plan.fieldOf(own, "bool") }),
  text: (plan, { max }, own) => record({ kind: '"text"', most: max, f: plan.fieldOf(own, "string") }),
  opaque: (plan, node, own) => record({ kind: '"opaque"', ...prefixOf(plan, node, own), ...bytesField(plan, own) }),
  textVector: (plan, node, own) =>
    record({ kind: '"textVector"', ...prefixOf(plan, node, own), f: plan.fieldOf(own, "string") }),
  vector: (plan, node, own) =>
    record({ kind: '"vector"', ...prefixOf(plan, node, own), ...itemsOf(plan, node.item, own) }),
  list: (plan, { item }, own) => record({ kind: '"list"', ...itemsOf(plan, item, own) }),
  opaqueOf: (plan, node, own) =>
    record({ kind: '"opaqueOf"', ...prefixOf(plan, { ...node, min: 0 }, own), of: textOf(plan, node.inner, own) }),
  enumeration: (plan, node, own) => enumerationText(plan, node, own),
  constant: (plan, { width, value }, own) =>
    record({
      kind: '"constant"',
      width: uintText(plan, width, own, "base.HEX"),
      value: numberText(width, value),
    }),
  lengthOf: (plan, { width }, own) => uintText(plan, width, own, "base.DEC"),
  optional: (plan, { inner }, own, base) => record({ kind: '"optional"', of: textOf(plan, inner, own, base) }),
  select: (plan, node, own) => selectText(plan, node, own),
  firstBit: (plan, node, own, base) =>
    record({ kind: '"firstBit"', zero: textOf(plan, node.zero, own, base), one: textOf(plan, node.one, own, base) }),
  bits: (plan, node, own) => bitsText(plan, node, own),
  tagged: (plan, node, own) =>
    record({
      kind: '"tagged"',
      code: textOf(plan, { kind: "constant", width: node.type, value: node.code }, `${own}.code`),
      prefix: uintText(plan, node.length, `${own}.length`, "base.DEC"),
      of: textOf(plan, node.inner, own),
    }),
  tlv: (plan, node, own, base) => tlvText(plan, node, own, base),
  struct: (plan, node, own, base) => structText(plan, node, plan.fieldOf(own, "none"), base),
};

const bytesField = (plan: Plan, own: string) => {
  const inner = plan.innerOf(own);
  return { f: plan.fieldOf(own, "bytes"), inner: inner === undefined ? undefined : quoted(inner) };
};

const TYPES = { 1: "int8", 2: "int16", 3: "int24", 4: "int32", 8: "int64", 16: "bytes" } as const;

const uintText = (plan: Plan, node: UintNode, own: string, base: string, ...names: ReadonlyArray<string>): string => {
  const type = node.bytes === 16 || node.signed ? TYPES[node.bytes] : `u${TYPES[node.bytes]}`;
  const f = plan.fieldOf(own, type, ...(node.bytes === 16 ? [] : [node.signed ? "base.DEC" : base, ...names]));
  const isBounded = node.min !== undefined && node.max !== undefined;
  if (isBounded && node.bytes === 16) throw new Error(`${own}: a range of 128 bits`);
  return record({
    kind: '"uint"',
    bytes: node.bytes,
    ...(node.signed ? { signed: true } : {}),
    ...(isBounded ? { min: numberText(node, node.min), max: numberText(node, node.max) } : {}),
    ...(node.shown === undefined ? {} : { shown: quoted(node.shown) }),
    f,
  });
};

/** A number as that field's value is in Lua: of 64 bits an object that compares with its like. */
const numberText = ({ bytes }: UintNode, value: number | bigint): string => {
  if (bytes === 16) throw new Error("a constant of 128 bits");
  return bytes === 8 ? `UInt64.fromhex("${value.toString(16).padStart(16, "0")}")` : `${value}`;
};

const prefixOf = (
  plan: Plan,
  node: { readonly prefix: UintNode; readonly min: number; readonly max: number },
  own: string,
) => ({
  prefix: uintText(plan, node.prefix, `${own}.length`, "base.DEC"),
  least: node.min > 0 ? node.min : undefined,
  most: node.max < 2 ** (8 * node.prefix.bytes) - 1 ? node.max : undefined,
});

const itemsOf = (plan: Plan, item: Node, own: string) => {
  if (leastBytes(item) === 0 && item.kind === "rest") throw new Error(`${own}: a list of items without an end`);
  return { f: plan.fieldOf(own, "none"), item: textOf(plan, item, `${own}.item`, own) };
};

const enumerationText = (plan: Plan, node: EnumerationNode, own: string): string =>
  record({
    kind: '"enumeration"',
    width: uintText(plan, node.width, own, "base.DEC", byCode(node.names)),
    names: byCode(node.names),
    open: node.open,
  });

const selectText = (plan: Plan, node: SelectNode, own: string): string => {
  if (node.via !== undefined) throw new Error(`${own}: a choice by a function`);
  const arms = Object.entries(node.cases).map(([arm, of]) => `[${quoted(arm)}]=${textOf(plan, of, `${own}.${arm}`)}`);
  return record({
    kind: '"select"',
    on: quoted(node.on),
    cases: tableOf(arms),
    otherwise: node.otherwise === undefined ? undefined : textOf(plan, node.otherwise, `${own}.otherwise`),
  });
};

const bitsText = (plan: Plan, node: BitsNode, own: string): string => {
  const width = { kind: "uint", bytes: (node.picture.length / 8) as 1, signed: false } as const;
  const parts = node.parts.map(({ name, letter, names, flag, open }) =>
    record({
      name: quoted(name),
      flag,
      open,
      names: names === undefined ? undefined : byCode(names),
      runs: tableOf(runsOf(node, letter).map((run) => record({ ...run }))),
      f: flag
        ? plan.fieldOf(`${own}.${name}`, "bool")
        : plan.fieldOf(`${own}.${name}`, "uint32", "base.DEC", ...(names === undefined ? [] : [byCode(names)])),
    }),
  );
  return record({
    kind: '"bits"',
    width: uintText(plan, width, own, "base.HEX"),
    fixed: tableOf(fixedRuns(node).map((run) => record({ ...run }))),
    parts: tableOf(parts),
  });
};

const fixedRuns = (node: BitsNode): ReadonlyArray<{ from: number; size: number; value: number }> =>
  ["0", "1"].flatMap((sign) =>
    runsOf(node, sign).map(({ from, size }) => ({ from, size, value: sign === "0" ? 0 : 2 ** size - 1 })),
  );

const tlvText = (plan: Plan, node: TlvNode, own: string, base: string): string => {
  const names = byCode(Object.fromEntries(node.cases.map(({ name, code }) => [name, code])));
  const arms = node.cases.map(
    ({ name, code, value }) =>
      `[${code}]=${record({ name: quoted(name), of: textOf(plan, value, `${base}.${name}`) })}`,
  );
  return record({
    kind: '"tlv"',
    f: plan.fieldOf(own, "none"),
    type: uintText(plan, node.type, `${base}.type`, "base.HEX", names),
    length: uintText(plan, node.length, `${base}.length`, "base.DEC"),
    padTo: node.padTo,
    cases: tableOf(arms),
    unknown: textOf(plan, { kind: "rest" }, `${base}.unknown`),
  });
};

const structText = (plan: Plan, node: StructNode, f: number | undefined, base: string): string => {
  const measures = measuresOf(node);
  const fields = node.fields.map((field: Field, i) => {
    const starting = measures.filter(({ from }) => from === i).sort((a, b) => b.to - a.to || a.by - b.by);
    return record({
      name: quoted(field.name),
      measures: tableOf(starting.map(({ by, to, whole }) => record({ by: by + 1, to: to + 1, whole }))),
      of: textOf(plan, field.node, `${base}.${field.name}`),
    });
  });
  return record({ kind: '"struct"', f, fields: tableOf(fields) });
};

/** Constants and fixed bits of the fields that have their place in every message: by these a stranger's bytes are told apart. */
const fixedOf = ({ fields }: StructNode) => {
  const runs: Array<string> = [];
  let [at, bits] = [0, 0];
  for (const { node } of fields) {
    const bytes = node.kind === "bits" ? node.picture.length / 8 : "width" in node ? node.width.bytes : undefined;
    const size = bytes ?? (node.kind === "uint" ? node.bytes : node.kind === "bytes" ? node.size : undefined);
    if (size === undefined) break;
    if (node.kind === "bits" && fixedRuns(node).length > 0) {
      runs.push(record({ at, bytes: size, runs: tableOf(fixedRuns(node).map((run) => record({ ...run }))) }));
      bits += fixedRuns(node).reduce((sum, run) => sum + run.size, 0);
    }
    if (node.kind === "constant" && size <= 4) {
      const run = record({ from: 0, size: 8 * size, value: Number(node.value) });
      runs.push(record({ at, bytes: size, runs: tableOf([run]) }));
      bits += 8 * size;
    }
    at += size;
  }
  return { runs, bits };
};
