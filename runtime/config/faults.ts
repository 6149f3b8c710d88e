/** What is wrong with a configuration: where, what stands there, and what would be right. */
import type { SchemaIssue } from "effect";
import type { Path, Places } from "./places.ts";
import { keysAt, TABLE_NAMES } from "./schema.ts";

export interface ConfigFault {
  /** `vipr.toml`, or the option. */
  readonly where: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** `trunk[0].plus`; empty where the file is no TOML. */
  readonly key: string;
  /** One sentence. */
  readonly why: string;
}

/** More are not looked for. */
export const FAULTS_MAX = 100;

export const faultText = ({ where, line, column, key, why }: ConfigFault): string =>
  `${where}${line === undefined ? "" : `:${line}:${column}`}: ${key === "" ? "" : `${key}: `}${why}`;

export const keyText = (path: Path): string =>
  path.map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${part}`)).join("");

/** Before it has a place. */
export interface Finding {
  readonly path: Path;
  readonly what: "value" | "key";
  readonly why: string;
}

/** Each leaf of Effect's issue, in our words; a value that several checks refuse, once. */
export const findingsOf = (issue: SchemaIssue.Issue, raw: unknown): ReadonlyArray<Finding> => {
  const findings = new Map<string, Finding>();
  for (const { path, leaf } of leavesOf(issue, [])) {
    const finding = findingOf(path, leaf, raw);
    findings.set(`${keyText(path)} ${finding.why}`, finding);
  }
  return [...findings.values()];
};

const findingOf = (path: Path, leaf: SchemaIssue.Issue, raw: unknown): Finding => {
  if (leaf._tag === "UnexpectedKey") return { path, what: "key", why: unknownKey(path) };
  if (leaf._tag === "MissingKey") return { path, what: "key", why: `is missing: ${wantAt(path)}` };
  return { path, what: "value", why: `wants ${wantAt(path)}, not ${shown(path, valueAt(raw, path))}` };
};

const leavesOf = (
  issue: SchemaIssue.Issue,
  path: Path,
): ReadonlyArray<{ readonly path: Path; readonly leaf: SchemaIssue.Issue }> => {
  switch (issue._tag) {
    case "Pointer":
      return leavesOf(issue.issue, [
        ...path,
        ...issue.path.map((part) => (typeof part === "number" ? part : String(part))),
      ]);
    case "Composite":
      return issue.issues.flatMap((one) => leavesOf(one, path));
    case "Encoding":
    case "Filter":
      return leavesOf(issue.issue, path);
    default:
      return [{ path, leaf: issue }];
  }
};

/** What the nearest key above the path takes. */
const wantAt = (path: Path): string => {
  const depth = depthOf(path);
  const key = keysAt(path.slice(0, depth === 0 ? 0 : 1))?.[String(path[depth])];
  if (key !== undefined) return (path.length > depth + 1 ? key.kind.each?.kind : key.kind)?.want ?? key.kind.want;
  return path[0] === "trunk" ? "[[trunk]] with its keys" : `[${path[0]}] with its keys`;
};

/** Where in a path the name of a key stands. */
const depthOf = (path: Path): number => {
  if (!TABLE_NAMES.includes(String(path[0]))) return 0;
  return path[0] === "trunk" ? 2 : 1;
};

const valueAt = (raw: unknown, path: Path): unknown =>
  path.reduce<unknown>((at, part) => (at as Readonly<Record<string, unknown>> | undefined)?.[part], raw);

const SHOWN_CHARS_MAX = 60;
/** Where somebody may have written a secret itself. */
const SECRET = /password|passwd|secret|token|credential/i;

const SECRET_IN_URL = /\/\/[^/@]*:[^/@]*@|[?&](password|passwd)=/i;

const shown = (path: Path, value: unknown): string => {
  if (path.some((part) => SECRET.test(String(part)))) return "what stands there";
  // JSON has no word for inf and nan, which TOML has.
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  if (SECRET_IN_URL.test(text)) return "what stands there";
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
};
export const shownValue = shown;

const unknownKey = (path: Path): string => {
  const depth = depthOf(path);
  const name = String(path.at(-1));
  const isTop = path.length === 1;
  const known = isTop
    ? [...Object.keys(keysAt([])!), ...TABLE_NAMES]
    : Object.keys(keysAt(path.slice(0, 1)) ?? {}).filter(() => path.length === depth + 1);
  if (SECRET.test(name) && known.includes(`${name}-file`))
    return `there is no such key: a secret stands in a file of its own, ${name}-file, or in the environment`;
  const near = nearest(name, known);
  if (near !== undefined) return `there is no such key; did you mean ${near}?`;
  return known.length === 0 ? "there is no such key" : `there is no such key; there are ${known.join(", ")}`;
};

/** Of at most a third of its letters apart. */
const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  const [best] = known
    .map((one) => ({ one, apart: apart(name.toLowerCase().replaceAll("_", "-"), one) }))
    .sort((a, b) => a.apart - b.apart);
  return best !== undefined && best.apart <= Math.max(1, Math.floor(best.one.length / 3)) ? best.one : undefined;
};

const NAME_CHARS_MAX = 64;

/** Levenshtein's distance. */
const apart = (a: string, b: string): number => {
  if (a.length > NAME_CHARS_MAX) return a.length;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
};

/** An option's value may be a secret in the wrong place: its key is enough to find it. */
export const optionFault = (option: string, why: string): ConfigFault => {
  return { where: `--set ${option.split("=", 1)[0]}`, line: undefined, column: undefined, key: "", why };
};

/** With its place in the file, or the option that it came from. */
export const placed = (
  { path, what, why }: Finding,
  file: string,
  places: () => Places,
  optionOf: (path: Path) => string | undefined,
): ConfigFault => {
  const option = optionOf(path);
  if (option !== undefined) return optionFault(option, why);
  const key = keyText(path);
  const place = places().of(path, what);
  return { where: file, line: place?.line, column: place?.column, key, why };
};
