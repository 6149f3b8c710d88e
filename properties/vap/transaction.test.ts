/** One request, one answer. */
import * as assert from "node:assert/strict";
import { type VapTransactionEvent, vapTransaction } from "../../machines/vap/mod.ts";
import { vapInput, vapMachines } from "../fuzz/machines.ts";
import { test } from "../kit/harness.ts";
import { subjectLaws } from "../kit/machine-laws.ts";
import { errorOf, idOf, messageOf } from "./values.ts";

subjectLaws(...vapMachines);

const after = (event: VapTransactionEvent) => {
  const { snapshot } = vapTransaction.start(vapInput);
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
