/** `[media]` of `vipr.toml`: which relay it gives, and which key is missing. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { readConfig } from "../../runtime/config/mod.ts";
import { openMediaRelay } from "../../runtime/media.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test, testEffect } from "../kit/harness.ts";

const mediaOf = (text: string) => {
  const reading = readConfig({ file: "f", text: `[media]\n${text}` });
  if (reading.type !== "read") throw new Error(reading.faults.map(({ key }) => key).join());
  return reading.configuration.config.media;
};
const opened = (text: string) => Effect.scoped(Effect.provide(openMediaRelay(mediaOf(text)), nodeLayer()));

const missing: ReadonlyArray<readonly [string, string]> = [
  ['relay = "own"', "inside"],
  ['relay = "own"\ninside = ["127.0.0.1"]', "outside"],
  ['relay = "rtpengine"', "rtpengine"],
  ['relay = "rtpengine"\nrtpengine = ["127.0.0.1"]\ninterfaces = ["inside"]', "interfaces"],
];
for (const [text, key] of missing)
  testEffect(
    `media config: ${text.replaceAll("\n", ", ")}: ${key} is wanted`,
    Effect.map(Effect.flip(opened(text)), (fault) => same(fault._tag === "MediaNotConfigured" && fault.key, key)),
  );
testEffect(
  "media config: without a table there is no relay; with one there is",
  Effect.gen(function* () {
    same(yield* opened(""), undefined);
    const own = yield* opened('relay = "own"\ninside = ["127.0.0.1"]\noutside = ["::1", "127.0.0.1=203.0.113.7"]');
    same(own !== undefined && (yield* own.calls), []);
    same((yield* opened('relay = "rtpengine"\nrtpengine = ["127.0.0.1"]')) !== undefined, true);
  }),
);
test("media config: an address is one, or one and that by which others reach it; a name is none", () => {
  same(mediaOf('outside = ["10.0.0.5=203.0.113.7", "2001:DB8::1"]').outside, [
    { host: "10.0.0.5", advertise: "203.0.113.7" },
    { host: "2001:db8::1" },
  ]);
  for (const bad of ["sip.acme.example", "10.0.0.5=", "1.2.3.4=5.6.7.8=9.9.9.9", "=1.2.3.4"]) {
    const reading = readConfig({ file: "f", text: `[media]\noutside = ["${bad}"]` });
    same(reading.type, "refused");
  }
});
