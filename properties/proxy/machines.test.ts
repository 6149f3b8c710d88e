/** The machines of the proxy: laws, tables, and the figures of RFC 3261 §17, RFC 6026 and §16.7 walked. */
import { deepStrictEqual as same } from "node:assert";
import type { Machine } from "../../machines/kit/mod.ts";
import {
  proxyInviteClient,
  proxyInviteServer,
  proxyRequestClient,
  proxyRequestServer,
  responseContext,
} from "../../machines/proxy/mod.ts";
import { proxyMachines } from "../fuzz/machines.ts";
import { test } from "../kit/harness.ts";
import { subjectLaws } from "../kit/machine-laws.ts";

subjectLaws(...proxyMachines);

/** The orders of a walk, one text a step. */
const walk = <I>(machine: Machine<I, any, any>, input: I, events: ReadonlyArray<string | object>) => {
  let step = machine.start(input);
  const shown = [shownOf(step.actions)];
  for (const given of events) {
    const event =
      typeof given !== "string"
        ? given
        : given.length === 1 || given === "attempt" || given === "silence" || given === "cancel"
          ? { type: "timerFired", timer: given }
          : { type: given };
    step = machine.step(step.snapshot, event);
    shown.push(shownOf(step.actions));
  }
  return [...shown, String(step.snapshot.value)];
};
const shownOf = (orders: ReadonlyArray<{ readonly type: string }>): string =>
  orders
    .map((order) =>
      Object.values(order)
        .join(" ")
        .replace(/^startTimer/, "start")
        .replace(/^stopTimer/, "stop"),
    )
    .join(", ");

const datagrams = { isReliable: false, t1Ms: 500 };
const stream = { isReliable: true, t1Ms: 500 };

test("INVITE client: once cancelled it waits 64 T1 for its final response, and no longer. §9.1", () => {
  same(walk(proxyInviteClient, datagrams, ["provisional", "cancelled", "cancel"]).slice(1), [
    "stop A, stop B, pass",
    "start cancel 32000",
    "",
    "done",
  ]);
  same(walk(proxyInviteClient, stream, ["provisional", "cancelled", "refusal"]).slice(2), [
    "start cancel 32000",
    "stop cancel, acknowledge, pass",
    "done",
  ]);
});

// RFC 3261 §17.1.1.2
test("INVITE client: A doubles, and a provisional response stops it. §17.1.1.2", () =>
  same(walk(proxyInviteClient, datagrams, ["A", "A", "provisional", "success", "success", "M"]), [
    "send, start B 32000, start A 500",
    "send, start A 1000",
    "send, start A 2000",
    "stop A, stop B, pass",
    "pass, start M 32000",
    "pass",
    "",
    "done",
  ]));
// RFC 3261 §17.1.1.2
test("INVITE client: a refusal is acknowledged each time it comes, and told once. §17.1.1.2", () => {
  const orders = ["stop A, stop B, acknowledge, pass, start D 32000", "acknowledge", "", "done"];
  same(walk(proxyInviteClient, datagrams, ["refusal", "refusal", "D"]).slice(1), orders);
  same(walk(proxyInviteClient, stream, ["refusal"]).slice(1), ["stop B, acknowledge, pass", "done"]);
});
// RFC 3261 §17.1.1.2
test("INVITE client: B ends what nobody answers", () =>
  same(walk(proxyInviteClient, datagrams, ["B"]).slice(1), ["stop A, fail timedOut", "done"]));
// RFC 3261 §17.1.2.2
test("other clients: E doubles up to T2, and is T2 after a provisional response. §17.1.2.2", () =>
  same(walk(proxyRequestClient, datagrams, ["E", "E", "E", "E", "provisional", "E", "success", "K"]).slice(1), [
    "send, start E 1000",
    "send, start E 2000",
    "send, start E 4000",
    "send, start E 4000",
    "pass",
    "send, start E 4000",
    "stop E, stop F, pass, start K 5000",
    "",
    "done",
  ]));
// RFC 3261 §17.2.1
test("INVITE server: a refusal goes out until it is acknowledged. §17.2.1", () =>
  same(
    walk(proxyInviteServer, datagrams, [
      "repeated",
      "provisional",
      "refusal",
      "G",
      "G",
      "G",
      "G",
      "repeated",
      "acked",
      "I",
    ]),
    [
      "start trying 200",
      "stop trying, send",
      "send",
      "send, start H 32000, start G 500",
      "send, start G 1000",
      "send, start G 2000",
      "send, start G 4000",
      "send, start G 4000",
      "send",
      "stop G, stop H, start I 5000",
      "",
      "done",
    ],
  ));
// RFC 3261 §17.2.1
test("INVITE server: 100 goes out when nothing else has within 200 ms. §17.2.1", () => {
  const late = { type: "timerFired", timer: "trying" };
  const answered = ["send", "send, start L 32000", "accepted"];
  same(walk(proxyInviteServer, datagrams, [late, "provisional", "success"]), ["start trying 200", "send", ...answered]);
  same(walk(proxyInviteServer, stream, ["provisional", "refusal"]), [
    "start trying 200",
    "stop trying, send",
    "send, start H 32000",
    "completed",
  ]);
});
// RFC 3261 §17.2.1
test("INVITE server: after a 2xx the INVITE that comes again is absorbed, further 2xx pass. RFC 6026 §7.1", () =>
  same(walk(proxyInviteServer, datagrams, ["success", "repeated", "success", "L"]).slice(1), [
    "stop trying, send, start L 32000",
    "",
    "send",
    "",
    "done",
  ]));
// RFC 3261 §16.2, §17.1, §17.2.2
test("other servers: what comes again is answered again for 64*T1. §17.2.2", () =>
  same(walk(proxyRequestServer, datagrams, ["repeated", "success", "repeated", "J"]).slice(1), [
    "",
    "send, start J 32000",
    "send",
    "",
    "done",
  ]));

const call = { isInvite: true, attemptMs: 2_000, silenceMs: 5_000, ringMs: 185_000, t1Ms: 500 };
const refusal = (isRetryable: boolean) => ({ type: "refusal", isRetryable });
// RFC 3261 §16.7; ViPR overview §6.2
test("the way over SIP gives way to the trunk by any refusal, also while it rings", () =>
  same(
    walk(responseContext, { ...call, hops: ["vipr", "peer"] }, [
      "trying",
      "provisional",
      refusal(false),
      "provisional",
      "success",
    ]),
    [
      "forward 0, start attempt 2000, start C 185000",
      "",
      "stop attempt, start C 185000, pass",
      "keep, goOn 0 refused, forward 1, start C 185000",
      "start C 185000, pass",
      "stop C, pass",
      "done",
    ],
  ));
test("the way over SIP has its time, 100 or not", () =>
  same(walk(responseContext, { ...call, hops: ["vipr", "peer"] }, ["trying", "attempt", "success"]).slice(2), [
    "abandon, goOn 0 silent, forward 1, start C 185000",
    "stop C, pass",
    "done",
  ]));
test("an answer that is not secured is hung up, and the trunk is called", () =>
  same(walk(responseContext, { ...call, hops: ["vipr", "peer"] }, ["unusable"]).slice(1, 2), [
    "stop attempt, hangUp, goOn 0 unusable, forward 1, start C 185000",
  ]));
test("a trunk gives way to the next by 503 or silence, and not by busy", () => {
  const trunks = { ...call, hops: ["peer", "peer"] } as const;
  same(walk(responseContext, trunks, [refusal(true), refusal(true)]), [
    "forward 0, start silence 5000, start C 185000",
    "stop silence, keep, goOn 0 refused, forward 1, start C 185000",
    "stop C, keep, passBest 503",
    "done",
  ]);
  same(walk(responseContext, trunks, [refusal(false)]).slice(1), ["stop silence, stop C, keep, passBest 503", "done"]);
  same(walk(responseContext, trunks, ["silence"]).slice(1, 2), ["abandon, goOn 0 silent, forward 1, start C 185000"]);
  same(walk(responseContext, trunks, ["trying", { type: "failed", why: "timedOut" }]).slice(1, 3), [
    "stop silence",
    "goOn 0 unreachable, forward 1, start C 185000",
  ]);
});
test("a caller who hangs up stops the search", () =>
  same(walk(responseContext, { ...call, hops: ["vipr", "peer"] }, ["cancelled", refusal(false)]).slice(1), [
    "stop attempt, stop C, cancel, start cancel 32000",
    "stop cancel, pass",
    "done",
  ]));
// RFC 3261 §16.6, §16.7, §16.8
test("timer C ends what rings for ever with 408. §16.8", () =>
  same(walk(responseContext, { ...call, hops: ["peer"] }, ["provisional", "C", refusal(false)]).slice(2), [
    "cancel, start cancel 32000",
    "stop cancel, respond 408",
    "done",
  ]));
test("a request that is no INVITE is not answered for somebody who does not. RFC 4320 §4.2", () =>
  same(walk(responseContext, { ...call, isInvite: false, hops: ["peer"] }, [{ type: "failed", why: "timedOut" }]), [
    "forward 0",
    "giveUp",
    "done",
  ]));
