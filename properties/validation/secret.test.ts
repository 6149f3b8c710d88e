/** Rounding, user names and passwords: both ends of a call agree, others do not, and names tell no more than they must. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, nodeIdFrom, ntpMs, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { type PvpMethod, printUserName } from "../../codecs/validation/mod.ts";
import {
  callerHash,
  equivalentBits,
  instantWithin,
  originatorPassword,
  ROUND_MS,
  roundInDirection,
  roundNearest,
  terminatorPassword,
  userNameFor,
  windowOf,
} from "../../machines/validation/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { anyCallFacts, HOUR_MS, nodeIds, vservices } from "./arbitrary.ts";

test("rounding: clocks that differ by less than T/4 always agree, every offset of every instant of T", () => {
  const T = 400;
  for (let v = 0; v < 3 * T; v++) {
    const rounded = roundNearest(ntpMs(v), T);
    for (let offset = -T / 4 + 1; offset < T / 4; offset++)
      same(roundInDirection(ntpMs(v + offset), rounded.direction, T), rounded.ms);
  }
});

test("rounding: the bound is tight, and clocks that differ by more than 3T/4 never agree, at any instant of T", () => {
  const T = 400;
  const agrees = (v: number, offset: number) =>
    roundInDirection(ntpMs(v + offset), roundNearest(ntpMs(v), T).direction, T) === roundNearest(ntpMs(v), T).ms;
  ok(!Array.from({ length: T }, (_, v) => agrees(v, T / 4 + 1)).every(Boolean));
  ok(!Array.from({ length: T }, (_, v) => agrees(v, -T / 4 - 1)).every(Boolean));
  for (let v = 0; v < T; v++)
    for (let offset = (3 * T) / 4 + 1; offset < 4 * T; offset++) ok(!agrees(v, offset) && !agrees(v, -offset));
});

test("rounding: to the nearest multiple, halves up, a multiple down to itself", () => {
  same(roundNearest(ntpMs(14_999), 10_000), { ms: 10_000, direction: "d" });
  same(roundNearest(ntpMs(15_000), 10_000), { ms: 20_000, direction: "u" });
  same(roundNearest(ntpMs(20_000), 10_000), { ms: 20_000, direction: "d" });
});

const claims = fc.record({ originator: nodeIds, terminator: nodeIds, vservice: vservices }, { noNullPrototype: true });
const methods = fc.constantFrom<PvpMethod>("A", "B", "C");
const skew = fc.integer({ min: -ROUND_MS / 4 + 1, max: ROUND_MS / 4 - 1 });

test("password: both ends of one call derive one password, with skew below T/4 at each end of the call", () =>
  fc.assert(
    fc.property(
      anyCallFacts,
      claims,
      methods,
      skew,
      skew,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (call, claim, method, atStart, atStop, at) => {
        const known = { ...call, calling: call.calling ?? e164("+1") };
        const name = userNameFor(method, known, claim, instantWithin(known, at), ROUND_MS);
        const theirs = { ...known, startMs: unixMs(known.startMs + atStart), stopMs: unixMs(known.stopMs + atStop) };
        same(terminatorPassword(name, theirs, ROUND_MS), originatorPassword(name, known, ROUND_MS));
      },
    ),
    { numRuns: 5 * runs },
  ));

test("password: B needs no caller id, and a wrong one does no harm to it", () =>
  fc.assert(
    fc.property(anyCallFacts, claims, (call, claim) => {
      const name = userNameFor("B", call, claim, instantWithin(call, 0.5), ROUND_MS);
      const theirs = { ...call, calling: e164("+99999") };
      same(terminatorPassword(name, theirs, ROUND_MS), originatorPassword(name, call, ROUND_MS));
    }),
    { numRuns: runs },
  ));

test("password: another call, party, service or method has another password", () =>
  fc.assert(
    fc.property(anyCallFacts, claims, (call, claim) => {
      const known = { ...call, calling: e164("+12") };
      const passwordOf = (method: PvpMethod, other: typeof known, parties: typeof claim) =>
        originatorPassword(userNameFor(method, other, parties, unixMs(0), ROUND_MS), other, ROUND_MS);
      const all = [
        passwordOf("A", known, claim),
        passwordOf("B", known, claim),
        passwordOf("A", { ...known, startMs: unixMs(known.startMs + ROUND_MS) }, claim),
        passwordOf("A", { ...known, stopMs: unixMs(known.stopMs + ROUND_MS) }, claim),
        passwordOf("A", { ...known, called: e164(`${known.called}7`.slice(0, 16)) }, claim),
        passwordOf("A", { ...known, calling: e164("+13") }, claim),
        passwordOf("A", known, { ...claim, originator: nodeIdFrom(claim.originator ^ 1n) }),
        passwordOf("A", known, { ...claim, terminator: nodeIdFrom(claim.terminator ^ 1n) }),
        passwordOf("A", known, { ...claim, vservice: vserviceId(claim.vservice ^ 1n) }),
      ];
      same(new Set(all).size, all.length);
    }),
    { numRuns: runs },
  ));

test("user name: A and B contain the called number, and neither the caller nor the times", () =>
  fc.assert(
    fc.property(anyCallFacts, claims, (call, claim) => {
      const known = { ...call, calling: e164("+3161234567") };
      const isSameWith = (method: PvpMethod, change: object) =>
        printUserName(userNameFor(method, known, claim, unixMs(5_000), ROUND_MS)) ===
        printUserName(userNameFor(method, { ...known, ...change }, claim, unixMs(5_000), ROUND_MS));
      for (const method of ["A", "B"] as const)
        ok(isSameWith(method, { startMs: known.startMs + 4 * ROUND_MS, stopMs: known.stopMs + 8 * ROUND_MS }));
      ok(isSameWith("B", { calling: undefined }));
      ok(!printUserName(userNameFor("A", known, claim, unixMs(5_000), ROUND_MS)).includes("3161234567"));
    }),
    { numRuns: runs },
  ));

test("docs/protocol/pvp.md#user-name: the caller's hash is bound to the claim", () => {
  const hash = callerHash(e164("+14085555432"), e164("+33123456789"), {
    terminator: nodeIdFrom(1n),
    vservice: vserviceId(7n),
  });
  same(hash.length, 16);
  ok(
    hash !==
      callerHash(e164("+14085555432"), e164("+33123456789"), { terminator: nodeIdFrom(2n), vservice: vserviceId(7n) }),
  );
  ok(
    hash !==
      callerHash(e164("+14085555432"), e164("+33123456789"), { terminator: nodeIdFrom(1n), vservice: vserviceId(8n) }),
  );
});

test("instant: inside the call whatever is drawn", () =>
  fc.assert(
    fc.property(anyCallFacts, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (call, at) => {
      const instantMs = instantWithin(call, at);
      ok(Number.isInteger(instantMs / 1000));
      ok(instantMs >= call.startMs - 1000 && instantMs <= call.stopMs + 1000);
      if (call.stopMs - call.startMs >= 1000) ok(instantMs >= call.startMs && instantMs <= call.stopMs);
    }),
    { numRuns: runs },
  ));

test("equivalent entropy: grows with the call, is capped, and is worth less on the hour", () => {
  const at = (minutes: number, lasts: number) => {
    const startMs = HOUR_MS + minutes * 60_000;
    return equivalentBits({ startMs: unixMs(startMs), stopMs: unixMs(startMs + lasts) }, ROUND_MS);
  };
  same(at(7, 10_000), Math.log2(4 * 41));
  same(at(7, 0), at(7, 10_000));
  same(at(7, 160_000), Math.log2(4 * 41) + 4);
  same(at(15, 10_000), Math.log2(356)); // almost the whole hour
  for (let minutes = 0; minutes < 15; minutes += 0.25) {
    ok(at(minutes, 10_000) <= at(minutes + 0.25, 10_000));
    same(at(60 - minutes, 10_000), at(minutes, 10_000));
    same(at(30 + minutes, 10_000), at(minutes, 10_000));
  }
  same(at(0, 10_000), 2);
  same([at(30, 10_000), at(59.8, 10_000), at(30.3, 10_000)], [2, 2, 2]);
  ok(at(30.4, 10_000) > 2 && at(29.6, 10_000) > 2);
  same(at(7, 1e10), 24);
});

test("equivalent entropy: what the user name contains is no secret from the claimant", () => {
  const startMs = HOUR_MS + 7 * 60_000;
  const worth = (lasts: number, method: "A" | "B" | "C") =>
    equivalentBits({ startMs: unixMs(startMs), stopMs: unixMs(startMs + lasts) }, ROUND_MS, method);
  same(worth(160_000, "B"), 8); // sixteen starts before the instant, sixteen stops after it
  same(worth(10_000, "B"), 0);
  same(worth(160_000, "C"), 2 * Math.log2(6));
  for (const lasts of [10_000, 60_000, 160_000, 3_600_000, 1e9]) {
    ok(worth(lasts, "B") <= worth(lasts, "A"));
    ok(worth(lasts, "C") <= worth(lasts, "A"));
  }
});

test("equivalent entropy: a claimant that is asked knows that the call ended within Tv's range, and the worth follows", () => {
  const startMs = HOUR_MS + 7 * 60_000;
  const worth = (windowMs?: number) =>
    equivalentBits({ startMs: unixMs(startMs), stopMs: unixMs(startMs + 160_000) }, ROUND_MS, "A", windowMs);
  same(worth(40_000), 2 + 4);
  same([worth(0), worth(5_000)], [4, 4]); // T is hidden at least
  same([worth(86_400_000), worth(1_640_000)], [worth(), worth()]);
  const draft = [30_000, 86_400_000] as const;
  same([windowOf(draft, 0), windowOf(draft, 40_000), windowOf(draft, 86_400_000)], Array(3).fill(86_370_000));
  const short = [30_000, 60_000] as const;
  for (const ageMs of [22_500, 45_000, 60_000, 67_500]) same(windowOf(short, ageMs), 30_000);
  same([windowOf(short, 160_000), windowOf(short, -20_000)], [400_000, 200_000]); // imported; of a clock that is ahead
});
