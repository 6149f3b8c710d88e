/**
 * A description read as a generator of values, for fast-check. It makes what the codec can say: small things mostly,
 * limits now and then, names and numbers without a name, every arm of every select.
 */
import fc from "fast-check";
import { encode, type Wire } from "../../codecs/wire/mod.ts";
import type { BitsNode, Node, Part, SelectNode, StructNode, TlvNode, UintNode } from "../../codecs/wire/node.ts";

const ITEMS_MAX = 4;
const OCTETS_MAX = 64;
const CHARACTERS_MAX = 20;
// Lists of lists under a one-byte length may grow past it; under two bytes they cannot.
const SIZE_CHECKED_BELOW = 4_096;

export const arbitraryOf = <A>(wire: Wire<A>): fc.Arbitrary<A> => valuesOf(wire.node);

const record = (fields: Record<string, fc.Arbitrary<any>>): fc.Arbitrary<any> =>
  fc.record(fields, { noNullPrototype: true });

type Of<K extends Node["kind"]> = (node: Extract<Node, { readonly kind: K }>) => fc.Arbitrary<any>;
const valuesOf = (node: Node): fc.Arbitrary<any> => (generators[node.kind] as (node: Node) => fc.Arbitrary<any>)(node);

const generators: { readonly [K in Node["kind"]]: Of<K> } = {
  uint: (node) => integers(node),
  bytes: ({ size }) => fc.uint8Array({ minLength: size, maxLength: size }),
  rest: () => fc.uint8Array({ maxLength: OCTETS_MAX }),
  boolean: () => fc.boolean(),
  text: ({ max }) => texts(0, max),
  opaque: ({ min, max }) => fc.uint8Array({ minLength: min, maxLength: Math.max(min, Math.min(max, OCTETS_MAX)) }),
  textVector: ({ min, max }) => texts(min, max),
  vector: ({ item, min, max, prefix }) => {
    const minLength = min === 0 ? 0 : 1;
    const items = fc.array(valuesOf(item), { minLength, maxLength: ITEMS_MAX });
    const overhead = prefix.bytes;
    const all: Node = { kind: "vector", item, min, max, prefix };
    return min > 0 || max < SIZE_CHECKED_BELOW ? items.filter(fits(all, max + overhead)) : items;
  },
  list: ({ item }) => fc.array(valuesOf(item), { maxLength: ITEMS_MAX }),
  opaqueOf: ({ inner, max }) => (max < SIZE_CHECKED_BELOW ? valuesOf(inner).filter(fits(inner, max)) : valuesOf(inner)),
  enumeration: ({ names, open, width }) =>
    named(names, open ? Number(width.max ?? 2 ** (8 * width.bytes) - 1) : undefined),
  constant: () => fc.constant(undefined),
  lengthOf: () => fc.constant(undefined),
  optional: ({ inner }) => valuesOf(inner),
  select: () => fc.constant(undefined), // made by its struct, which knows what it is chosen by
  firstBit: ({ zero, one }) => fc.oneof(valuesOf(zero), valuesOf(one)),
  bits: (node) => words(node),
  tlv: (node) => tlvs(node),
  tagged: ({ inner }) => valuesOf(inner),
  struct: (node) => structs(node),
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

const integers = ({ bytes, signed, min, max }: UintNode): fc.Arbitrary<number | bigint> => {
  if (bytes > 4) return fc.bigInt({ min: BigInt(min ?? 0), max: BigInt(max ?? 2n ** BigInt(8 * bytes) - 1n) });
  const [least, most] = signed ? [-(2 ** (8 * bytes - 1)), 2 ** (8 * bytes - 1) - 1] : [0, 2 ** (8 * bytes) - 1];
  return fc.integer({ min: Number(min ?? least), max: Number(max ?? most) });
};

const texts = (min: number, max: number): fc.Arbitrary<string> => {
  const ascii = fc.string({
    unit: "binary-ascii",
    minLength: min,
    maxLength: Math.max(min, Math.min(max, CHARACTERS_MAX)),
  });
  if (max < 4 * Math.max(min, 1)) return ascii;
  const any = fc.string({
    unit: "binary",
    minLength: min,
    maxLength: Math.max(min, Math.min(max >> 2, CHARACTERS_MAX)),
  });
  return fc.oneof(ascii, any);
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

const tlvs = ({ cases, type }: TlvNode): fc.Arbitrary<any> => {
  const codes = new Set(cases.map(({ code }) => code));
  const known = cases.map(({ name, value }) => valuesOf(value).map((value) => ({ type: name, value })));
  const unknown = record({
    type: fc.constant("unknown"),
    code: fc.integer({ min: 0, max: 2 ** (8 * type.bytes) - 1 }).filter((code) => !codes.has(code)),
    value: fc.uint8Array({ maxLength: OCTETS_MAX }),
  });
  return fc.oneof(...known, unknown);
};

const structs = (node: StructNode): fc.Arbitrary<any> => {
  const shown = node.fields.filter(({ node }) => node.kind !== "constant" && node.kind !== "lengthOf");
  const selects = shown.filter((field) => field.node.kind === "select");
  const plain = shown.filter(({ node }) => node.kind !== "select" && node.kind !== "optional");
  const base = record(Object.fromEntries(plain.map(({ name, node }) => [name, valuesOf(node)])));
  const chosen = base.chain((value) =>
    record(Object.fromEntries(selects.map(({ name, node }) => [name, valuesOf(armOf(node as SelectNode, value))]))).map(
      (arms) => ({ ...value, ...arms }),
    ),
  );
  const whole = withOptionals(node, chosen);
  const narrow = node.fields.some(({ node }) => node.kind === "lengthOf" && node.width.bytes === 1);
  return narrow ? whole.filter(fits(node, Number.POSITIVE_INFINITY)) : whole;
};

/** The optional fields come last, and the second only with the first. */
const withOptionals = (node: StructNode, base: fc.Arbitrary<any>): fc.Arbitrary<any> =>
  node.fields
    .filter((field) => field.node.kind === "optional")
    .reduceRight<fc.Arbitrary<any>>((later, { name, node }) => {
      return fc.option(
        fc.tuple(valuesOf(node), later).map(([value, more]) => ({ [name]: value, ...more })),
        { nil: {} },
      );
    }, fc.constant({}))
    .chain((optionals) => base.map((value) => ({ ...value, ...optionals })));

const armOf = ({ on, via, cases, otherwise }: SelectNode, value: any): Node => {
  const found = on.split(".").reduce((whole, part) => whole[part], value);
  const key = via === undefined ? found : via(found as never);
  const arm = (Object.hasOwn(cases, key) ? cases[key] : undefined) ?? otherwise;
  if (arm === undefined) throw new Error(`no arm for ${key}: give wireLaws an arbitrary that avoids it`);
  return arm;
};
