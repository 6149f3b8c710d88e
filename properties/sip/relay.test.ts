/** A stateful proxy's relay and a border element's admission: laws, tables, walks. RFC 3261 §16; ViPR overview §6.3. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { listOf, withHeader, withList } from "../../codecs/sip/mod.ts";
import { borderAdmission, type RelayEvent, relay } from "../../machines/sip/mod.ts";
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
const faults = ["missing", "malformed", "badIntegrity", "wrongDomain"] as const;
machineLaws(borderAdmission, {
  inputs: record({
    invite: fc.constantFrom(invite, { ...invite, body: new Uint8Array() }, withHeader(invite, "Max-Forwards", "0")),
    domains: fc.constant(["acme.example"]),
    onReject: fc.constantFrom("silence", "403"),
  }),
  events: () =>
    event("verdict", {
      verdict: fc.oneof(
        fc.constant({ type: "admit", ticketId: "00", domain: "acme.example" }),
        fc.constantFrom(...faults).map((why) => ({ type: "refuse", why })),
      ),
    }),
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

const verdict = (verdict: any) => ({ type: "verdict", verdict }) as const;
const admitted = verdict({ type: "admit", ticketId: "00", domain: "acme.example" });
const refused = verdict({ type: "refuse", why: "expired" });
const admissions: ReadonlyArray<readonly [string, any, any, ReadonlyArray<string>]> = [
  ["a good ticket lets the call in", {}, admitted, ["check", "pass"]],
  ["a bad one brings no answer", {}, refused, ["check", "discard expired"]],
  ["or 403, if the operator wants one", { onReject: "403" }, refused, ["check", "respond 403, discard expired"]],
  [
    "media in the clear is 488",
    { invite: { ...invite, body: new Uint8Array() } },
    admitted,
    ["check", "respond 488, discard notSecured"],
  ],
  [
    "an extension that we cannot follow is 420",
    { invite: withHeader(invite, "Proxy-Require", "x") },
    admitted,
    ["check", "respond 420, discard unknownExtension"],
  ],
];
for (const [what, more, event, expected] of admissions)
  test(`border: ${what}`, () => {
    const given = { invite, domains: ["acme.example"], onReject: "silence" as const, ...more };
    same(named(ordersOf(borderAdmission, given, [event]).orders), expected);
  });
test("border: the checker is shown the ticket, the Request-URI's number and the certificate's domains", () => {
  const { orders } = ordersOf(borderAdmission, { invite, domains: ["a.example"], onReject: "silence" }, []);
  same(orders, [[{ type: "check", ticket: "dGlja2V0", number: "+49305550001", domains: ["a.example"] }]]);
});
