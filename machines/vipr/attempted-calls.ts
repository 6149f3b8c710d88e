/**
 * Calls that claimants were asked to prove lately, so that none is asked about twice. The record of a call may arrive twice,
 * from an agent and from a billing file, or again after a lost connection. Asked a second time, claimants would know what
 * their guesses at the first attempt were worth, and one could prove what another has guessed. A table that one actor owns
 * and these functions change.
 *
 *   call, due --> markAttempted --> true: validate it --> no claimant guessed: unmarkAttempted
 *                       +---------> false: it overlaps an attempted call, or less than 2T lie between them
 *
 * Two true calls at the same time count as one here, too: that costs a busy number some proofs, and no route.
 * DECISIONS.md D-048.
 */
import type { CallTimes } from "../../codecs/shared/mod.ts";

interface Asked extends CallTimes {
  readonly atMs: number;
}

export interface AttemptedCalls {
  /** T. */
  readonly roundMs: number;
  /** By our VService and the called number; the one attempted last stands last. */
  readonly lines: Map<string, ReadonlyArray<Asked>>;
  count: number;
}

/** How long a record of the same call is expected to come again; longer than the called side stores its own. */
export const ATTEMPTED_LIFETIME_MS = 72 * 3_600_000;
/** Some 150 bytes each; the number whose last attempt is oldest is removed first. */
export const ATTEMPTED_CALLS_MAX = 200_000;

export const attemptedCalls = (roundMs: number): AttemptedCalls => ({ roundMs, lines: new Map(), count: 0 });

/** `line`: our VService and the called number (`queueOf`). False: it must not be attempted. */
export const markAttempted = (
  asked: AttemptedCalls,
  line: string,
  { startMs, stopMs }: CallTimes,
  atMs: number,
): boolean => {
  const { lines, roundMs } = asked;
  const fresh = (lines.get(line) ?? []).filter((call) => atMs - call.atMs < ATTEMPTED_LIFETIME_MS);
  const isNew = fresh.every((call) => startMs - call.stopMs >= 2 * roundMs || call.startMs - stopMs >= 2 * roundMs);
  replace(asked, line, isNew ? [...fresh, { startMs, stopMs, atMs }] : fresh);
  while (asked.count > ATTEMPTED_CALLS_MAX) replace(asked, lines.keys().next().value!, []);
  return isNew;
};

/** No claimant guessed at it, so that none learned anything: a record of it may be used when it comes again. */
export const unmarkAttempted = (asked: AttemptedCalls, line: string, { startMs, stopMs }: CallTimes): void => {
  const left = (asked.lines.get(line) ?? []).filter((call) => call.startMs !== startMs || call.stopMs !== stopMs);
  replace(asked, line, left);
};

const replace = (asked: AttemptedCalls, line: string, calls: ReadonlyArray<Asked>): void => {
  asked.count += calls.length - (asked.lines.get(line)?.length ?? 0);
  asked.lines.delete(line);
  if (calls.length > 0) asked.lines.set(line, calls);
};
