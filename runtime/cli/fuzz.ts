/**
 * `vipr fuzz`: the laws of a codec or a machine, ours or another's, asked for as long as one likes. The laws run in a thread of
 * their own, which is watched; here are its options, what is printed, and the files. DECISIONS.md D-261.
 *
 *   0 held      1 a counter-example, which is in a file      2 no such target, an option that cannot be taken
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fuzzTable } from "../command/tables/trials.ts";
import { junitOf } from "../fuzz/junit.ts";
import { EXAMPLE_BYTES_MAX, type FuzzExample, type FuzzOrder, type FuzzReport, readExample } from "../fuzz/protocol.ts";
import { exampleOf, openFuzzThread } from "../fuzz/thread.ts";
import { exitCode } from "./exit.ts";
import { type FuzzRun, FuzzTally } from "./fuzz-tally.ts";
import { command, Wrong, wholeOf } from "./options.ts";
import { complain, say } from "./output.ts";
import { progressLine } from "./progress.ts";

const RUNS = 1_000;
const RUNS_MAX = 1_000_000_000;

/** `thread`: the file of the thread that has the laws. */
export const fuzzCommand = (args: ReadonlyArray<string>, thread: URL): Promise<number> =>
  command(fuzzTable, args, async (values, [target]) => {
    const hangMs = 1_000 * wholeOf(values.hang, "hang", 1, 86_400);
    const order = orderOf(values, target);
    return order.type === "list" ? list(thread) : run(thread, order, { ...values, hangMs });
  });

interface Given {
  readonly runs?: string | undefined;
  readonly seed?: string | undefined;
  readonly time?: string | undefined;
  readonly replay?: string | undefined;
  readonly list: boolean;
}
const orderOf = (
  { runs, seed, time, replay, list }: Given,
  target: string | undefined,
): Asked | { readonly type: "list" } => {
  if (list || replay !== undefined) {
    if (target !== undefined) throw new Wrong(`there is nothing to do with "${target}"`);
    return list ? { type: "list" } : { type: "replay", example: exampleIn(replay!) };
  }
  if (target === undefined) throw new Wrong("which machine or codec? --list names ours, module#export is another's");
  const timeMs = time === undefined ? undefined : durationOf(time, "time");
  // Time alone is a limit too: then runs are none.
  const most = runs === undefined ? (timeMs === undefined ? RUNS : RUNS_MAX) : wholeOf(runs, "runs", 1, RUNS_MAX);
  const from = seed === undefined ? (Date.now() ^ process.pid) >>> 1 : wholeOf(seed, "seed", 0, 2 ** 31 - 1);
  return { type: "run", target, seed: from, runs: most, timeMs };
};

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** `90s`, `10m`, `8h`; a number alone is seconds. */
const durationOf = (text: string, option: string): number => {
  const [, number, unit = "s"] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0)
    throw new Wrong(`--${option} wants a time as 90s, 10m or 8h, not "${text}"`);
  return Number(number) * UNIT_MS[unit]!;
};

const exampleIn = (file: string): FuzzExample => {
  try {
    if (statSync(file).size > EXAMPLE_BYTES_MAX) throw new Error(`over ${EXAMPLE_BYTES_MAX} bytes`);
    return readExample(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Wrong(`${file}: ${(error as Error).message}`);
  }
};

const list = async (thread: URL): Promise<number> => {
  let why: string | undefined;
  const { ended } = openFuzzThread(thread, { type: "list" }, Number.POSITIVE_INFINITY, (report) => {
    if (report.type === "known") for (const { name, what } of report.names) say(`${name.padEnd(32)} ${what}`);
    if (report.type === "unusable") why = report.why;
  });
  const unfinished = await ended;
  if (why !== undefined) complain(`vipr fuzz: ${why}`);
  else if (unfinished !== undefined) complain(`vipr fuzz: ${unfinished.why}`);
  return why !== undefined ? exitCode.usage : unfinished === undefined ? exitCode.done : exitCode.fault;
};

type Asked = Extract<FuzzOrder, { readonly type: "run" | "replay" }>;
interface RunOptions {
  readonly out: string;
  readonly junit?: string | undefined;
  readonly json: boolean;
  readonly hangMs: number;
}
const run = async (thread: URL, order: Asked, given: RunOptions): Promise<number> => {
  const target = order.type === "run" ? order.target : order.example.target;
  const tally = new FuzzTally(target, order.type === "run" ? order.seed : order.example.seed);
  const show = progressLine();
  let isInterrupted = false;
  let unusable: string | undefined;
  const hear = (report: FuzzReport): void => {
    if (report.type === "unusable") unusable = report.why;
    if (report.type === "begun") tally.begin(report.laws);
    if (report.type === "held") tally.held(report.law, report.runs, report.seconds);
    if (report.type === "broken") {
      tally.held(report.law, report.runs, report.seconds);
      tally.broken(report.law, report.example);
    }
    show(() => `${target}: ${tally.runs} runs of ${tally.laws.length} laws, ${tally.examples.length} broken`);
  };
  const opened = openFuzzThread(thread, order, given.hangMs, hear);
  const stop = () => {
    if (isInterrupted) process.exit(exitCode.interrupted);
    isInterrupted = true;
    opened.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  const unfinished = await opened.ended;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  if (unusable !== undefined) {
    complain(`vipr fuzz: ${unusable}`);
    return exitCode.usage;
  }
  if (unfinished !== undefined) {
    if (unfinished.law === undefined) {
      complain(`vipr fuzz: ${unfinished.why}`);
      return exitCode.fault;
    }
    const example = exampleOf(target, tally.laws[unfinished.law]!.name, unfinished);
    tally.broken(unfinished.law, order.type === "run" ? await shown(thread, example, given.hangMs) : example);
  }
  return tell(tally.end(isInterrupted), order, given);
};

/** With the value at which the thread has ended, made by another, where that can be. */
const shown = async (thread: URL, example: FuzzExample, hangMs: number): Promise<FuzzExample> => {
  let found = example;
  const { ended } = openFuzzThread(thread, { type: "show", example }, hangMs, (report) => {
    if (report.type === "shown") found = report.example;
  });
  await ended;
  return found;
};

const tell = (found: FuzzRun, order: Asked, { out, junit, json }: RunOptions): number => {
  const [first] = found.examples;
  const file = first === undefined || order.type === "replay" ? undefined : fileFor(out, first);
  if (junit !== undefined) writeOr(junit, junitOf(found.target, found.cases));
  say(json ? JSON.stringify(found.summary(file)) : found.text(file));
  return first === undefined ? exitCode.done : exitCode.fault;
};

/** The name of the file, where it could be written. */
const fileFor = (out: string, example: FuzzExample): string | undefined =>
  writeOr(out, `${JSON.stringify(example, undefined, 2)}\n`) ? out : undefined;

const writeOr = (file: string, text: string): boolean => {
  try {
    writeFileSync(file, text);
    return true;
  } catch (error) {
    complain(`vipr fuzz: ${file}: cannot be written: ${(error as Error).message}`);
    return false;
  }
};
