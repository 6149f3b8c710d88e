/** The registry is the draft's tables, no more and no less. */
import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  attribute,
  callDirection,
  errorCode,
  errorReason,
  magicCookie,
  messageClass,
  method,
  VapMessage,
} from "../../codecs/vap/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";

const rows = readFileSync(new URL("../vectors/vap-registry.csv", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",") as [table: string, name: string, code: string]);
const tableOfName = (name: string) =>
  Object.fromEntries(rows.filter(([table]) => table === name).map(([, key, code]) => [key, Number(code)]));

test("assigned numbers are those of draft-jennings-vipr-vap-02", () => {
  assert.deepEqual({ ...method }, tableOfName("method"));
  assert.deepEqual({ ...messageClass }, tableOfName("class"));
  assert.deepEqual({ ...attribute }, tableOfName("attribute"));
  // For what the draft has no code: those of RFC 5766 §15, whose layout of errors it shares.
  const ofTurn = { quotaReached: 486, insufficientCapacity: 508 };
  assert.deepEqual({ ...errorCode }, { ...tableOfName("error"), ...ofTurn });
  assert.deepEqual({ ...callDirection }, tableOfName("direction"));
  assert.equal(magicCookie, tableOfName("cookie").magicCookie);
  assert.deepEqual(Object.keys(errorReason).sort(), Object.keys(errorCode).sort());
});

test("methods and classes interleave on the wire as RFC 5389 figure 3 draws them", () => {
  for (const [name, code] of Object.entries(tableOfName("wire"))) {
    const [method, kind] = name.split(" ") as ["register", "request"];
    const bytes = encode(VapMessage, {
      type: { method, class: kind },
      transactionId: new Uint8Array(12),
      attributes: [],
    });
    assert.equal((bytes[0]! << 8) | bytes[1]!, code, name);
  }
});
