/** The project's own source as house rules read it: files, imports, and how long its functions are. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export const FLOORS = ["codecs", "machines", "actors", "runtime", "properties"] as const;

export interface Source {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly floor: string;
  /** The folder below the floor; "" for a file of the floor itself. */
  readonly room: string;
  readonly text: string;
}

export const sources: ReadonlyArray<Source> = FLOORS.flatMap((floor) =>
  globSync(`${floor}/**/*.ts`).map((file) => {
    const path = file.replaceAll("\\", "/");
    const parts = path.split("/");
    return { path, floor, room: parts.length > 2 ? parts[1]! : "", text: readFileSync(file, "utf8") };
  }),
);

/** What a file imports or exports from elsewhere, as it stands there; types included. */
export const importsOf = ({ text }: Source): ReadonlyArray<string> =>
  [...text.matchAll(/^\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm)].map(
    (match) => (match[1] ?? match[2])!,
  );

/** The path of the file that an import of another file names; undefined for a package. */
export const fileOf = (source: Source, target: string): string | undefined =>
  target.startsWith(".") ? normalize(join(dirname(source.path), target)).replaceAll("\\", "/") : undefined;

/** Without comments. */
export const codeOf = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");

/** Files that import one another in a circle: each strongly connected set of more than one file. Tarjan's algorithm. */
export const circlesOf = (graph: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<ReadonlyArray<string>> => {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: Array<string> = [];
  const circles: Array<ReadonlyArray<string>> = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file)!);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const file of graph.keys()) if (!index.has(file)) visit(file);
  return circles;
};

export interface FunctionLength {
  readonly path: string;
  /** Of its first line. */
  readonly line: number;
  readonly head: string;
  /** Lines from its head to its closing brace, without those of functions with a body within it. */
  readonly own: number;
  /** With them. */
  readonly lines: number;
}

/** Functions with a body in braces, read by indentation, which the formatter keeps. */
export const functionsOf = ({ path, text }: Source): ReadonlyArray<FunctionLength> => {
  const lines = text.split("\n");
  const indentOf = (line: string) => line.length - line.trimStart().length;
  const found = lines.flatMap((line, at): ReadonlyArray<{ from: number; to: number }> => {
    const opens = /(=> \{|\bfunction\b.*\{|^\s*\)+.*(=>|:.*) \{)$/.test(line) && !/^\s*(\*|\/)/.test(line);
    if (!opens) return [];
    const indent = indentOf(line);
    const to = lines.findIndex((one, i) => i > at && indentOf(one) === indent && one.trimStart().startsWith("}"));
    let from = at;
    if (line.trimStart().startsWith(")"))
      do from -= 1;
      while (from > 0 && indentOf(lines[from]!) > indent);
    return to < 0 ? [] : [{ from, to }];
  });
  return found.map(({ from, to }) => {
    const inner = found.filter((other) => other.from > from && other.to < to);
    const outermost = inner.filter((one) => !inner.some((other) => other.from < one.from && other.to > one.to));
    const nested = outermost.reduce((sum, one) => sum + one.to - one.from, 0);
    return { path, line: from + 1, head: lines[from]!.trim(), own: to - from + 1 - nested, lines: to - from + 1 };
  });
};
