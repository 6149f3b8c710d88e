/** Options as every command reads them: strictly, each value looked at, and what is wrong said in one sentence. */
import { isIP } from "node:net";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { exitCode } from "./exit.ts";
import { complain, say } from "./output.ts";

/** An option, or a word, that cannot be taken. */
export class Wrong extends Error {}

const helpOption = { help: { type: "boolean", short: "h", default: false } } as const;

/** `vipr node`, and what follows it. Gives the exit code: of `run`, 0 after help, 2 for what cannot be taken. */
export const command = async <O extends ParseArgsOptionsConfig>(
  { name, help, options, words = [0, 0], orders = {} }: CommandSpec<O>,
  args: ReadonlyArray<string>,
  run: (values: ValuesOf<O>, words: ReadonlyArray<string>) => Promise<number>,
): Promise<number> => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: { ...options, ...helpOption },
    });
    if ((values as { readonly help?: boolean }).help === true) {
      say(orders[positionals[0] ?? ""] ?? help);
      return exitCode.done;
    }
    const [least, most] = words;
    if (positionals.length > most) throw new Wrong(`there is nothing to do with "${positionals[most]}"`);
    if (positionals.length < least) throw new Wrong("something is missing");
    return await run(values as ValuesOf<O>, positionals);
  } catch (error) {
    const isWrong = error instanceof Wrong || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
    if (!isWrong) throw error;
    complain(`${name}: ${(error as Error).message}\n${name} --help tells the options`);
    return exitCode.usage;
  }
};

export interface CommandSpec<O extends ParseArgsOptionsConfig> {
  readonly name: string;
  readonly help: string;
  readonly options: O;
  /** Words that are no options: at least, at most. Default none. */
  readonly words?: readonly [least: number, most: number];
  /** What `--help` says behind the first of these words. */
  readonly orders?: Readonly<Record<string, string>>;
}
export type ValuesOf<O extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: O }>>["values"];

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
