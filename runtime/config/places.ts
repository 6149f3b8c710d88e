/** Where in the file each value stands: a second reading, by a parser that keeps places, when one has to be named. */
import { type AST, parseTOML } from "toml-eslint-parser";

export type Path = ReadonlyArray<string | number>;

export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface Places {
  /** Of the value, or of the key where that is what is wrong; else of the nearest table around it. */
  readonly of: (path: Path, what?: "value" | "key") => Place | undefined;
}

export const placesIn = (text: string): Places => {
  const tree = treeOf(text);
  if (tree === undefined) return { of: () => undefined };
  const values = new Map<string, Place>();
  const keys = new Map<string, Place>();
  const put = (into: Map<string, Place>, path: Path, node: AST.TOMLNode): void => {
    const at = nameOf(path);
    if (!into.has(at)) into.set(at, { line: node.loc.start.line, column: node.loc.start.column + 1 });
  };
  const value = (path: Path, node: AST.TOMLContentNode): void => {
    put(values, path, node);
    if (node.type === "TOMLArray") node.elements.forEach((element, i) => value([...path, i], element));
    if (node.type === "TOMLInlineTable") for (const pair of node.body) pairOf(path, pair);
  };
  const pairOf = (path: Path, { key, value: node }: AST.TOMLKeyValue): void => {
    const names = key.keys.map(partOf);
    names.forEach((_, i) => put(keys, [...path, ...names.slice(0, i + 1)], key.keys[i]!));
    value([...path, ...names], node);
  };
  for (const node of tree.body[0].body) {
    if (node.type === "TOMLKeyValue") pairOf([], node);
    else {
      node.resolvedKey.forEach((_, i) => put(keys, node.resolvedKey.slice(0, i + 1), node.key));
      for (const pair of node.body) pairOf(node.resolvedKey, pair);
    }
  }
  return {
    of: (path, what = "value") => {
      for (let length = path.length; length > 0; length--) {
        const at = nameOf(path.slice(0, length));
        const found = what === "value" ? (values.get(at) ?? keys.get(at)) : (keys.get(at) ?? values.get(at));
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
};

/** Undefined where the two parsers do not agree what TOML is: a mistake without its place is better than none. */
const treeOf = (text: string): AST.TOMLProgram | undefined => {
  try {
    return parseTOML(text, { tomlVersion: "1.1" });
  } catch {
    return undefined;
  }
};

const nameOf = (path: Path): string => JSON.stringify(path);

const partOf = (part: AST.TOMLBare | AST.TOMLQuoted): string => (part.type === "TOMLBare" ? part.name : part.value);
