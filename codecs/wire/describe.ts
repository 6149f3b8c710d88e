/**
 * The words a description is written in. A description is data, a finite tree; nothing here reads or writes a byte.
 *
 *   export const Destination = struct("Destination", "RFC 6940 §6.3.2.2", {
 *     type:   enumeration(u8, { node: 1, resource: 2 }),
 *     length: lengthOf("data", u8),
 *     data:   select("type", { node: u128, resource: opaque(u8) }),
 *   });
 *   export type Destination = TypeOf<typeof Destination>;
 *
 * Lengths, constants and reserved fields stand in the description and not in the type. Integers up to 32 bits are
 * `number`, wider ones `bigint`. Several readers share one description: decode, encode, cut, span, draw, arbitraryOf.
 * `struct` itself is in struct.ts.
 */
import type { Arm, Bound, Node, Part, UintNode } from "./node.ts";

declare const Value: unique symbol;

/** A description of values of type A. */
export interface Wire<out A> {
  readonly node: Node;
  readonly [Value]?: A;
}
/** The type of the values that a description is of; `never` for what is no description. */
export type TypeOf<W> = W extends Wire<infer A> ? A : never;

/** An unsigned integer, as itself or as the width of a length, a code or an enumeration. */
export interface Uint<out A extends number | bigint = number | bigint> extends Wire<A> {
  readonly node: UintNode;
}
/** An integer of at most 32 bits, as lengths, codes and enumerations have it. */
export type Width = Uint<number>;

const uint = <A extends number | bigint>(bytes: UintNode["bytes"], signed = false): Uint<A> => ({
  node: { kind: "uint", bytes, signed },
});
/** One byte, 0 to 255. */
export const u8: Uint<number> = uint(1);
/** Two bytes, unsigned, big-endian. */
export const u16: Uint<number> = uint(2);
/** Three bytes, unsigned, big-endian. */
export const u24: Uint<number> = uint(3);
/** Four bytes, unsigned, big-endian. */
export const u32: Uint<number> = uint(4);
/** Eight bytes, unsigned, big-endian, as a bigint. */
export const u64: Uint<bigint> = uint(8);
/** Sixteen bytes, unsigned, big-endian, as a bigint. */
export const u128: Uint<bigint> = uint(16);
/** Four bytes, two's complement, big-endian. */
export const i32: Uint<number> = uint(4, true);

/** The same integer, held to a range the specification gives, both ends included. */
export const within = <A extends number | bigint>(width: Uint<A>, min: NoInfer<A>, max: NoInfer<A>): Uint<A> => ({
  node: { ...width.node, min, max },
});

/** The same integer, which people are shown otherwise: as a time, RFC 5905 §6, or in hexadecimal. */
export const shownAs = <A extends number | bigint>(width: Uint<A>, shown: "ntp" | "hex"): Uint<A> => ({
  node: { ...width.node, shown },
});

/** So many bytes, no length on the wire. */
export const bytes = (size: number): Wire<Uint8Array> => ({ node: { kind: "bytes", size } });
/** All bytes to the end of what bounds them. */
export const rest: Wire<Uint8Array> = { node: { kind: "rest" } };
/** Nothing at all: `{}`. */
export const empty: Wire<{}> = { node: { kind: "struct", name: "empty", spec: "", fields: [] } };
/** One byte, 0 or 1; anything else is malformed. RFC 6940 §6.3.1.1. */
export const boolean: Wire<boolean> = { node: { kind: "boolean" } };
/** UTF-8 to the end of what bounds it, at most so many bytes. */
export const text = (maxBytes: number): Wire<string> => ({ node: { kind: "text", max: maxBytes } });

const largest = (width: Width): number => 2 ** (8 * width.node.bytes) - 1;

/** `opaque x<min..max>`: a length in bytes, then the bytes. The prefix is the bound when no other is given. */
export const opaque = (prefix: Width, max: number = largest(prefix), min = 0): Wire<Uint8Array> => ({
  node: { kind: "opaque", prefix: prefix.node, min, max },
});
/** As `opaque`, where the bytes are UTF-8. */
export const textVector = (prefix: Width, max: number = largest(prefix), min = 0): Wire<string> => ({
  node: { kind: "textVector", prefix: prefix.node, min, max },
});
/** `Item x<min..max>`: a length in bytes, then items. */
export const vector = <A>(
  item: Wire<A>,
  prefix: Width,
  max: number = largest(prefix),
  min = 0,
): Wire<ReadonlyArray<A>> => ({ node: { kind: "vector", prefix: prefix.node, item: item.node, min, max } });
/** Items to the end of what bounds them. */
export const list = <A>(item: Wire<A>): Wire<ReadonlyArray<A>> => ({ node: { kind: "list", item: item.node } });
/** One inner message inside length-prefixed bytes, which it must fill. */
export const opaqueOf = <A>(inner: Wire<A>, prefix: Width, max: number = largest(prefix)): Wire<A> => ({
  node: { kind: "opaqueOf", prefix: prefix.node, inner: inner.node, max },
});

/** A closed set of named numbers: any other is malformed. */
export const enumeration = <const N extends Record<string, number>>(
  width: Width,
  names: N,
): Wire<keyof N & string> => ({
  node: { kind: "enumeration", width: width.node, names, open: false },
});
/** A set of named numbers to which others may be added: those are kept as numbers. */
export const openEnumeration = <const N extends Record<string, number>>(
  width: Width,
  names: N,
): Wire<(keyof N & string) | number> => ({ node: { kind: "enumeration", width: width.node, names, open: true } });

/** A field that exists on the wire and nowhere else. */
export interface Derived extends Wire<never> {
  readonly derived: true;
}
/** Always this value; another is malformed. Reserved fields are constants of 0. */
export const constant = <A extends number | bigint>(width: Uint<A>, value: NoInfer<A>): Derived => ({
  node: { kind: "constant", width: width.node, value },
  derived: true,
});
/**
 * The length in bytes of one or more later, consecutive fields, which are bounded by it and fill it.
 * `after`: of everything that follows in the struct. `whole`: of the whole struct, this length and what precedes it
 * included.
 */
export const lengthOf = (of: string | ReadonlyArray<string>, width: Width): Derived =>
  derivedLength([of].flat(), width);
/** `lengthOf` everything that follows in the struct. */
export const lengthOfAfter = (width: Width): Derived => derivedLength("after", width);
/** `lengthOf` the whole struct, this length and what precedes it included. */
export const lengthOfWhole = (width: Width): Derived => derivedLength("whole", width);
const derivedLength = (of: Bound, width: Width): Derived => ({
  node: { kind: "lengthOf", of, width: width.node },
  derived: true,
});

/** A field that may be missing at the end of its struct, as TLS's extensions may: there when any bytes are left. */
export interface Optional<out A> extends Wire<A> {
  readonly optional: true;
}
/** Makes a field one that may be missing; `struct` throws where one follows that may not. */
export const optional = <A>(inner: Wire<A>): Optional<A> => ({
  node: { kind: "optional", inner: inner.node },
  optional: true,
});

type Cases = Record<string, Wire<any>>;
const nodesOf = (cases: Cases): Record<string, Node> =>
  Object.fromEntries(Object.entries(cases).map(([name, { node }]) => [name, node]));

/** One arm for each value of an earlier field of the same struct. */
export interface Select<On extends string, C extends Cases, O> extends Wire<TypeOf<C[keyof C]> | TypeOf<O>> {
  readonly on: On;
  readonly cases: C;
  readonly otherwise: O;
}
/** `otherwise` (often `rest`) takes every value without an arm of its own. */
export const select = <const On extends string, const C extends Cases, O extends Wire<any> | undefined = undefined>(
  on: On,
  cases: C,
  options?: { readonly otherwise: O },
): Select<On, C, O> => ({
  node: { kind: "select", on, via: undefined, cases: nodesOf(cases), otherwise: options?.otherwise?.node },
  on,
  cases,
  otherwise: options?.otherwise as O,
});
/** As `select`, where the arm is looked up from the field (or from a part of it: `header.kind`) and not named by it. */
export const selectBy = <A, const C extends Cases, O extends Wire<any> | undefined = undefined>(
  on: string,
  via: (value: A) => (keyof C & string) | undefined,
  cases: C,
  options?: { readonly otherwise: O },
): Wire<TypeOf<C[keyof C]> | TypeOf<O>> => ({
  node: { kind: "select", on, via: via as never, cases: nodesOf(cases), otherwise: options?.otherwise?.node },
});
/** Two forms told apart by the first bit. Each must be a struct with a field that the other has not. */
export const byFirstBit = <A, B>(forms: { readonly 0: Wire<A>; readonly 1: Wire<B> }): Wire<A | B> => ({
  node: { kind: "firstBit", zero: forms[0].node, one: forms[1].node },
});

/** The values of a picture's part: a name, a number, or (one bit) a boolean. */
export type PartWords = Record<string, number>;
/** In the place of a part's names: its one bit is a boolean. */
export const flag = "flag" as const;
type PartOf =
  | readonly [letter: string]
  | readonly [letter: string, names: PartWords | typeof flag]
  | readonly [letter: string, names: PartWords, open: "open"];
type PartType<P extends PartOf> = P extends readonly [string, infer N, "open"]
  ? (keyof N & string) | number
  : P extends readonly [string, typeof flag]
    ? boolean
    : P extends readonly [string, infer N]
      ? keyof N & string
      : number;
/**
 * A word of 8, 16, 24 or 32 bits drawn bit by bit: `0` and `1` must be so, `.` is written 0 and not looked at when read,
 * letters are parts, the most significant bit first. `bits("00MMMMMCMMMCMMMM", { method: ["M", methods], … })`.
 */
export const bits = <const P extends Record<string, PartOf>>(
  picture: string,
  parts: P,
): Wire<{ readonly [K in keyof P]: PartType<P[K]> }> => ({
  node: { kind: "bits", picture, parts: partsOf(picture, parts) },
});

const partsOf = (picture: string, parts: Record<string, PartOf>): ReadonlyArray<Part> => {
  must([8, 16, 24, 32].includes(picture.length), `a picture of ${picture.length} bits`);
  const found = Object.entries(parts).map(([name, [letter, names, open]]): Part => {
    must(/^[A-Za-z]$/.test(letter) && picture.includes(letter), `no ${letter} in ${picture}`);
    const words = names === undefined || names === flag ? undefined : names;
    return { name, letter, names: words, flag: names === flag, open: open === "open" };
  });
  for (const sign of picture)
    must("01.".includes(sign) || found.some((part) => part.letter === sign), `no part for ${sign} in ${picture}`);
  return found;
};

type TlvCases = Record<string, readonly [code: number, value: Wire<any>]>;
/** What is not known is kept, and written again as it came. */
export interface Unknown {
  readonly type: "unknown";
  readonly code: number;
  readonly value: Uint8Array;
}
/** Type, length, value, padding: any one of the cases, or unknown. The length counts the value without its padding. */
export const tlv = <const C extends TlvCases>(
  name: string,
  spec: string,
  layout: { readonly padTo?: number; readonly type?: Width; readonly length?: Width },
  cases: C,
): Wire<
  { [K in keyof C & string]: { readonly type: K; readonly value: TypeOf<C[K][1]> } }[keyof C & string] | Unknown
> => ({
  node: {
    kind: "tlv",
    name,
    spec,
    padTo: layout.padTo ?? 1,
    type: (layout.type ?? u16).node,
    length: (layout.length ?? u16).node,
    cases: Object.entries(cases).map(([name, [code, value]]): Arm => ({ name, code, value: value.node })),
  },
});
/** A TLV whose type is known in advance: for lists in which each stands once and in order. The value is the inner one. */
export const tagged = <A>(
  code: number,
  inner: Wire<A>,
  layout: { readonly type?: Width; readonly length?: Width } = {},
): Wire<A> => ({
  node: {
    kind: "tagged",
    code,
    inner: inner.node,
    type: (layout.type ?? u16).node,
    length: (layout.length ?? u16).node,
  },
});

/** A description that cannot work is our own fault, and is told where it is written. */
export const must = (so: boolean, why: string): void => {
  if (!so) throw new Error(`a description cannot have ${why}`);
};
