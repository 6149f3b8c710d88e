/** `vipr explain`: the story of a number, from the facts that a running ViPR server keeps of it. */
import { Clock, Effect } from "effect";
import { normalizeE164 } from "../../codecs/shared/mod.ts";
import type { Story } from "../../machines/vipr/mod.ts";
import { askAdmin } from "../admin-client.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { storyText } from "./explain-text.ts";
import { knownFolder } from "./folder.ts";
import { command, required, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr explain: why there is a route to a number, or none

usage: vipr explain NUMBER --data DIR [--json]

It tells the calls to the number, when each is or was validated, who claims the number, each attempt
with its method, its verdict and its worth in bits, what is missing until there is a route, and how
likely it is at most that somebody came so far by guessing.

  --data DIR   the directory of a running ViPR server, which knows its admin port;
               vipr demo --data DIR has one for each company, DIR/<domain>
  --json       one JSON object instead; times in milliseconds since 1970, those of calls since 1900
  --help       this text

The number is told whole, as the server's operator may see it.

exit codes: 0, 1 nothing is known of the number, 2 options, 3 no server answers
`;

const OPTIONS = { data: { type: "string" }, json: { type: "boolean", default: false } } as const;
const NOTHING = 1;

export const explainCommand = async (args: ReadonlyArray<string>): Promise<number> => {
  let isKnown = true;
  const code = await command(
    { name: "vipr explain", help: HELP, options: OPTIONS, words: [1, 1] },
    args,
    async ({ data, json }, [text]) => {
      const number = normalizeE164(text!);
      if (number === undefined) throw new Wrong(`"${text}" is no telephone number, as +14085555432`);
      const directory = required(data, "data", "the directory of a running server");
      const told = Effect.map(storyAt(directory, number), ({ story, nowMs }) => {
        isKnown = story !== null;
        if (json) say(JSON.stringify({ number, story }));
        else say(story === null ? `${number}\n\n  Nothing is known of it here.` : storyText(story, nowMs));
      });
      return await runCommand({ name: "vipr explain", logLevel: "Warn" }, told);
    },
  );
  return code === 0 && !isKnown ? NOTHING : code;
};

const storyAt = Effect.fnUntraced(function* (
  directory: string,
  number: string,
): Effect.fn.Return<{ readonly story: Story | null; readonly nowMs: number }, Stopped> {
  const door = yield* readDoor(yield* knownFolder(directory));
  const { status, body } = yield* Effect.mapError(
    askAdmin(door, { path: "/explain", token: door.token, body: { number } }),
    ({ why }) => stopped("unreachable", `no server answers at ${why}`),
  );
  const { error, story = null } = body as { readonly error?: string; readonly story?: Story | null };
  if (status !== 200) return yield* stopped("unreachable", error ?? `the server answered ${status}`);
  return { story, nowMs: yield* Clock.currentTimeMillis };
});
