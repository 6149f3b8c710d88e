/** Options as every command reads them: strictly, each value looked at, and what is wrong said in one sentence. */
import { isIP } from "node:net";
import { parseArgs } from "node:util";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { exitCode } from "../command/exit-codes.ts";
import { helpOf, helpPaint } from "../command/help.ts";
import { didYouMean } from "../command/near.ts";
import { type CommandTable, HELP_OPTION, type Options, type OrderSpec, type Words } from "../command/spec.ts";
import { complain, say } from "./output.ts";

/** An option, or a word, that cannot be taken. */
export class Wrong extends Error {}

/** What follows `vipr NAME`. Gives the exit code: of `run`, 0 after help, 2 for what cannot be taken. */
export const command = async <O extends Options>(
  of: CommandTable<string, O>,
  args: ReadonlyArray<string>,
  run: (values: ValuesOf<O>, words: ReadonlyArray<string>) => Promise<number>,
): Promise<number> => {
  const name = `vipr ${of.name}`;
  try {
    const { values, words, isHelp } = readWords(of, args);
    if (!isHelp) return await run(values, words);
    say(helpOf(of, words[0]), helpPaint);
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    complain(`${name}: ${error.message}\n${[name, ...orderIn(of, args)].join(" ")} --help prints the options`);
    return exitCode.usage;
  }
};

export type ValuesOf<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>["values"];

/** Throws Wrong. */
export const readWords = <O extends Options>(of: CommandTable<string, O>, args: ReadonlyArray<string>) => {
  const { values, positionals: words, tokens } = parsed(of, args);
  const isHelp = (values as { readonly help?: boolean }).help === true;
  const order = words[0] === undefined ? undefined : of.orders?.[words[0]];
  if (!isHelp) {
    if (of.orders !== undefined && words[0] !== undefined && order === undefined) throw noOrder(of.orders, words[0]);
    const given = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    checkOptions(of, order, words[0], given);
    const orders = Object.keys(of.orders ?? {});
    const lacking = orders.length > 0 ? `say which of ${orders.join(", ")}` : missingIn(`vipr ${of.name}`, of.usage);
    if (order === undefined) checkCount(words, of.words ?? [0, 0], lacking);
    else checkCount(words.slice(1), order.words ?? [0, 0], missingIn(`vipr ${of.name} ${words[0]}`, order.usage));
  }
  return { values: values as unknown as ValuesOf<O>, words, isHelp };
};

const parsed = (of: CommandTable, args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      tokens: true,
      options: { ...of.options, ...HELP_OPTION },
    });
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    if (code?.startsWith("ERR_PARSE_ARGS") !== true) throw error;
    const unknown = code === "ERR_PARSE_ARGS_UNKNOWN_OPTION" ? /'--?([^'\s]+)/.exec(message)?.[1] : undefined;
    if (unknown === undefined) throw new Wrong(message);
    throw new Wrong(`there is no option --${unknown}${didYouMean(unknown, Object.keys(of.options), "--")}`);
  }
};

type Orders = Readonly<Record<string, OrderSpec>>;

const noOrder = (orders: Orders, word: string): Wrong => {
  const names = Object.keys(orders);
  return new Wrong(`there is no order "${word}", but ${names.join(", ")}${didYouMean(word, names)}`);
};

/** An option that belongs elsewhere would be taken and do nothing. */
const checkOptions = (
  of: CommandTable,
  order: OrderSpec | undefined,
  name: string | undefined,
  given: ReadonlyArray<string>,
): void => {
  const taken: ReadonlyArray<string> = order?.options ?? of.own ?? Object.keys(of.options);
  const wrong = given.find((one) => !taken.includes(one));
  if (wrong === undefined) return;
  const home = Object.entries<OrderSpec>(of.orders ?? {}).filter(([, { options }]) => options.includes(wrong));
  const where = home.length === 0 ? "the command without an order" : home.map(([one]) => one).join(", ");
  throw new Wrong(`--${wrong} is no option ${order === undefined ? "here" : `of ${name}`}; it belongs to ${where}`);
};

const missingIn = (name: string, [usage]: ReadonlyArray<string>): string => `something is missing: ${name} ${usage}`;

const checkCount = (words: ReadonlyArray<string>, [least, most]: Words, lacking: string): void => {
  if (words.length > most) throw new Wrong(`there is nothing to do with "${words[most]}"`);
  if (words.length < least) throw new Wrong(lacking);
};

/** For the hint behind an error; options may be wrong there. */
const orderIn = (of: CommandTable, args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.filter((one) => of.orders !== undefined && Object.hasOwn(of.orders, one)).slice(0, 1);

export const required = (value: string | undefined, option: string, meaning: string): string => {
  if (value === undefined || value === "") throw new Wrong(`--${option} is missing: ${meaning}`);
  return value;
};

/** `host:port`, `[::1]:port`; the port alone may be left out when there is a default. */
export const endpointOf = (text: string, option: string, portDefault?: number): Endpoint => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/i.exec(text);
  const port = match?.[3] === undefined ? portDefault : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port === undefined || port > 65_535)
    throw new Wrong(`--${option} wants host:port, as 192.0.2.1:6084 or [2001:db8::1]:6084, not "${text}"`);
  return { host, port };
};

/** Nodes tell each other addresses and no names. */
export const addressOf = (text: string, option: string, portDefault?: number): Endpoint => {
  const at = endpointOf(text, option, portDefault);
  const host = at.host === "localhost" ? "127.0.0.1" : at.host;
  if (isIP(host) === 0) throw new Wrong(`--${option} wants an IP address and a port, not "${text}"`);
  return { host, port: at.port };
};

export const wholeOf = (text: string, option: string, min: number, max: number): number => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new Wrong(`--${option} wants a whole number from ${min} to ${max}, not "${text}"`);
  return value;
};

export const oneOf = <T extends string>(text: string, option: string, among: ReadonlyArray<T>): T => {
  const found = among.find((one) => one === text);
  if (found === undefined) throw new Wrong(`--${option} wants ${among.join(" or ")}, not "${text}"`);
  return found;
};

export const isLoopback = (host: string): boolean => host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

/** The operator's port speaks to this machine alone. */
export const loopbackOf = (text: string, option: string, portDefault: number): Endpoint => {
  const at = endpointOf(text, option, portDefault);
  const host = at.host === "localhost" ? "127.0.0.1" : at.host;
  if (!isLoopback(host)) throw new Wrong(`--${option} wants an address of this machine, 127.0.0.1:port, not "${text}"`);
  return { host, port: at.port };
};
