/** `vipr vcr` as a script calls it: the lines that it relies on, and an exit code for each mistake. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Effect } from "effect";
import { openPieces } from "../../runtime/cli/record-files.ts";
import { test } from "../kit/harness.ts";
import { vipr, withFolder } from "./processes.ts";

const FILES = new URL("../vectors/records/asterisk/", import.meta.url).pathname;
const CONFIG = join(FILES, "vipr.toml");

test("vcr import --dry-run --json: a line for each call, one for each part left aside, and a summary", async () => {
  const file = join(FILES, "Master-batch.csv");
  const { code, out } = await vipr(["vcr", "import", file, "--config", CONFIG, "--dry-run", "--json"]);
  same(code, 0);
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  same(lines.length, 7);
  same(lines[0], {
    call: {
      direction: "sent",
      calling: "+14085550201",
      called: "+49305550901",
      startMs: Date.parse("2026-11-30T00:30:21Z"),
      stopMs: Date.parse("2026-11-30T00:30:23Z"),
      file,
      lines: [1],
    },
  });
  same(lines[1], { aside: { file, lines: [2], reason: "unanswered" } });
  same(lines[6], { summary: { rows: 6, calls: 4, aside: { unanswered: 2 } } });
});

test("vcr import --dry-run: for people, with the zone that the file shows", async () => {
  const { code, out, err } = await vipr([
    "vcr",
    "import",
    join(FILES, "Master-dst.csv"),
    "--config",
    CONFIG,
    "--dry-run",
  ]);
  same(code, 0);
  ok(out.includes("5 rows, 5 calls"), out);
  ok(err.includes("1:00 h ahead of the configured zone"), err);
});

test("vcr: what cannot be done ends with 2 and says why", async () => {
  const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, why: string]> = [
    [["vcr"], "say which of import, follow"],
    [["vcr", "imprt", "x"], 'there is no order "imprt", but import, follow; did you mean import?'],
    [["vcr", "import"], "something is missing: vipr vcr import FILE..."],
    [["vcr", "import", "/nowhere/Master.csv", "--dry-run"], "cannot read the records"],
    [["vcr", "import", FILES, "--dry-run"], "cannot read the records"],
    [["vcr", "import", CONFIG, "--dry-run", "--format", "abacus"], "--format wants asterisk"],
    [["vcr", "import", CONFIG, "--dry-run", "--set", "records.zone=Mars"], "records.zone: wants a time zone"],
    [["vcr", "import", CONFIG, "--dry-run", "--set", "records.mapping=x"], "the mapping names no dst, start, end"],
  ];
  await Promise.all(
    cases.map(async ([args, why]) => {
      const { code, err } = await vipr(args);
      same([code, err.includes(why) || err], [2, true]);
    }),
  );
});

test("vcr: a directory, what is no ordinary file, and what is packed or in UTF-16 are said by name, and not read as records", () =>
  withFolder(async (folder) => {
    const text = readFileSync(join(FILES, "Master-batch.csv"), "utf8");
    const write = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    const whyOf = async (file: string) => {
      const found = await Effect.runPromise(Effect.result(openPieces(file)));
      return found._tag === "Failure" ? found.failure.why.replace(/.*records: /, "") : "read";
    };
    const packed = write("Master.csv.gz", gzipSync(text));
    const wide = write("wide.csv", Buffer.from(`\uFEFF${text}`, "utf16le"));
    same(await whyOf(folder), `${folder}: is a directory, not a file`);
    same(await whyOf("/dev/null"), "/dev/null: is no ordinary file: what comes out of a pipe must be in a file first");
    same(await whyOf(packed), `${packed}: is packed: unpack it first`);
    same(await whyOf(wide), `${wide}: is in UTF-16: records are read in UTF-8`);
    same(await whyOf(write("empty.csv", new Uint8Array())), "read");
    same(await whyOf(write("Master.csv", Buffer.from(text))), "read");
  }));
