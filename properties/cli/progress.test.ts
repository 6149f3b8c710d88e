/** How far long work has come: a line that is written over on a terminal, lines now and then elsewhere, nothing of it on standard output. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { exitCode } from "../../runtime/cli/exit.ts";
import { percentOf, sizeText, timeText } from "../../runtime/cli/progress.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { test, testWith } from "../kit/harness.ts";
import { POLITE_END, start, vipr, withFolder } from "./processes.ts";
import { onTerminal } from "./terminal.ts";

const LONG_WORK = new URL("./long-work.ts", import.meta.url).pathname;

test("progress: sizes, times and percents in words", () => {
  same([0, 1, 999, 1_000, 1_234_567, 2.5e9].map(sizeText), [
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1.0 kB",
    "1.2 MB",
    "2.5 GB",
  ]);
  same([0, 440, 59_900, 60_000, 754_321].map(timeText), ["0.0 s", "0.4 s", "59.9 s", "1 min 0 s", "12 min 34 s"]);
  same([percentOf(0, 0), percentOf(1, 3), percentOf(3, 3), percentOf(5, 3)], [0, 33, 100, 100]);
});

test("progress: into a file a line each ten seconds, and none on standard output", async () => {
  const { code, out, err } = await vipr(["counts"], "", LONG_WORK);
  same([code, out], [0, "the end\n"]);
  same(err, "a word of warning\nfile: 10000 of 12000\n");
});

testWith(
  "script",
  "progress: on a terminal one line, wiped before anything else is written, never wider than the screen",
  async () => {
    const [all, out] = await Promise.all([
      onTerminal(["counts"], { main: LONG_WORK, behind: "" }),
      onTerminal(["counts"], { main: LONG_WORK, behind: "2>/dev/null" }),
    ]);
    same(out.seen, "the end\r\n");
    const screen = new Screen();
    const passed = screen.take(all.seen);
    same(screen.lines, ["a word of warning", "the end", ""]);
    ok(
      passed.some((line) => line === "file: 800 of 12000, and a word about it"),
      all.seen,
    );
    ok(
      passed.some((line) => line === "file: 6400 of 12000"),
      all.seen,
    ); // shorter than the one before, of which nothing is left
    ok(
      passed.every((line) => line.length < 80),
      all.seen,
    );
  },
);

/** What a terminal shows that knows of no more than the end of a line and its begin. */
class Screen {
  lines: Array<string> = [""];
  /** Each state of the line that is written over. */
  take(text: string): ReadonlyArray<string> {
    const passed: Array<string> = [];
    let column = 0;
    for (const sign of text.replaceAll("\r\n", "\n")) {
      const line = this.lines.at(-1)!;
      if (sign === "\n") this.lines.push("");
      else if (sign === "\r") passed.push(line.trimEnd());
      else this.lines[this.lines.length - 1] = line.slice(0, column).padEnd(column) + sign + line.slice(column + 1);
      column = sign === "\n" || sign === "\r" ? 0 : column + 1;
      if (sign === "\n") this.lines[this.lines.length - 2] = line.trimEnd();
    }
    return passed;
  }
}

test("progress: a task that a signal ends says so and ends with 130, a server ends well", async () => {
  for (const [word, code, why] of [
    ["lasts", exitCode.interrupted, "vipr test: ended by a signal: nothing is done\n"],
    ["serves", POLITE_END, ""],
  ] as const) {
    const one = start([word], "", LONG_WORK);
    await one.said(/begun/);
    same([await one.kill("SIGTERM"), one.err()], [code, why]);
  }
});

test("progress: a backup and its restoring end with what they have done, in words or as JSON", () =>
  withFolder(async (root) => {
    const [data, file] = [join(root, "one"), join(root, "backup")];
    mkdirSync(data, { mode: 0o700 });
    const put = { type: "put", table: "a", key: Uint8Array.of(1), value: Uint8Array.of(2) } as const;
    const filled = Effect.flatMap(openSqlite({ file: join(data, "values.sqlite") }), (store) => store.write([put]));
    await Effect.runPromise(Effect.scoped(filled));
    const [backup, restore] = [
      await vipr(["backup", file, "--data", data]),
      await vipr(["restore", file, "--data", join(root, "two"), "--json"]),
    ];
    same([backup.code, restore.code, backup.err, restore.err], [0, 0, "", ""]);
    ok(/^\S+\/backup is written: 1 row, \d+ bytes, in \d+\.\d s\n$/.test(backup.out), backup.out);
    const { ms, bytes, ...rest } = JSON.parse(restore.out) as Readonly<Record<string, unknown>>;
    same(rest, { file, rows: 1 });
    same([typeof ms, typeof bytes], ["number", "number"]);
  }));
