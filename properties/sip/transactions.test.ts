/** The four transactions over a reliable transport: laws, tables, and RFC 3261 §17's figures walked. */
import { deepStrictEqual as same } from "node:assert";
import { inviteClient, inviteServer, nonInviteClient, nonInviteServer } from "../../machines/sip/mod.ts";
import { sipMachines } from "../fuzz/machines.ts";
import { test } from "../kit/harness.ts";
import { subjectLaws } from "../kit/machine-laws.ts";
import { answerOf, bye, invite, named, ordersOf } from "./samples.ts";

subjectLaws(...sipMachines);

const client = { request: invite, t1Ms: 500 };
const received = (status: number) => ({ type: "received", response: answerOf(status) }) as const;
const fired = <const T extends string>(timer: T) => ({ type: "timerFired", timer }) as const;
const respond = (status: number) => ({ type: "respond", response: answerOf(status) }) as const;

const walks: ReadonlyArray<readonly [string, ReadonlyArray<any>, ReadonlyArray<string>]> = [
  [
    "INVITE client: a 2xx ends it, and its ACK is not its own. §17.1.1.2",
    [received(100), received(180), received(200)],
    ["startTimer B 32000, send INVITE", "stopTimer B, pass 100", "pass 180", "pass 200"],
  ],
  [
    "INVITE client: a refusal is acknowledged by the transaction. §17.1.1.3",
    [received(180), received(486)],
    ["startTimer B 32000, send INVITE", "stopTimer B, pass 180", "send ACK, pass 486"],
  ],
  [
    "INVITE client: B ends a call that nothing answers",
    [fired("B")],
    ["startTimer B 32000, send INVITE", "fail timedOut"],
  ],
  [
    "INVITE client: no CANCEL before a provisional response. §9.1",
    [{ type: "giveUp" }, received(100), received(487)],
    [
      "startTimer B 32000, send INVITE",
      "",
      "stopTimer B, pass 100, cancel, startTimer cancel 32000",
      "stopTimer cancel, send ACK, pass 487",
    ],
  ],
  [
    "INVITE client: a cancelled call that never ends is given up after 64*T1. §9.1",
    [received(180), { type: "giveUp" }, { type: "giveUp" }, fired("cancel")],
    [
      "startTimer B 32000, send INVITE",
      "stopTimer B, pass 180",
      "cancel, startTimer cancel 32000",
      "note giveUp",
      "fail timedOut",
    ],
  ],
];
for (const [what, events, expected] of walks)
  test(what, () => same(named(ordersOf(inviteClient, client, events).orders), expected));

test("INVITE server: H guards a refusal until its ACK. §17.2.1", () => {
  const events = [respond(180), { type: "repeated" }, respond(486), { type: "repeated" }, { type: "acked" }] as const;
  same(named(ordersOf(inviteServer, client, events).orders), [
    "send 100",
    "send 180",
    "send 180",
    "send 486, startTimer H 32000",
    "send 486",
    "stopTimer H",
  ]);
});
// RFC 3261 §17.2.1
test("INVITE server: a 2xx ends it; without an ACK of a refusal H does", () => {
  same(named(ordersOf(inviteServer, client, [respond(200)]).orders), ["send 100", "send 200"]);
  const refused = ordersOf(inviteServer, client, [respond(404), fired("H")]);
  same(named(refused.orders).at(-1), "fail timedOut");
});
// RFC 3261 §17.2.2
test("other servers: what comes again is answered with the last response, and waits when there is none. §17.2.2", () => {
  const events = [{ type: "repeated" }, respond(183), { type: "repeated" }, respond(200)] as const;
  const { orders, state } = ordersOf(nonInviteServer, { request: bye, t1Ms: 500 }, events);
  same([named(orders), state], [["", "note repeated", "send 183", "send 183", "send 200"], "done"]);
});
// RFC 3261 §17.1.2.2
test("other clients: F ends what nothing answers, provisional responses or not. §17.1.2", () => {
  const events = [received(100), fired("F")];
  const { orders } = ordersOf(nonInviteClient, { request: bye, t1Ms: 500 }, events);
  same(named(orders), ["startTimer F 32000, send BYE", "pass 100", "fail timedOut"]);
});
