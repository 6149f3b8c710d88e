/** How far something long has come: on standard error, one line that renews itself on a terminal, else a line now and then. */
import process from "node:process";

const SHORT_BYTES = 16 * 1024 * 1024;
const EVERY_MS = { terminal: 500, file: 10_000 } as const;

/** Shows such a line if the last one stands for long enough; the text is made only then. */
export const progressLine = (now: () => number = () => performance.now()): ((text: () => string) => void) => {
  const isTerminal = process.stderr.isTTY === true;
  const everyMs = isTerminal ? EVERY_MS.terminal : EVERY_MS.file;
  let lastMs = now();
  return (text) => {
    if (now() - lastMs < everyMs) return;
    lastMs = now();
    process.stderr.write(`${isTerminal ? "\r" : ""}${text()}${isTerminal ? "  " : "\n"}`);
  };
};

/** Reports where a file is read that takes long. */
export const progressOn = (file: string, now: () => number = () => performance.now()) => {
  const line = progressLine(now);
  return (done: number, size: number): void => {
    if (size < SHORT_BYTES) return;
    line(() => {
      const percent = Math.min(100, Math.floor((100 * done) / size));
      return `${file}: ${percent} % of ${Math.round(size / 1e6)} MB`;
    });
  };
};
