/**
 * The pages of docs/api, from the sources: what each entry of the package exports, with its comment and its head as they are written.
 *
 *   package.json's exports --> a mod.ts --> its `export { ... } from` --> files --> statements at the margin: comment, head
 *
 * The sources are read as text, which is enough since they are formatted by one program: what is exported begins at the margin and
 * what belongs to it does not. So a test can do it in a second; `tsc` wants ten. DECISIONS.md D-341.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";

export interface Exported {
  readonly name: string;
  /** Where it stands. */
  readonly file: string;
  /** Its comment; "" where it has none. */
  readonly doc: string;
  /** A function up to its body, a constant without a value that is long, a type as it stands. */
  readonly head: string;
}

export interface Entry {
  /** As it is imported: `vipr/machines/vap`. */
  readonly specifier: string;
  /** The source file: `machines/vap/mod.ts`. */
  readonly file: string;
  /** The first sentences of that file. */
  readonly about: string;
  readonly names: ReadonlyArray<Exported>;
}

/** Of a type that stands as it is written; of a longer one its fields are named. */
const LINES_MAX = 7;
const HEAD_CHARS_MAX = 600;

interface Statement {
  readonly doc: string;
  readonly text: string;
}

const sources = new Map<string, ReadonlyArray<Statement>>();

/** The statements of a file that begin at its margin, each with the comment above it. */
const statementsOf = (file: string): ReadonlyArray<Statement> => {
  const before = sources.get(file);
  if (before !== undefined) return before;
  const statements: Array<Statement> = [];
  let doc = "";
  let lines: Array<string> = [];
  let isComment = false;
  const end = () => {
    if (lines.length > 0) statements.push({ doc, text: lines.join("\n").trimEnd() });
    if (lines.length > 0) doc = "";
    lines = [];
  };
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (isComment || line.startsWith("/**")) {
      if (!isComment) end();
      doc = isComment ? `${doc}\n${line}` : line;
      isComment = !line.includes("*/");
    } else if (/^(export|import|const|let|interface|type|class|function|abstract|async|declare|if|for)\b/.test(line)) {
      end();
      lines = [line];
    } else if (lines.length > 0) lines.push(line);
    else if (line === "") doc = ""; // the file's own comment
  }
  end();
  sources.set(file, statements);
  return statements;
};

/** The words of a comment: its first paragraph, and of a short one all. */
export const wordsOf = (doc: string): string => {
  const lines = doc
    .replace(/^\/\*\*\s?|\s*\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""));
  while (lines[0]?.trim() === "") lines.shift();
  const end = lines.findIndex((line) => line.trim() === "");
  return (end < 0 ? lines : lines.slice(0, end)).join(" ").replaceAll(/\s+/g, " ").trim();
};

/** Up to the body of a function: the arrow, or the brace, that stands in no bracket. */
const headOf = (text: string): string => {
  const flat = text.replace(/^export (declare |abstract )?/, "");
  if (/^(interface|type) /.test(flat)) return shortened(flat);
  const [, name, takes] =
    /^const (\w+) = Effect\.fn(?:Untraced)?(?:\("[^"]*"\))?\(function\* ?(.*?) \{\n/s.exec(flat) ?? [];
  if (name !== undefined) return oneLine(`const ${name} = ${takes!.replace("Effect.fn.Return<", "Effect<")}`);
  let depth = 0;
  for (let at = 0; at < flat.length; at++) {
    const char = flat[at]!;
    const isArrow = char === "=" && flat[at + 1] === ">";
    if (isArrow && depth === 0) return oneLine(flat.slice(0, at));
    if (char === "{" && depth === 0 && /\)(?:: .*)?\s$|^class .*\s$/s.test(flat.slice(0, at)))
      return oneLine(flat.slice(0, at));
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
  }
  const [, machine] = /^(const \w+(?:: [^=]+)? = \w*[mM]achine(?:Of)?\("\w+", )/.exec(flat) ?? [];
  if (machine !== undefined) return `${machine}...)`;
  const [, named] = /^(const \w+(?:: [^=]+)?) = /.exec(flat) ?? [];
  const whole = oneLine(flat.replace(/;$/, ""));
  return whole.length <= 110 || named === undefined
    ? whole
    : `${oneLine(named)} = ${oneLine(flat.slice(named.length + 3))
        .slice(0, 80)
        .trimEnd()} ...`;
};

const oneLine = (text: string): string => {
  const line = text
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll("( ", "(")
    .replaceAll(/,? \)/g, ")")
    .replace(/ =$/, "")
    .trim();
  return line.length <= HEAD_CHARS_MAX ? line : `${line.slice(0, HEAD_CHARS_MAX)} ...`;
};

/** A long type by its fields, `?` behind those that may be left out, or by the kinds of its union. */
const shortened = (text: string): string => {
  const whole = text.replaceAll(/\breadonly /g, "").replace(/;$/, "");
  if (whole.split("\n").length <= LINES_MAX) return whole;
  const [, start = ""] = /^(.*?)(?: =)?(?: \{)?\n/.exec(text) ?? [];
  const kinds = [...text.matchAll(/^ {2}\| (?:\{ )?(?:\n? *)?(?:readonly type: )?("[^"]+"|\w+)/gm)].map(
    ([, kind]) => kind,
  );
  const typed = [...text.matchAll(/^ {4,6}(?:readonly )?type: ("[^"]+")/gm)].map(([, kind]) => kind);
  const fields = [...text.matchAll(/^ {2}(?:readonly )?(\w+\??)[:(<]/gm)].map(([, field]) => field);
  const [words, opened, closed] = fields.length > 0 ? [fields, " { ", " }"] : [[...kinds, ...typed], " = ", ""];
  return words.length === 0
    ? `${start} ...`
    : folded(`${start}${opened}${words.join(fields.length > 0 ? ", " : " | ")}${closed}`);
};

/** In lines of the width of the sources. */
const folded = (line: string): string => {
  const lines: Array<string> = [];
  for (const word of line.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 118) lines.push(last === undefined ? word : `  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join("\n");
};

const nameOf = ({ text }: Statement): string | undefined =>
  /^export (?:declare |abstract |async )*(?:const|let|function\*?|class|interface|type) (\w+)/.exec(text)?.[1];

/** What stands in a file under a name, its value before its type; through those who export it again. */
const lookUp = (file: string, name: string): ReadonlyArray<Exported> => {
  const own = statementsOf(file).filter((statement) => nameOf(statement) === name);
  if (own.length > 0) {
    const [doc = ""] = own.map((one) => one.doc).filter((one) => one !== "");
    const head = own.map(({ text }) => headOf(text)).join("\n");
    // A file has one machine as a rule, and opens with what that is.
    return [{ name, file, doc: wordsOf(doc) || (head.endsWith(", ...)") ? aboutOf(file) : ""), head }];
  }
  return passedOn(file).flatMap(({ from, names }) => {
    if (names === undefined) return lookUp(from, name);
    const found = names.find((one) => one.as === name);
    return found === undefined ? [] : lookUp(from, found.name).map((one) => ({ ...one, name }));
  });
};

interface PassedOn {
  readonly from: string;
  /** Undefined: all. */
  readonly names: ReadonlyArray<{ readonly name: string; readonly as: string }> | undefined;
}

/** `export { a } from "./b.ts"`, and `export const { a } = b` of what a module of that type gave when it was loaded. */
const passedOn = (file: string): ReadonlyArray<PassedOn> => {
  const text = readFileSync(file, "utf8");
  const late = /^import type \* as \w+ from "(\.[^"]+)";$/m.exec(text)?.[1];
  const lists = [
    ...[...text.matchAll(/^export (?:type )?(?:\*|\{([^}]*)\}) from "(\.[^"]+)";$/gm)].map(([, list, from]) => ({
      list,
      from,
    })),
    ...[...text.matchAll(/^export const \{([^}]*)\} = \w+;$/gm)].map(([, list]) => ({ list, from: late })),
  ];
  return lists.flatMap(({ list, from }) =>
    from === undefined
      ? []
      : [{ from: posix.join(posix.dirname(file), from), names: list === undefined ? undefined : listOf(list) }],
  );
};

const listOf = (list: string): ReadonlyArray<{ readonly name: string; readonly as: string }> =>
  list
    .split(",")
    .map((one) => one.replace(/^\s*type /, "").trim())
    .filter((one) => one !== "")
    .map((one) => {
      const [name = "", as = name] = one.split(" as ");
      return { name, as };
    });

/** Every name that a file exports, in its order. */
const namesOf = (file: string): ReadonlyArray<string> => [
  ...new Set([
    ...statementsOf(file).flatMap((statement) => nameOf(statement) ?? []),
    ...passedOn(file).flatMap(({ from, names }) => names?.map(({ as }) => as) ?? namesOf(from)),
  ]),
];

const sourceOf = (types: string): string => types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, ".ts");

const aboutOf = (file: string): string => {
  const [comment = ""] = /^\/\*\*.*?\*\//s.exec(readFileSync(file, "utf8")) ?? [];
  return wordsOf(comment);
};

export const entriesOf = (): ReadonlyArray<Entry> => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  return Object.entries(exports).flatMap(([key, target]) => {
    if (typeof target === "string") return [];
    const file = sourceOf(target.types);
    return [
      {
        specifier: key.replace(/^\./, "vipr"),
        file,
        about: aboutOf(file),
        names: namesOf(file).flatMap((name) => lookUp(file, name)),
      },
    ];
  });
};

/** The pages, each with the entries of one floor; those that a user of the package begins with come first. */
const GROUPS: ReadonlyArray<{
  readonly page: string;
  readonly title: string;
  readonly takes: (specifier: string) => boolean;
}> = [
  {
    page: "package",
    title: "vipr, vipr/kit, vipr/properties",
    takes: (one) => one.split("/").length < 3 && !one.includes("package.json"),
  },
  ...["codecs", "machines", "actors", "runtime"].map((floor) => ({
    page: floor,
    title: `vipr/${floor}`,
    takes: (one: string) => one.startsWith(`vipr/${floor}/`),
  })),
];

const anchorOf = (specifier: string): string => specifier.replaceAll("/", "");

const sectionOf = ({ specifier, file, about, names }: Entry): string => {
  const files = [...new Set(names.map((one) => one.file))];
  const parts = files.map((from) => {
    const its = names
      .filter((one) => one.file === from)
      .map(({ doc, head }) => (doc === "" ? head : `/** ${doc} */\n${head}`));
    return `[${from}](../../${from})\n\n\`\`\`ts\n${its.join("\n")}\n\`\`\``;
  });
  return `## ${specifier}\n\n${about} [Its list](../../${file}).\n\n${parts.join("\n\n")}`;
};

/** By file name. */
export const apiPages = (): Readonly<Record<string, string>> => {
  const entries = entriesOf();
  const pages = GROUPS.map(({ page, title, takes }): readonly [string, string] => {
    const its = entries.filter(({ specifier }) => takes(specifier));
    const list = its
      .map(({ specifier, about }) => `- [\`${specifier}\`](#${anchorOf(specifier)}): ${about}`)
      .join("\n");
    return [
      `docs/api/${page}.md`,
      `# ${title}\n\nMade by \`npm run api\`; [what stands here](README.md).\n\n${list}\n\n${its.map(sectionOf).join("\n\n")}\n`,
    ];
  });
  const index = GROUPS.map(({ page, title }) => `- [${title}](${page}.md)`);
  return {
    "docs/api/README.md": `# What the package exports

Each entry of the package with all that it exports, made from the sources by \`npm run api\`: the comment, and the head as it is written there; of a long type the names of its fields, or the kinds of its union. A function's types say what it takes and gives; names end with their units (\`timeoutMs\`, \`BYTES_MAX\`). What comes from outside and cannot be read is a value (\`{ ok: false, error }\`, an event, a failure of the Effect that has it in its type), never an exception. Where a protocol decides, the file behind each heading begins with its figure and its section. [Embedding](../embedding.md) shows how these are put to work.

${index.join("\n")}
`,
    ...Object.fromEntries(pages),
  };
};

if (import.meta.main) {
  mkdirSync("docs/api", { recursive: true });
  for (const [file, text] of Object.entries(apiPages())) writeFileSync(file, text);
}
