/**
 * Messages that are almost valid: each a message of its description with a few pieces damaged, all else as it should be.
 *
 *   value --> pieces --> wrong length | cut | unknown code | item twice | items exchanged | bit flipped | byte added --> bytes
 *
 * A counter-example shrinks to fewer damages and to a smaller message, and stays a message with damages all the while.
 */
import fc from "fast-check";
import type { Wire } from "../../codecs/wire/mod.ts";
import { arbitraryOf, boundariesOf } from "./arbitrary.ts";
import { allPieces, bytesOf, type Group, type Leaf, type Length, numberBytes, type Piece, piecesOf } from "./pieces.ts";

/** A message with deliberate damage: lengths, counts and tags that lie. */
export interface Attack<A> {
  readonly value: A;
  /** What was done to it, and where: `length VapMessage.length: 12, not 8`. */
  readonly damages: ReadonlyArray<string>;
  readonly bytes: Uint8Array;
}

const DAMAGES_MAX = 3;
const SITES_MAX = 1_000;

/** One damage as it is drawn: of which kind, at which of the places where that can be done, and how. */
type Drawn = readonly [kind: keyof typeof damagers, at: number, by: number];

/** Messages of a description with a few pieces damaged, all else as it should be. Shrinks to fewer damages. */
export const attacksOf = <A>(
  wire: Wire<A>,
  values: fc.Arbitrary<A> = fc.oneof(arbitraryOf(wire), boundariesOf(wire)),
): fc.Arbitrary<Attack<A>> => {
  const kinds = Object.keys(damagers) as ReadonlyArray<keyof typeof damagers>;
  const damage = fc.tuple(fc.constantFrom(...kinds), fc.nat(SITES_MAX), fc.nat(255));
  return fc
    .tuple(values, fc.array(damage, { minLength: 1, maxLength: DAMAGES_MAX }))
    .map(([value, drawn]) => damaged(wire, value, drawn));
};

const damaged = <A>(wire: Wire<A>, value: A, drawn: ReadonlyArray<Drawn>): Attack<A> => {
  const root = piecesOf(wire, value);
  const damages = drawn.map(([kind, at, by]) => {
    const { sites, strike } = damagers[kind] as Damager<Piece>;
    const found = allPieces(root).filter(sites);
    const piece = found[at % found.length];
    return piece === undefined ? `${kind}: nowhere` : `${kind} ${piece.at}: ${strike(piece, by)}`;
  });
  return { value, damages, bytes: bytesOf(root) };
};

interface Damager<P extends Piece> {
  readonly sites: (piece: Piece) => piece is P;
  /** Damages the piece; gives what was done. */
  readonly strike: (piece: P, by: number) => string;
}
const damager = <P extends Piece>(sites: (piece: Piece) => piece is P, strike: Damager<P>["strike"]): Damager<P> => ({
  sites,
  strike,
});

const isLeaf = (piece: Piece): piece is Leaf => piece.kind === "leaf" && piece.bytes.length > 0;
const isCode = (piece: Piece): piece is Leaf => isLeaf(piece) && piece.codes !== undefined;
const isLength = (piece: Piece): piece is Length => piece.kind === "length";
const isAny = (piece: Piece): piece is Piece => piece.kind !== "padding";
const isItems = (piece: Piece): piece is Group =>
  piece.kind === "group" && piece.isList === true && piece.parts.length > 0;

/** What a length says: less or more than there is, nothing, as much as it can say. */
const LIES: ReadonlyArray<(truth: number, max: number) => number> = [
  (truth) => truth + 1,
  (truth) => Math.max(0, truth - 1),
  () => 0,
  (_, max) => max,
  (truth) => truth + 4,
  (truth, max) => Math.min(max, 2 * truth),
];

const damagers = {
  length: damager(isLength, (piece, by) => {
    const lie = LIES[by % LIES.length]!;
    piece.lie = lie;
    return ["one more", "one less", "nothing", "the most", "four more", "twice as much"][by % LIES.length]!;
  }),
  cut: damager(isAny, (piece, by) => {
    piece.cutBytes = 1 + (by % 16);
    return `${piece.cutBytes} bytes missing`;
  }),
  code: damager(isCode, (piece, by) => {
    const codes = 2 ** (8 * Math.min(piece.bytes.length, 4));
    let code = by % codes;
    while (piece.codes!.has(code) && piece.codes!.size < codes) code = (code + 1) % codes;
    piece.bytes = numberBytes(code, piece.bytes.length);
    return piece.codes!.has(code) ? `${code}` : `${code}, which has no meaning`;
  }),
  double: damager(isItems, ({ parts }, by) => {
    const at = by % parts.length;
    parts.splice(at, 0, parts[at]!);
    return `item ${at} stands twice`;
  }),
  exchange: damager(isItems, ({ parts }, by) => {
    const at = by % parts.length;
    parts.push(...parts.splice(at, 1));
    return `item ${at} stands last`;
  }),
  flip: damager(isLeaf, (piece, by) => {
    const at = (by >> 3) % piece.bytes.length;
    piece.bytes = piece.bytes.map((byte, i) => (i === at ? byte ^ (1 << (by & 7)) : byte));
    return `bit ${by & 7} of byte ${at} flipped`;
  }),
  extra: damager(isLeaf, (piece, by) => {
    piece.bytes = Uint8Array.from([...piece.bytes, by]);
    return `a byte ${by} added`;
  }),
};
