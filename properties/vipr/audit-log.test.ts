/** The story of a number: nothing is lost but what is too old, and its last sentence says what is missing. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, nodeIdFrom, nodeIdText, ntpMs, vserviceId } from "../../codecs/shared/mod.ts";
import { vserviceText } from "../../codecs/validation/mod.ts";
import type { ClaimVerdict } from "../../machines/validation/mod.ts";
import {
  type AuditReport,
  auditTable,
  type ClaimSum,
  claimName,
  credit,
  currentReport,
  discredit,
  EVENTS_ALL_MAX,
  EVENTS_MAX,
  type LoggedNumber,
  ledgerName,
  logOf,
  openLedger,
  PROOF_LIFETIME_MS,
  provedBy,
  record,
  reportFrom,
  type ViprEvent,
} from "../../machines/vipr/mod.ts";
import { missingText, reportText } from "../../runtime/cli/explain-text.ts";
import { runs, test } from "../kit/harness.ts";
import { hourly } from "../validation/arbitrary.ts";

const NUMBER = e164("+14085555432");
const NOW_MS = 1_767_225_600_000;
const call = { startMs: ntpMs(3_976_214_403_000), stopMs: ntpMs(3_976_214_500_000) };
const claim = { nodeId: nodeIdFrom(2n), vservice: vserviceId(7n) };
const sentCall = (dueMs: number): ViprEvent => ({
  type: "vcr",
  direction: "sent",
  number: NUMBER,
  call,
  hasCaller: true,
  dueMs,
  worthBits: 9.5,
});
const lookedUp: ViprEvent = { type: "lookedUp", number: NUMBER, call, claims: 1, claimants: [claim] };
const info = { number: NUMBER, ticket: "dGlja2V0", routes: [] };
const attempted = (verdict: "validated" | "refused" | "broken" | "unreachable"): ViprEvent => {
  const common = { ...claim, method: "B" as const, bits: verdict === "validated" ? 7 : 0 };
  const attempt: ClaimVerdict =
    verdict === "validated"
      ? { ...common, verdict, info }
      : verdict === "refused"
        ? { ...common, verdict }
        : { ...common, verdict, why: "reset" };
  return { type: "attempted", number: NUMBER, by: vserviceId(3n), call, attempt, tries: 2 };
};
const proved = (bits: number, calls: number): ViprEvent => ({
  type: "proved",
  number: NUMBER,
  by: vserviceId(3n),
  claim,
  bits,
  calls,
  required: 12,
});
const logged = (...events: ReadonlyArray<ViprEvent>): LoggedNumber => {
  const all = auditTable(12);
  events.forEach((event, i) => {
    record(all, event, NOW_MS + i);
  });
  return logOf(all, NUMBER)!;
};
const told = (...events: ReadonlyArray<ViprEvent>): AuditReport => reportFrom(NUMBER, 12, logged(...events));
/** With the first call still to be looked at. */
const waitingWord = (dueMs: number, ...events: ReadonlyArray<ViprEvent>): string => {
  const waiting = [{ call, dueMs, worthBits: 9.5 }];
  const stands = { isPublished: undefined, waiting, proved: ({ bits, calls }: ClaimSum) => ({ bits, calls }) };
  return missingText(currentReport(logged(...events), NUMBER, 12, stands)!, NOW_MS);
};
const lastWord = (...events: ReadonlyArray<ViprEvent>): string => missingText(told(...events), NOW_MS);

test("story: what is missing, at each step on the way to a route", () => {
  const due = sentCall(NOW_MS + 60_000);
  same(
    waitingWord(NOW_MS + 60_000, due),
    "No route yet: no call has been looked at. The next call is looked at 2026-01-01 00:01:00Z.",
  );
  ok(lastWord(due, { ...lookedUp, claims: 0, claimants: [] }).startsWith("No route: nobody claims the number"));
  ok(lastWord(due, lookedUp).startsWith("No route: this server stopped while it asked"));
  ok(lastWord(due, lookedUp, attempted("refused")).startsWith("No route: nobody who claims the number has proved"));
  const half = lastWord(due, lookedUp, attempted("validated"), proved(7, 1));
  ok(half.startsWith("No route yet: 5.0 bits are missing"), half);
  const learned: ViprEvent = { type: "learned", number: NUMBER, domain: "b.example", told: 1 };
  const whole = lastWord(due, lookedUp, attempted("validated"), proved(14, 2), learned);
  ok(whole.startsWith("There is a route, to b.example"), whole);
  const unwelcome: ViprEvent = { type: "unwelcome", number: NUMBER, domain: "b.example" };
  ok(lastWord(due, attempted("validated"), proved(14, 2), unwelcome).includes("does not welcome"));
  ok(lastWord({ type: "published", number: NUMBER }).startsWith("It is a number of our own"));
  const lapsed = missingText(told(due, attempted("validated"), learned), NOW_MS + PROOF_LIFETIME_MS + 10);
  ok(/^The route to b.example of .* is over: none lives longer than 60 days. No route: nobody/.test(lapsed), lapsed);
  const refusedSince = lastWord(due, attempted("validated"), proved(14, 2), learned, attempted("refused"));
  ok(refusedSince.endsWith("It is not told again before 12.0 bits more are proved."), refusedSince);
});

test("story: a claim that fails to prove a call begins anew; one that was not reached does not", () => {
  const half = [attempted("validated"), proved(7, 1)] as const;
  const bits = (...events: ReadonlyArray<ViprEvent>) => told(...events).claims[0]!.bits;
  same([bits(...half), bits(...half, attempted("refused")), bits(...half, attempted("broken"))], [7, 0, 0]);
  same(bits(...half, attempted("unreachable")), 7);
  same(told(...half, attempted("refused")).claims[0]!.missingBits, 12);
});

test("story: the chance of a guesser is bounded by its tries and the bits, and grows with each try", () => {
  const chance = (...events: ReadonlyArray<ViprEvent>) => told(...events).claims[0]!.guessChance;
  same(chance(attempted("validated"), proved(7, 1)), (2 * 2) / 2 ** 7);
  same(chance(attempted("refused"), attempted("validated"), proved(7, 1)), (4 * 2) / 2 ** 7);
  same(chance(attempted("validated"), proved(7, 1), attempted("validated"), proved(14, 2)), (4 * 4) / 2 ** 14);
  same(chance(attempted("refused")), 1);
});

const events: fc.Arbitrary<ViprEvent> = fc.oneof(
  fc.nat(99).map((i) => sentCall(NOW_MS + i)),
  fc.constantFrom<ViprEvent>(
    lookedUp,
    attempted("validated"),
    attempted("refused"),
    attempted("broken"),
    attempted("unreachable"),
    proved(7, 1),
    { type: "published", number: NUMBER },
    { type: "publishFailed", number: NUMBER, why: "x" },
    { type: "vcr", direction: "received", number: NUMBER, call, hasCaller: false },
    { type: "lookUpFailed", number: NUMBER, call, why: "no answer" },
    { type: "learned", number: NUMBER, domain: "b.example", told: 1 },
    { type: "unwelcome", number: NUMBER, domain: "" },
    { type: "granted", number: NUMBER, domain: "a.example" },
    { type: "declined", number: NUMBER, domain: "a.example", code: 403 },
    { type: "charged", number: NUMBER, call, attempts: 3 },
    { type: "waits", number: NUMBER, call, dueMs: NOW_MS, worthBits: 1 / 3 },
    { type: "dropped", number: NUMBER, call },
  ),
);

test("story: any row of events is plain JSON, has a text for each fact, and keeps the newest facts", () =>
  fc.assert(
    fc.property(fc.array(events, { minLength: 1, maxLength: 2 * EVENTS_MAX }), (given) => {
      const story = told(...given);
      same(JSON.parse(JSON.stringify({ ...story, learned: story.learned ?? null })), {
        ...story,
        learned: story.learned ?? null,
      });
      same(story.facts.length + story.forgotten, given.length);
      ok(story.facts.length <= EVENTS_MAX);
      same(
        story.facts.map(({ type }) => type),
        given.slice(-EVENTS_MAX).map(({ type }) => type),
      );
      const text = reportText(story, NOW_MS);
      ok(!/undefined|NaN|\[object/.test(text), text);
    }),
    { numRuns: runs },
  ));

const other = { by: 4n, nodeId: nodeIdFrom(9n), vservice: vserviceId(1n) };
const proofs = fc.array(
  fc.record({
    call: fc.nat(9),
    isOther: fc.boolean(),
    isProof: fc.boolean(),
    bits: fc.double({ min: 0, max: 12, noNaN: true }),
    afterMs: fc.nat(PROOF_LIFETIME_MS / 2),
  }),
  { maxLength: 20 },
);

test("story: the bits of a claim are those that the ledger counts, now and when proofs have lapsed", () =>
  fc.assert(
    fc.property(proofs, fc.nat(2 * PROOF_LIFETIME_MS), (given, laterMs) => {
      const [all, ledger] = [auditTable(12), openLedger(12)];
      let atMs = NOW_MS;
      for (const { call: name, isOther, isProof, bits, afterMs } of given) {
        atMs += afterMs;
        const { by, ...who } = isOther ? other : { by: 3n, ...claim };
        const key = claimName({
          by: vserviceId(by),
          number: NUMBER,
          nodeId: nodeIdText(who.nodeId),
          vservice: who.vservice,
        });
        const attempt: ClaimVerdict = isProof
          ? { ...who, method: "A", bits, verdict: "validated", info }
          : { ...who, method: "B", bits: 0, verdict: "refused" };
        record(all, { type: "attempted", number: NUMBER, by: vserviceId(by), call, attempt, tries: 2 }, atMs);
        if (!isProof) discredit(ledger, key);
        else {
          const { isRoute: _, ...sum } = credit(ledger, key, hourly(name), bits, atMs);
          record(all, { type: "proved", number: NUMBER, by: vserviceId(by), claim: who, ...sum, required: 12 }, atMs);
        }
      }
      const byLedger = (of: ClaimSum, nowMs: number) => provedBy(ledger, ledgerName(NUMBER, of), nowMs);
      const log = logOf(all, NUMBER);
      const claims = log?.sum.claims ?? [];
      for (const told of claims) {
        // Lapsed proofs leave the ledger's account when the next one comes; the story's sum is that of the last one.
        if (told.verdict === "validated" && given.at(-1)!.isOther === (told.by === 4n))
          ok(Math.abs(told.bits - byLedger(told, atMs).bits) < 1e-5, `${told.bits}`);
        if (told.verdict === "refused") same([told.bits, byLedger(told, atMs)], [0, { bits: 0, calls: 0 }]);
      }
      const nowMs = atMs + laterMs;
      const stands = { isPublished: false, waiting: [], proved: (of: ClaimSum) => byLedger(of, nowMs) };
      for (const [i, now] of (currentReport(log, NUMBER, 12, stands)?.claims ?? []).entries()) {
        const { bits, calls } = byLedger(claims[i]!, nowMs);
        if (laterMs >= PROOF_LIFETIME_MS) same(bits, 0);
        same([now.bits, now.calls, now.missingBits], [bits, calls, Math.max(0, 12 - bits)]);
        const was = reportFrom(NUMBER, 12, log!).claims[i]!;
        same([now.by, now.nodeId], [vserviceText(claims[i]!.by), nodeIdText(claims[i]!.nodeId)]);
        ok(Math.abs(now.lapsedBits + now.bits - was.bits) < 1e-2);
        ok(now.guessChance >= was.guessChance - 1e-4, "less proof never bounds a guesser more closely");
      }
    }),
    { numRuns: runs },
  ));

test("story: so many facts in all, the numbers heard of last", () => {
  const all = auditTable(12);
  for (let i = 0; i < EVENTS_ALL_MAX + 100; i++) record(all, { type: "published", number: e164(`+1${i}`) }, i);
  same([all.facts, all.byNumber.size], [EVENTS_ALL_MAX, EVENTS_ALL_MAX]);
  same([logOf(all, e164("+199")), logOf(all, e164("+1100"))?.facts.length], [undefined, 1]);
});
