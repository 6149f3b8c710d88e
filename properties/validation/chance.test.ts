/**
 * What guessing brings, measured. A guesser has watched ten thousand calls of the same kind and knows how they are spread,
 * to the second and around the hour; then it guesses at ten thousand others. A call that it guesses right is worth
 * 2^bits of tries: its luck, summed so and divided by the tries, may not exceed 1.
 */
import { ok } from "node:assert";
import { ntpFromMs } from "../../codecs/shared/mod.ts";
import {
  type CallTimes,
  equivalentBits,
  instantWithin,
  ROUND_MS,
  roundNearest,
  timesOf,
} from "../../machines/validation/mod.ts";
import { credit, discredit, openLedger } from "../../machines/vipr/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS } from "./arbitrary.ts";

const CALLS = 10_000;
const GUESSES = 8;
const WIDE = 2 ** 30;
const drawOf = (seed: number) => {
  const chance = chanceOf(seed);
  const unit = () => (chance.between(0, WIDE - 1) + 0.5) / WIDE;
  const bell = () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit());
  return { unit, bell, wait: (meanMs: number) => -Math.log(unit()) * meanMs };
};
type Draw = ReturnType<typeof drawOf>;

/** When calls start, in ms after a full hour. */
const evenly = ({ unit }: Draw) => unit() * 3_600_000;
const around =
  (widthMs: number) =>
  ({ bell }: Draw) =>
    bell() * widthMs;
const after =
  (meanMs: number) =>
  ({ wait }: Draw) =>
    wait(meanMs);

const callsOf = (seed: number, starts: (draw: Draw) => number, meanMs: number): ReadonlyArray<CallTimes> => {
  const draw = drawOf(seed);
  return Array.from({ length: CALLS }, () => {
    const startMs = HOUR_MS + 4 * 3_600_000 + Math.round(starts(draw));
    return timesOf({ start: ntpFromMs(startMs), stop: ntpFromMs(startMs + Math.round(draw.wait(meanMs))) });
  });
};

/** What has to be guessed: with A both times as they are; with B the distances from the instant that was told. */
const secretOf = (method: "A" | "B", call: CallTimes, at: number): string => {
  const [start, stop] = [roundNearest(call.startMs, ROUND_MS).ms, roundNearest(call.stopMs, ROUND_MS).ms];
  if (method === "A") return `${start}/${stop}`;
  const told = Math.floor((1000 * instantWithin(call, at)) / ROUND_MS) * ROUND_MS;
  return `${told - start}/${stop - told}`;
};

/** The guesses that were worth most on the calls watched, and what they brought on the others, for each try. */
const luckOf = (method: "A" | "B", starts: (draw: Draw) => number, meanMs: number) => {
  const [watched, others] = [callsOf(1, starts, meanMs), callsOf(2, starts, meanMs)];
  const { unit } = drawOf(3);
  const worth = new Map<string, number>();
  for (const call of watched) {
    const secret = secretOf(method, call, unit());
    worth.set(secret, (worth.get(secret) ?? 0) + 2 ** equivalentBits(call, ROUND_MS, method));
  }
  const best = [...worth].sort((a, b) => b[1] - a[1]).slice(0, GUESSES);
  const guesses = new Set(best.map(([secret]) => secret));
  const right = others.filter((call) => guesses.has(secretOf(method, call, unit())));
  const bits = right.map((call) => equivalentBits(call, ROUND_MS, method));
  const tries = CALLS * guesses.size;
  return {
    luck: bits.reduce((sum, each) => sum + 2 ** each, 0) / tries,
    /** The share of tries that made a route by themselves. */
    routes: (requiredBits: number) => bits.filter((each) => each >= requiredBits).length / tries,
  };
};

const MEANS_MS = [60_000, 300_000];

test("guessing without knowledge of the hour: no guess brings more than its bits say", () => {
  for (const method of ["A", "B"] as const)
    for (const meanMs of MEANS_MS) {
      const { luck } = luckOf(method, evenly, meanMs);
      ok(luck <= 1, `${method}, calls of ${meanMs} ms: ${luck}`);
    }
});

test("on the hour: 10,000 calls clustered there do not validate on fewer bits than required, however close they stand", () => {
  for (const meanMs of MEANS_MS)
    for (const widthMs of [2_000, 20_000, 60_000, 300_000])
      for (const starts of [around(widthMs), after(widthMs)])
        for (const method of ["A", "B"] as const) {
          const { luck, routes } = luckOf(method, starts, meanMs);
          const what = `${method}, ${widthMs} ms around the hour, calls of ${meanMs} ms`;
          for (const requiredBits of [6, 8, 10, 12])
            ok(routes(requiredBits) <= 2 ** -requiredBits, `${what}: ${routes(requiredBits)} at ${requiredBits} bits`);
          // Within 2T a start counts 2 bits. Calls that all begin on the second have none: 1.4 was measured.
          ok(luck <= 2, `${what}: ${luck}`);
        }
});

test("patience: a thief who is given a hundred calls to guess at, and an owner who proves nineteen of twenty", () => {
  const [BITS, REQUIRED, OFFERED, THIEVES] = [6, 12, 100, 3_000];
  const { unit } = drawOf(4);
  /** The calls that it takes until somebody who proves one with this chance has a route. */
  const routeAfter = (chance: number): number => {
    const ledger = openLedger(REQUIRED);
    for (let call = 1; call <= OFFERED; call++)
      if (unit() >= chance) discredit(ledger, "claim");
      else if (credit(ledger, "claim", String(call), BITS, call).isRoute) return call;
    return Number.POSITIVE_INFINITY;
  };
  const thieves =
    Array.from({ length: THIEVES }, () => routeAfter(2 ** -BITS)).filter(Number.isFinite).length / THIEVES;
  const bound = OFFERED * 2 ** -REQUIRED;
  ok(thieves > 0 && thieves <= bound + 3 * Math.sqrt(bound / THIEVES), `${thieves} against ${bound}`);
  const owners = Array.from({ length: 1_000 }, () => routeAfter(0.95));
  ok(owners.filter((calls) => calls <= 6).length > 990);
});
