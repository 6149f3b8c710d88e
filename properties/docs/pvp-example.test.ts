/** The worked example of docs/protocol/pvp.md is made by the code: VIPR_TABLES=write writes it anew. */
import * as assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import {
  e164,
  nodeIdFrom,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMs,
  unixMsOf,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import { type PvpMethod, printUserName } from "../../codecs/validation/mod.ts";
import {
  formsFor,
  type NameForm,
  originatorPassword,
  ROUND_MS,
  terminatorPassword,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";

const file = new URL("../../docs/protocol/pvp.md", import.meta.url);
const EXAMPLE = /<!-- example -->\n```text\n[\s\S]*?```\n/;
const seconds = (ms: UnixMs) => (ntpMsOf(ms) / 1_000).toFixed(3);

const example = (): string => {
  const numbers = { called: e164("+14085555432"), calling: e164("+33123456789") };
  const sent = { ...numbers, startMs: unixMsOf(ntpMs(3_976_214_403_250)), stopMs: unixMsOf(ntpMs(3_976_214_526_800)) };
  const received = {
    ...numbers,
    startMs: unixMsOf(ntpMs(3_976_214_405_600)),
    stopMs: unixMsOf(ntpMs(3_976_214_525_100)),
  };
  const claim = { originator: nodeIdFrom(1n), terminator: nodeIdFrom(0xabcdefn), vservice: vserviceId(7n) };
  const instantMs = unixMsOf(ntpMs(3_976_214_460_000));
  const rival = { ...numbers, startMs: unixMs(sent.startMs + 21_000), stopMs: unixMs(sent.stopMs + 96_500) };
  const namesAndPasswords = (forms: ReadonlyArray<PvpMethod | NameForm>) =>
    forms.flatMap((form) => {
      const name = userNameFor(form, sent, claim, instantMs, ROUND_MS);
      const password = originatorPassword(name, sent, ROUND_MS);
      assert.equal(terminatorPassword(name, received, ROUND_MS), password);
      return [printUserName(name), `  ${password}`];
    });
  return [
    `called ${numbers.called}, calling ${numbers.calling}, T = ${ROUND_MS / 1_000} s`,
    `originator  start ${seconds(sent.startMs)}  stop ${seconds(sent.stopMs)}`,
    `terminator  start ${seconds(received.startMs)}  stop ${seconds(received.stopMs)}`,
    "",
    ...namesAndPasswords(["A", "B", "C"]),
    "",
    "another call of the originator between the two numbers",
    `            start ${seconds(rival.startMs)}  stop ${seconds(rival.stopMs)}`,
    "",
    ...namesAndPasswords(formsFor({ call: sent, others: [rival], instantMs, roundMs: ROUND_MS })),
  ].join("\n");
};

test("docs/protocol/pvp.md: the example is what the code derives, at both ends", () => {
  const text = readFileSync(file, "utf8");
  assert.ok(EXAMPLE.test(text));
  const written = text.replace(EXAMPLE, () => `<!-- example -->\n\`\`\`text\n${example()}\n\`\`\`\n`);
  if (process.env.VIPR_TABLES === "write") writeFileSync(file, written);
  else assert.equal(text, written);
});
