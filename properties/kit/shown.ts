/**
 * What the pages show of commands: blocks of code, and the commands of a shell's text.
 *
 * A test that runs what a page shows takes it by `shown(page, section)`; properties/docs/commands.test.ts reads these calls in the
 * sources of the tests, and so knows which blocks are run. Both names stand there as they are. DECISIONS.md D-340.
 */
import { readFileSync } from "node:fs";

export interface Block {
  readonly page: string;
  /** The heading above it, `#` left out; "" before the first one. */
  readonly section: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

const ROOT = new URL("../../", import.meta.url);

/** The blocks of code of a page, those of a list's items too, without their indentation. */
export const blocksIn = (page: string, text: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = [];
  let section = "";
  let open: { readonly indent: string; readonly language: string; readonly line: number } | undefined;
  let lines: Array<string> = [];
  for (const [i, line] of text.split("\n").entries()) {
    const [, indent, language] = /^( *)```(\w*)/.exec(line) ?? [];
    if (open === undefined && indent !== undefined) {
      open = { indent, language: language!, line: i + 2 };
      lines = [];
    } else if (open !== undefined && indent === open.indent) {
      blocks.push({ page, section, line: open.line, language: open.language, text: lines.join("\n") });
      open = undefined;
    } else if (open !== undefined) lines.push(line.slice(open.indent.length));
    else section = /^#+ (.+)$/.exec(line)?.[1] ?? section;
  }
  return blocks;
};

export const pageText = (page: string): string => readFileSync(new URL(page, ROOT), "utf8");

/** The blocks of one section of a page, in their order: what a test runs. */
export const shown = (page: string, section: string, language = "sh"): ReadonlyArray<string> => {
  const found = blocksIn(page, pageText(page)).filter(
    (block) => block.section === section && block.language === language,
  );
  if (found.length === 0) throw new Error(`${page}, "${section}": no block of ${language}`);
  return found.map(({ text }) => text);
};

/** The lines of a shell's text as it takes them: those that `\` goes on with are one, those of comments and empty ones none. */
export const linesOf = (text: string): ReadonlyArray<string> =>
  text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => /^\s*[^#\s]/.test(line));

/** A shell's own words, which run nothing by themselves. */
const SHELLS_OWN = new Set(["do", "then", "else", "{", "}", "!", "done", "fi", "if", "while"]);

/**
 * The simple commands of a shell's text, each as its words: the parts of a pipe, of `&&`, of a loop, and those within `$(...)` and
 * `<(...)`. Assignments before a command and redirections are left out; variables stay as they are written.
 */
export const commandsIn = (text: string): ReadonlyArray<ReadonlyArray<string>> => {
  const commands: Array<ReadonlyArray<string>> = [];
  let words: Array<string> = [];
  let word: string | undefined;
  let isTarget = false;
  const endWord = () => {
    if (word !== undefined && !isTarget) words.push(word);
    if (word !== undefined) isTarget = false;
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    const from = words.findIndex((one) => !SHELLS_OWN.has(one) && !/^\w+=/.test(one));
    if (from >= 0 && words[from] !== "for") commands.push(words.slice(from));
    words = [];
  };
  let at = 0;
  const inner = (): string => {
    let depth = 1;
    const from = at;
    while (at < text.length && depth > 0) depth += { "(": 1, ")": -1 }[text[at++]!] ?? 0;
    return text.slice(from, at - 1);
  };
  while (at < text.length) {
    const char = text[at++]!;
    if (char === "\\") {
      if (text[at] === "\n") while (/\s/.test(text[++at] ?? "")) {}
      else word = (word ?? "") + (text[at++] ?? "");
    } else if (char === "'") {
      const end = text.indexOf("'", at);
      word = (word ?? "") + text.slice(at, end);
      at = end + 1;
    } else if (char === '"') {
      word ??= "";
      while (at < text.length && text[at] !== '"') {
        if (text[at] === "\\") at++;
        word += text[at++];
      }
      at++;
      for (const [, substituted] of word.matchAll(/\$\((?!\()([^)]*)\)/g)) commands.push(...commandsIn(substituted!));
    } else if ((char === "$" || char === "<") && text[at] === "(") {
      at++;
      word = `${word ?? ""}${char}()`;
      const within = inner();
      if (!within.startsWith("(")) commands.push(...commandsIn(within)); // $((...)) reckons and runs nothing
    } else if (char === "#" && word === undefined) while (at < text.length && text[at] !== "\n") at++;
    else if (char === "<" && /^[a-z-]+>/.test(text.slice(at))) {
      word = `${word ?? ""}<${text.slice(at, text.indexOf(">", at) + 1)}`; // a page's own placeholder: DIR/<domain>
      at = text.indexOf(">", at) + 1;
    } else if (char === ">" || char === "<") {
      if (word !== undefined && /^\d$/.test(word)) word = undefined;
      endWord();
      while (text[at] === ">" || text[at] === "&") at++;
      isTarget = true;
    } else if (";&|\n()".includes(char)) endCommand();
    else if (/\s/.test(char)) endWord();
    else word = (word ?? "") + char;
  }
  endCommand();
  return commands;
};

/** A page's commands in its sentences and tables: what stands in code style and begins as a command does. */
export const mentionsIn = (text: string): ReadonlyArray<string> =>
  [...text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, "").matchAll(/`([^`\n]+)`/g)]
    .map(([, span]) => span!.replaceAll("\\|", "|"))
    .filter((span) => /^(vipr|npm|npx|node|deno run|bun|sh|bash) /.test(span));
