/**
 * What nodes of one ring cost on the memory runtime, with real signatures: processor time of the joins, heap of a node, look-ups a
 * second of processor time.
 *
 *   node --expose-gc properties/bench/ring.ts [NODES]
 */
import process from "node:process";
import { Effect, Layer, Logger } from "effect";
import { kindId } from "../../codecs/reload/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { overlayOf } from "../reload/ring-of-nodes.ts";

const NODES = Number(process.argv[2] ?? 32);
const LOOKUPS = 600;
const NEIGHBOURS = 20;

const cpuS = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const heapBytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const measured = Effect.gen(function* () {
  const [heapBefore, beganS] = [heapBytes(), cpuS()];
  const ring = yield* overlayOf(5, {}, { limits: { leaveMs: 0, neighbours: NEIGHBOURS } });
  for (let i = 1; i < NODES; i++) yield* ring.join();
  yield* Effect.sleep(30_000); // until nobody has news for the others
  const joinedS = cpuS();
  const heapAfter = heapBytes();
  const askedS = cpuS();
  for (let i = 0; i < LOOKUPS; i++) {
    const resourceId = new Uint8Array(16).map((_, at) => i * 31 + at * 17);
    yield* ring.members[(i * 7) % NODES]!.fetch({ resourceId, kind: kindId.viprRegistration });
  }
  const endedS = cpuS();
  return {
    nodes: NODES,
    joinS: Number((joinedS - beganS).toFixed(2)),
    heapKiBPerNode: Math.round((heapAfter - heapBefore) / 1_024 / NODES),
    lookupsPerCpuS: Math.round(LOOKUPS / (endedS - askedS)),
  };
});

const quiet = Layer.mergeAll(memoryLayer({ seed: 7 }), Logger.layer([]));
const shown = Effect.map(Effect.scoped(measured), (figures) => console.log(JSON.stringify(figures)));
await runVirtual(Effect.provide(shown, quiet) as Effect.Effect<void, unknown>);
