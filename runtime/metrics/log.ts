/** How often each event stood in the log at WARN or ERROR: what an alarm is made of. One log a process, one count. */
import { counts } from "./counts.ts";
import type { Sample } from "./text.ts";

const seen = counts("level", "event");

/** Called by the log for each of its lines, written or left out. */
export const countLine = (level: string, event: string | undefined): void => {
  if (level === "WARN" || level === "ERROR" || level === "FATAL") seen.add(level.toLowerCase(), event ?? "other");
};

export const logSamples = (): ReadonlyArray<Sample> => seen.samples();
