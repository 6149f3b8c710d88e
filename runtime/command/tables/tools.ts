/** The tables of the commands about the command: config, completion, version, help. */
import { CONFIG_OPTIONS, JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

const CONFIG = ["config", "set", "json"] as const;

/** Of `vipr config init`: what it asks, each beforehand. */
const ANSWERS = {
  domain: { type: "string", value: "DOMAIN", text: "of the company, of its SIP addresses" },
  country: { type: "string", value: "CC", text: "where its exchange stands: two letters" },
  area: { type: "string", value: "DIGITS", text: "area code of numbers that are dialled without it" },
  own: { type: "string", value: "RANGES", text: "its numbers: +14085550200..+14085550299,+14085550400" },
  listen: {
    type: "string",
    value: "ADDRESS",
    text: "where the exchange finds its trunk from now on, as udp:HOST:PORT",
  },
  pbx: { type: "string", value: "ADDRESS", text: "the exchange, as udp:HOST:PORT" },
  trunk: { type: "string", value: "ADDRESS", text: "the carrier's SIP server: HOST, HOST:PORT, tls:HOST" },
  data: { type: "string", value: "DIR", text: "of what is kept (without it /var/lib/vipr)" },
  authority: { type: "string", value: "URL", text: "of the overlay" },
  root: { type: "string", value: "SHA256|FILE", text: "the overlay's root: its fingerprint, or the file with it" },
  user: { type: "string", value: "NAME", text: "the account at the authority (without it the domain's first part)" },
  "password-file": { type: "string", value: "FILE", text: "with its password (without it /etc/vipr/account)" },
  public: {
    type: "string",
    value: "HOST:PORT",
    text: "where other companies reach this one; without it no call leaves",
  },
  outside: { type: "string", value: "HOST:PORT", text: "with public: the address of this machine behind it" },
  certificate: { type: "string", value: "FILE", text: "with public: what proves the domain, in PEM" },
  key: { type: "string", value: "FILE", text: "with public: the key of the certificate" },
  ca: { type: "string", value: "FILE", text: "with public: the roots of other companies' certificates" },
} as const;

export const configTable = table({
  name: "config",
  summary: "the company's configuration, vipr.toml: made by questions, what is wrong with it, what holds",
  usage: [
    "init [FILE] [--domain DOMAIN]... [--json]",
    "check [FILE] [--set KEY=VALUE]... [--json]",
    "show [FILE] [--set KEY=VALUE]... [--json]",
  ],
  options: { ...CONFIG_OPTIONS, ...JSON_OPTION, ...ANSWERS },
  words: [1, 2],
  orders: {
    init: {
      summary: "asks for what a company needs, and writes its configuration",
      usage: ["[FILE] [--domain DOMAIN] [--country CC] [--own RANGES]... [--json]"],
      about: `Each option answers its question beforehand. Without a terminal the lines of standard input are the answers, an empty one
takes what stands in brackets; nothing is read where the options answer all that has to be. An answer that vipr.toml
cannot take is refused with what would be right, and asked for again. FILE (without it vipr.toml) is written at the end;
one that is there stays as it is.`,
      words: [0, 1],
      completes: "file",
      options: [
        "config",
        "json",
        "domain",
        "country",
        "area",
        "own",
        "listen",
        "pbx",
        "trunk",
        "data",
        "authority",
        "root",
        "user",
        "password-file",
        "public",
        "outside",
        "certificate",
        "key",
        "ca",
      ],
      examples: [
        { text: "by questions", line: "vipr config init" },
        {
          text: "by a script",
          line: `vipr config init /etc/vipr/vipr.toml --domain acme.example --country US --own +14085550200..+14085550299 \\
  --listen udp:192.0.2.10:5060 --pbx udp:192.0.2.11:5060 --trunk sip.carrier.example \\
  --authority https://authority.example:8443 --root /etc/vipr/root.pem`,
        },
      ],
    },
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
  codes: {
    done: true,
    usage: "the configuration has a mistake, or an option cannot be taken; init: the file is there already",
    notWritable: true,
    interrupted: "init: by Ctrl-C, and nothing was written",
  },
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
