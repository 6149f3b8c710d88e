/** The demonstration's story: each step when it happens and in its order, whatever else happens. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { e164 } from "../../codecs/shared/mod.ts";
import { makeStory } from "../../runtime/demo/story.ts";
import type { Chosen } from "../../runtime/demo/story-choice.ts";
import type { StoryStep } from "../../runtime/demo/story-steps.ts";
import { runs, test } from "../kit/harness.ts";

const [CALLED, STOLEN] = [e164("+493012345601"), e164("+493012345602")];
const THIEF = "f".repeat(32);
const chosen: Chosen = {
  call: { number: CALLED, from: "a.example", to: "b.example" },
  theft: { number: STOLEN, from: "c.example", to: "b.example" },
  thieves: new Set([THIEF]),
};
type Event = readonly [domain: string, event: Readonly<Record<string, unknown>>];

const CALL: ReadonlyArray<Event> = [
  ["a.example", { type: "vcr", direction: "sent", number: CALLED }],
  ["a.example", { type: "lookedUp", number: CALLED, claims: 1 }],
  ["a.example", { type: "attempted", number: CALLED, nodeId: "1", verdict: "validated", method: "a", bits: 14.2 }],
  ["a.example", { type: "learned", number: CALLED, domain: "b.example" }],
  ["a.example", { type: "called", number: CALLED, via: "sip" }],
];
const THEFT: ReadonlyArray<Event> = [
  ["c.example", { type: "lookedUp", number: STOLEN, claims: 2 }],
  ["c.example", { type: "attempted", number: STOLEN, nodeId: THIEF, verdict: "refused", method: "a", bits: 0 }],
  ["c.example", { type: "called", number: STOLEN, via: "sip" }],
];

const told = (events: ReadonlyArray<Event>) => {
  const steps: Array<StoryStep> = [];
  const quiet = { phase: () => Effect.void, event: () => Effect.void };
  const story = makeStory({ ...quiet, step: (step) => Effect.sync(() => void steps.push(step)) });
  return Effect.runPromise(
    Effect.gen(function* () {
      yield* story.follow(chosen);
      for (const [domain, event] of events) yield* story.listener.event(domain, event);
      same(story.steps(), steps);
      return steps;
    }),
  );
};
const namesOf = (steps: ReadonlyArray<StoryStep>, chapter: string) =>
  steps.filter((step) => step.chapter === chapter).map(({ n, name }) => `${n} ${name}`);
const WHOLE = {
  call: ["1 dialled", "2 recorded", "3 lookedUp", "4 proved", "5 routed", "6 rang"],
  theft: ["1 stolen", "2 doubted", "3 refused", "4 kept"],
};

test("story: both chapters are told step by step, without a whole number", async () => {
  const steps = await told([...CALL, ...THEFT]);
  same({ call: namesOf(steps, "call"), theft: namesOf(steps, "theft") }, WHOLE);
  const text = JSON.stringify(steps);
  ok(!text.includes("3012345"), text);
  ok(text.includes("+49…01") && text.includes("14.2 bits"), text);
});

test("story: other companies, other numbers and what comes too early tell nothing, wherever they come in", () => {
  const noise = fc.constantFrom<Event>(
    ["b.example", { type: "vcr", direction: "received", number: CALLED }],
    ["c.example", { type: "lookedUp", number: CALLED, claims: 1 }],
    ["a.example", { type: "lookedUp", number: e164("+493012345699"), claims: 1 }],
    ["c.example", { type: "attempted", number: STOLEN, nodeId: "1", verdict: "validated", method: "a", bits: 9 }],
    ["c.example", { type: "lookedUp", number: STOLEN, claims: 1 }],
  );
  return fc.assert(
    fc.asyncProperty(fc.array(fc.array(noise, { maxLength: 3 }), { minLength: 8, maxLength: 8 }), async (between) => {
      const steps = await told([...CALL, ...THEFT].flatMap((event, i) => [...between[i]!, event]));
      same({ call: namesOf(steps, "call"), theft: namesOf(steps, "theft") }, WHOLE);
    }),
    { numRuns: runs },
  );
});
