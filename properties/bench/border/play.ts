/** One run of sipp through a pair: its processor time, and how long each call waited until it rang. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { localOf, type Pair } from "./pairs.ts";
import { cpuOf, ended, HOST, start } from "./processes.ts";

const RUN_S_MAX = 60;

export interface Played {
  readonly calls: number;
  /** Of the pair's own processes. */
  readonly cpuS: number;
  /** From INVITE to 180, of each call, in ms. */
  readonly delaysMs: ReadonlyArray<number>;
}

export interface ToPlay {
  readonly calls: number;
  readonly perSecond: number;
  /** How long each lasts. */
  readonly heldMs?: number;
  /** With the delays of all calls, which costs sipp some time. */
  readonly isTimed?: boolean;
  /** Straight to the called agent. */
  readonly isDirect?: boolean;
}

/** Fails where one call was lost. */
export const play = async (
  pair: Pair,
  { calls, perSecond, heldMs = 0, isTimed = false, isDirect = false }: ToPlay,
): Promise<Played> => {
  const { folder, scenario, caller, inside, called, pids } = pair;
  const before = cpuOf(pids());
  const to = `${HOST}:${isDirect ? called : inside}`;
  const rate = ["-r", String(perSecond), "-m", String(calls), "-l", String(CALLS_AT_ONCE_MAX), "-d", String(heldMs)];
  const errors = `${scenario}.err`;
  const ends = ["-timeout", `${RUN_S_MAX}s`, "-timeout_error", "-trace_err", "-error_file", errors];
  const timed = isTimed ? ["-trace_rtt", "-rtt_freq", "1"] : [];
  const child = start("sipp", ["-sf", scenario, to, ...localOf(caller), ...rate, ...ends, ...timed], undefined, folder);
  const code = await ended(child);
  if (code !== 0) throw new Error(`sipp ended with ${code}: calls were lost (${lastLineOf(errors)})`);
  return { calls, cpuS: cpuOf(pids()) - before, delaysMs: isTimed ? delaysIn(folder) : [] };
};
/** Those that wait for their last answer count, too. */
const CALLS_AT_ONCE_MAX = 20_000;

const lastLineOf = (file: string): string =>
  existsSync(file) ? (readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "") : "no error file";

/** sipp writes a line a call: date, milliseconds, which timer. */
const delaysIn = (folder: string): ReadonlyArray<number> => {
  const files = readdirSync(folder).filter((name) => name.endsWith("_rtt.csv"));
  const all = files.flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").slice(1));
  for (const name of files) rmSync(join(folder, name));
  return all.filter((line) => line.includes(";")).map((line) => Number(line.split(";")[1]));
};
