/** One run of sipp through a pair, and what it costs the pair of processor time. */
import { existsSync, readFileSync } from "node:fs";
import { cpuOf } from "../process-time.ts";
import { localOf, type Pair } from "./pairs.ts";
import { ended, HOST, start } from "./processes.ts";

const RUN_S_MAX = 60;

/** Seconds of processor time of the pair's own processes. Fails where one call was lost, or is taken for one under way afterwards. */
export const cpuOfCalls = async (pair: Pair, calls: number, perSecond: number): Promise<number> => {
  const { scenario, caller, inside, pids } = pair;
  const before = cpuOf(pids());
  const rate = ["-r", String(perSecond), "-m", String(calls), "-l", String(CALLS_AT_ONCE_MAX), "-d", "0"];
  const errors = `${scenario}.err`;
  const ends = ["-timeout", `${RUN_S_MAX}s`, "-timeout_error", "-trace_err", "-error_file", errors];
  const code = await ended(start("sipp", ["-sf", scenario, `${HOST}:${inside}`, ...localOf(caller), ...rate, ...ends]));
  if (code !== 0) throw new Error(`sipp ended with ${code}: calls were lost (${lastLineOf(errors)})`);
  const underWay = await pair.underWay();
  if (underWay > 0) throw new Error(`${underWay} calls are under way that are not`);
  return cpuOf(pids()) - before;
};
/** Those that wait for their last answer count, too. */
const CALLS_AT_ONCE_MAX = 20_000;

const lastLineOf = (file: string): string =>
  existsSync(file) ? (readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "") : "no error file";
