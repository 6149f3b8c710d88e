/** `--config FILE` and `--set KEY=VALUE` of every command that a company's configuration steers, and the secrets it names. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { type Configuration, FILE_CHARS_MAX, faultText, readConfig, type ViprConfig } from "../config/mod.ts";
import { namedFileStopped, type Stopped, stopped } from "./exit.ts";
import { passwordFrom } from "./password.ts";

export const CONFIG_FILE = "vipr.toml";

/** Where no file was named and none is there, what is missing is the file. */
let isAbsent = false;
export const ABSENT = `there is no ${CONFIG_FILE} here: --config FILE, or vipr config init`;
export const whyAbsent = (): string | undefined => (isAbsent ? ABSENT : undefined);

export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly set?: ReadonlyArray<string> | undefined;
}

/** Stops with every mistake, a line each. */
export const loadConfig = ({ config, set }: ConfigFlags): Effect.Effect<Configuration, Stopped> =>
  Effect.flatMap(textOf(config), ({ file, text }) => {
    const reading = readConfig({ file, text, settings: set });
    if (reading.type === "read") return Effect.succeed(reading.configuration);
    const lines = reading.faults.map(faultText);
    return stopped("usage", lines.length === 1 ? lines[0]! : `the configuration is not taken\n${lines.join("\n")}`);
  });

const textOf = (named: string | undefined): Effect.Effect<{ file: string; text: string | undefined }, Stopped> => {
  const file = named ?? CONFIG_FILE;
  isAbsent = named === undefined && !existsSync(file);
  if (isAbsent) return Effect.succeed({ file, text: undefined });
  return Effect.try({
    try: () => {
      if (statSync(file).size > FILE_CHARS_MAX) throw new Error(`is longer than ${FILE_CHARS_MAX} bytes`);
      return { file, text: readFileSync(file, "utf8") };
    },
    catch: (cause) => namedFileStopped(file, cause),
  });
};

/** Of `[vap]`. Never printed, never part of what is shown. */
export const vapPassword = ({ vap }: ViprConfig): Effect.Effect<string, Stopped> => {
  if (vap.passwordFile !== undefined) return passwordFrom(vap.passwordFile, "password");
  if (vap.passwordEnv === undefined)
    return Effect.fail(missing("vap.password-file", "or vap.password-env: the account's password"));
  const password = process.env[vap.passwordEnv];
  return password === undefined || password === ""
    ? Effect.fail(stopped("usage", `vap.password-env: the variable ${vap.passwordEnv} is not set`))
    : Effect.succeed(password);
};

/** For a program that cannot do without a key. */
export const missing = (key: string, meaning: string): Stopped =>
  stopped("usage", `${key} is missing${isAbsent ? `: ${meaning}; ${ABSENT}` : ` in the configuration: ${meaning}`}`);

/** For a command that asks the programs of a configuration. */
export const namesNone = (): Stopped =>
  stopped("usage", `the configuration names no program: ${whyAbsent() ?? "data, and [server], [agent] or [border]"}`);

/** Where agent and readers of record files keep what outlives them. */
export const agentData = ({ agent, data }: ViprConfig): string | undefined => agent.data ?? programData(data, "agent");
export const borderData = ({ data }: ViprConfig): string | undefined => programData(data, "border");
export const serverData = ({ server, data }: ViprConfig): string | undefined =>
  server.data ?? programData(data, "server");

const programData = (data: string | undefined, program: string): string | undefined =>
  data === undefined ? undefined : join(data, program);
