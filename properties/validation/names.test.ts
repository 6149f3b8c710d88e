/**
 * Which user name a call gets, and whom it means: of calls that overlap, between one pair of numbers or to one number, each is
 * told from the others, by two clocks; and a name means one call at most, whatever a guesser writes into it.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  e164,
  nodeIdFrom,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMs,
  unixMsOf,
  type Vcr,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import { ERA_SECONDS_MAX } from "../../codecs/validation/mod.ts";
import {
  ATTEMPTS_MAX,
  callFacts,
  callStore,
  failCall,
  formsFor,
  insertCall,
  instantWithin,
  NAMED_TOGETHER_MAX,
  originatorPassword,
  type PvpForm,
  STRANGER_BITS,
  ROUND_MS as T,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { HOUR_MS } from "./arbitrary.ts";
import { answerTo } from "./naming.ts";

const claim = { originator: nodeIdFrom(1n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
const [ANN, BOB] = [e164("+33123456789"), e164("+33123456790")];
const callAt = (startMs: number, lastsMs: number, calling: Vcr["calling"] = ANN): Vcr => ({
  direction: "received",
  calling,
  called: e164("+14085555432"),
  startMs: unixMs(HOUR_MS + startMs),
  stopMs: unixMs(HOUR_MS + startMs + lastsMs),
  vservice: vserviceId(7n),
});
/** The same call by the other clock. */
const seen = (call: Vcr, startMs: number, stopMs: number): Vcr => ({
  ...call,
  startMs: unixMs(call.startMs + startMs),
  stopMs: unixMs(call.stopMs + stopMs),
});
const isOne = (a: Vcr, b: Vcr) =>
  a.calling === b.calling && Math.abs(a.startMs - b.startMs) < T && Math.abs(a.stopMs - b.stopMs) < T;
const storeOf = (calls: ReadonlyArray<Vcr>) => {
  const store = callStore([nodeIdFrom(2n)]);
  const ids = calls.map((call) => insertCall(store, call, unixMs(HOUR_MS)).id);
  return { store, ids };
};

const skew = fc.integer({ min: 1 - T / 4, max: T / 4 - 1 });
/** Within 20 minutes, so that most of them meet. */
const crowds = fc
  .array(
    fc.record({
      call: fc
        .tuple(fc.nat(1_200_000), fc.integer({ min: T, max: 400_000 }), fc.constantFrom(ANN, ANN, ANN, BOB))
        .map((of) => callAt(...of)),
      start: skew,
      stop: skew,
    }),
    { minLength: 1, maxLength: NAMED_TOGETHER_MAX },
  )
  .map((all) => all.filter(({ call }, i) => !all.slice(0, i).some((other) => isOne(call, other.call))));

test("names: calls of one pair and calls at one time are told apart, by clocks that differ by less than T/4 at each end", () => {
  let [asked, nameless] = [0, 0];
  const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(crowds, at, fc.boolean(), (all, at, isShared) => {
      const { store } = storeOf(all.map(({ call, start, stop }) => seen(call, start, stop)));
      for (const { call } of all) {
        const others = all.map((other) => other.call).filter((other) => other !== call);
        const instantMs = instantWithin(call, at);
        const forms = formsFor({ call: callFacts(call), others, instantMs, roundMs: T, isShared });
        asked += 2;
        nameless += 2 - forms.length;
        for (const form of forms) {
          const name = userNameFor(form, callFacts(call), claim, instantMs, T);
          same(answerTo(store, name).password, originatorPassword(name, callFacts(call), T));
        }
      }
    }),
    { numRuns: runs },
  );
  ok(nameless <= 2 + asked / 200, `${nameless} of ${asked}`); // sixteen bits are equal by chance now and then
});

const formsOf = (call: Vcr, others: ReadonlyArray<Vcr>, instantMs: UnixMs = instantWithin(call, 0.5)) =>
  formsFor({ call: callFacts(call), others, instantMs, roundMs: T });
const shortly = ({ method, version, bits }: PvpForm) => `${method}${version} ${bits}`;

test("names: a call that nothing is near to has the names of version 1, and as few bits are told as will do", () => {
  const call = callAt(1_000_000, 180_000);
  same(formsOf(call, []).map(shortly), ["A1 0", "B1 0"]);
  const [nextDay, ofBob] = [callAt(86_400_000, 60_000), callAt(1_000_000, 180_000, BOB)];
  same(formsOf(call, [nextDay]).map(shortly), ["A2 0", "B1 0"]);
  same(formsOf({ ...call, calling: undefined }, [nextDay]).map(shortly), ["B1 0"]);
  // At the same time with the same rounded times: by B the password is the same, and no bits are needed.
  same(formsOf(call, [ofBob]).map(shortly), ["A1 0", "B2 0"]);
  const bits = Array.from({ length: 200 }, (_, i) => {
    const near = callAt(1_000_000 + 40_000 + 1_000 * (i % 20), 100_000 + 5_000 * i);
    return formsOf(call, [near])[0]!.bits;
  });
  // Two bits for one rival on average, and up to two roundings of each of its ends.
  const mean = bits.reduce((sum, each) => sum + each, 0) / bits.length;
  ok(mean > 1.5 && mean < 3.5 && Math.min(...bits) === 1, `${mean}`);
});

test("names: where others call the number too, B has more bits; a rival too many, and there is no such name", () => {
  const call = callAt(1_000_000, 180_000);
  const shared = formsFor({ call: callFacts(call), instantMs: instantWithin(call, 0.5), roundMs: T, isShared: true });
  same(shared.map(shortly), ["A1 0", `B2 ${STRANGER_BITS}`]);
  const rivals = Array.from({ length: NAMED_TOGETHER_MAX }, (_, i) => callAt(900_000 + 5_000 * i, 400_000 + 7_000 * i));
  same(formsOf(call, rivals), []);
  same(formsOf(call, rivals.slice(1)).length, 2);
  // By A other half hours are no rivals, by B what is over by then.
  const elsewhere = rivals.map((rival) => seen(rival, -3_600_000, -3_600_000));
  same(formsOf(call, elsewhere).map(shortly), ["A2 0", "B1 0"]);
});

test("names: from February 2036 on version 2 says the seconds, which are counted on; until then and for A alone version 1", () => {
  const endMs = unixMsOf(ntpMs(1_000 * ERA_SECONDS_MAX));
  const later = { ...callAt(0, 0), startMs: unixMs(endMs + 60_000), stopMs: unixMs(endMs + 260_000) };
  const before = { ...later, startMs: unixMs(endMs - 400_000), stopMs: unixMs(endMs - 100_000) };
  same(formsOf(before, []).map(shortly), ["A1 0", "B1 0"]);
  same(formsOf(later, []).map(shortly), ["A1 0", "B2 0"]);
  const hidden = { call: callFacts(later), instantMs: later.startMs, roundMs: T, isPrivate: true };
  same(formsFor(hidden).map(shortly), ["C2 0"]);
  const { store } = storeOf([seen(later, 2_000, -2_000)]);
  for (const form of [...formsOf(later, []), ...formsFor(hidden)]) {
    const name = userNameFor(form, callFacts(later), claim, instantWithin(later, 0.5), T);
    const password = originatorPassword(name, callFacts(later), T);
    same(answerTo(store, name).password, password);
    ok(ntpMsOf(later.startMs) > 2 ** 32 * 1_000 && /^start=4294967[3-9]/.test(password), password);
  }
});

test("names: a name of version 2 means one call at most; a wrong one counts against all that fit apart from its bits", () =>
  fc.assert(
    fc.property(crowds, fc.nat(), fc.nat(16), fc.nat(0xffff), (all, pick, length, random) => {
      const { store, ids } = storeOf(all.map(({ call }) => call));
      const { call } = all[pick % all.length]!;
      const instantMs = instantWithin(call, 0.5);
      const bits = random.toString(2).padStart(16, "0").slice(0, length);
      for (const method of ["A", "B"] as const) {
        const own = userNameFor({ method, version: 2, bits: 0 }, callFacts(call), claim, instantMs, T);
        const { charged } = answerTo(store, { ...own, bits } as typeof own);
        ok(charged.includes(ids[pick % all.length]!));
        const fits = all.filter(
          ({ call: other }) =>
            (method === "A" ? other.calling === call.calling : true) &&
            (method === "A" || (instantMs >= other.startMs - T / 4 && instantMs <= other.stopMs + T / 4)),
        );
        ok(charged.length <= fits.length);
        if (method === "B") same(charged.length, fits.length);
      }
    }),
    { numRuns: runs },
  ));

test("names: three wrong guesses with bits lock every call that they may have meant to that way, and no other call", () => {
  const calls = [callAt(1_000_000, 180_000), callAt(1_050_000, 180_000), callAt(1_020_000, 300_000, BOB)];
  const apart = callAt(5_000_000, 180_000);
  const { store, ids } = storeOf([...calls, apart]);
  const instantMs = unixMs(HOUR_MS + 1_100_000);
  const nameOf = (call: Vcr) => {
    const others = calls.filter((other) => other !== call);
    const b = formsOf(call, others, instantMs).find(({ method }) => method === "B")!;
    return userNameFor(b, callFacts(call), claim, instantMs, T);
  };
  ok(calls.every((call) => answerTo(store, nameOf(call)).password !== undefined));
  for (let i = 0; i < ATTEMPTS_MAX; i++) {
    const wrong = userNameFor({ method: "B", version: 2, bits: 16 }, callFacts(callAt(10 * i, 7)), claim, instantMs, T);
    const { password, charged } = answerTo(store, wrong);
    same([password, new Set(charged)], [undefined, new Set(ids.slice(0, 3))]);
    for (const id of charged) failCall(store, id, "B");
  }
  for (const call of calls) {
    same(answerTo(store, nameOf(call)).password, undefined);
    const [a] = formsOf(
      call,
      calls.filter((other) => other !== call),
    );
    ok(answerTo(store, userNameFor(a!, callFacts(call), claim, instantMs, T)).password !== undefined);
  }
  const [, b] = formsOf(apart, []);
  ok(answerTo(store, userNameFor(b!, callFacts(apart), claim, instantWithin(apart, 0.5), T)).password !== undefined);
});

test("names: one too many that fit, and the name means none of them and costs none", () => {
  const calls = Array.from({ length: NAMED_TOGETHER_MAX + 1 }, (_, i) =>
    callAt(1_000_000 + 1_000 * i, 200_000 + 9_000 * i, e164(`+3312345${1_000 + i}`)),
  );
  const instantMs = unixMs(HOUR_MS + 1_100_000);
  for (const count of [NAMED_TOGETHER_MAX, NAMED_TOGETHER_MAX + 1]) {
    const { store } = storeOf(calls.slice(0, count));
    const name = userNameFor({ method: "B", version: 2, bits: 16 }, callFacts(calls[0]!), claim, instantMs, T);
    const { password, charged } = answerTo(store, name);
    same([password !== undefined, charged.length], count > NAMED_TOGETHER_MAX ? [false, 0] : [true, count]);
  }
});

test("names: claimants of one call see the same bits, and calls with the same times have the same ones", () => {
  const call = callFacts(callAt(1_000_000, 180_000));
  const bitsOf = (of: typeof call, parties: typeof claim, method: "A" | "B") => {
    const name = userNameFor({ method, version: 2, bits: 16 }, of, parties, instantWithin(call, 0.5), T);
    return name.version === 2 && name.method !== "C" ? name.bits : "";
  };
  const own = bitsOf(call, claim, "A");
  same(own.length, 16);
  for (const parties of [
    claim,
    { ...claim, terminator: nodeIdFrom(3n) },
    { ...claim, originator: nodeIdFrom(9n) },
    { ...claim, vservice: vserviceId(8n) },
  ])
    for (const method of ["A", "B"] as const)
      same(bitsOf({ ...call, called: e164("+12"), calling: BOB }, parties, method), own);
});
