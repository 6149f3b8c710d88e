/**
 * Calls that were put to the proof lately, so that none of them is twice. A call may be told twice, by an agent and by a
 * call detail record, or again after a lost link; asked about it a second time, claimants would know what their guesses at
 * the first were worth, and one could prove what another has found. A table that one actor owns and these functions change.
 *
 *   call, due --> ask --> true: put it to the proof --> nobody guessed at it: unask
 *                  +----> false: it overlaps one that was, or has less than 2T between them
 *
 * Two true calls at once are one here, too: it costs a busy line some proofs, and no route. DECISIONS.md D-048.
 */
import type { CallTimes } from "../../codecs/shared/mod.ts";

interface Asked extends CallTimes {
  readonly atMs: number;
}

export interface AskedCalls {
  /** T. */
  readonly roundMs: number;
  /** By whose call to which number; what was asked about last stands last. */
  readonly lines: Map<string, ReadonlyArray<Asked>>;
  count: number;
}

/** So long after a call its record may come again; longer than the other side keeps its own. */
export const ASKED_LIFETIME_MS = 72 * 3_600_000;
/** Some 150 bytes each; the number asked about longest ago is forgotten first. */
export const ASKED_MAX = 200_000;

export const askedCalls = (roundMs: number): AskedCalls => ({ roundMs, lines: new Map(), count: 0 });

/** `line`: the VService of ours and the number. False: not again. */
export const ask = (asked: AskedCalls, line: string, { startMs, stopMs }: CallTimes, atMs: number): boolean => {
  const { lines, roundMs } = asked;
  const fresh = (lines.get(line) ?? []).filter((call) => atMs - call.atMs < ASKED_LIFETIME_MS);
  const isNew = fresh.every((call) => startMs - call.stopMs >= 2 * roundMs || call.startMs - stopMs >= 2 * roundMs);
  replace(asked, line, isNew ? [...fresh, { startMs, stopMs, atMs }] : fresh);
  while (asked.count > ASKED_MAX) replace(asked, lines.keys().next().value!, []);
  return isNew;
};

/** Nobody gave a guess at it, so that nobody learned anything: its record may serve when it comes again. */
export const unask = (asked: AskedCalls, line: string, { startMs, stopMs }: CallTimes): void => {
  const left = (asked.lines.get(line) ?? []).filter((call) => call.startMs !== startMs || call.stopMs !== stopMs);
  replace(asked, line, left);
};

const replace = (asked: AskedCalls, line: string, calls: ReadonlyArray<Asked>): void => {
  asked.count += calls.length - (asked.lines.get(line)?.length ?? 0);
  asked.lines.delete(line);
  if (calls.length > 0) asked.lines.set(line, calls);
};
