/**
 * Calls of one cause: people of one company, one main number, call a bridge on the hour and all leave when the conference ends.
 * A thief who claims the bridge's number is told bits of each leg's times, and so of the common end, again and again: he soon
 * knows it. An end that lies near one of a call asked about before therefore counts for nothing. Weekly conferences, one thief.
 */
import { ok } from "node:assert";
import process from "node:process";
import { e164, type NtpMs, ntpMs, ntpMsOf, unixMs } from "../../codecs/shared/mod.ts";
import {
  ALONE,
  type CallFacts,
  formsFor,
  instantWithin,
  roundNearest,
  ROUND_MS as T,
  timeBits,
  worthOf,
} from "../../machines/validation/mod.ts";
import {
  askAbout,
  credit,
  discredit,
  noteSent,
  openLedger,
  REQUIRED_BITS,
  sentCalls,
} from "../../machines/vipr/mod.ts";
import { type Chance, chanceOf } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS } from "./arbitrary.ts";
import { unitOf } from "./days.ts";

/** Five to fifteen minutes: what the thief knows of their length is what is counted for it. */
const [WEEK_MS, LASTS_MS, LEGS] = [7 * 86_400_000, 300_000, 8];
/** Ends are spread evenly over so many cells of T, starts as a bell of this width. */
const [ENDS, WIDTH_MS] = [60, 60_000];
const cells = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i * T);
const bell = (ms: number) => Math.exp(-0.5 * (ms / WIDTH_MS) ** 2);

/** The legs of one conference, in the order in which they are asked about. */
const legsOf = (chance: Chance, week: number): ReadonlyArray<CallFacts> => {
  const hourMs = HOUR_MS + week * WEEK_MS;
  const endMs = hourMs + LASTS_MS + Math.round(unitOf(chance) * ENDS * T);
  return Array.from({ length: LEGS }, () => {
    const away = WIDTH_MS * Math.sqrt(-2 * Math.log(unitOf(chance))) * Math.cos(2 * Math.PI * unitOf(chance));
    return {
      called: e164("+14085550199"),
      calling: e164("+49305550100"),
      startMs: unixMs(Math.round(hourMs + away)),
      stopMs: unixMs(endMs + chance.between(0, 1_000)),
    };
  });
};

/** What the thief thinks of start and common end, by each name that he has seen. */
class Thief {
  readonly #pairs: Array<{ readonly text: string; readonly end: NtpMs; readonly bits: string; readonly start: number }>;
  readonly #ends: Map<NtpMs, number>;

  constructor(hour: NtpMs) {
    const ends = cells(hour + LASTS_MS, ENDS + 1).map(ntpMs);
    this.#ends = new Map(ends.map((end) => [end, 1]));
    this.#pairs = cells(hour - 18 * T, 37).flatMap((start) =>
      ends.map((end) => ({
        text: `${start}/${end}`,
        end,
        bits: timeBits(ntpMs(start), end),
        start: bell(start - hour),
      })),
    );
  }

  /** The guess that is most likely right, given these bits and those before. */
  guess(told: string): string {
    const fits = this.#pairs.filter(({ bits }) => bits.startsWith(told));
    const likely = ({ start, end }: (typeof fits)[number]) => start * this.#ends.get(end)!;
    const best = fits.reduce((a, b) => (likely(b) > likely(a) ? b : a));
    const seen = new Map<NtpMs, number>();
    for (const { start, end } of fits) seen.set(end, (seen.get(end) ?? 0) + start);
    for (const [end, before] of this.#ends) this.#ends.set(end, before * (seen.get(end) ?? 0));
    return best.text;
  }

  /** He heard that it was right. */
  know(guess: string): void {
    for (const end of this.#ends.keys()) if (!guess.endsWith(`/${end}`)) this.#ends.set(end, 0);
  }
}

/** Routes that the thief had in so many weeks: as calls are counted, and if each counted for itself. */
const routesOf = (seed: number, weeks: number) => {
  const chance = chanceOf(seed);
  const sent = sentCalls(T);
  const ledgers = [openLedger(REQUIRED_BITS), openLedger(REQUIRED_BITS)];
  const routes = [0, 0];
  let right = 0;
  const prove = (call: CallFacts, atMs: number, thief: Thief) => {
    const among = askAbout(sent, "bridge", call, atMs);
    const named = among && formsFor({ call, ...among, instantMs: instantWithin(call, 0.5), roundMs: T });
    const form = named?.[0];
    if (among === undefined || form === undefined) return;
    const [start, stop] = [roundNearest(ntpMsOf(call.startMs), T).ms, roundNearest(ntpMsOf(call.stopMs), T).ms];
    const guess = thief.guess(timeBits(start, stop).slice(0, form.bits));
    const isRight = guess === `${start}/${stop}`;
    if (isRight) thief.know(guess);
    if (isRight) right += 1;
    for (const [i, ledger] of ledgers.entries()) {
      const bits = worthOf(call, form, T, undefined, i === 0 ? among.apart : ALONE);
      const hasRoute = isRight && credit(ledger, "thief", call, bits, atMs).isRoute;
      if (hasRoute) routes[i]! += 1;
      if (hasRoute || !isRight) discredit(ledger, "thief");
    }
  };
  for (let week = 0; week < weeks; week++) {
    const hourMs = unixMs(HOUR_MS + week * WEEK_MS);
    const thief = new Thief(ntpMsOf(hourMs));
    const legs = legsOf(chance, week);
    for (const leg of legs) noteSent(sent, "bridge", leg, hourMs);
    for (const leg of legs) prove(leg, hourMs + 7_200_000, thief);
  }
  return { counted: routes[0]!, naive: routes[1]!, right };
};

test("conference: a common end is soon known, and brings a thief no route; it would if each leg counted for itself", () => {
  const [SEEDS, WEEKS] = [4, 40];
  const all = Array.from({ length: SEEDS }, (_, seed) => routesOf(seed, WEEKS));
  const sum = (of: "counted" | "naive" | "right") => all.reduce((total, each) => total + each[of], 0);
  const legs = SEEDS * WEEKS * LEGS;
  const bound = legs * 2 ** -REQUIRED_BITS;
  const what = `${sum("counted")} routes of ${legs} legs (bound ${bound}), ${sum("naive")} if each counted, ${sum("right")} right`;
  if (process.env.VIPR_SHOW === "1") console.log(what);
  ok(sum("right") > legs / 10 && sum("naive") > 20 * bound, what);
  ok(sum("counted") <= bound + 3 * Math.sqrt(bound), what);
});
