/**
 * A message as the pieces that it is written of, so that one of them can be damaged and the rest stay as they should be.
 * DECISIONS.md D-259.
 *
 *   piecesOf(wire, value) --> tree of pieces --> bytesOf --> the bytes that `encode` gives
 *
 * Lengths are counted when the bytes are made: an item that stands twice is counted twice. A length that is to lie, and bytes
 * that are to be missing, are marked at their piece. Each message's law holds the bytes against those of `encode`.
 */
import { encode, type Wire } from "../../codecs/wire/mod.ts";
import type { Field, Node, StructNode, TlvNode, UintNode } from "../../codecs/wire/node.ts";
import { labelOf, measuresOf } from "../../codecs/wire/source.ts";
import { armOf } from "./arbitrary.ts";

interface Common {
  /** A field's path, as errors name it. */
  readonly at: string;
  /** So many bytes of its end are missing, which no length knows of. */
  cutBytes?: number;
}
export interface Leaf extends Common {
  readonly kind: "leaf";
  bytes: Uint8Array;
  /** The numbers that have a meaning here, where only some have. */
  readonly codes?: ReadonlySet<number>;
}
export interface Length extends Common {
  readonly kind: "length";
  readonly width: UintNode;
  readonly of: ReadonlyArray<Piece>;
  /** What it says instead of the truth. */
  lie?: (truth: number, max: number) => number;
}
export interface Group extends Common {
  readonly kind: "group";
  readonly parts: Array<Piece>;
  /** Its parts are items of a list, each whole by itself. */
  readonly isList?: true;
}
interface Padding extends Common {
  readonly kind: "padding";
  readonly to: number;
  readonly of: Piece;
}
export type Piece = Leaf | Length | Group | Padding;

export const piecesOf = <A>(wire: Wire<A>, value: A): Piece => pieceOf(wire.node, value, labelOf(wire.node));

export const bytesOf = (piece: Piece): Uint8Array => {
  const bytes = wholeOf(piece);
  return piece.cutBytes === undefined ? bytes : bytes.subarray(0, Math.max(0, bytes.length - piece.cutBytes));
};

/** The piece and all within it. */
export const allPieces = (piece: Piece): ReadonlyArray<Piece> =>
  piece.kind === "group" ? [piece, ...piece.parts.flatMap(allPieces)] : [piece];

export const largestOf = ({ bytes, max }: UintNode): number => Number(max ?? 2 ** (8 * bytes) - 1);

const wholeOf = (piece: Piece): Uint8Array => {
  switch (piece.kind) {
    case "leaf":
      return piece.bytes;
    case "length": {
      const truth = piece.of.reduce((sum, one) => sum + sizeOf(one), 0);
      const max = 2 ** (8 * piece.width.bytes) - 1;
      return numberBytes(piece.lie === undefined ? truth : piece.lie(truth, max), piece.width.bytes);
    }
    case "group":
      return joined(piece.parts.map(bytesOf));
    case "padding":
      return new Uint8Array(sizeOf(piece));
  }
};

/** As lengths count it: without what is missing. */
const sizeOf = (piece: Piece): number => {
  switch (piece.kind) {
    case "leaf":
      return piece.bytes.length;
    case "length":
      return piece.width.bytes;
    case "group":
      return piece.parts.reduce((sum, one) => sum + sizeOf(one), 0);
    case "padding":
      return (piece.to - (sizeOf(piece.of) % piece.to)) % piece.to;
  }
};

/** The most significant byte first; of a number that is too large, its low bytes. */
export const numberBytes = (value: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * (bytes - 1 - i))) % 256);

const joined = (all: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(all.reduce((sum, one) => sum + one.length, 0));
  let to = 0;
  for (const one of all) {
    bytes.set(one, to);
    to += one.length;
  }
  return bytes;
};

const pieceOf = (node: Node, value: any, at: string): Piece => {
  const group = (...parts: Array<Piece>): Group => ({ kind: "group", at, parts });
  const list = (item: Node): Group => ({
    kind: "group",
    at,
    parts: value.map((one: unknown, i: number) => pieceOf(item, one, `${at}[${i}]`)),
    isList: true,
  });
  const prefixed = (width: UintNode, of: Piece): Group => group({ kind: "length", at, width, of: [of] }, of);
  switch (node.kind) {
    case "opaque":
      return prefixed(node.prefix, { kind: "leaf", at, bytes: value.slice() });
    case "textVector":
      return prefixed(node.prefix, { kind: "leaf", at, bytes: new TextEncoder().encode(value) });
    case "vector":
      return prefixed(node.prefix, list(node.item));
    case "list":
      return list(node.item);
    case "opaqueOf":
      return prefixed(node.prefix, pieceOf(node.inner, value, at));
    case "optional":
      return value === undefined ? group() : pieceOf(node.inner, value, at);
    case "firstBit":
      return pieceOf(isWrittenBy(node.zero, value) ? node.zero : node.one, value, at);
    case "tagged": {
      const inner = pieceOf(node.inner, value, at);
      return group(codeOf(at, node.code, node.type, [node.code]), ...prefixed(node.length, inner).parts);
    }
    case "tlv":
      return tlvOf(node, value, at);
    case "struct":
      return structOf(node, value, at);
    case "enumeration":
      return { kind: "leaf", at, bytes: encode({ node }, value), codes: new Set(Object.values(node.names)) };
    case "constant":
      return { kind: "leaf", at, bytes: encode({ node }, value), codes: new Set([Number(node.value)]) };
    case "select":
    case "lengthOf":
      throw new Error(`${at}: made by its struct`);
    default:
      return { kind: "leaf", at, bytes: encode({ node }, value) };
  }
};

const codeOf = (at: string, code: number, width: UintNode, codes: Iterable<number>): Leaf => ({
  kind: "leaf",
  at,
  bytes: numberBytes(code, width.bytes),
  codes: new Set(codes),
});

const tlvOf = ({ cases, type, length, padTo }: TlvNode, value: any, at: string): Group => {
  const arm = cases.find(({ name }) => name === value.type);
  const path = `${at}.${value.type}`;
  const inner: Piece =
    arm === undefined ? { kind: "leaf", at: path, bytes: value.value.slice() } : pieceOf(arm.value, value.value, path);
  const codes = cases.map(({ code }) => code);
  return {
    kind: "group",
    at,
    parts: [
      codeOf(at, arm?.code ?? value.code, type, codes),
      { kind: "length", at: path, width: length, of: [inner] },
      inner,
      { kind: "padding", at: path, to: padTo, of: inner },
    ],
  };
};

const structOf = (node: StructNode, value: any, at: string): Group => {
  const parts: Array<Piece> = [];
  const measured = new Map<number, Array<Piece>>(measuresOf(node).map(({ by }) => [by, []]));
  node.fields.forEach((field, i) => {
    const path = `${at}.${field.name}`;
    const part: Piece =
      field.node.kind === "lengthOf"
        ? { kind: "length", at: path, width: field.node.width, of: measured.get(i)! }
        : pieceOf(chosen(field, value), value[field.name], path);
    parts.push(part);
  });
  for (const { by, from, to, whole } of measuresOf(node)) {
    const counted = whole ? parts.slice(0, to + 1) : parts.slice(from, to + 1);
    measured.get(by)!.push(...counted);
  }
  return { kind: "group", at, parts };
};
const chosen = ({ node }: Field, value: any): Node => (node.kind === "select" ? armOf(node, value) : node);

const isWrittenBy = (node: Node, value: unknown): boolean => {
  try {
    encode({ node }, value);
    return true;
  } catch {
    return false;
  }
};
