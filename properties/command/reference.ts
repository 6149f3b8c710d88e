/** docs/command.md, from the tables. */
import { EXIT_TEXT, type ExitName, exitCode } from "../../runtime/command/exit-codes.ts";
import { meaning } from "../../runtime/command/help.ts";
import type { CommandTable, Example, OptionSpec } from "../../runtime/command/spec.ts";
import { TABLES } from "../../runtime/command/tables.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

export const referencePage = (): string =>
  `# The command

Made from the tables of \`runtime/command\`, from which \`--help\` and completion come as well: \`VIPR_TABLES=write\` writes it
anew. [operator.md](operator.md) says how to run a company with it, [tutorial.md](tutorial.md) goes through it once.

| command | what it is |
|---|---|
${TABLES.map(({ name, summary }) => `| [\`${name}\`](#vipr-${name}) | ${cell(summary)} |`).join("\n")}

\`vipr COMMAND --help\` prints a command's help, \`vipr COMMAND ORDER --help\` that of one order, \`vipr help exit-codes\` the table
below. An option or a name that does not exist is refused with the nearest one that does, and so is an option that belongs
to another order. What \`--json\` prints is one object, or one a line where that is said; the log and complaints go to standard
error. Help, complaints and the verdicts of \`doctor\` and \`status\` are coloured on a terminal; not in a file or a pipe unless
\`FORCE_COLOR\` is set, and never with \`NO_COLOR\` set or where \`--json\` prints.

## Completion

| shell | once, for good |
|---|---|
| bash | \`source <(vipr completion bash)\` in \`~/.bashrc\` |
| zsh | \`source <(vipr completion zsh)\` in \`~/.zshrc\`, behind \`compinit\` |
| fish | \`vipr completion fish > ~/.config/fish/completions/vipr.fish\` |

## Exit codes

The numbers mean the same with every command; a command's own list, in its help and below, says more exactly what one means there.

| code | meaning |
|---|---|
${Object.entries(exitCode)
  .map(([name, code]) => `| ${code} | ${cell(EXIT_TEXT[name as ExitName])} |`)
  .join("\n")}

${TABLES.map(sectionOf).join("\n\n")}
`;

const sectionOf = (of: CommandTable): string => {
  const orders = Object.entries(of.orders ?? {});
  return [
    `## vipr ${of.name}`,
    `${of.summary[0]!.toUpperCase()}${of.summary.slice(1)}.`,
    fence(of.usage.map((line) => `vipr ${of.name} ${line}`.trimEnd())),
    of.about,
    orders.length === 0
      ? undefined
      : `| order | |\n|---|---|\n${orders.map(([order, { summary, usage }]) => `| \`${cell(`${order} ${usage[0]}`)}\` | ${cell(summary)} |`).join("\n")}`,
    optionsOf(of),
    of.notes,
    examplesOf([...of.examples, ...orders.flatMap(([, { examples }]) => examples)]),
    codesOf(of),
  ]
    .filter((part) => part !== undefined)
    .join("\n\n");
};

const optionsOf = ({ options, orders = {} }: CommandTable): string | undefined => {
  const rows = Object.entries(options).map(([name, spec]) => {
    const its = Object.entries(orders).filter(([, order]) => order.options.includes(name));
    const isOfFew = its.length > 0 && its.length < Object.keys(orders).length;
    return `| \`--${cell(written(name, spec))}\` | ${isOfFew ? `${its.map(([order]) => `\`${order}\``).join(", ")}: ` : ""}${cell(spec.text)} |`;
  });
  return rows.length === 0 ? undefined : `| option | |\n|---|---|\n${rows.join("\n")}`;
};

const written = (name: string, { value }: OptionSpec): string => (value === undefined ? name : `${name} ${value}`);

const examplesOf = (examples: ReadonlyArray<Example>): string =>
  fence(
    examples.flatMap(({ text, line }) => [`# ${text}`, line]),
    "sh",
  );

const fence = (lines: ReadonlyArray<string>, language = ""): string => `\`\`\`${language}\n${lines.join("\n")}\n\`\`\``;

const codesOf = ({ codes }: CommandTable): string => {
  const own = Object.entries(exitCode).filter(([name]) => codes[name as ExitName] !== undefined);
  return `Exit codes: ${own.map(([name, code]) => `${code} ${meaning(codes, name as ExitName)}`).join("; ")}.`;
};
