/**
 * The calls that we made, by our VService and the called number: which of them claimants were asked about, and what each
 * has in common with the others. docs/protocol/pvp.md#when-and-with-whom, #which-name.
 *
 *   upload ------> noteSent
 *   due ---------> askAbout --> undefined: this call was asked about before, by another record of it
 *                      '------> the other calls, for its user names; how far its ends are from those of asked ones
 *   no guess ----> takeBack
 *
 * The record of a call may arrive twice, from an agent and from a billing file, or again after a lost connection. Asked a
 * second time, claimants would know what their guesses at the first attempt were worth. Two records are one call if neither
 * end differs by T/2, as two clocks may, and they do not name two callers; up to T they may be one, and the second counts for
 * nothing. Calls that overlap are calls, each asked about. But where an end lies
 * near an end of an earlier one both may have one cause, and what claimants received of the one they know of the other: that
 * end counts for less in the later proof. A table that one actor owns and these functions change. DECISIONS.md D-048, D-102.
 */
import type { CallTimes } from "../../codecs/shared/mod.ts";
import type { CallFacts, EndsApart } from "../validation/mod.ts";

interface Sent extends CallFacts {
  readonly atMs: number;
  isAsked: boolean;
  /** For its validation. */
  isWaiting: boolean;
}

interface Line {
  /** In the order in which they were uploaded. */
  calls: Array<Sent>;
  isShared: boolean;
}

export interface SentCalls {
  /** T. */
  readonly roundMs: number;
  /** By our VService and the called number; the one that was changed last stands last. */
  readonly lines: Map<string, Line>;
  count: number;
}

/** How long a record of the same call is expected to come again; longer than the called side stores its own. */
export const SENT_LIFETIME_MS = 72 * 3_600_000;
/** Some 150 bytes each; those of the number that was called or asked about longest ago are removed first. */
export const SENT_CALLS_MAX = 400_000;
/** Of one line. Each call that falls due is compared with them all; the oldest are removed first. */
export const SENT_OF_LINE_MAX = 4_096;

export const sentCalls = (roundMs: number): SentCalls => ({ roundMs, lines: new Map(), count: 0 });

/** `line`: our VService and the called number (`queueOf`). */
export const noteSent = (sent: SentCalls, line: string, call: CallFacts, atMs: number): void => {
  const known = lineOf(sent, line, atMs);
  const own = known.calls.find((other) => isIdentical(other, call));
  if (own === undefined) addTo(sent, line, known, sentOf(call, atMs, false));
  else own.isWaiting = true;
};

/** Another server has them from now on. */
export const forgetLines = (sent: SentCalls, isGone: (line: string) => boolean): void => {
  for (const [line, { calls }] of sent.lines) {
    if (!isGone(line)) continue;
    sent.lines.delete(line);
    sent.count -= calls.length;
  }
};

/** This very record waits, or claimants were asked about it: uploaded again, it changes nothing. */
export const isTaken = ({ lines }: SentCalls, line: string, call: CallFacts): boolean =>
  lines.get(line)?.calls.some((other) => isIdentical(other, call) && (other.isWaiting || other.isAsked)) === true;

/** It waits no more, and nobody was asked about it: it may come again. */
export const giveUp = ({ lines }: SentCalls, line: string, call: CallFacts): void => {
  const own = lines.get(line)?.calls.find((other) => isIdentical(other, call));
  if (own !== undefined) own.isWaiting = false;
};

/** What a call has in common with the others of its line. */
export interface CallAmongOthers {
  readonly others: ReadonlyArray<CallFacts>;
  /** From calls that claimants were asked about. */
  readonly apart: EndsApart;
  /** `setShared` has said so. */
  readonly isShared: boolean;
}

/** Marks it as asked about. Undefined: it was before, by this record or by another, and must not be asked about. */
export const askAbout = (sent: SentCalls, line: string, call: CallFacts, atMs: number): CallAmongOthers | undefined => {
  const known = lineOf(sent, line, atMs);
  const { roundMs } = sent;
  const { calls, isShared } = known;
  const asked = calls.filter(({ isAsked }) => isAsked);
  const own = calls.find((other) => isIdentical(other, call));
  if (own !== undefined) own.isWaiting = false;
  if (asked.some((other) => isSameCall(other, call, roundMs / 2))) return undefined;
  const others = calls.filter((other) => !isSameCall(other, call, roundMs / 2));
  const mayBeSame = asked.some((other) => isSameCall(other, call, roundMs));
  const apart = mayBeSame ? { startMs: 0, stopMs: 0 } : endsApart(call, asked);
  if (own === undefined) addTo(sent, line, known, sentOf(call, atMs, true));
  else own.isAsked = true;
  return { others, apart, isShared };
};

/** No claimant guessed at it, so that none learned anything: a record of it may be used when it comes again. */
export const takeBack = (sent: SentCalls, line: string, call: CallFacts): void => {
  const own = sent.lines.get(line)?.calls.find((other) => isIdentical(other, call));
  if (own !== undefined) own.isAsked = false;
};

/**
 * Whether others call that number too, at the same time, as far as we can tell: nobody could say which call a name without
 * bits of the times meant. Forgotten with the line.
 */
export const setShared = ({ lines }: SentCalls, line: string, isShared: boolean): void => {
  const known = lines.get(line);
  if (known !== undefined) known.isShared = isShared;
};

/** The line without the calls that are too old, as the one that was changed last. */
const lineOf = (sent: SentCalls, line: string, atMs: number): Line => {
  const known = sent.lines.get(line) ?? { calls: [], isShared: false };
  const fresh = known.calls.findIndex((call) => atMs - call.atMs < SENT_LIFETIME_MS);
  sent.count -= known.calls.splice(0, fresh < 0 ? known.calls.length : fresh).length;
  sent.lines.delete(line);
  if (known.calls.length > 0) sent.lines.set(line, known);
  return known;
};

/** Adds a call to a line that `lineOf` gave. */
const addTo = (sent: SentCalls, line: string, known: Line, call: Sent): void => {
  known.calls.push(call);
  sent.count += 1;
  if (known.calls.length > SENT_OF_LINE_MAX) sent.count -= known.calls.splice(0, 1).length;
  sent.lines.set(line, known);
  for (const [oldest, { calls }] of sent.lines) {
    if (sent.count <= SENT_CALLS_MAX) break;
    sent.lines.delete(oldest);
    sent.count -= calls.length;
  }
};

const sentOf = ({ called, calling, startMs, stopMs }: CallFacts, atMs: number, isAsked: boolean): Sent => ({
  called,
  calling,
  startMs,
  stopMs,
  atMs,
  isAsked,
  isWaiting: !isAsked,
});

const isIdentical = (a: CallFacts, b: CallFacts): boolean =>
  a.startMs === b.startMs && a.stopMs === b.stopMs && a.calling === b.calling;

/** One call, by two records of which one may lack the caller. */
const isSameCall = (a: CallFacts, b: CallFacts, withinMs: number): boolean => {
  const isOneCaller = a.calling === undefined || b.calling === undefined || a.calling === b.calling;
  return isOneCaller && Math.abs(a.startMs - b.startMs) < withinMs && Math.abs(a.stopMs - b.stopMs) < withinMs;
};

const endsApart = (call: CallTimes, others: ReadonlyArray<CallTimes>): EndsApart => {
  const nearest = (ms: number) =>
    others.reduce(
      (least, { startMs, stopMs }) => Math.min(least, Math.abs(ms - startMs), Math.abs(ms - stopMs)),
      Number.POSITIVE_INFINITY,
    );
  return { startMs: nearest(call.startMs), stopMs: nearest(call.stopMs) };
};
