/** A request is sent five times before it fails. RFC 6940 §6.2.1. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { type ReloadTransactionEvent, reloadTransaction, SENDS_MAX } from "../../machines/reload/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { hostPlainly } from "../kit/plain-host.ts";

const fired = (): ReloadTransactionEvent => ({ type: "timerFired", timer: "retransmit" });

test("RFC 6940 §6.2.1: five messages, three seconds apart, and failure after the fifth timer", () => {
  const sent: Array<number> = [];
  const script = Array.from({ length: 20 }, () => ({ afterMs: 1_000, event: { type: "unheard of" } as never }));
  let seconds = -1;
  let outcome: unknown;
  for (const { event, actions } of hostPlainly(
    reloadTransaction,
    { retransmitMs: 3_000 },
    script,
    fired,
    (action) => (action as { ms: number }).ms,
  )) {
    if (event?.type !== "timerFired") seconds++;
    for (const action of actions) {
      if (action.type === "send") sent.push(event?.type === "timerFired" ? seconds + 1 : seconds);
      if (action.type === "report") outcome = { ...action.outcome, atS: seconds + 1 };
    }
  }
  assert.deepEqual(sent, [0, 3, 6, 9, 12]);
  assert.equal(sent.length, SENDS_MAX);
  assert.deepEqual(outcome, { type: "timedOut", atS: 15 });
});

machineLaws(
  reloadTransaction,
  {
    inputs: fc.record({ retransmitMs: fc.integer({ min: 1, max: 10_000 }) }),
    events: () =>
      fc.oneof(
        fc.constant<ReloadTransactionEvent>({
          type: "answered",
          signer: nodeIdFrom(1n),
          body: { type: "pingAns", value: { responseId: 1n, time: 2n } },
        }),
        fc.constant<ReloadTransactionEvent>({
          type: "answered",
          signer: nodeIdFrom(1n),
          body: { type: "error", value: { code: 2, info: new Uint8Array() } },
        }),
        fc.constant<ReloadTransactionEvent>({ type: "lost", why: "too many" }),
      ),
  },
  { fired, plays: [{ input: { retransmitMs: 3_000 }, events: Array.from({ length: SENDS_MAX }, fired) }] },
);
