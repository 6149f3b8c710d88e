/** docs/fuzzing.md: its targets are fuzzed by the installed command, with what the page says of them; what breaks replays. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docBlocksOf } from "./doc-blocks.ts";
import { ROOT, type Runtime, type Stranger } from "./stranger.ts";

/** A line of a program on the page: what is asked, and what comes of it. */
const SAID = /^\/\/ npx vipr fuzz (\S+): (held|violated)(?: by (.*))?$/gm;

interface Said {
  readonly target: string;
  readonly verdict: string;
  /** The types of the events that break it. */
  readonly by: string | undefined;
}

export const writtenTargets = ({ empty }: Stranger): ReadonlyArray<Said> => {
  const blocks = docBlocksOf(readFileSync(join(ROOT, "docs/fuzzing.md"), "utf8"));
  for (const { file, code } of blocks) writeFileSync(join(empty, file), code);
  const said = blocks.flatMap(({ code }) =>
    [...code.matchAll(SAID)].map(([, target, verdict, by]): Said => ({ target: target!, verdict: verdict!, by })),
  );
  ok(said.length >= 4, `${said.length} targets`);
  return said;
};

export const fuzzAll = async (
  { empty, manifest }: Stranger,
  targets: ReadonlyArray<Said>,
  { name, run }: Runtime,
): Promise<void> => {
  const command = join(empty, "node_modules/vipr", manifest.bin.vipr!);
  const file = `${name.replace(" ", "-")}-counter-example.json`;
  for (const { target, verdict, by } of targets) {
    const options = ["--seed", "1", "--runs", "200", "--json", "--out", file];
    const [code, out] = await ended(run(command, "fuzz", target, ...options));
    const found = JSON.parse(out.trimEnd().split("\n").at(-1)!);
    same([target, code, found.verdict], [target, verdict === "held" ? 0 : 1, verdict]);
    if (verdict === "held") continue;
    if (by !== undefined) same([target, eventsIn(found.shown)], [target, by]);
    const [again, replayed] = await ended(run(command, "fuzz", "--replay", file, "--json"));
    same([target, again, JSON.parse(replayed).broken], [target, 1, found.broken]);
  }
};

const eventsIn = (shown: ReadonlyArray<string>): string =>
  shown.flatMap((line) => /"type":"([^"]*)"/.exec(line)?.[1] ?? []).join(", ");

/** Its exit code, and what it printed; rejects for others than 0 and 1. */
const ended = (running: Promise<string>): Promise<readonly [number, string]> =>
  running.then(
    (out) => [0, out] as const,
    (error: Error) => {
      const [, out] = /^[^\n]*: 1\n(.*)$/s.exec(error.message) ?? [];
      if (out === undefined) throw error;
      return [1, out] as const;
    },
  );
