/**
 * The instants of a row's times, by what else the row knows: Asterisk's `uniqueid` is the second of its channel's birth,
 * since 1970 and in no zone, and the durations are counted by another clock than the wall's.
 *
 *   local time --> zone --> one instant, or two in the hour that comes twice
 *                            |-- before the channel's birth: cannot be
 *                            +-- durations: the pair that lasted so long
 *   a quarter of an hour or more beside the birth, to the second: the file's zone is not the one of the configuration
 *
 * DECISIONS.md D-094.
 */
import type { Zone } from "./zone.ts";

/** Zones differ by quarters of an hour. */
const STEP_MS = 900_000;
/** From one end of the earth's zones to the other, UTC-12 to UTC+14: what lies further apart is no zone but a wrong clock. */
const SHIFT_MS_MAX = 26 * 3_600_000;
/** A row begins within the second of the birth or shortly after it; its own second was cut. */
const NEAR_MS = 2_000;
/** Rows in a row that must agree before a zone that seemed right is given up, where nothing contradicts it outright. */
const DISPUTES_MIN = 3;

/** What the rows have shown so far of the file's zone: a shift of the configured one. */
export interface ZoneEvidence {
  shiftMs: number;
  /** Rows that agree with the shift. */
  agreed: number;
  /** Rows since then, all with one other shift. */
  disputed: number;
  otherMs: number;
}
export const noEvidence = (): ZoneEvidence => ({ shiftMs: 0, agreed: 0, disputed: 0, otherMs: 0 });

export interface LocalTimes {
  readonly startMs: number;
  readonly answerMs: number | undefined;
  readonly endMs: number;
  /** Of the channel, a Unix time in whole seconds. */
  readonly birthMs: number | undefined;
  /** Seconds from start to end and from answer to end, as the record has them. */
  readonly durationS: number | undefined;
  readonly billS: number | undefined;
}
export interface Instants {
  readonly startMs: number;
  readonly answerMs: number | undefined;
  readonly endMs: number;
}

/** Undefined: the times are in no order. Learns from the row. */
export const instantsOf = (local: LocalTimes, zone: Zone, evidence: ZoneEvidence): Instants | undefined => {
  const starts = zone.instants(local.startMs);
  const { birthMs } = local;
  if (birthMs !== undefined && starts[0] - birthMs < -SHIFT_MS_MAX) return undefined; // no zone lets it begin before its channel
  if (starts.length === 1 && birthMs !== undefined) learn(starts[0] - birthMs, evidence);
  const shifted = (ms: number) => ms - evidence.shiftMs;
  const found = chosen(local, zone, birthMs === undefined ? undefined : birthMs + evidence.shiftMs);
  if (found === undefined) return undefined;
  if (evidence.shiftMs === 0) return found;
  const { startMs, answerMs, endMs } = found;
  return {
    startMs: shifted(startMs),
    answerMs: answerMs === undefined ? undefined : shifted(answerMs),
    endMs: shifted(endMs),
  };
};

/** `aheadMs`: start less birth, as the configured zone has it. */
const learn = (aheadMs: number, evidence: ZoneEvidence): void => {
  const restMs = aheadMs - evidence.shiftMs;
  if (restMs >= -NEAR_MS && restMs < STEP_MS - NEAR_MS) {
    if (restMs <= NEAR_MS) evidence.agreed += 1;
    if (restMs <= NEAR_MS) evidence.disputed = 0;
    return;
  }
  const stepMs = Math.round(aheadMs / STEP_MS) * STEP_MS;
  if (Math.abs(stepMs) > SHIFT_MS_MAX || Math.abs(aheadMs - stepMs) > NEAR_MS) return; // a later part of a long call, or a clock that was set
  evidence.disputed = evidence.otherMs === stepMs ? evidence.disputed + 1 : 1;
  evidence.otherMs = stepMs;
  const isImpossible = restMs < -NEAR_MS;
  if (evidence.agreed > 0 && !isImpossible && evidence.disputed < DISPUTES_MIN) return;
  evidence.shiftMs = stepMs;
  evidence.agreed = 1;
  evidence.disputed = 0;
};

const chosen = (local: LocalTimes, zone: Zone, bornMs: number | undefined): Instants | undefined => {
  const starts = zone.instants(local.startMs);
  const ends = zone.instants(local.endMs);
  const answers = local.answerMs === undefined ? NONE : zone.instants(local.answerMs);
  if (starts.length === 1 && ends.length === 1 && answers.length === 1) {
    const [startMs, answerMs, endMs] = [starts[0], answers[0], ends[0]];
    if (isInOrder({ startMs, answerMs, endMs })) return { startMs, answerMs, endMs };
    return pastChange({ startMs, answerMs, endMs }, local);
  }
  let best: Instants | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const startMs of starts as ReadonlyArray<number>)
    for (const answerMs of answers)
      for (const endMs of ends as ReadonlyArray<number>) {
        if (!isInOrder({ startMs, answerMs, endMs })) continue;
        const wrong = wrongness({ startMs, answerMs, endMs }, local, bornMs);
        if (wrong < least) [best, least] = [{ startMs, answerMs, endMs }, wrong];
      }
  return best;
};
const NONE: ReadonlyArray<undefined> = [undefined];

const isInOrder = ({ startMs, answerMs, endMs }: Instants): boolean =>
  startMs <= endMs && (answerMs === undefined || (startMs <= answerMs && answerMs <= endMs));

/** Clocks were set back within the call, in a zone that is not the configured one: if the durations say so too. */
const pastChange = ({ startMs, answerMs, endMs }: Instants, local: LocalTimes): Instants | undefined => {
  const later = (ms: number) => (ms < startMs ? ms + CHANGE_MS : ms);
  const moved = { startMs, answerMs: answerMs === undefined ? undefined : later(answerMs), endMs: later(endMs) };
  const isTold = local.durationS !== undefined && isInOrder(moved) && wrongness(moved, local, undefined) <= 2 * NEAR_MS;
  return isTold ? moved : undefined;
};
const CHANGE_MS = 3_600_000;

/** How far a choice is from what the record counted; times before the birth are the last resort. */
const wrongness = (
  { startMs, answerMs, endMs }: Instants,
  { durationS, billS }: LocalTimes,
  bornMs: number | undefined,
) => {
  const off = (fromMs: number, seconds: number | undefined) =>
    seconds === undefined ? 0 : Math.abs(endMs - fromMs - 1000 * seconds);
  const early = bornMs === undefined || startMs >= bornMs - NEAR_MS ? 0 : 1e12;
  const late = bornMs === undefined ? 0 : Math.max(0, startMs - bornMs) / 10;
  return early + off(startMs, durationS) + (answerMs === undefined ? 0 : off(answerMs, billS)) + late;
};
