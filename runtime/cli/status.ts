/** `vipr status`: all programs of a company on one screen. */
import { Effect } from "effect";
import { statusTable } from "../command/tables/look.ts";
import { loadConfig, namesNone } from "./config-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import { command } from "./options.ts";
import { say } from "./output.ts";
import { type ProgramState, programsOf, stateOf } from "./program-state.ts";
import { runCommand } from "./run.ts";
import { statusJson, statusPaint, statusText } from "./status-text.ts";

export const statusCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(statusTable, args, async (values) => {
    const { data, json, quiet } = values;
    const named =
      data === undefined
        ? Effect.map(loadConfig(values), ({ config }) => programsOf(config))
        : Effect.succeed([{ program: "server" as const, data }]);
    const program = Effect.gen(function* () {
      const programs = yield* named;
      if (programs.length === 0) return yield* namesNone();
      const states = yield* Effect.forEach(programs, (one) => stateOf(one.program, one.data), { concurrency: 3 });
      if (json) say(JSON.stringify(statusJson(states)));
      else if (!quiet) say(statusText(states), statusPaint);
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
