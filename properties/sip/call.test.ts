/**
 * A call agent's calls, placed and received: laws, tables, and every way a call can go.
 * docs/protocol/sip.md#the-callers-side.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { answer, type CallEvent, type CallInput, call, pstnAnswer } from "../../machines/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { answerOf, event, named, ordersOf, record } from "./samples.ts";

const atMs = fc.integer({ min: 1_300_000_000_000, max: 1_400_000_000_000 });
const why = fc.constantFrom("timedOut", "lost");
const number = fc.option(fc.constant(e164("+14085550001")), { nil: undefined });
const inputs = record<CallInput>({
  calling: number,
  called: fc.constant(e164("+49305550001")),
  vservice: fc.bigInt(0n, 2n ** 64n - 1n).map(vserviceId),
  route: fc.option(
    record({ uris: fc.array(fc.constantFrom("sip:a", "sip:b"), { maxLength: 3 }), ticket: fc.constant("t") }),
    {
      nil: undefined,
    },
  ),
  attemptMs: fc.constant(2_000),
  ringMs: fc.constant(60_000),
  talkMs: fc.constant(5_000),
});
const events = fc.oneof(
  event("progress", { status: fc.constantFrom(100, 180, 183) }),
  event("answered", { response: fc.constant(answerOf(200)) }),
  event("refused", { status: fc.constantFrom(404, 487, 503) }),
  event("lost", { why }),
  event("hungUp"),
  event("byeDone"),
  event("pstnAnswered", { atMs }),
  event("pstnEnded", { atMs }),
  event("pstnFailed", { why }),
);
machineLaws(call, { inputs, events: () => events });
machineLaws(answer, {
  inputs: record({
    unwelcome: fc.option(fc.constantFrom(404, 488, 503), { nil: undefined }),
    answerMs: fc.constant(20),
    t1Ms: fc.constant(500),
    talkMsMax: fc.constant(60_000),
  }),
  events: () => fc.oneof(event("acked"), event("cancelled"), event("hungUp"), event("lost", { why }), event("byeDone")),
});
machineLaws(pstnAnswer, {
  inputs: record({ calling: number, called: fc.constant(e164("+49305550001")), vservice: fc.constant(vserviceId(7n)) }),
  events: () => fc.oneof(event("pstnAnswered", { atMs }), event("pstnEnded", { atMs }), event("pstnFailed", { why })),
});

// ViPR overview §5.1
test("call: whatever happens before the answer, one outcome is told, and a call that failed was tried on the network", () =>
  fc.assert(
    fc.property(inputs, fc.array(events, { maxLength: 25 }), (input, events) => {
      const { orders, state } = ordersOf(call, input, events as ReadonlyArray<CallEvent>);
      const flat = orders.flat();
      const count = (type: string) => flat.filter((action) => action.type === type).length;
      const outcomes = flat.flatMap((action) => (action.type === "report" ? [action.outcome] : []));
      ok(outcomes.length <= 1 && count("placePstn") <= 1);
      if (state === "done") same(outcomes.length, 1);
      for (const outcome of outcomes) {
        same(count("placePstn"), outcome.via === "sip" ? 0 : 1);
        same(count("upload"), outcome.via === "pstn" ? 1 : 0);
      }
      same(count("invite") > 0, (input.route?.uris.length ?? 0) > 0);
      ok(count("bye") <= count("ack") && count("ack") <= 1); // what was answered is acknowledged once, then hung up
    }),
    { numRuns: runs },
  ));

const given: CallInput = {
  calling: e164("+14085550001"),
  called: e164("+49305550001"),
  vservice: vserviceId(9n),
  route: { uris: ["sip:a", "sip:b"], ticket: "t" },
  attemptMs: 2_000,
  ringMs: 60_000,
  talkMs: 5_000,
};
const answered: CallEvent = { type: "answered", response: answerOf(200) };
const fired = (timer: "attempt" | "ring" | "talk"): CallEvent => ({ type: "timerFired", timer });
const pstn: ReadonlyArray<CallEvent> = [
  { type: "pstnAnswered", atMs: unixMs(1_000_000) },
  { type: "pstnEnded", atMs: unixMs(1_061_000) },
];
const walks: ReadonlyArray<readonly [string, ReadonlyArray<CallEvent>, ReadonlyArray<string>]> = [
  [
    "answered at once",
    [answered, fired("talk"), { type: "byeDone" }],
    ["startTimer attempt 2000, invite sip:a", "stopTimer attempt, ack 200, startTimer talk 5000", "bye 200", "report"],
  ],
  [
    "100 comes from our own border element and does not count",
    [{ type: "progress", status: 100 }, fired("attempt"), ...pstn, { type: "lost", why: "timedOut" }],
    ["startTimer attempt 2000, invite sip:a", "", "cancelInvite, placePstn", "", "upload, report", ""],
  ],
  [
    "180 gives it a minute to be answered",
    [{ type: "progress", status: 180 }, fired("attempt"), fired("ring"), { type: "refused", status: 487 }, ...pstn],
    [
      "startTimer attempt 2000, invite sip:a",
      "stopTimer attempt, startTimer ring 60000",
      "note timerFired",
      "cancelInvite, placePstn",
      "",
      "",
      "upload, report",
    ],
  ],
  [
    "the second address is tried within the same two seconds",
    [{ type: "refused", status: 503 }, { type: "lost", why: "lost" }, ...pstn],
    ["startTimer attempt 2000, invite sip:a", "invite sip:b", "stopTimer attempt, placePstn", "", "upload, report"],
  ],
  [
    "an answer after the fallback is acknowledged and hung up",
    [fired("attempt"), ...pstn, answered],
    ["startTimer attempt 2000, invite sip:a", "cancelInvite, placePstn", "", "upload, report", "ack 200, bye 200"],
  ],
];
for (const [what, events, expected] of walks)
  test(`call: ${what}`, () => {
    const { orders, state } = ordersOf(call, given, events);
    same([named(orders), state], [expected, "done"]);
  });

// ViPR overview §6.2
test("call: the record of a call over the network holds its two times, and its number as called", () => {
  const { orders } = ordersOf(call, { ...given, route: undefined }, pstn);
  const vcr = {
    direction: "sent",
    calling: given.calling,
    called: given.called,
    startMs: unixMs(1_000_000),
    stopMs: unixMs(1_061_000),
    vservice: vserviceId(9n),
  };
  same(orders.flat().slice(1), [
    { type: "upload", vcr },
    { type: "report", outcome: { via: "pstn", fellBack: undefined, vcr } },
  ]);
});

test("answer: a call that nobody acknowledges is hung up after 64*T1. RFC 3261 §13.3.1.4", () => {
  const input = { unwelcome: undefined, answerMs: 20, t1Ms: 500, talkMsMax: 60_000 };
  const events = [fired("answer" as never), fired("ack" as never), { type: "byeDone" }] as ReadonlyArray<any>;
  same(named(ordersOf(answer, input, events).orders), [
    "respond 180, startTimer answer 20",
    "respond 200, startTimer ack 32000",
    "bye",
    "report",
  ]);
});
