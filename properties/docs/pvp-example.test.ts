/** The worked example of docs/protocol/pvp.md is made by the code: VIPR_TABLES=write writes it anew. */
import * as assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { printUserName } from "../../codecs/validation/mod.ts";
import { originatorPassword, ROUND_MS, terminatorPassword, userNameFor } from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";

const file = new URL("../../docs/protocol/pvp.md", import.meta.url);
const EXAMPLE = /<!-- example -->\n```text\n[\s\S]*?```\n/;
const seconds = (ms: number) => (ms / 1_000).toFixed(3);

const example = (): string => {
  const numbers = { called: "+14085555432", calling: "+33123456789" };
  const sent = { ...numbers, startMs: 3_976_214_403_250, stopMs: 3_976_214_526_800 };
  const received = { ...numbers, startMs: 3_976_214_405_600, stopMs: 3_976_214_525_100 };
  const claim = { originator: 1n, terminator: 0xabcdefn, vservice: 7n };
  const instant = 3_976_214_460;
  return [
    `called ${numbers.called}, calling ${numbers.calling}, T = ${ROUND_MS / 1_000} s`,
    `originator  start ${seconds(sent.startMs)}  stop ${seconds(sent.stopMs)}`,
    `terminator  start ${seconds(received.startMs)}  stop ${seconds(received.stopMs)}`,
    "",
    ...(["A", "B", "C"] as const).flatMap((method) => {
      const name = userNameFor(method, sent, claim, instant, ROUND_MS);
      const password = originatorPassword(name, sent, ROUND_MS);
      assert.equal(terminatorPassword(name, received, ROUND_MS), password);
      return [printUserName(name), `  ${password}`];
    }),
  ].join("\n");
};

test("docs/protocol/pvp.md: the example is what the code derives, at both ends", () => {
  const text = readFileSync(file, "utf8");
  assert.ok(EXAMPLE.test(text));
  const written = text.replace(EXAMPLE, () => `<!-- example -->\n\`\`\`text\n${example()}\n\`\`\`\n`);
  if (process.env.VIPR_TABLES === "write") writeFileSync(file, written);
  else assert.equal(text, written);
});
