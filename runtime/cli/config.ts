/** `vipr config`: the company's configuration, before a program starts with it: made, checked, shown. */
import { existsSync } from "node:fs";
import process from "node:process";
import { Effect } from "effect";
import { configTable } from "../command/tables/tools.ts";
import { type Configuration, type ShownValue, shownValues, tomlText } from "../config/mod.ts";
import { CONFIG_FILE, loadConfig, whyAbsent } from "./config-file.ts";
import { initConfig } from "./config-init.ts";
import { stopped } from "./exit.ts";
import { command, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

export const configCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(configTable, args, async ({ config, set, json, ...answers }, [order, file]) => {
    if (config !== undefined && file !== undefined) throw new Wrong("the file is named twice");
    const named = config ?? file;
    if (order === "init") return await initConfig(named, answers, json);
    const run = Effect.gen(function* () {
      const configuration = yield* loadConfig({ config: named, set });
      if (order === "show") return show(configuration, named ?? CONFIG_FILE, json === true);
      const absent = whyAbsent();
      if (absent !== undefined) return yield* stopped("usage", absent);
      if (json) return say(JSON.stringify({ file: named ?? CONFIG_FILE, ok: true }));
      say(`${named ?? CONFIG_FILE}: nothing is wrong with it`);
    });
    return await runCommand({ name: "vipr config", logLevel: "Warn" }, run);
  });

const show = (configuration: Configuration, file: string, json: boolean): void => {
  for (const shown of shownValues(configuration)) {
    const { key, value, origin } = shown;
    const secret = secretOf(shown);
    if (json) say(JSON.stringify({ key, value: value ?? null, origin, ...(secret === undefined ? {} : { secret }) }));
    else if (value !== undefined)
      say(
        `${key} = ${tomlText(value)}  # ${originText(origin, file)}${secret === undefined ? "" : `; the secret is ${secret}`}`,
      );
  }
};

const originText = (origin: ShownValue["origin"], file: string): string => {
  switch (origin.type) {
    case "default":
      return "default";
    case "option":
      return `--set ${origin.option.split("=", 1)[0]}`;
    case "file":
      return `${file}:${origin.line}`;
  }
};

const SECRET_FILE = /(?:password|token|key)-file$/;
const SECRET_ENV = /password-env$/;

const secretOf = ({ key, value }: ShownValue): "set" | "missing" | undefined => {
  if (typeof value !== "string") return undefined;
  if (SECRET_FILE.test(key)) return existsSync(value) ? "set" : "missing";
  if (SECRET_ENV.test(key)) return process.env[value] ? "set" : "missing";
  return undefined;
};
