/**
 * How a ring of nodes on sockets with TLS grows: the processor time of joining one after the other, of each node at rest
 * afterwards, and the memory, all in this process.
 *
 *   npm run joins -- [--nodes N] [--json]
 *
 * The last line is one JSON object: `cpuSeconds` of all joins, `laterJoinMs` of one of the last sixteenth, `atRestShare` of a core
 * for each node, `mb` of resident memory.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { cpuMs } from "./kit.ts";
import { openSocketRing } from "./overlay/sockets.ts";

const STEPS = 16;
/** Until what the last joins have set off is over. */
const SETTLE_MS = 60_000;
const REST_MS = 60_000;

const { values } = parseArgs({
  options: { nodes: { type: "string", default: "64" }, json: { type: "boolean", default: false } },
});
const nodes = Number(values.nodes);
if (!Number.isInteger(nodes) || nodes < STEPS) {
  console.error(`joins: --nodes wants a whole number of ${STEPS} or more`);
  process.exit(2);
}
const say = (text: string): void => {
  if (!values.json) console.error(text);
};
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ring = await openSocketRing();
const fromMs = cpuMs();
let laterJoinMs = 0;
for (let step = 1; step <= STEPS; step++) {
  const [stepMs, before] = [cpuMs(), ring.size()];
  while (ring.size() < Math.round((step * nodes) / STEPS)) await ring.join();
  laterJoinMs = (cpuMs() - stepMs) / Math.max(1, ring.size() - before);
  say(`${ring.size()} of ${nodes} joined, ${Math.round(laterJoinMs)} ms of processor time each`);
}
const cpuSeconds = (cpuMs() - fromMs) / 1_000;
say(`at rest for ${(SETTLE_MS + REST_MS) / 1_000} s ...`);
await sleep(SETTLE_MS);
const restMs = cpuMs();
await sleep(REST_MS);
const atRestShare = (cpuMs() - restMs) / REST_MS / nodes;
const mb = process.memoryUsage().rss / 1e6;
await ring.close();
const digits = (value: number, count: number): number => Number(value.toPrecision(count));
console.log(
  JSON.stringify({
    nodes,
    cpuSeconds: digits(cpuSeconds, 3),
    laterJoinMs: digits(laterJoinMs, 3),
    atRestShare: digits(atRestShare, 2),
    mb: Math.round(mb),
  }),
);
