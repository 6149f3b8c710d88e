/** The tables of the commands about the command: config, completion, version, help. */
import { CONFIG_OPTIONS, JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

const CONFIG = ["config", "set", "json"] as const;

export const configTable = table({
  name: "config",
  summary: "the company's configuration, vipr.toml: what is wrong with it, what holds",
  usage: ["check [FILE] [--set KEY=VALUE]... [--json]", "show [FILE] [--set KEY=VALUE]... [--json]"],
  options: { ...CONFIG_OPTIONS, ...JSON_OPTION },
  words: [1, 2],
  orders: {
    check: {
      summary: "reads it and prints each mistake with its place and what would be right",
      usage: ["[FILE] [--set KEY=VALUE]... [--json]"],
      about: `Each mistake with file, line and column, the key, what stands there and what would be right. FILE is the same as
--config FILE. Exit code 0: there is none; 2: there is one.`,
      words: [0, 1],
      completes: "file",
      options: CONFIG,
      examples: [{ text: "before a restart", line: "vipr config check /etc/vipr/vipr.toml" }],
    },
    show: {
      summary: "prints each value that holds and where it comes from",
      usage: ["[FILE] [--set KEY=VALUE]... [--json]"],
      about: `The file and its line, an option, or the default. Secrets stand in files and environment variables of their own; they
are looked for ("set" or "missing") and never printed. With --json one object a line.`,
      words: [0, 1],
      completes: "file",
      options: CONFIG,
      examples: [{ text: "with an option over the file", line: "vipr config show --set numbers.country=DE" }],
    },
  },
  examples: [{ text: "before a restart", line: "vipr config check /etc/vipr/vipr.toml" }],
  codes: { done: true, usage: "the configuration has a mistake, or an option cannot be taken", notWritable: true },
});

export const SHELLS = ["bash", "zsh", "fish"] as const;

export const completionTable = table({
  name: "completion",
  summary: "what makes the shell complete this command: bash, zsh, fish",
  usage: ["bash|zsh|fish"],
  about: `Prints a script that knows every command, order, option and fixed value. It runs no vipr: completion costs no start.`,
  options: {},
  words: [1, 1],
  completes: SHELLS,
  examples: [
    { text: "bash, in ~/.bashrc", line: "source <(vipr completion bash)" },
    { text: "zsh, in ~/.zshrc behind compinit", line: "source <(vipr completion zsh)" },
    { text: "fish, once", line: "vipr completion fish > ~/.config/fish/completions/vipr.fish" },
  ],
  codes: { done: true, usage: true },
});

export const versionTable = table({
  name: "version",
  summary: "which version this is, as --version",
  usage: ["[--json]"],
  options: JSON_OPTION,
  examples: [{ text: "what a report of a fault begins with", line: "vipr version" }],
  codes: { done: true, usage: true },
});

export const helpTable = table({
  name: "help",
  summary: "this text; help COMMAND [ORDER]; help exit-codes",
  usage: ["[COMMAND [ORDER] | exit-codes]"],
  about: "The same as vipr COMMAND [ORDER] --help.",
  options: {},
  words: [0, 2],
  examples: [
    { text: "of an order", line: "vipr help server add-agent" },
    { text: "the exit codes of all commands", line: "vipr help exit-codes" },
  ],
  codes: { done: true, usage: true },
});
