/** The two machines of a call that goes to the telephone network: laws, tables, walks. docs/protocol/media.md#fallback */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  type CallerEvent,
  fallbackCallee,
  fallbackCaller,
  isSameCaller,
  NOTICES_MAX,
} from "../../machines/fallback/mod.ts";
import { eventOf, fallbackMachines } from "../fuzz/machines.ts";
import { runs, test } from "../kit/harness.ts";
import { subjectLaws } from "../kit/machine-laws.ts";

subjectLaws(...fallbackMachines);

/** The orders of a walk, but for timers. */
const walked = (machine: any, input: object, events: ReadonlyArray<object>): ReadonlyArray<string> => {
  let { snapshot, actions } = machine.start(input);
  const orders: Array<any> = [...actions];
  for (const event of events) {
    ({ snapshot, actions } = machine.step(snapshot, event));
    orders.push(...actions);
  }
  return orders.map(({ type, status, why }) => [type, status, why].filter((one) => one !== undefined).join(" "));
};
const untimed = (orders: ReadonlyArray<string>) => orders.filter((order) => !/Timer/.test(order));
const CALLER = { answerMs: 6_000, noticeMs: 1_000, t1Ms: 500 };

const walks = fc.array(
  eventOf<CallerEvent>("offered", "refused", "answered", "failed", "settled", "over", "trunkOver").chain((event) =>
    fc.oneof(
      fc.constant(event),
      fc.constantFrom("notice", "answer", "cancel").map((timer) => ({ type: "timerFired", timer }) as CallerEvent),
    ),
  ),
  { maxLength: 20 },
);
test("fallback: whatever comes, the caller's side invites once, and a call that was answered is moved or has its BYE", () =>
  fc.assert(
    fc.property(walks, (events) => {
      const orders = untimed(walked(fallbackCaller, CALLER, events));
      const count = (what: string) => orders.filter((order) => order === what).length;
      ok(count("invite") <= 1 && count("move") <= 1 && count("hangUp") <= 1 && count("bye") <= 1);
      ok(count("move") === 0 || count("acknowledge") === 1);
      ok(count("hangUp") === 0 || count("move") === 1);
      // What the telephones have is only ended where it is on the telephone network.
      ok(!(count("hangUp") === 1 && count("bye") === 1));
    }),
    { numRuns: runs },
  ));

test("fallback: the called side tells the other so often, and no oftener", () => {
  const events = Array.from({ length: 30 }, () => ({ type: "timerFired", timer: "notice" }));
  const orders = untimed(walked(fallbackCallee, { tells: true, noticeMs: 1_000, t1Ms: 500 }, events));
  same(orders.filter((order) => order === "tell").length, NOTICES_MAX);
  same(untimed(walked(fallbackCallee, { tells: false, noticeMs: 1_000, t1Ms: 500 }, events)).includes("tell"), false);
});

test("fallback: callers are the same by their last digits, and one who is withheld is nobody", () => {
  ok(isSameCaller("14085550201", "4085550201", 5));
  ok(isSameCaller("0014085550201", "14085550201", 7));
  ok(!isSameCaller("14085550201", "14085550202", 5));
  ok(!isSameCaller("", "", 5));
  ok(!isSameCaller("201", "14085550201", 5));
});
