/** `vipr status`: all programs of a company on one screen. */
import { Effect } from "effect";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import { command } from "./options.ts";
import { say } from "./output.ts";
import { type ProgramState, programsOf, stateOf } from "./program-state.ts";
import { runCommand } from "./run.ts";
import { statusJson, statusText } from "./status-text.ts";

const HELP = `vipr status: what the company's programs on this machine do, on one screen

usage: vipr status [--config FILE | --data DIR] [--json] [--quiet]

${CONFIG_HELP}
  --data DIR          the directory of one program, instead of those of the configuration
  --json              one JSON object; docs/operator.md names its fields
  --quiet             prints nothing: the exit code tells
  --help              this text

exit codes: 0 every program is ready, 2 options or configuration, 3 one does not answer or is not ready
`;

const OPTIONS = {
  ...configOptions,
  data: { type: "string" },
  json: { type: "boolean", default: false },
  quiet: { type: "boolean", default: false },
} as const;

export const statusCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr status", help: HELP, options: OPTIONS }, args, async (values) => {
    const { data, json, quiet } = values;
    const named =
      data === undefined
        ? Effect.map(loadConfig(values), ({ config }) => programsOf(config))
        : Effect.succeed([{ program: "server" as const, data }]);
    const program = Effect.gen(function* () {
      const programs = yield* named;
      if (programs.length === 0)
        return yield* stopped("usage", "the configuration names no program: data, [server], [agent]");
      const states = yield* Effect.forEach(programs, (one) => stateOf(one.program, one.data), { concurrency: 3 });
      if (json) say(JSON.stringify(statusJson(states)));
      else if (!quiet) say(statusText(states));
      return yield* endOf(states);
    });
    return await runCommand({ name: "vipr status", logLevel: "Warn" }, program);
  });

const endOf = (states: ReadonlyArray<ProgramState>): Effect.Effect<void, Stopped> => {
  const bad = states.filter(({ ready }) => ready !== true);
  return bad.length === 0
    ? Effect.void
    : stopped("unreachable", bad.map((one) => `${one.program}: ${sentenceOf(one)}`).join("; "));
};

const sentenceOf = ({ at, ready, reasons, data }: ProgramState): string => {
  if (at === undefined) return `no program with an admin port runs in ${data}`;
  return ready === undefined ? `does not answer at ${at.host}:${at.port}` : `not ready: ${reasons.join(", ")}`;
};
