/** `vipr number explain`: what the dial plan makes of a text, step by step. */
import { Effect } from "effect";
import { isOwn, NUMBER_SOURCES, type NumberReading, type NumberSource, readNumber } from "../../codecs/numbers/mod.ts";
import { numberTable } from "../command/tables/records.ts";
import { loadConfig } from "./config-file.ts";
import { stopped } from "./exit.ts";
import { command, oneOf } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

const NONE = 1;

const sourceName = (source: NumberSource): string => source.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const numberCommand = async (args: ReadonlyArray<string>): Promise<number> => {
  let isNone = false;
  const code = await command(numberTable, args, async (values, words) => {
    const [, text] = words as readonly [string, string];

    const name = oneOf(values.source, "source", [...NUMBER_SOURCES.map(sourceName), ...NUMBER_SOURCES]);
    const source = NUMBER_SOURCES.find((one) => one === name || sourceName(one) === name)!;
    const { trunk } = values;
    const run = Effect.flatMap(loadConfig(values), ({ plan }) => {
      if (trunk !== undefined && !Object.hasOwn(plan.trunks, trunk))
        return stopped("usage", `--trunk: the configuration has no trunk "${trunk}"`);
      const reading = readNumber(plan, text, { source, trunk });
      isNone = reading.number === undefined;
      const own = reading.number !== undefined && isOwn(plan, reading.number);
      say(values.json ? JSON.stringify(asJson(reading, own)) : asText(reading, own));
      return Effect.void;
    });
    return await runCommand({ name: "vipr number", logLevel: "Warn" }, run);
  });
  return code === 0 && isNone ? NONE : code;
};

const asJson = ({ number, why, steps }: NumberReading, own: boolean) => ({
  number: number ?? null,
  steps,
  why: why ?? null,
  own,
});

const asText = ({ number, why, steps }: NumberReading, own: boolean): string =>
  [
    number === undefined ? `no number (${why})` : `${number}${own ? ", one of the company's own" : ""}`,
    "",
    ...steps.map((step) => `  ${step}`),
  ].join("\n");
