/** How far something long has come: on standard error, one line that is written over on a terminal, else a line now and then. */
import process from "node:process";
import { complain, sayOver } from "./output.ts";

const SHORT_BYTES = 16 * 1024 * 1024;
const EVERY_MS = { terminal: 500, file: 10_000 } as const;

/** Shows such a line if the last one stands for long enough; the text is made only then. */
export const progressLine = (now: () => number = () => performance.now()): ((text: () => string) => void) => {
  const isTerminal = process.stderr.isTTY === true;
  const [show, everyMs] = isTerminal ? [sayOver, EVERY_MS.terminal] : [complain, EVERY_MS.file];
  let lastMs = now();
  return (text) => {
    if (now() - lastMs < everyMs) return;
    lastMs = now();
    show(text());
  };
};

/** The same on a terminal alone: where scripts take standard error for complaints. */
export const terminalLine = (): ((text: () => string) => void) =>
  process.stderr.isTTY === true ? progressLine() : () => {};

/** What a command waits for that has no numbers: on a terminal alone. */
export const atWork = (text: string): void => {
  if (process.stderr.isTTY === true) sayOver(text);
};

/** What is counted may grow meanwhile: never more than the whole. */
export const percentOf = (done: number, of: number): number =>
  of <= 0 ? 0 : Math.min(100, Math.floor((100 * done) / of));

/** Reports where a file is read that takes long. */
export const progressOn = (file: string, now: () => number = () => performance.now()) => {
  const line = progressLine(now);
  return (done: number, size: number): void => {
    if (size < SHORT_BYTES) return;
    line(() => `${file}: ${percentOf(done, size)} % of ${sizeText(size)}`);
  };
};

const THOUSAND = 1_000;

/** `512 bytes`, `3.4 MB`. */
export const sizeText = (bytes: number): string => {
  if (bytes < THOUSAND) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const [unit, name] =
    bytes < THOUSAND ** 2 ? [THOUSAND, "kB"] : bytes < THOUSAND ** 3 ? [THOUSAND ** 2, "MB"] : [THOUSAND ** 3, "GB"];
  return `${(bytes / unit).toFixed(1)} ${name}`;
};

/** `0.4 s`, `12 min 5 s`. */
export const timeText = (ms: number): string => {
  const seconds = ms / THOUSAND;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
};
