/**
 * Two companies, one main number each, 200 calls a day and up to ten at once: who has its route when, and what a thief gains
 * who claims the number, is told every user name, and guesses as well as can be. Names, stores, ledger and table of calls are
 * the servers' own; what carries them is left out. `relations.test.ts` plays a day over whole servers.
 */
import { ok } from "node:assert";
import process from "node:process";
import {
  type NodeId,
  type NtpMs,
  nodeIdFrom,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMs,
  unixMsOf,
  type VServiceId,
} from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import {
  callFacts,
  callStore,
  equivalentBits,
  failCall,
  formsFor,
  HALF_HOUR_MS,
  insertCall,
  instantWithin,
  originatorPassword,
  type PvpForm,
  roundNearest,
  ROUND_MS as T,
  timeBits,
  userNameFor,
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
import { chanceOf } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { callsOfDay, type DayCall, type DayOptions, MEAN_MS, SERVICE_A, SERVICE_B, unitOf } from "./days.ts";
import { answerTo } from "./naming.ts";

const DAY_MS = Date.UTC(2026, 0, 5);
const HOUR = 3_600_000;

/** One end of a relation: what it has received, what it has sent, and whom it has come to believe. */
const company = (nodeId: NodeId, service: VServiceId) => ({
  nodeId,
  service,
  line: `${service}/main`,
  store: callStore([nodeId]),
  sent: sentCalls(T),
  ledger: openLedger(REQUIRED_BITS),
});
type Company = ReturnType<typeof company>;
const companies = () => ({
  a: company(nodeIdFrom(1n), SERVICE_A),
  b: company(nodeIdFrom(2n), SERVICE_B),
});

/** One call put to the proof: each of its names in turn, to the owner and to a thief. */
interface Asked {
  readonly call: DayCall;
  readonly form: PvpForm;
  readonly name: PvpUserName;
  readonly instantMs: UnixMs;
  /** What a proof by this name is worth. */
  readonly bits: number;
  readonly isProved: boolean;
}

interface Played {
  readonly asked: Array<Asked>;
  routeMs: number;
  validated: number;
}

/** A day's calls from one company to the other, as events that are still to be performed. */
const callsBetween = (from: Company, to: Company, seed: number, options: DayOptions) => {
  const { line, sent, ledger } = from;
  const { store } = to;
  const claim = { originator: from.nodeId, terminator: to.nodeId, vservice: to.service };
  const chance = chanceOf(seed + 1_000);
  const played: Played = { asked: [], routeMs: Number.POSITIVE_INFINITY, validated: 0 };

  const upload = ({ sent: call, received }: DayCall, ms: number) => {
    noteSent(sent, line, callFacts(call), ms);
    if (received !== undefined) insertCall(store, received, unixMs(ms));
  };
  const prove = (call: DayCall, ms: number) => {
    const known = callFacts(call.sent);
    const among = askAbout(sent, line, known, ms);
    if (among === undefined) return;
    const instantMs = instantWithin(known, unitOf(chance));
    for (const [guesses, form] of formsFor({ call: known, ...among, instantMs, roundMs: T }).entries()) {
      const name = userNameFor(form, known, claim, instantMs, T);
      const { password, charged } = answerTo(store, name);
      const isProved = password === originatorPassword(name, known, T);
      const bits = Math.max(0, worthOf(known, form, T, undefined, among.apart) - Math.log2(1 + guesses));
      played.asked.push({ call, form, name, instantMs, bits, isProved });
      if (!isProved) for (const id of charged) failCall(store, id, form.method);
      if (!isProved) continue;
      played.validated += 1;
      if (credit(ledger, "owner", known, bits, ms).isRoute) played.routeMs = Math.min(played.routeMs, ms);
      return;
    }
    discredit(ledger, "owner");
  };
  const events = callsOfDay(seed, DAY_MS, options).flatMap((call) => [
    { ms: call.sent.stopMs + 1_000, run: () => upload(call, call.sent.stopMs + 1_000) },
    { ms: call.dueMs as number, run: () => prove(call, call.dueMs) },
  ]);
  return { played, events };
};

/** What became of a day's calls, in the order in which they were asked about. */
const play = (seed: number, options: DayOptions): Played => {
  const { a, b } = companies();
  const { played, events } = callsBetween(a, b, seed, options);
  for (const { run } of events.sort((one, other) => one.ms - other.ms)) run();
  return played;
};

/** The same with as many calls back at the same hours. */
const playBothWays = (seed: number, options: DayOptions): ReadonlyArray<Played> => {
  const { a, b } = companies();
  const there = callsBetween(a, b, seed, options);
  const back = callsBetween(b, a, seed + 500, { ...options, isReverse: true });
  for (const { run } of [...there.events, ...back.events].sort((one, other) => one.ms - other.ms)) run();
  return [there.played, back.played];
};

test("busy days: of main numbers that call each other both have their route within a day, whoever is named, and with lost records too", () => {
  for (const [options, share] of [
    [{}, 0.95],
    [{ isWithheld: true }, 0.95],
    [{ lost: 0.1 }, 0.84],
    [{ lost: 0.1, isWithheld: true }, 0.8],
  ] as const)
    for (let seed = 1; seed <= 4; seed++) {
      for (const [way, { routeMs, validated }] of playBothWays(seed, { calls: 200, ...options }).entries()) {
        const what = `${JSON.stringify(options)}, seed ${seed}, ${way === 0 ? "there" : "back"}`;
        if (process.env.VIPR_SHOW === "1") console.log(what, validated, (routeMs - DAY_MS) / HOUR);
        ok(validated >= share * 200, `${what}: ${validated} validated`);
        ok(routeMs < DAY_MS + 24 * HOUR, `${what}: a route after ${(routeMs - DAY_MS) / HOUR} hours`);
      }
    }
});

// A thief who knows how calls are distributed, and reads the names

/** Rounded times, how likely they are as far as the thief can tell, and the bits that A or B has for them. */
interface Cell {
  readonly startMs: number;
  readonly lastsMs: number;
  readonly share: number;
  readonly bits: number;
}
const LASTS_MAX = 120;
const timesOf = (startMs: number, lastsMs: number) => ({
  startMs: unixMsOf(ntpMs(startMs)),
  stopMs: unixMsOf(ntpMs(startMs + lastsMs)),
});

/** The half hour's cells: its starts are equally likely, lengths are exponential. */
const cellsOfHalfHour = (halfHour: number): ReadonlyArray<Cell> => {
  const first = halfHour * 1_000 - HALF_HOUR_MS / 2;
  return Array.from({ length: (HALF_HOUR_MS / T) * LASTS_MAX }, (_, i) => {
    const [startMs, lastsMs] = [first + Math.floor(i / LASTS_MAX) * T, (i % LASTS_MAX) * T];
    const bits = equivalentBits(timesOf(startMs, lastsMs), T, "A", HALF_HOUR_MS);
    return { startMs, lastsMs, share: (T / HALF_HOUR_MS) * shareOf(lastsMs), bits };
  });
};
/** Around an instant that is 0. */
const cellsAroundInstant = (): ReadonlyArray<Cell> =>
  Array.from({ length: LASTS_MAX * LASTS_MAX }, (_, i) => {
    const [before, after] = [Math.floor(i / LASTS_MAX) * T, (i % LASTS_MAX) * T];
    const lastsMs = before + after;
    const bits = equivalentBits(timesOf(0, lastsMs), T, "B");
    return { startMs: -before, lastsMs, share: shareOf(lastsMs) / (1 + lastsMs / T), bits };
  });
const shareOf = (lastsMs: number) => Math.exp(-lastsMs / MEAN_MS) * (T / MEAN_MS);

const best = (cells: ReadonlyArray<Cell>, worth: (cell: Cell) => number) =>
  cells.toSorted((a, b) => worth(b) - worth(a));
const ranked = (cells: ReadonlyArray<Cell>) => ({
  byWorth: best(cells, ({ share, bits }) => share * 2 ** bits),
  byShare: best(cells, ({ share }) => share),
});
type Ranked = ReturnType<typeof ranked>;
const aroundInstant = ranked(cellsAroundInstant());
const halfHours = new Map<number, Ranked>();
const ofHalfHour = (halfHour: number): Ranked => {
  const known = halfHours.get(halfHour) ?? ranked(cellsOfHalfHour(halfHour));
  halfHours.set(halfHour, known);
  return known;
};

/** The guess that brings most, among those which have the bits that were told. */
const guessAt = ({ byWorth, byShare }: Ranked, fromMs: number, told: string): readonly [NtpMs, NtpMs] | undefined => {
  const fits = ({ startMs, lastsMs }: Cell) =>
    timeBits(ntpMs(fromMs + startMs), ntpMs(fromMs + startMs + lastsMs)).startsWith(told);
  const gain = ({ share, bits }: Cell) => share * 2 ** Math.max(0, bits - told.length);
  const found = [byWorth.find(fits), byShare.find(fits)].filter((cell) => cell !== undefined);
  const [cell] = found.toSorted((a, b) => gain(b) - gain(a));
  return cell && [ntpMs(fromMs + cell.startMs), ntpMs(fromMs + cell.startMs + cell.lastsMs)];
};

const isRight = ({ name, call: { sent } }: Asked, told: string): boolean => {
  if (name.version === 1 || name.method === "C") return false;
  const guess =
    name.method === "A"
      ? guessAt(ofHalfHour(name.halfHour), 0, told)
      : guessAt(aroundInstant, Math.floor((name.instant * 1_000) / T) * T, told);
  return (
    guess?.[0] === roundNearest(ntpMsOf(sent.startMs), T).ms && guess[1] === roundNearest(ntpMsOf(sent.stopMs), T).ms
  );
};

test("busy days: a thief who claims the main number gains no more by a guess than its bits say, and would if they were not counted", () => {
  for (const [method, evenlyOver] of [
    ["A", 8],
    ["B", 8],
    ["B", 3],
  ] as const) {
    let [guesses, luck, untaxed] = [0, 0, 0];
    for (let seed = 1; seed <= 4; seed++)
      for (const one of play(seed, { calls: 200, evenlyOver, isWithheld: method === "B" }).asked) {
        if (one.form.method !== method || one.form.version === 1) continue;
        guesses += 1;
        const { name, form } = one;
        if (!isRight(one, name.version === 2 && name.method !== "C" ? name.bits : "")) continue;
        // As if no other call were near.
        luck += 2 ** worthOf(one.call.sent, form, T);
        untaxed += 2 ** worthOf(one.call.sent, { ...form, revealed: 0 }, T);
      }
    const what = `${method}, 200 calls over ${evenlyOver} hours: ${luck / guesses} a guess, ${untaxed / guesses} without the bits, ${guesses} guesses`;
    if (process.env.VIPR_SHOW === "1") console.log(what);
    ok(guesses > 400 && luck / guesses <= 1 && untaxed / guesses > 2, what);
  }
});
