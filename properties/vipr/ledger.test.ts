/** Sums of proofs: distinct calls, one after another, young enough, against a plain list of what was credited; and calls put to the proof once. */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import fc from "fast-check";
import { type CallTimes, e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { ROUND_MS } from "../../machines/validation/mod.ts";
import {
  ACCOUNTS_MAX,
  ATTEMPTED_CALLS_MAX,
  ATTEMPTED_LIFETIME_MS,
  attemptedCalls,
  claimName,
  credit,
  discredit,
  markAttempted,
  openLedger,
  PROOF_LIFETIME_MS,
  provedBy,
  REQUIRED_BITS_MAX,
  unmarkAttempted,
} from "../../machines/vipr/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { hourly } from "../validation/arbitrary.ts";

const DAY_MS = 86_400_000;
const steps = fc.array(
  fc.record({
    claim: fc.constantFrom("a", "b"),
    call: fc.nat(5),
    bits: fc.nat(10),
    laterMs: fc.nat(30 * DAY_MS),
    isProof: fc.boolean(),
  }),
  { maxLength: 40 },
);

test("ledger: bits of distinct young calls sum up, a call that is not proved sets that claim back, and no other", () =>
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: REQUIRED_BITS_MAX }), (given, required) => {
      const ledger = openLedger(required);
      let model: ReadonlyArray<{ claim: string; call: number; bits: number; atMs: number }> = [];
      let atMs = 0;
      for (const { claim, call, bits, laterMs, isProof } of given) {
        atMs += laterMs;
        if (!isProof) {
          discredit(ledger, claim);
          model = model.filter((proof) => proof.claim !== claim);
          continue;
        }
        model = model.filter((proof) => proof.claim !== claim || atMs - proof.atMs < PROOF_LIFETIME_MS);
        const again = model.find((proof) => proof.claim === claim && proof.call === call);
        if (again === undefined) model = [...model, { claim, call, bits, atMs }];
        else model = model.map((proof) => (proof === again ? { ...proof, bits: Math.min(proof.bits, bits) } : proof));
        const own = model.filter((proof) => proof.claim === claim);
        const sum = own.reduce((total, proof) => total + proof.bits, 0);
        same(credit(ledger, claim, hourly(call), bits, atMs), {
          bits: sum,
          calls: own.length,
          isRoute: sum >= required,
        });
      }
    }),
    { numRuns: runs },
  ));

test("ledger: a call proves nothing twice, and a number that was given back is proved anew", () => {
  const ledger = openLedger(12);
  same(credit(ledger, "a", hourly(1), 7, 0).isRoute, false);
  same(credit(ledger, "a", hourly(1), 7, 1).isRoute, false);
  same(credit(ledger, "a", hourly(2), 7, PROOF_LIFETIME_MS), { bits: 7, calls: 1, isRoute: false });
  same(credit(ledger, "a", hourly(3), 7, PROOF_LIFETIME_MS), { bits: 14, calls: 2, isRoute: true });
});

test("ledger: holds so many claims, the ones heard of last; requirements out of range are refused", () => {
  const ledger = openLedger(12);
  for (let i = 0; i < ACCOUNTS_MAX + 10; i++) credit(ledger, String(i), hourly(1), 1, 0);
  same([ledger.accounts.size, ledger.accounts.has("9"), ledger.accounts.has("10")], [ACCOUNTS_MAX, false, true]);
  for (const bits of [0, 65, Number.NaN]) throws(() => openLedger(bits));
  ok(openLedger(64).requiredBits === 64);
});

test("ledger: what one VService's agents say of their calls counts for no other's, neither for a claim nor against it", () => {
  const claim = { number: e164("+14085555432"), nodeId: "0a", vservice: vserviceId(7n) };
  const [own, others] = [1n, 2n].map((by) => claimName({ by: vserviceId(by), ...claim }));
  const ledger = openLedger(12);
  // Calls that another user of this server made up with a thief, and one guess at a call of ours.
  for (const call of [1, 2, 3]) credit(ledger, others!, hourly(call), 11, 0);
  same(credit(ledger, own!, hourly(4), 6, 0), { bits: 6, calls: 1, isRoute: false });
  // Calls that never were, which the true owner cannot prove.
  same(discredit(ledger, others!), true);
  same(credit(ledger, own!, hourly(5), 6, 0), { bits: 12, calls: 2, isRoute: true });
});

const calls = fc.array(
  fc.record({ startS: fc.nat(600), lastsS: fc.nat(60), bits: fc.nat(12) }).map(({ startS, lastsS, bits }) => {
    return { startMs: unixMs(startS * 1000), stopMs: unixMs((startS + lastsS) * 1000), bits };
  }),
  { maxLength: 12 },
);
/** Less than 2T between the end of one and the beginning of the other. */
const isClose = (a: CallTimes, b: CallTimes) =>
  a.startMs - b.stopMs < 2 * ROUND_MS && b.startMs - a.stopMs < 2 * ROUND_MS;

test("ledger: calls that overlap or lie within 2T of one another count once, with the least of their bits, in any order", () =>
  fc.assert(
    fc.property(calls, (given) => {
      const ledger = openLedger(64);
      const reversed = openLedger(64);
      for (const call of given) credit(ledger, "a", call, call.bits, 0);
      for (const call of given.toReversed()) credit(reversed, "a", call, call.bits, 0);
      const sum = provedBy(ledger, "a", 0);
      same(provedBy(reversed, "a", 0), sum);
      // The model: rows of calls each of which is close to another of the row.
      const rows: Array<typeof given> = [];
      for (const call of given) {
        const near = rows.filter((row) => row.some((other) => isClose(call, other)));
        for (const row of near) rows.splice(rows.indexOf(row), 1);
        rows.push([...near.flat(), call]);
      }
      const least = rows.map((row) => Math.min(...row.map(({ bits }) => bits)));
      same(sum, { bits: least.reduce((total, bits) => total + bits, 0), calls: rows.length });
    }),
    { numRuns: runs },
  ));

test("ledger: one call told twice, 40 ms apart, proves no more than once; T is the overlay's", () => {
  const at = (startMs: number, stopMs: number) => ({ startMs: unixMs(startMs), stopMs: unixMs(stopMs) });
  const ledger = openLedger(12);
  credit(ledger, "a", at(900_000, 930_000), 10, 0);
  same(credit(ledger, "a", at(900_040, 930_040), 11, 0), { bits: 10, calls: 1, isRoute: false });
  same(credit(ledger, "a", at(950_040, 960_000), 5, 0), { bits: 15, calls: 2, isRoute: true });
  const coarse = openLedger(12, 60_000);
  credit(coarse, "a", at(900_000, 930_000), 10, 0);
  same(credit(coarse, "a", at(1_049_000, 1_060_000), 5, 0).calls, 1);
});

test("asked: no call is put to the proof that is close to one that was, on the same line and within three days", () =>
  fc.assert(
    fc.property(calls, fc.array(fc.boolean()), (given, isTaken) => {
      const asked = attemptedCalls(ROUND_MS);
      const taken: Array<CallTimes> = [];
      for (const [i, call] of given.entries()) {
        const isNew = !taken.some((other) => isClose(call, other));
        same(markAttempted(asked, "1/+1", call, i), isNew);
        if (isNew && isTaken[i] === true) unmarkAttempted(asked, "1/+1", call);
        else if (isNew) taken.push(call);
      }
      same(asked.count, taken.length);
      for (const call of taken) {
        same(markAttempted(asked, "1/+1", call, ATTEMPTED_LIFETIME_MS - 1), false);
        unmarkAttempted(asked, "1/+1", call);
      }
      same([asked.count, asked.lines.size], [0, 0]);
    }),
    { numRuns: runs },
  ));

test("asked: lines are apart, what was asked long ago may be asked again, and so many calls are known", () => {
  const asked = attemptedCalls(ROUND_MS);
  const call = { startMs: unixMs(0), stopMs: unixMs(60_000) };
  same(
    [
      markAttempted(asked, "1/+1", call, 0),
      markAttempted(asked, "2/+1", call, 0),
      markAttempted(asked, "1/+1", call, 5),
    ],
    [true, true, false],
  );
  same(markAttempted(asked, "1/+1", call, ATTEMPTED_LIFETIME_MS), true);
  for (let i = 0; i < ATTEMPTED_CALLS_MAX; i++) markAttempted(asked, `3/+${i}`, call, 0);
  same([asked.count, asked.lines.has("1/+1"), asked.lines.has("3/+0")], [ATTEMPTED_CALLS_MAX, false, true]);
});
