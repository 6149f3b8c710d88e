/**
 * Days of telephone calls between two companies that show one main number each: when they begin, how long they last, how
 * many are up at once; what either end records of them; and when they are asked about.
 */
import { e164, type UnixMs, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { callFacts, TV_MS_MAX, TV_MS_MIN } from "../../machines/validation/mod.ts";
import { type Chance, chanceOf } from "../../runtime/memory.ts";

const HOUR = 3_600_000;
const WIDE = 2 ** 30;
export const [MAIN_A, MAIN_B] = [e164("+14085550100"), e164("+49305550100")];
export const [SERVICE_A, SERVICE_B] = [vserviceId(1n), vserviceId(7n)];
export const AT_ONCE_MAX = 10;
/** Of exponential lengths. */
export const MEAN_MS = 200_000;

export interface DayCall {
  readonly sent: Vcr;
  /** Undefined: the called side has lost its record. */
  readonly received: Vcr | undefined;
  readonly dueMs: UnixMs;
}

export interface DayOptions {
  readonly calls: number;
  /** How far either end's clock may be off, at each event. */
  readonly skewMs?: number;
  /** The share of calls that the called side has lost. */
  readonly lost?: number;
  /** Neither end knows the caller. */
  readonly isWithheld?: boolean;
  /** Evenly over so many hours, without the rushes. */
  readonly evenlyOver?: number;
  /** From B to A. */
  readonly isReverse?: boolean;
}

/** Calls of one direction on the day that begins at `dayMs`: two thirds over eight hours, the others in four rushes of ten minutes. */
export const callsOfDay = (
  seed: number,
  dayMs: number,
  { calls, skewMs = 1_000, lost = 0, isWithheld = false, evenlyOver, isReverse = false }: DayOptions,
) => {
  const chance = chanceOf(seed);
  const unit = () => (chance.between(0, WIDE - 1) + 0.5) / WIDE;
  const all: Array<DayCall> = [];
  const [from, to] = isReverse ? [MAIN_B, MAIN_A] : [MAIN_A, MAIN_B];
  const [fromService, toService] = isReverse ? [SERVICE_B, SERVICE_A] : [SERVICE_A, SERVICE_B];
  while (all.length < calls) {
    const isRush = evenlyOver === undefined && all.length % 3 === 0;
    const hour = isRush ? 9.2 + 2 * Math.floor(4 * unit()) : 9;
    const startMs = dayMs + hour * HOUR + unit() * (isRush ? 600_000 : (evenlyOver ?? 8) * HOUR);
    const stopMs = startMs + 5_000 - Math.log(unit()) * MEAN_MS;
    if (mostAtOnce(all, startMs, stopMs) >= AT_ONCE_MAX) continue;
    const of = (direction: Vcr["direction"], vservice: Vcr["vservice"]): Vcr => {
      const [start, stop] = [startMs, stopMs].map((ms) => unixMs(Math.round(ms + (2 * unit() - 1) * skewMs)));
      return {
        direction,
        calling: isWithheld ? undefined : from,
        called: to,
        startMs: start!,
        stopMs: stop!,
        vservice,
      };
    };
    const sent = of("sent", fromService);
    const received = unit() < lost ? undefined : of("received", toService);
    all.push({ sent, received, dueMs: unixMs(stopMs + chance.between(TV_MS_MIN, TV_MS_MAX)) });
  }
  return all.sort((a, b) => a.sent.stopMs - b.sent.stopMs);
};

/** While this call would last. */
const mostAtOnce = (all: ReadonlyArray<DayCall>, startMs: number, stopMs: number): number => {
  const near = all.filter(({ sent }) => sent.startMs < stopMs && sent.stopMs > startMs);
  const at = [startMs, ...near.map(({ sent }) => sent.startMs as number).filter((ms) => ms > startMs)];
  return Math.max(...at.map((ms) => near.filter(({ sent }) => sent.startMs <= ms && sent.stopMs > ms).length));
};

export const factsOf = ({ sent }: DayCall) => callFacts(sent);
export const unitOf = (chance: Chance) => (chance.between(0, WIDE - 1) + 0.5) / WIDE;
