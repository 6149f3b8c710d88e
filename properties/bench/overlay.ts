/**
 * The overlay beside hyperdht: look-ups a second of processor time, one after the other, by nodes that are all in this process,
 * how long one takes, and the heap of a node. Ours are whole nodes, on simulated streams, and on sockets with TLS where the row
 * says so; hyperdht's bytes pass UDP on the loopback interface. `VIPR_NODES` says how many; hyperdht is found where
 * `npm install hyperdht` has put it, or `VIPR_HYPERDHT`. How long a ring takes to grow: `npm run joins`.
 */
import process from "node:process";
import type { Signatures } from "../../runtime/simulate/keys.ts";
import { lookUp } from "../../runtime/simulate/lookups.ts";
import type { SimNode } from "../../runtime/simulate/node.ts";
import { readSimulateOptions } from "../../runtime/simulate/options.ts";
import { storeAll } from "../../runtime/simulate/stages.ts";
import type { Value } from "../../runtime/simulate/values.ts";
import { makeWorld, type Simulated, settleAll } from "../../runtime/simulate/world.ts";
import { type Contest, cpuMs, heapBytesOf } from "./kit.ts";
import { openHyperRing } from "./overlay/hyperdht.ts";
import { keptRing, type LookUpRing, lookUps } from "./overlay/ring.ts";
import { openSocketRing } from "./overlay/sockets.ts";

const NODES = Number(process.env.VIPR_NODES ?? 64);
const VALUES = 64;
const ROUND_LOOKUPS = 300;
const SETTLE_MS = 60_000;

const optionsOf = (signatures: Signatures) =>
  readSimulateOptions(["overlay", "--nodes", `${NODES}`, "--values", `${VALUES}`, "--signatures", signatures]);
const ringOf = (signatures: Signatures): Simulated => {
  const options = optionsOf(signatures);
  const world = makeWorld(options);
  settleAll(world, options);
  return world;
};

interface Ring {
  readonly world: Simulated;
  readonly values: ReadonlyArray<Value>;
}
const rings = new Map<Signatures, Promise<Ring>>();
const storedRing = async (signatures: Signatures): Promise<Ring> => {
  const world = ringOf(signatures);
  const run = async (ms: number) => {
    const untilMs = world.agenda.nowMs + ms;
    while (world.agenda.next(untilMs));
  };
  const values = await storeAll(world, optionsOf(signatures), run, { report: () => {}, isStopped: () => false });
  if (values.length < VALUES) throw new Error(`${values.length} of ${VALUES} values are stored`);
  return { world, values };
};

/** Virtual time passes until the answer is there, and no longer. */
const lookUpNow = ({ agenda }: Simulated, node: SimNode, value: Value): void => {
  let isFound: boolean | undefined;
  lookUp(agenda, node, value, ({ has }) => {
    isFound = has;
  });
  while (isFound === undefined && agenda.next(agenda.nowMs + 60_000));
  if (isFound !== true) throw new Error("a value is not found");
};
const ours = (signatures: Signatures) => async (): Promise<number> => {
  const made = rings.get(signatures) ?? storedRing(signatures);
  rings.set(signatures, made);
  const { world, values } = await made;
  const from = cpuMs();
  for (let i = 0; i < ROUND_LOOKUPS; i++) lookUpNow(world, world.nodes[(i * 7) % NODES]!, values[(i * 13) % VALUES]!);
  return (1_000 * ROUND_LOOKUPS) / (cpuMs() - from);
};

const peerRing = keptRing(() => openHyperRing(NODES), VALUES);
const peerLookUps = async (): Promise<number> => (await lookUps(await peerRing(), ROUND_LOOKUPS, VALUES)).aCpuSecond;
const peerHeap = async (): Promise<number> => {
  let ring: LookUpRing | undefined;
  const bytes = await heapBytesOf(async () => {
    ring = await openHyperRing(NODES);
    return ring;
  });
  await ring?.close();
  return bytes / NODES / 1_024;
};

const socketRing = keptRing(async () => {
  const ring = await openSocketRing();
  while (ring.size() < NODES) await ring.join();
  // What the joins have set off would count as work of the look-ups, the peer's too: all are of one process.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return ring;
}, VALUES);
const onSockets = async () => lookUps(await socketRing(), ROUND_LOOKUPS, VALUES);

const peerName = "hyperdht on UDP";
export const contests: ReadonlyArray<Contest> = [
  {
    name: `overlay: heap of a node, ${NODES} nodes`,
    unit: "KiB",
    peerName,
    ours: async () => (await heapBytesOf(() => ringOf("checksum"))) / NODES / 1_024,
    peer: peerHeap,
    lowerIsBetter: true,
    rounds: 3,
  },
  {
    name: `overlay: look-ups a CPU-second, ${NODES} nodes, no signatures`,
    unit: "1/s",
    peerName,
    ours: ours("checksum"),
    peer: peerLookUps,
    aim: 5,
  },
  {
    name: `overlay: look-ups a CPU-second, ${NODES} nodes, ECDSA`,
    unit: "1/s",
    peerName,
    ours: ours("ecdsa"),
    peer: peerLookUps,
  },
  {
    name: `overlay: look-ups a CPU-second, ${NODES} nodes on sockets with TLS, ECDSA`,
    unit: "1/s",
    peerName,
    ours: async () => (await onSockets()).aCpuSecond,
    peer: peerLookUps,
    aim: 1,
  },
  {
    name: `overlay: median of a look-up, ${NODES} nodes on sockets with TLS, ECDSA`,
    unit: "ms",
    peerName,
    ours: async () => (await onSockets()).medianMs,
    peer: async () => (await lookUps(await peerRing(), ROUND_LOOKUPS, VALUES)).medianMs,
    lowerIsBetter: true,
    aim: 1,
  },
];
