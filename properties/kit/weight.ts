/** What a decoded value takes, counted and not measured, and what of its description says how much that may be. */
import type { Node } from "../../codecs/wire/node.ts";
import { measuresOf } from "../../codecs/wire/source.ts";

/** Its bytes and characters, and one for each value and each name within it. */
export const weightOf = (value: unknown): number => {
  if (value instanceof Uint8Array || typeof value === "string") return 1 + value.length;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, one) => sum + 1 + weightOf(one), 1);
};

/** The parts of a description, three for each (a name, a value, a name of what it is): no byte read makes more of them. */
export const partsOf = (node: Node): number =>
  3 + 3 * within(node).reduce((sum, one) => sum + partsOf(one), 0) + words(node);
const words = (node: Node): number => (node.kind === "bits" ? 3 * node.parts.length : node.kind === "tlv" ? 6 : 0);

/** Every bit of its messages is in the value, or must be as it is: it reads nothing that it would write otherwise. */
export const isExact = (node: Node): boolean => {
  if (node.kind === "bits" && node.picture.includes(".")) return false;
  if (node.kind === "tlv" && node.padTo > 1) return false;
  return within(node).every(isExact);
};

/** Where its messages end is not told by their bytes: what follows would be read as part of them. */
export const isOpenEnded = (node: Node): boolean => {
  switch (node.kind) {
    case "rest":
    case "text":
    case "list":
    case "optional":
      return true;
    case "firstBit":
    case "select":
      return within(node).some(isOpenEnded);
    case "struct": {
      const measures = measuresOf(node);
      return node.fields.some(
        (field, i) => isOpenEnded(field.node) && !measures.some(({ from, to }) => from <= i && i <= to),
      );
    }
    default:
      return false;
  }
};

const within = (node: Node): ReadonlyArray<Node> => {
  switch (node.kind) {
    case "vector":
    case "list":
      return [node.item];
    case "opaqueOf":
    case "optional":
    case "tagged":
      return [node.inner];
    case "firstBit":
      return [node.zero, node.one];
    case "select":
      return [...Object.values(node.cases), ...(node.otherwise === undefined ? [] : [node.otherwise])];
    case "tlv":
      return node.cases.map(({ value }) => value);
    case "struct":
      return node.fields.map(({ node }) => node);
    default:
      return [];
  }
};
