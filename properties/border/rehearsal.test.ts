/** The rehearsal is one of the calls that it is for: each of its messages passes, either way. */
import { deepStrictEqual as same } from "node:assert";
import { rehearse } from "../../machines/border/mod.ts";
import { keptSeal } from "../../machines/ticket/mod.ts";
import { test } from "../kit/harness.ts";

const MESSAGES = 2 * 6;

test("border: a rehearsed call passes each way, from INVITE to the answer to BYE", () =>
  same(
    [1, 3].map((calls) => rehearse(keptSeal, calls)),
    [MESSAGES, 3 * MESSAGES],
  ));
