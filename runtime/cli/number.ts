/** `vipr number explain`: what the dial plan makes of a text, step by step. */
import { Effect } from "effect";
import { isOwn, NUMBER_SOURCES, type NumberReading, type NumberSource, readNumber } from "../../codecs/numbers/mod.ts";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { stopped } from "./exit.ts";
import { command, oneOf, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr number explain: which number of the telephone network a text is

usage: vipr number explain TEXT [--source S] [--trunk NAME] [--json]

It prints the number in E.164, or why there is none, and each step by which the dial plan of the
configuration came to it. TEXT is whatever a record, a SIP header or a person shows.

  --source S          dialled           at the exchange, perhaps with an access code (default)
                      to-trunk          sent to a trunk: a Request-URI, Asterisk's lastdata
                      caller-from-trunk who a trunk says calls
                      called-from-trunk whom a trunk asks for: a DID
                      caller-from-pbx   who the exchange says calls: a number or an extension
  --trunk NAME        the trunk of the call; without it only what all trunks read alike counts
${CONFIG_HELP}
  --json              {"number":"+..." or null,"steps":[...],"why":null or a code,"own":true or false}

exit codes: 0 it is a number, 1 it is none, 2 the options or the configuration are wrong
`;

const NONE = 1;

const sourceName = (source: NumberSource): string => source.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const numberCommand = async (args: ReadonlyArray<string>): Promise<number> => {
  let isNone = false;
  const options = {
    ...configOptions,
    source: { type: "string", default: "dialled" },
    trunk: { type: "string" },
    json: { type: "boolean", default: false },
  } as const;
  const code = await command(
    { name: "vipr number", help: HELP, options, words: [2, 2] },
    args,
    async (values, words) => {
      const [order, text] = words as readonly [string, string];
      if (order !== "explain") throw new Wrong(`wants explain, not "${order}"`);
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
    },
  );
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
