/** One request, one answer. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { type VapTransactionEvent, vapTransaction } from "../../machines/vap/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { errorOf, idOf, messageOf, responses } from "./values.ts";

const request = { method: "subscribe", class: "request", attributes: [] } as const;
const input = { request, transactionId: idOf(1), timeoutMs: 39_500 };

machineLaws(vapTransaction, {
  inputs: fc.constant(input),
  events: () =>
    fc.oneof<Array<fc.Arbitrary<VapTransactionEvent>>>(
      fc.tuple(responses, fc.boolean(), fc.constantFrom(1, 2)).map(([response, genuine, id]) => ({
        type: "answered" as const,
        response: { ...response, transactionId: idOf(id) },
        genuine,
      })),
      fc.constant({ type: "lost" as const, why: "reset" }),
    ),
});

const after = (event: VapTransactionEvent) => {
  const { snapshot } = vapTransaction.start(input);
  return vapTransaction.step(snapshot, event).snapshot.value;
};

test("draft-jennings-vipr-vap-02 §9.2: a response without a good seal is discarded, unless it says 431 or 436", () => {
  const success = messageOf("subscribe", "success");
  assert.equal(after({ type: "answered", response: success, genuine: true }), "answered");
  assert.equal(after({ type: "answered", response: success, genuine: false }), "waiting");
  assert.equal(after({ type: "answered", response: errorOf("subscribe", "unregistered"), genuine: false }), "waiting");
  for (const error of ["integrityCheckFailure", "unknownUsername"] as const)
    assert.equal(after({ type: "answered", response: errorOf("subscribe", error), genuine: false }), "answered");
});

test("an answer to another request, or to another method, is no answer", () => {
  assert.equal(
    after({ type: "answered", response: messageOf("subscribe", "success", [], idOf(2)), genuine: true }),
    "waiting",
  );
  assert.equal(after({ type: "answered", response: messageOf("notify", "success"), genuine: true }), "waiting");
  assert.equal(after({ type: "answered", response: messageOf("subscribe", "request"), genuine: true }), "waiting");
});
