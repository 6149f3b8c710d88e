/** Options that several commands have, and their exit codes. */
import type { Codes, Example } from "./spec.ts";

const OVER = `a key of it, over the file: --set numbers.country=DE, --set 'numbers.outside=["9"]', --set trunk.NAME.plus=never`;

export const CONFIG_OPTIONS = {
  config: {
    type: "string",
    value: "FILE",
    text: "the company's configuration. Default: vipr.toml here, if there is one",
  },
  set: { type: "string", multiple: true, value: "KEY=VALUE", text: OVER },
} as const;

export const LOG_OPTIONS = {
  log: {
    type: "string",
    value: "FORMAT",
    among: ["text", "json"],
    text: "the log on standard error, a line an event: text (default), or a JSON object",
  },
  verbose: { type: "boolean", default: false, text: "log what happens in detail" },
} as const;

export const JSON_OPTION = { json: { type: "boolean", default: false, text: "one JSON object" } } as const;

export const PASSWORD_FILE = {
  type: "string",
  value: "FILE",
  text: "the password, the first line; - is standard input",
} as const;

/** Of a node and of a ViPR server. */
export const MEMBER_OPTIONS = {
  data: {
    type: "string",
    value: "DIR",
    text: "where it keeps key, certificate and store; made if missing, for this user alone",
  },
  authority: { type: "string", value: "URL", text: "where to enrol: what vipr authority printed" },
  fingerprint: {
    type: "string",
    value: "SHA256",
    text: "of the overlay's root, as vipr authority printed it; or",
  },
  root: {
    type: "string",
    value: "FILE",
    text: "the root itself, or the root of the authority's HTTPS certificate (PEM)",
  },
  name: { type: "string", value: "OVERLAY", text: "refuse any other overlay there" },
  user: { type: "string", value: "NAME", text: "the account at the authority" },
  "password-file": {
    ...PASSWORD_FILE,
    text: "its password, the first line; - is standard input. Without it the password is asked for; with it the certificate is also renewed in time",
  },
  listen: { type: "string", value: "HOST:PORT", text: "RELOAD, an address of this machine (default 0.0.0.0:6084)" },
  advertise: {
    type: "string",
    value: "HOST:PORT",
    text: "where other nodes reach it, if that is another address",
  },
  admin: {
    type: "string",
    value: "HOST:PORT",
    text: "the admin port, which vipr ring, status and page ask, on this machine only (default 127.0.0.1:8080); port 0 takes a free one, none opens none",
  },
  ...LOG_OPTIONS,
} as const;

export const MEMBER_CODES: Codes = {
  done: true,
  fault: true,
  usage: true,
  unreachable: "the authority, or the running program, cannot be reached",
  refused: true,
  portTaken: true,
  inUse: true,
  notWritable: true,
  diskFull: true,
  damaged: true,
  clock: true,
  unsupported: true,
  interrupted: true,
};

/** Of a program that the configuration alone steers. */
export const PROGRAM_CODES: Codes = {
  done: "stopped by SIGTERM or SIGINT",
  fault: true,
  usage: true,
  portTaken: true,
  inUse: true,
  notWritable: true,
  diskFull: true,
  damaged: true,
  interrupted: true,
};

export const WATCH_OPTIONS = {
  watch: { type: "boolean", default: false, text: "again and again, until Ctrl-C" },
  every: { type: "string", default: "2", value: "SECONDS", text: "between two looks (default 2)" },
} as const;

/** `list`, `show`, `disable`, `enable`, `forget` of what a program has by telephone number. */
export const LISTED_OPTIONS = {
  ...CONFIG_OPTIONS,
  data: { type: "string", value: "DIR", text: "the program's directory, instead of that of the configuration" },
  ...JSON_OPTION,
} as const;

const LISTED = ["config", "set", "data", "json"] as const;

export const LISTED_CODES: Codes = {
  done: true,
  fault: "there is no such entry, or it was off, or on, already",
  usage: true,
  unreachable: "the program does not answer",
  refused: true,
  diskFull: true,
  damaged: true,
};

/** The orders, each with what it does here. */
export const listedOrders = (
  name: string,
  texts: Readonly<Record<"list" | "show" | "disable" | "enable" | "forget", string>>,
) => {
  const order = (order: keyof typeof texts) => ({
    summary: texts[order],
    usage: [`${order === "list" ? "" : "NUMBER "}[--config FILE | --data DIR] [--json]`],
    words: (order === "list" ? [0, 0] : [1, 1]) as readonly [number, number],
    options: LISTED,
    examples: [exampleOf(name, order)],
  });
  return {
    list: order("list"),
    show: order("show"),
    disable: order("disable"),
    enable: order("enable"),
    forget: order("forget"),
  };
};

const exampleOf = (name: string, order: string): Example =>
  order === "list"
    ? { text: "all, for a script", line: `vipr ${name} list --json` }
    : { text: `${order} one`, line: `vipr ${name} ${order} +49305550901` };
