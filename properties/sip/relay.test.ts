/** A stateful proxy's relay: laws, table, walks. RFC 3261 §16. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { listOf, withList } from "../../codecs/sip/mod.ts";
import { type RelayEvent, relay } from "../../machines/sip/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { answerOf, bye, event, invite, named, ordersOf, record, response } from "./samples.ts";

machineLaws(relay, {
  inputs: record({ request: fc.constantFrom(invite, bye), timerCMs: fc.constant(181_000) }),
  events: () =>
    fc.oneof(
      event("connected"),
      event("unreachable", { why: fc.constant("refused") }),
      event("received", { response: response() }),
      event("failed", { why: fc.constantFrom("timedOut", "lost") }),
      event("cancelled"),
      event("upstreamLost"),
    ),
});
const input = { request: invite, timerCMs: 181_000 };
const received = (status: number): RelayEvent => ({ type: "received", response: answerOf(status) });
const walks: ReadonlyArray<readonly [string, ReadonlyArray<RelayEvent>, ReadonlyArray<string>]> = [
  [
    "100 is its own hop's affair, 180 starts C again, 200 ends it. §16.7",
    [{ type: "connected" }, received(100), received(180), received(200)],
    [
      "connect",
      "startTimer C 181000, forward, count forwarded",
      "",
      "startTimer C 181000, respond 180",
      "stopTimer C, respond 200",
    ],
  ],
  [
    "a next hop that cannot be reached is 503 at once",
    [{ type: "unreachable", why: "" }],
    ["connect", "respond 503, count failed"],
  ],
  ["a call cancelled before it went on is 487", [{ type: "cancelled" }], ["connect", "respond 487"]],
  [
    "C gives a call up that rings for ever. §16.8",
    [{ type: "connected" }, { type: "timerFired", timer: "C" }, received(487)],
    ["connect", "startTimer C 181000, forward, count forwarded", "giveUp", "respond 487"],
  ],
  [
    "a hop that never answers is 408, one that breaks off 503",
    [{ type: "connected" }, { type: "failed", why: "timedOut" }],
    ["connect", "startTimer C 181000, forward, count forwarded", "stopTimer C, respond 408, count failed"],
  ],
];
for (const [what, events, expected] of walks)
  test(`relay: ${what}`, () => same(named(ordersOf(relay, input, events).orders), expected));

test("relay: a response goes back the way its request came, whatever its Vias became", () => {
  const answer = withList(answerOf(200), "Via", ["SIP/2.0/TLS evil.example;branch=z9hG4bKx"]);
  const { orders } = ordersOf(relay, input, [{ type: "connected" }, { type: "received", response: answer }]);
  const sent = orders.flat().find((action) => action.type === "respond");
  same(sent?.type === "respond" && listOf(sent.response, "Via"), listOf(invite, "Via"));
});
