/** Help from a command's table: all commands, one of them, one order of it, and the exit codes of all. */
import { EXIT_TEXT, type ExitName, exitCode } from "./exit-codes.ts";
import { type Codes, type CommandTable, type Example, HELP_OPTION, type OptionSpec, type Options } from "./spec.ts";
import type { Paint } from "./style.ts";

const WIDTH = 110;
const NAME_WIDTH_MAX = 24;

/** `vipr --help`. */
export const allHelp = (tables: ReadonlyArray<CommandTable>): string =>
  `vipr: phone calls between companies over the Internet, found by phone number

usage: vipr COMMAND [options]

commands:
${columns(tables.map(({ name, summary }) => [name, summary]))}

vipr COMMAND --help prints a command's orders, options, examples and exit codes, vipr COMMAND ORDER --help those of an
order. vipr completion bash|zsh|fish makes the shell complete them all.
`;

/** `vipr COMMAND --help`, with an order `vipr COMMAND ORDER --help`. */
export const helpOf = (of: CommandTable, order?: string): string => {
  const spec = order === undefined ? undefined : of.orders?.[order];
  return spec === undefined ? commandHelp(of) : orderHelp(of, order!);
};

const commandHelp = (of: CommandTable): string => {
  const orders = Object.entries(of.orders ?? {});
  return text([
    `vipr ${of.name}: ${of.summary}`,
    usage(`vipr ${of.name}`, of.usage),
    prose(of.about),
    orders.length === 0
      ? undefined
      : `orders (vipr ${of.name} ORDER --help prints more):\n${columns(orders.map(([name, { summary }]) => [name, summary]))}`,
    optionLines(of.options, of.own ?? Object.keys(of.options)),
    prose(of.notes),
    exampleLines(of.examples),
    codeLines(of.codes),
  ]);
};

const orderHelp = (of: CommandTable, order: string): string => {
  const spec = of.orders![order]!;
  return text([
    `vipr ${of.name} ${order}: ${spec.summary}`,
    usage(`vipr ${of.name} ${order}`, spec.usage),
    prose(spec.about),
    optionLines(of.options, spec.options),
    prose(spec.notes),
    exampleLines(spec.examples),
    codeLines(of.codes),
  ]);
};

/** `vipr help exit-codes`. */
export const exitCodesHelp = (): string =>
  text([
    "The exit codes of all commands. A command's own help lists those that it has, and what one of them means there.",
    columns(Object.entries(exitCode).map(([name, code]) => [String(code), EXIT_TEXT[name as ExitName]])),
  ]);

const text = (parts: ReadonlyArray<string | undefined>): string =>
  `${parts.filter((part) => part !== undefined).join("\n\n")}\n`;

/** Paragraphs, broken anew. */
const prose = (text: string | undefined): string | undefined =>
  text
    ?.split("\n\n")
    .map((paragraph) => broken(paragraph.replaceAll("\n", " "), WIDTH).join("\n"))
    .join("\n\n");

const usage = (name: string, lines: ReadonlyArray<string>): string =>
  lines.map((line, i) => `${i === 0 ? "usage: " : "       "}${`${name} ${line}`.trimEnd()}`).join("\n");

const optionLines = (options: Options, names: ReadonlyArray<string>): string =>
  `options:\n${columns([...names.map((name) => row(name, options[name]!)), row("help", HELP_OPTION.help)])}`;

const row = (name: string, { value, text, short }: OptionSpec): readonly [string, string] => [
  `--${name}${short === undefined ? "" : `, -${short}`}${value === undefined ? "" : ` ${value}`}`,
  text,
];

const exampleLines = (examples: ReadonlyArray<Example>): string =>
  `examples:\n${examples.map(({ text, line }) => `  # ${text}\n  ${line.replaceAll("\n", "\n  ")}`).join("\n")}`;

const codeLines = (codes: Codes): string => {
  const own = Object.entries(exitCode).filter(([name]) => codes[name as ExitName] !== undefined);
  const rows = own.map(([name, code]) => [String(code), meaning(codes, name as ExitName)] as const);
  return `exit codes:\n${columns(rows)}`;
};

/** What a code means there. */
export const meaning = (codes: Codes, name: ExitName): string => {
  const own = codes[name];
  return typeof own === "string" ? own : EXIT_TEXT[name];
};

/** Two columns, the second one broken at words. */
const columns = (rows: ReadonlyArray<readonly [string, string]>): string => {
  const lengths = rows.map(([left]) => left.length).filter((length) => length <= NAME_WIDTH_MAX);
  const indent = Math.max(...lengths, 2) + 4;
  return rows
    .map(([left, right]) => {
      const lines = broken(right, WIDTH - indent);
      const isLong = left.length + 4 > indent;
      const first = isLong ? `  ${left}\n${" ".repeat(indent)}` : `  ${left}`.padEnd(indent);
      return `${first}${lines.join(`\n${" ".repeat(indent)}`)}`;
    })
    .join("\n");
};

const broken = (text: string, width: number): ReadonlyArray<string> => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

/** On a terminal: headings bold, examples' comments dim. */
export const helpPaint: Paint = (line, style) => {
  const heading = /^(usage|commands|options|examples|exit codes|orders)\b[^:]*:/.exec(line)?.[0];
  if (heading !== undefined) return style("bold", heading) + line.slice(heading.length);
  return /^ {2}# /.test(line) ? style("dim", line) : line;
};
