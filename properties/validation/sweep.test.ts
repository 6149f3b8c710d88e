/** What a stranger wins who tries a number's whole two days by B, and whom he shuts out by it: docs/security.md has the figures. */
import { ok, deepStrictEqual as same } from "node:assert";
import { nodeIdFrom, ntpMsOf, unixMs } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import {
  callNamed,
  callStore,
  candidatesFor,
  failCall,
  insertCall,
  isLocked,
  ROUND_MS,
  terminatorPassword,
} from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";
import { receivedCall as got, HOUR_MS } from "./arbitrary.ts";

const NODE = nodeIdFrom(2n);
const DAYS_MS = 172_800_000;
const STEP_MS = 90_000;
const MEAN_MS = 180_000;
const SWEEPS = 60;
/** Before and after the instant, as far as a call that is likely may reach, in a guesser's eyes. */
const GUESSES = [
  [0, 10_000],
  [10_000, 10_000],
  [10_000, 20_000],
] as const;

/** mulberry32: the same calls in every run. */
const chance = (seed: number) => () => {
  seed = (seed + 0x6d2b_79f5) | 0;
  let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
};

/** One sweep over a number with so many calls: whether there was a ticket, and how many calls it shut to either way. */
const sweep = (count: number, random: () => number) => {
  const lasting = (mean: number) => -Math.log(1 - random()) * mean;
  const store = callStore([NODE]);
  const fromMs = got.startMs;
  let atMs: number = fromMs;
  const ids = Array.from({ length: count }, () => {
    const startMs = atMs + lasting(DAYS_MS / count - MEAN_MS);
    atMs = startMs + lasting(MEAN_MS);
    return insertCall(
      store,
      { ...got, startMs: unixMs(Math.round(startMs)), stopMs: unixMs(Math.round(atMs)) },
      unixMs(HOUR_MS),
    ).id;
  });
  let hasTicket = false;
  for (let ms = 0; ms < DAYS_MS; ms += STEP_MS)
    for (const [before, after] of GUESSES) {
      const instantMs = Math.floor((fromMs + ms) / 1000) * 1000;
      const name: PvpUserName = {
        version: 1,
        method: "B",
        called: got.called,
        instant: ntpMsOf(unixMs(instantMs)) / 1000,
        originator: nodeIdFrom(9n),
        terminator: NODE,
        vservice: got.vservice,
        start: "d",
        stop: "d",
      };
      const [call, second] = candidatesFor(store, name);
      if (call === undefined || second !== undefined || isLocked(call, "B")) continue;
      const low = Math.floor(instantMs / ROUND_MS) * ROUND_MS;
      const guessed = { ...call, startMs: unixMs(low - before + 1), stopMs: unixMs(low + after + 1) };
      if (terminatorPassword(name, guessed, ROUND_MS) === terminatorPassword(name, call, ROUND_MS)) hasTicket = true;
      else failCall(store, call.id, "B");
    }
  const lockedTo = (method: "A" | "B") => ids.filter((id) => isLocked(callNamed(store, id)!, method)).length;
  return { hasTicket, lockedToA: lockedTo("A"), lockedToB: lockedTo("B") };
};

test("sweep: the more calls a number has the likelier a ticket; most are locked to B by it, and none to A", () => {
  const random = chance(7);
  const found = [10, 40].map((count) => {
    const sweeps = Array.from({ length: SWEEPS }, () => sweep(count, random));
    for (const { lockedToA } of sweeps) same(lockedToA, 0);
    const locked = sweeps.reduce((sum, { lockedToB }) => sum + lockedToB, 0) / SWEEPS / count;
    ok(locked > 0.6 && locked < 0.9, `${locked} of ${count} calls locked to B`);
    return sweeps.filter(({ hasTicket }) => hasTicket).length / SWEEPS;
  });
  const [few, many] = found as [number, number];
  // Of 200 sweeps 15 and 37 in a hundred; four deviations of 60 sweeps to either side.
  ok(few < 0.34 && many > 0.12 && many < 0.62 && few < many, `${found}`);
});
