/** The tree that a description is made of, as its readers see it. Only this room looks inside. */

export interface UintNode {
  readonly kind: "uint";
  readonly bytes: 1 | 2 | 3 | 4 | 8 | 16;
  readonly signed: boolean;
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  /** How people are shown it, where that is not a decimal number. No reader or writer of bytes looks at it. */
  readonly shown?: "ntp" | "hex";
}
/** Which fields a length counts. */
export type Bound = ReadonlyArray<string> | "after" | "whole";
export interface Part {
  readonly name: string;
  readonly letter: string;
  readonly names: Readonly<Record<string, number>> | undefined;
  readonly flag: boolean;
  readonly open: boolean;
}
export interface Arm {
  readonly name: string;
  readonly code: number;
  readonly value: Node;
}
export interface Field {
  readonly name: string;
  readonly node: Node;
}
export interface StructNode {
  readonly kind: "struct";
  readonly name: string;
  readonly spec: string;
  readonly fields: ReadonlyArray<Field>;
}
export interface TlvNode {
  readonly kind: "tlv";
  readonly name: string;
  readonly spec: string;
  readonly padTo: number;
  readonly type: UintNode;
  readonly length: UintNode;
  readonly cases: ReadonlyArray<Arm>;
}
export interface SelectNode {
  readonly kind: "select";
  readonly on: string;
  readonly via: ((value: never) => string | undefined) | undefined;
  readonly cases: Readonly<Record<string, Node>>;
  readonly otherwise: Node | undefined;
}
export interface BitsNode {
  readonly kind: "bits";
  readonly picture: string;
  readonly parts: ReadonlyArray<Part>;
}
export interface EnumerationNode {
  readonly kind: "enumeration";
  readonly width: UintNode;
  readonly names: Readonly<Record<string, number>>;
  readonly open: boolean;
}
export interface LengthOfNode {
  readonly kind: "lengthOf";
  readonly of: Bound;
  readonly width: UintNode;
}

export type Node =
  | UintNode
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "rest" }
  | { readonly kind: "boolean" }
  | { readonly kind: "text"; readonly max: number }
  | { readonly kind: "opaque"; readonly prefix: UintNode; readonly min: number; readonly max: number }
  | { readonly kind: "textVector"; readonly prefix: UintNode; readonly min: number; readonly max: number }
  | {
      readonly kind: "vector";
      readonly prefix: UintNode;
      readonly item: Node;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: "list"; readonly item: Node }
  | { readonly kind: "opaqueOf"; readonly prefix: UintNode; readonly inner: Node; readonly max: number }
  | EnumerationNode
  | { readonly kind: "constant"; readonly width: UintNode; readonly value: number | bigint }
  | LengthOfNode
  | { readonly kind: "optional"; readonly inner: Node }
  | SelectNode
  | { readonly kind: "firstBit"; readonly zero: Node; readonly one: Node }
  | BitsNode
  | TlvNode
  | {
      readonly kind: "tagged";
      readonly code: number;
      readonly inner: Node;
      readonly type: UintNode;
      readonly length: UintNode;
    }
  | StructNode;
