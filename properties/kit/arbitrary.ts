/**
 * A description read as a generator of values, for fast-check. It makes what the codec can say: names and numbers without a
 * name, every arm of every select.
 *
 *   arbitraryOf(wire)     small things mostly, limits now and then
 *   boundariesOf(wire)    limits mostly: the least and the greatest integers, lengths at and beside their bounds (leaves.ts)
 */
import fc from "fast-check";
import { encode, type Wire } from "../../codecs/wire/mod.ts";
import type { BitsNode, Node, Part, SelectNode, StructNode, TlvNode } from "../../codecs/wire/node.ts";
import { type Leaves, limitsLeaves, smallLeaves } from "./leaves.ts";

/** Values of a description: small things mostly, limits now and then. */
export const arbitraryOf = <A>(wire: Wire<A>): fc.Arbitrary<A> => valuesBy(smallLeaves)(wire.node);
/** Values of a description at its limits: the least and the greatest integers, lengths at and beside their bounds. */
export const boundariesOf = <A>(wire: Wire<A>): fc.Arbitrary<A> => valuesBy(limitsLeaves)(wire.node);

const record = (fields: Record<string, fc.Arbitrary<any>>): fc.Arbitrary<any> =>
  fc.record(fields, { noNullPrototype: true });

type ValuesOf = (node: Node) => fc.Arbitrary<any>;
type Of<K extends Node["kind"]> = (node: Extract<Node, { readonly kind: K }>) => fc.Arbitrary<any>;

const valuesBy = (leaves: Leaves): ValuesOf => {
  const valuesOf: ValuesOf = (node) => (generators[node.kind] as ValuesOf)(node);
  const fitting = (node: Node, max: number, values: fc.Arbitrary<any>) =>
    max < leaves.sizeCheckedBelow ? values.filter(fits(node, max)) : values;
  const generators: { readonly [K in Node["kind"]]: Of<K> } = {
    uint: (node) => leaves.integers(node),
    bytes: ({ size }) => fc.uint8Array({ minLength: size, maxLength: size }),
    rest: () => leaves.octets(0, Number.POSITIVE_INFINITY),
    boolean: () => fc.boolean(),
    text: ({ max }) => leaves.texts(0, max),
    opaque: ({ min, max }) => leaves.octets(min, max),
    textVector: ({ min, max }) => leaves.texts(min, max),
    vector: (node) => {
      const items = leaves.items(valuesOf(node.item), node.min === 0 ? 0 : 1);
      const isChecked = node.min > 0 || node.max < leaves.sizeCheckedBelow;
      return isChecked ? items.filter(fits(node, node.max + node.prefix.bytes)) : items;
    },
    list: ({ item }) => leaves.items(valuesOf(item), 0),
    opaqueOf: ({ inner, max }) => fitting(inner, max, valuesOf(inner)),
    enumeration: ({ names, open, width }) =>
      named(names, open ? Number(width.max ?? 2 ** (8 * width.bytes) - 1) : undefined),
    constant: () => fc.constant(undefined),
    lengthOf: () => fc.constant(undefined),
    optional: ({ inner }) => valuesOf(inner),
    select: () => fc.constant(undefined), // made by its struct, which knows what it is chosen by
    firstBit: ({ zero, one }) => fc.oneof(valuesOf(zero), valuesOf(one)),
    bits: (node) => words(node),
    tlv: (node) => tlvs(node, valuesOf, leaves),
    tagged: ({ inner }) => valuesOf(inner),
    struct: (node) => structs(node, valuesOf, leaves),
  };
  return valuesOf;
};

const fits =
  (node: Node, max: number) =>
  (value: unknown): boolean => {
    try {
      return encode({ node }, value).length <= max;
    } catch {
      return false;
    }
  };

const named = (names: Readonly<Record<string, number>>, openTo: number | undefined): fc.Arbitrary<string | number> => {
  const known = fc.constantFrom(...Object.keys(names));
  if (openTo === undefined) return known;
  const codes = new Set(Object.values(names));
  const others = fc.integer({ min: 0, max: openTo }).filter((code) => !codes.has(code));
  return Object.keys(names).length === 0 ? others : codes.size > openTo ? known : fc.oneof(known, others);
};

const words = ({ picture, parts }: BitsNode): fc.Arbitrary<any> => {
  const sizeOf = (letter: string) => [...picture].filter((sign) => sign === letter).length;
  const valuesOfPart = ({ letter, names, flag, open }: Part): fc.Arbitrary<any> => {
    const max = 2 ** sizeOf(letter) - 1;
    if (flag) return fc.boolean();
    return names === undefined ? fc.integer({ min: 0, max }) : named(names, open ? max : undefined);
  };
  return record(Object.fromEntries(parts.map((part) => [part.name, valuesOfPart(part)])));
};

const tlvs = ({ cases, type }: TlvNode, valuesOf: ValuesOf, leaves: Leaves): fc.Arbitrary<any> => {
  const codes = new Set(cases.map(({ code }) => code));
  const known = cases.map(({ name, value }) => valuesOf(value).map((value) => ({ type: name, value })));
  const unknown = record({
    type: fc.constant("unknown"),
    code: fc.integer({ min: 0, max: 2 ** (8 * type.bytes) - 1 }).filter((code) => !codes.has(code)),
    value: leaves.octets(0, Number.POSITIVE_INFINITY),
  });
  return fc.oneof(...known, unknown);
};

const structs = (node: StructNode, valuesOf: ValuesOf, leaves: Leaves): fc.Arbitrary<any> => {
  const shown = node.fields.filter(({ node }) => node.kind !== "constant" && node.kind !== "lengthOf");
  const selects = shown.filter((field) => field.node.kind === "select");
  const plain = shown.filter(({ node }) => node.kind !== "select" && node.kind !== "optional");
  const base = record(Object.fromEntries(plain.map(({ name, node }) => [name, valuesOf(node)])));
  const chosen = base.chain((value) =>
    record(Object.fromEntries(selects.map(({ name, node }) => [name, valuesOf(armOf(node as SelectNode, value))]))).map(
      (arms) => ({ ...value, ...arms }),
    ),
  );
  const whole = withOptionals(node, chosen, valuesOf);
  const narrow = node.fields.some(
    ({ node }) => node.kind === "lengthOf" && 2 ** (8 * node.width.bytes) < leaves.sizeCheckedBelow,
  );
  return narrow ? whole.filter(fits(node, Number.POSITIVE_INFINITY)) : whole;
};

/** The optional fields come last, and the second only with the first. */
const withOptionals = (node: StructNode, base: fc.Arbitrary<any>, valuesOf: ValuesOf): fc.Arbitrary<any> =>
  node.fields
    .filter((field) => field.node.kind === "optional")
    .reduceRight<fc.Arbitrary<any>>((later, { name, node }) => {
      return fc.option(
        fc.tuple(valuesOf(node), later).map(([value, more]) => ({ [name]: value, ...more })),
        { nil: {} },
      );
    }, fc.constant({}))
    .chain((optionals) => base.map((value) => ({ ...value, ...optionals })));

/** The arm that a select has for the struct `value`, of which the field it is chosen by is read already. */
export const armOf = ({ on, via, cases, otherwise }: SelectNode, value: any): Node => {
  const found = on.split(".").reduce((whole, part) => whole[part], value);
  const key = via === undefined ? found : via(found as never);
  const arm = (Object.hasOwn(cases, key) ? cases[key] : undefined) ?? otherwise;
  if (arm === undefined) throw new Error(`no arm for ${key}: give wireLaws an arbitrary that avoids it`);
  return arm;
};
