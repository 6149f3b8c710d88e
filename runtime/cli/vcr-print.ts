/** What was found in record files: for scripts one JSON object a line, for people a sentence a line. */
import { asideText, type IntakeCounts, type Outcome } from "../../machines/records/mod.ts";
import { complain, say } from "./output.ts";

/** Lines that are written together. */
const LINES_MAX = 512;

export interface Printer {
  readonly print: (outcomes: ReadonlyArray<Outcome>) => void;
  /** The file's times are in another zone than the configured one. */
  readonly zone: (file: string, shiftMs: number) => void;
  readonly flush: () => void;
  readonly summary: (counts: IntakeCounts, more?: Readonly<Record<string, number>>) => void;
}

/** Without `isShown` calls and rows left aside are not printed: only a wrong zone, and the summary. */
export const printerFor = (json: boolean, isShown = true): Printer => {
  let lines: Array<string> = [];
  const flush = () => {
    if (lines.length > 0) say(lines.join("\n"));
    lines = [];
  };
  return {
    print: (outcomes) => {
      if (!isShown) return;
      for (const outcome of outcomes) lines.push(json ? JSON.stringify(jsonOf(outcome)) : textOf(outcome));
      if (lines.length >= LINES_MAX) flush();
    },
    flush,
    zone: (file, shiftMs) => {
      if (shiftMs !== 0) complain(zoneText(file, shiftMs));
    },
    summary: (counts, more = {}) => {
      flush();
      say(json ? JSON.stringify({ summary: { ...counts, ...more } }) : summaryText(counts));
    },
  };
};

export const zoneText = (file: string, shiftMs: number): string => {
  const minutes = Math.abs(shiftMs) / 60_000;
  const by = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
  return `${file}: its times are ${by} ${shiftMs > 0 ? "ahead of" : "behind"} the configured zone, by the ids of its rows; they are read so. records.zone should say which zone it is`;
};

const jsonOf = (outcome: Outcome): object => {
  if (outcome.type === "aside") {
    const { file, lines, reason, detail } = outcome;
    return { aside: { file, lines, reason, ...(detail === undefined ? {} : { detail }) } };
  }
  const { direction, calling, called, startMs, stopMs } = outcome.call;
  const { file, lines } = outcome.of;
  return { call: { direction, calling: calling ?? null, called, startMs, stopMs, file, lines } };
};

const textOf = (outcome: Outcome): string => {
  if (outcome.type === "aside") {
    const { file, lines, reason, detail } = outcome;
    return `${file}:${lines.join(",")}: left aside (${reason}): ${asideText(reason, detail)}`;
  }
  const { direction, calling, called, startMs, stopMs } = outcome.call;
  const seconds = ((stopMs - startMs) / 1000).toFixed(stopMs % 1000 === 0 && startMs % 1000 === 0 ? 0 : 3);
  const from = calling ?? "an unknown number";
  return `${outcome.of.file}:${outcome.of.lines.join(",")}: ${direction} ${from} > ${called} ${new Date(startMs).toISOString()} ${seconds} s`;
};

const summaryText = ({ rows, calls, aside }: IntakeCounts): string => {
  const reasons = Object.entries(aside).sort(([, a], [, b]) => b - a);
  const rest = reasons.map(
    ([reason, count]) => `\n  ${String(count).padStart(8)}  ${reason}: ${asideText(reason as never)}`,
  );
  return `${rows} rows, ${calls} calls${reasons.length === 0 ? "" : ", left aside:"}${rest.join("")}`;
};
