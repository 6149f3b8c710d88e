/** What programs of a bench have used of the processor, by Linux's own account. */
import { existsSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** Seconds of these processes together, all their threads; one that has ended counts for nothing. */
export const cpuOf = (pids: ReadonlyArray<number>): number =>
  pids
    .filter((pid) => existsSync(`/proc/${pid}/stat`))
    .map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    })
    .reduce((sum, seconds) => sum + seconds, 0);
