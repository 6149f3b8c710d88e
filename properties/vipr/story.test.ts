/** The story of a number: nothing is lost but what is too old, and its last sentence says what is missing. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import type { ClaimVerdict } from "../../machines/validation/mod.ts";
import {
  FACTS_ALL_MAX,
  FACTS_MAX,
  remember,
  type Story,
  stories,
  storyOf,
  type ViprEvent,
} from "../../machines/vipr/mod.ts";
import { missingText, storyText } from "../../runtime/cli/explain-text.ts";
import { runs, test } from "../kit/harness.ts";

const NUMBER = "+14085555432";
const NOW_MS = 1_767_225_600_000;
const call = { startMs: 3_976_214_403_000, stopMs: 3_976_214_500_000 };
const claim = { nodeId: 2n, vservice: 7n };
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
  return { type: "attempted", number: NUMBER, call, attempt, tries: 2 };
};
const proved = (bits: number, calls: number): ViprEvent => ({
  type: "proved",
  number: NUMBER,
  claim,
  bits,
  calls,
  required: 12,
});
const told = (...events: ReadonlyArray<ViprEvent>): Story => {
  const all = stories(12);
  events.forEach((event, i) => {
    remember(all, event, NOW_MS + i);
  });
  return storyOf(all, NUMBER)!;
};
const lastWord = (...events: ReadonlyArray<ViprEvent>): string => missingText(told(...events), NOW_MS);

test("story: what is missing, at each step on the way to a route", () => {
  const due = sentCall(NOW_MS + 60_000);
  same(lastWord(due), "No route yet: no call has been looked at. The next call is looked at 2026-01-01 00:01:00Z.");
  ok(lastWord(due, { ...lookedUp, claims: 0, claimants: [] }).startsWith("No route: nobody claims the number"));
  ok(lastWord(due, lookedUp, attempted("refused")).startsWith("No route: nobody who claims the number has proved"));
  const half = lastWord(due, lookedUp, attempted("validated"), proved(7, 1));
  ok(half.startsWith("No route yet: 5.0 bits are missing"), half);
  const learned: ViprEvent = { type: "learned", number: NUMBER, domain: "b.example", told: 1 };
  const whole = lastWord(due, lookedUp, attempted("validated"), proved(14, 2), learned);
  ok(whole.startsWith("There is a route, to b.example"), whole);
  const unwelcome: ViprEvent = { type: "unwelcome", number: NUMBER, domain: "b.example" };
  ok(lastWord(due, attempted("validated"), proved(14, 2), unwelcome).includes("does not welcome"));
  ok(lastWord({ type: "published", number: NUMBER }).startsWith("It is a number of our own"));
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
  ),
);

test("story: any row of events is plain JSON, has a text for each fact, and keeps the newest facts", () =>
  fc.assert(
    fc.property(fc.array(events, { minLength: 1, maxLength: 2 * FACTS_MAX }), (given) => {
      const story = told(...given);
      same(JSON.parse(JSON.stringify({ ...story, learned: story.learned ?? null })), {
        ...story,
        learned: story.learned ?? null,
      });
      same(story.facts.length + story.forgotten, given.length);
      ok(story.facts.length <= FACTS_MAX);
      same(
        story.facts.map(({ type }) => type),
        given.slice(-FACTS_MAX).map(({ type }) => type),
      );
      const text = storyText(story, NOW_MS);
      ok(!/undefined|NaN|\[object/.test(text), text);
    }),
    { numRuns: runs },
  ));

test("story: so many facts in all, the numbers heard of last", () => {
  const all = stories(12);
  for (let i = 0; i < FACTS_ALL_MAX + 100; i++) remember(all, { type: "published", number: `+1${i}` }, i);
  same([all.facts, all.byNumber.size], [FACTS_ALL_MAX, FACTS_ALL_MAX]);
  same([storyOf(all, "+199"), storyOf(all, "+1100")?.facts.length], [undefined, 1]);
});
