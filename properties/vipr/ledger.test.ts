/** Sums of proofs: distinct calls, one after another, young enough, against a plain list of what was credited. */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import fc from "fast-check";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import {
  ACCOUNTS_MAX,
  claimName,
  credit,
  discredit,
  openLedger,
  PROOF_LIFETIME_MS,
  REQUIRED_BITS_MAX,
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
