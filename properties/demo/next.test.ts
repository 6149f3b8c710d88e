/** What a demonstration offers at its end can be typed by who has begun it. */
import { ok, deepStrictEqual as same } from "node:assert";
import { e164 } from "../../codecs/shared/mod.ts";
import { nextText } from "../../runtime/demo/next.ts";
import { test } from "../kit/harness.ts";

const routes = { all: () => [{ number: e164("+14085550201") }] };
const running = [{ routes }] as unknown as Parameters<typeof nextText>[0]["running"];

test("demo: what to try next begins as the demonstration was begun, and has a number with a route", () => {
  const [npm, vipr, none] = [
    nextText({ running }, "http://127.0.0.1:1/", "npm start --"),
    nextText({ running }, undefined, "vipr demo"),
    nextText({ running: [] }, undefined, "vipr demo"),
  ];
  ok(npm.includes("  npm start -- --once --explain +14085550201\n") && npm.includes("http://127.0.0.1:1/"), npm);
  ok(vipr.includes("  vipr demo --once --explain +14085550201\n"), vipr);
  same([vipr.includes("npm"), vipr.includes("http"), none.includes("--explain")], [false, false, false]);
});
