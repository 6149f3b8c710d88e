/** `--verbose` and `--log` of every command that runs until it is stopped, over `[log]` of `vipr.toml`. */
import { Effect } from "effect";
import type { Configuration } from "../config/mod.ts";
import { type ConfigFlags, loadConfig } from "./config-file.ts";
import type { Stopped } from "./exit.ts";
import { LOG_DEFAULT, type LogSettings, logLayer } from "./log.ts";
import { oneOf, Wrong } from "./options.ts";

export interface LogFlags {
  readonly verbose?: boolean | undefined;
  readonly log?: string | undefined;
}

export const logOf = ({ verbose, log }: LogFlags, file: LogSettings = LOG_DEFAULT): LogSettings => ({
  ...file,
  ...(log === undefined ? {} : { format: formatOf(log) }),
  ...(verbose === true ? { level: "debug", levels: {} } : {}),
});

const formatOf = (text: string): LogSettings["format"] => {
  if (text === "") throw new Wrong("--log wants text or json");
  return oneOf(text, "log", ["text", "json"]);
};

/** A program by its configuration, whose log is as that has it. */
export const configured = <R>(
  flags: ConfigFlags & LogFlags,
  program: (configuration: Configuration) => Effect.Effect<void, Stopped, R>,
): Effect.Effect<void, Stopped, R> =>
  Effect.flatMap(loadConfig(flags), (configuration) =>
    Effect.provide(program(configuration), logLayer(logOf(flags, configuration.config.log))),
  );
