/**
 * What a call record costs at rest, and how long it takes to keep one, to find it by each method and to take it when due.
 *
 *   npm run bench -- vcr        deno run -A properties/bench/vcr.ts        bun properties/bench/vcr.ts
 *
 * Times are of one record on a table that already holds so many. Look-ups draw records at random, so that the figures
 * hold what the processor's caches miss. `VIPR_VCRS` names the sizes: "10000 100000 1000000" by default.
 */
import process from "node:process";
import type { Vcr } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import {
  callStore,
  candidatesFor,
  dueQueue,
  insertCall,
  knownCall,
  ROUND_MS,
  schedule,
  takeDue,
  userNameFor,
} from "../../machines/validation/mod.ts";

const NODE = 5n;
const LOOK_UPS = 2_000;
const sizes = (process.env.VIPR_VCRS ?? "10000 100000 1000000").split(" ").map(Number);
const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** A day's calls to ten thousand numbers: as many callers as calls. Each record is made anew, as one that arrives is. */
const vcr = (n: number): Vcr => {
  const start = (1n << 63n) + (BigInt((n * 7919) % 86_400) << 32n) + BigInt((n * 40_503) % 65_536) * 65_536n;
  return {
    direction: "received",
    calling: `+33${100_000_000 + n}`,
    called: `+1408${1_000_000 + ((n * 48_271) % 10_000)}`,
    start,
    stop: start + (BigInt(20 + (n % 300)) << 32n),
    vservice: 7n,
  };
};
const nameFor = (n: number, method: "A" | "B" | "C"): PvpUserName => {
  const call = knownCall(vcr(n));
  const claim = { originator: 1n, terminator: NODE, vservice: 7n };
  return userNameFor(method, call, claim, Math.ceil(call.startMs / 1000) + 5, ROUND_MS);
};

const collect = (globalThis as { gc?: () => void }).gc ?? (globalThis as any).Bun?.gc?.bind(undefined, true);
const usedBytes = (): number => {
  collect?.();
  collect?.();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return runtime === "bun" ? rss : heapUsed + Math.max(external, arrayBuffers);
};
const nsEach = (count: number, work: (i: number) => void): number => {
  const from = performance.now();
  for (let i = 0; i < count; i++) work(i);
  return Math.round((1e6 * (performance.now() - from)) / count);
};
/** The longest of them, in ms: what the event loop would feel. */
const longestMs = (count: number, work: (i: number) => void): number => {
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    work(i);
    longest = Math.max(longest, performance.now() - from);
  }
  return longest;
};

const rows = sizes.map((size) => {
  const keptBefore = usedBytes();
  const store = callStore([NODE], { callsMax: size + LOOK_UPS });
  const longest = longestMs(size, (i) => insertCall(store, vcr(i), 0));
  const keptBytes = Math.round((usedBytes() - keptBefore) / size);
  const insert = nsEach(LOOK_UPS, (i) => insertCall(store, vcr(size + i), 0));
  const picks = Array.from({ length: LOOK_UPS }, (_, i) => (i * 7_368_787) % size);
  const lookUps = (["A", "B", "C"] as const).map((method) => {
    const names = picks.map((n) => nameFor(n, method));
    let found = 0;
    const ns = nsEach(LOOK_UPS, (i) => {
      found += candidatesFor(store, names[i]!).length;
    });
    if (found < LOOK_UPS) throw new Error(`${method} found ${found} of ${LOOK_UPS}`);
    return ns;
  });
  const waitBefore = usedBytes();
  const queue = dueQueue<Vcr>(size + LOOK_UPS);
  const dueOf = (n: number) => 1_767_225_600_000 + ((n * 48_271) % 86_400_000);
  for (let i = 0; i < size; i++) schedule(queue, vcr(i), dueOf(i));
  const waitBytes = Math.round((usedBytes() - waitBefore) / size);
  const put = nsEach(LOOK_UPS, (i) => schedule(queue, vcr(size + i), dueOf(size + i)));
  const pop = nsEach(LOOK_UPS, () => takeDue(queue, Number.MAX_SAFE_INTEGER, 1));
  return [size, insert, ...lookUps, keptBytes, put, pop, waitBytes, longest.toFixed(1)];
});

console.log(`${runtime}${collect === undefined ? " (no gc: bytes are a guess)" : ""}`);
console.log("            received: ns each, bytes at rest              sent: ns each, bytes");
const heading = ["records", "insert", "by A", "by B", "by C", "bytes", "put", "take due", "bytes", "longest ms"];
for (const row of [heading, ...rows]) console.log(row.map((cell) => String(cell).padStart(10)).join(""));
