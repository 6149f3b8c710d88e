/**
 * What the two number hashes cost: an honest server for each number it publishes or looks up, and whoever would try all
 * telephone numbers against an overlay. docs/protocol/overlay.md#the-vipr-usage.
 *
 *   node properties/bench/number-hash.ts        deno run -A ...        bun ...
 */
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { resourceOfNumber, resourceOfStretched, stretchedNumber, stretching } from "../../codecs/reload/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";

const OVERLAY = "vipr.example";
const NUMBERS = 1e10;
const YEAR_S = 365.25 * 24 * 3_600;
const SCRYPTS = 12;
const SHA_BATCH = 200_000;

const secondsEach = async (count: number, work: (i: number) => unknown): Promise<number> => {
  const before = performance.now();
  for (let i = 0; i < count; i++) await work(i);
  return (performance.now() - before) / 1_000 / count;
};
const numberOf = (i: number) => `+1408555${String(i).padStart(4, "0")}`;
const native = (i: number) =>
  Effect.runPromise(
    Effect.provide(
      Effect.flatMap(Keys, (keys) => keys.stretch(utf8(numberOf(i)), utf8(OVERLAY), stretching)),
      nodeLayer(),
    ),
  ).then(resourceOfStretched);
const shaLoop = () => {
  const before = performance.now();
  for (let i = 0; i < SHA_BATCH; i++) createHash("sha1").update(numberOf(i)).digest();
  return (performance.now() - before) / 1_000 / SHA_BATCH;
};

const cores = availableParallelism();
const honestSha = await secondsEach(20_000, (i) => resourceOfNumber(numberOf(i)));
await native(0);
const honestScrypt = await secondsEach(SCRYPTS, native);
const inScript = await secondsEach(2, (i) => stretchedNumber(numberOf(i), OVERLAY));
const together = await (async () => {
  const before = performance.now();
  await Promise.all(Array.from({ length: SCRYPTS }, (_, i) => native(i)));
  return (performance.now() - before) / 1_000 / SCRYPTS;
})();
shaLoop();
const attackerSha = shaLoop();

const spent = (seconds: number): string =>
  seconds < 172_800
    ? `${(seconds / 3_600).toFixed(1)} hours`
    : seconds < YEAR_S
      ? `${(seconds / 86_400).toFixed(1)} days`
      : `${(seconds / YEAR_S).toFixed(1)} years`;

console.log(
  `honest server, one number   sha1 ${(honestSha * 1e6).toFixed(1)} us   scrypt ${(honestScrypt * 1e3).toFixed(0)} ms`,
);
console.log(
  `  a thousand numbers, once  sha1 ${(honestSha * 1e3).toFixed(3)} s   scrypt ${(together * 1e3).toFixed(0)} s on ${cores} cores`,
);
console.log(`  scrypt without native code: ${(inScript * 1e3).toFixed(0)} ms`);
console.log(
  `enumerator, 10^10 numbers, one core   sha1 ${spent(attackerSha * NUMBERS)}   scrypt ${spent(honestScrypt * NUMBERS)}`,
);
console.log(
  `  (${(1 / attackerSha / 1e6).toFixed(1)} million SHA-1 a second, ${(1 / honestScrypt).toFixed(1)} scrypt; a graphics card does some 10^10 SHA-1 a second)`,
);
