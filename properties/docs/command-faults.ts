/**
 * What is wrong with a command that a page shows: a `vipr` command by its table, an npm script by package.json and the source of
 * what it runs. Other programs are not judged here.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { readWords } from "../../runtime/cli/options.ts";
import { tableOf } from "../../runtime/command/tables.ts";

export type Words = ReadonlyArray<string>;

/** Of the program that an npm script runs, or `node FILE`: undefined where there is none. */
const fileOf = (command: Words): string | undefined =>
  command.find((word) => /^(?:[\w-]+\/)+[\w-]+\.(?:ts|mjs|js)$/.test(word) && !word.startsWith("node_modules/"));

interface Script {
  readonly file: string | undefined;
  /** What the script itself gives the file. */
  readonly own: Words;
  readonly args: Words;
}
const SCRIPTS = JSON.parse(readFileSync("package.json", "utf8")).scripts as Readonly<Record<string, string>>;

/** What `npm run X -- ARGS` comes to. */
const scriptOf = (command: Words): Script | string => {
  const [, second = "", third = ""] = command;
  const name = second === "run" ? third : second;
  const script = SCRIPTS[name];
  if (script === undefined) return `package.json has no script ${name}`;
  const dashes = command.indexOf("--");
  const args = dashes < 0 ? [] : command.slice(dashes + 1);
  const words = script.split(" ");
  const file = fileOf(words);
  const extra = command.slice(second === "run" ? 3 : 2, dashes < 0 ? undefined : dashes);
  return extra.length > 0
    ? `npm itself would take ${extra.join(" ")}`
    : { file, own: words.slice(words.indexOf(file ?? "") + 1), args };
};

/** Words that stand for any: `NAME`, `NAME...`, `TEXT`. */
const isPlaceholder = (word: string): boolean => /^[A-Z][A-Z-]*(\.\.\.)?$|^\.\.\.$/.test(word);

/** What a script of ours would not take, by what its source says of its options. */
const unknownOptionOf = ({ file, args }: Script): string | undefined => {
  const options = args.filter((word) => word.startsWith("--")).map((word) => word.replace(/^--|=.*$/g, ""));
  if (options.length === 0) return undefined;
  if (file === undefined || !existsSync(file)) return `nothing takes --${options[0]}`;
  const text = readFileSync(file, "utf8");
  const wrong = options.find((one) => !new RegExp(`--${one}\\b|["{\\s]${one}["]?: \\{ type:`).test(text));
  return wrong === undefined ? undefined : `${file} takes no --${wrong}`;
};

/** Names that a script finds its work by. */
const unknownNameOf = ({ file, args }: Script): string | undefined => {
  const valueAfter = (option: string) => args[args.indexOf(option) + 1];
  const names = args.filter(
    (word, i) => !word.startsWith("--") && !isPlaceholder(word) && !args[i - 1]?.startsWith("--"),
  );
  if (file === "properties/bench/run.ts")
    return names.map((name) => `properties/bench/${name}.ts`).find((path) => !existsSync(path));
  const inSome = (pattern: string, text: string) =>
    globSync(pattern).some((path) => readFileSync(path, "utf8").includes(text));
  if (file === "properties/interop/run.ts")
    return names.find((name) => !inSome("properties/interop/*.interop.ts", name));
  const only = args.includes("--only") ? valueAfter("--only")! : undefined;
  if (file === "properties/kit/run.ts" && only !== undefined && !isPlaceholder(only))
    return globSync("properties/**/*.test.ts").some((path) => path.includes(only)) ? undefined : only;
  return undefined;
};

/** Where a sentence may name a command without all that it wants. */
const MENTION = /^something is missing|^say which of|argument missing|^there is nothing to do with "(SHELL|\.\.\.)/;

/** What is wrong with a command as it stands on a page; `isMention`: in a sentence. */
export const faultOf = (command: Words, isMention = false): string | undefined => {
  const [program, ...rest] = command;
  if (program === "vipr") {
    const [name = "", ...args] = rest;
    if (/^(--.*)?$/.test(name) || isPlaceholder(name)) return undefined;
    const of = tableOf(name);
    if (of === undefined) return `there is no command ${name}`;
    try {
      readWords(
        of,
        args.filter((word) => word !== "..."),
      );
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      return isMention && MENTION.test(message) ? undefined : message;
    }
  }
  if (program === "npx" && rest[0] === "vipr") return faultOf(rest, isMention);
  if (program === "npm" && ["ci", "pack", "install"].includes(rest[0] ?? "")) return undefined;
  const script =
    program === "npm"
      ? scriptOf(command)
      : { file: fileOf(rest), own: [], args: rest.slice(rest.indexOf(fileOf(rest) ?? "") + 1) };
  if (typeof script === "string") return script;
  if (
    program !== "npm" &&
    !/^(node|deno run|bun|sh|bash) /.test(`${command.join(" ").replace(/^bun (build|test)/, "")} `)
  )
    return undefined;
  if (script.file !== undefined && !existsSync(script.file)) return `no ${script.file}`;
  if (/^(sh|bash)$/.test(program!)) return rest[0] === "-c" || existsSync(rest[0] ?? "") ? undefined : `no ${rest[0]}`;
  if (script.file === "runtime/main.ts") return faultOf(["vipr", ...script.own, ...script.args], true);
  return unknownOptionOf(script) ?? unknownNameOf(script);
};
