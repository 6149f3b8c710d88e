/**
 * Asterisk's record file read from the disk to telephone calls, beside csv-parse's bare parse of the same file, which gives
 * fields. And what reading holds on to: after a million rows as much as after a tenth of them. `VIPR_ROWS` is the size of the
 * file that is timed (default 100,000 rows; the ratio is the same with a million).
 */
import { createReadStream, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { recordReader, trunkMatcher, zoneOf } from "../../codecs/cdr/mod.ts";
import { type DialPlan, dialPlan } from "../../codecs/numbers/mod.ts";
import { callTable, type Intake, intake, judgeFor, SETTLE_MS } from "../../machines/records/mod.ts";
import { type Contest, cpuMs, heapBytesOf } from "./kit.ts";

const ROWS = Number(process.env.VIPR_ROWS ?? 100_000);
const MANY = 1_000_000;
const PIECE_BYTES = 65_536;

const pad = (n: number, digits: number) => String(n).padStart(digits, "0");
const START_MS = 1_767_225_600_000;
const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
/** Four calls out of five are answered, half of them sent; ten thousand numbers outside, a thousand within, three calls a second. */
const rowOf = (n: number): string => {
  const startMs = START_MS + Math.floor(n / 3) * 1000;
  const own = `+1408555${pad(n % 1000, 4)}`;
  const other = `+4930${pad((n * 7919) % 10_000, 7)}`;
  const [phone, trunk] = [`PJSIP/${n % 1000}-${pad(n % 1e8, 8)}`, `PJSIP/trunk1-${pad(n % 1e8, 8)}`];
  const isSent = n % 2 === 0;
  const isAnswered = n % 5 > 0;
  const times = [stamp(startMs), isAnswered ? stamp(startMs + 7_000) : "", stamp(startMs + 67_000)];
  const [src, dst] = isSent ? [own, `9011${other.slice(1)}`] : [other, own];
  const texts = isSent
    ? [src, dst, "from-phones", `""Anna Field"" <${src}>`, phone, trunk, "Dial", `PJSIP/${other}@trunk1,20`]
    : [src, dst, "from-trunk", `""Ben, Hill"" <${src}>`, trunk, phone, "Dial", `PJSIP/${n % 1000},15,tTkK`];
  const quoted = (all: ReadonlyArray<string>) => all.map((text) => `"${text}"`).join(",");
  const end = quoted([
    isAnswered ? "ANSWERED" : "NO ANSWER",
    "DOCUMENTATION",
    `${startMs / 1000}.${n}`,
    "",
    "",
    `${startMs / 1000}.${n}`,
  ]);
  return `"",${quoted(texts)},${quoted(times)},67,60,${end},${n}\n`;
};

const folder = mkdtempSync(join(tmpdir(), "vipr-records-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const fileOf = (rows: number): string => {
  const file = join(folder, `Master-${rows}.csv`);
  const fd = openSync(file, "w");
  for (let from = 0; from < rows; from += 1_000)
    writeSync(fd, Array.from({ length: Math.min(1_000, rows - from) }, (_, i) => rowOf(from + i)).join(""));
  return file;
};

const plan = dialPlan({
  country: "US",
  area: "408",
  outside: ["9"],
  own: ["+14085550000..+14085550999"],
  trunks: { trunk1: { plus: "omitted-by-some" } },
}).plan as DialPlan;

/** As `vipr vcr import --dry-run` does, but for printing. */
const read = (file: string): Intake => {
  const trunkOf = trunkMatcher([{ name: "trunk1", channels: ["PJSIP/trunk1"] }]);
  const { reader } = recordReader({
    format: "asterisk",
    zone: zoneOf("America/Los_Angeles")!,
    trunkOf,
    hasTrunks: true,
  });
  const taking = intake(judgeFor(plan), callTable());
  const fd = openSync(file, "r");
  for (let at = 0; ; ) {
    const piece = new Uint8Array(PIECE_BYTES);
    const count = readSync(fd, piece, 0, PIECE_BYTES, at);
    if (count === 0) break;
    at += count;
    taking.take(file, reader!.push(piece.subarray(0, count)));
    taking.settle(taking.newestMs() - SETTLE_MS);
  }
  taking.take(file, reader!.end());
  return taking;
};

const perSecond = async (rows: number, work: () => unknown): Promise<number> => {
  const from = cpuMs();
  await work();
  return (1_000 * rows) / (cpuMs() - from);
};

export const contests = (): ReadonlyArray<Contest> => {
  const file = fileOf(ROWS);
  return [
    {
      name: "records: from file to call record",
      unit: "rows/s",
      peerName: "csv-parse, bare",
      rounds: 5,
      aim: 0.5,
      ours: () =>
        perSecond(ROWS, () => {
          const taking = read(file);
          taking.settle();
          const { rows, calls } = taking.counts();
          if (rows !== ROWS || calls !== ROWS - ROWS / 5) throw new Error(`${rows} rows, ${calls} calls`);
        }),
      peer: async () => {
        const { parse } = await import("csv-parse");
        return await perSecond(ROWS, async () => {
          let rows = 0;
          for await (const _ of createReadStream(file).pipe(parse())) rows += 1;
          if (rows !== ROWS) throw new Error(`${rows} rows`);
        });
      },
    },
    {
      name: `records: held after ${MANY.toLocaleString("en")} rows`,
      unit: "B",
      peerName: "after a tenth of them",
      lowerIsBetter: true,
      rounds: 1,
      aim: 0.8,
      ours: () => heapBytesOf(() => read(fileOf(MANY))),
      peer: () => heapBytesOf(() => read(fileOf(MANY / 10))),
    },
  ];
};
