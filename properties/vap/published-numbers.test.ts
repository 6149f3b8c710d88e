/** The numbers that a publisher stores again, beside a list of them: whatever happens, those that are due are found. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import {
  dueAt,
  firstDueAtMs,
  hasPublished,
  nonePublished,
  type PublishedNumber,
  takeDue,
  withoutVService,
} from "../../machines/vap/published-numbers.ts";
import { runs, test } from "../kit/harness.ts";

const ones = fc
  .tuple(fc.nat(2), fc.nat(20))
  .map(([vservice, n]) => ({ vservice: vserviceId(BigInt(vservice)), number: e164(`+14085550${100 + n}`) }));
const changes = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("due" as const), ones, fc.nat(1_000)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("take" as const), fc.nat(1_000), fc.nat(12)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("withdraw" as const), ones) },
);
const nameOf = ({ vservice, number }: PublishedNumber): string => `${vservice} ${number}`;

test("numbers that are stored again, beside a list of them", () =>
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 150 }), (script) => {
      let all = nonePublished;
      const model = new Map<string, readonly [PublishedNumber, dueAtMs: number]>();
      for (const change of script) {
        if (change[0] === "due") {
          const [, one, dueAtMs] = change;
          all = dueAt(all, one, dueAtMs);
          model.set(nameOf(one), [one, dueAtMs]);
          ok(hasPublished(all, one));
        } else if (change[0] === "withdraw") {
          const { vservice } = change[1];
          all = withoutVService(all, vservice);
          for (const [name, [one]] of model) if (one.vservice === vservice) model.delete(name);
        } else {
          const [, atMs, countMax] = change;
          const { taken, left } = takeDue(all, atMs, countMax);
          all = left;
          const names = new Set(taken.map(nameOf));
          const due = [...model.values()].filter(([, dueAtMs]) => dueAtMs <= atMs);
          ok(taken.length <= countMax && (taken.length > 0 || due.length === 0 || countMax === 0));
          if (due.length <= 1) same(taken.length, Math.min(due.length, countMax));
          for (const one of taken) {
            const [, dueAtMs] = model.get(nameOf(one))!;
            ok(dueAtMs <= atMs, "one is taken that is not due");
            model.delete(nameOf(one));
            // Of its VService none that was due before it is left.
            for (const [other, otherMs] of model.values())
              if (other.vservice === one.vservice) ok(otherMs >= dueAtMs || names.has(nameOf(other)));
          }
        }
        same(
          [all.size, firstDueAtMs(all)],
          [model.size, [...model.values()].map(([, at]) => at).sort((a, b) => a - b)[0]],
        );
      }
    }),
    { numRuns: runs },
  ));
