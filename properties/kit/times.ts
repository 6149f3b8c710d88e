/**
 * How long each test takes, for whoever asks: `run.ts --times` names a file in VIPR_TIMES, and each test leaves a line there.
 *
 * Processor time is the whole process's, and that of the programs it has seen end, while the test ran: tests of one process
 * run one after the other.
 */
import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";

const TICKS_PER_MS = 0.1;
const file = process.env.VIPR_TIMES;

interface Line {
  readonly file: string;
  readonly test: string;
  readonly ms: number;
  readonly cpuMs: number;
}

/** Of this process and its ended children, by Linux's own account. */
const cpuMs = (): number => {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ").slice(11, 15);
  return fields.reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_MS;
};

/** The test file that is being read: the outermost of ours on the stack. */
const callerFile = (): string => /.*(properties\/[^\s:?)]+\.test\.ts)/s.exec(new Error().stack ?? "")?.[1] ?? "?";

/** The body, which leaves its line when it ends; the body as it is where nobody asks. */
export const timed = (test: string, body: () => void | Promise<void>): (() => void | Promise<void>) => {
  if (file === undefined) return body;
  const of = callerFile();
  return async () => {
    const [startMs, startCpuMs] = [performance.now(), cpuMs()];
    try {
      await body();
    } finally {
      const line: Line = { file: of, test, ms: performance.now() - startMs, cpuMs: cpuMs() - startCpuMs };
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
  };
};

const FILES_SHOWN_MAX = 25;
const TESTS_SHOWN_MAX = 25;
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`.padStart(8);
const rowOf = ({ ms, cpuMs }: Pick<Line, "ms" | "cpuMs">, name: string): string =>
  `${seconds(ms)} ${seconds(cpuMs)} of the processor  ${name}`;
const longestFirst = (a: Pick<Line, "ms">, b: Pick<Line, "ms">): number => b.ms - a.ms;

const linesOf = (of: string): Array<Line> =>
  readFileSync(of, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** The file of that test, by the lines in that file; undefined where it left none. */
export const fileIn = (of: string, test: string): string | undefined => {
  const found = linesOf(of).findLast((line) => line.test === test)?.file;
  return found === "?" ? undefined : found;
};

/** The files and the tests that took longest, of the lines in that file. */
export const slowest = (of: string): string => {
  const lines = linesOf(of);
  const files = Object.entries(Object.groupBy(lines, (line) => line.file)).map(([file, its = []]) => ({
    file,
    ms: its.reduce((sum, { ms }) => sum + ms, 0),
    cpuMs: its.reduce((sum, line) => sum + line.cpuMs, 0),
  }));
  return [
    ...files
      .sort(longestFirst)
      .slice(0, FILES_SHOWN_MAX)
      .map((one) => rowOf(one, one.file)),
    "",
    ...lines
      .sort(longestFirst)
      .slice(0, TESTS_SHOWN_MAX)
      .map((one) => rowOf(one, `${one.file}: ${one.test}`)),
    "",
  ].join("\n");
};
