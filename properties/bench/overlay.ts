/**
 * The overlay beside hyperdht: look-ups a second of processor time, one after the other, by nodes that are all in this process;
 * and the heap of a node. Ours are whole nodes on simulated streams: their bytes do not pass TLS and sockets, hyperdht's pass
 * UDP on the loopback interface. `VIPR_NODES` says how many; hyperdht is found where `npm install hyperdht` has put it.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import type { Signatures } from "../../runtime/simulate/keys.ts";
import { lookUp } from "../../runtime/simulate/lookups.ts";
import type { SimNode } from "../../runtime/simulate/node.ts";
import { readSimulateOptions } from "../../runtime/simulate/options.ts";
import { storeAll } from "../../runtime/simulate/stages.ts";
import type { Value } from "../../runtime/simulate/values.ts";
import { makeWorld, type Simulated, settleAll } from "../../runtime/simulate/world.ts";
import { type Contest, cpuMs, heapBytesOf } from "./kit.ts";

const NODES = Number(process.env.VIPR_NODES ?? 64);
const VALUES = 64;
const ROUND_LOOKUPS = 300;
const PORT = 49_737;

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

interface HyperNode {
  readonly fullyBootstrapped: () => Promise<void>;
  readonly immutablePut: (value: Uint8Array) => Promise<{ readonly hash: Uint8Array }>;
  readonly immutableGet: (hash: Uint8Array) => Promise<{ readonly value: Uint8Array } | null>;
  readonly destroy: () => Promise<void>;
}
interface HyperModule {
  readonly default: {
    readonly bootstrapper: (port: number, host: string) => HyperNode;
    new (options: object): HyperNode;
  };
}
const bootstrap = [{ host: "127.0.0.1", port: PORT }];
const startPeers = async (): Promise<ReadonlyArray<HyperNode>> => {
  const name = process.env.VIPR_HYPERDHT ?? "hyperdht";
  const { default: Dht } = (await import(name)) as HyperModule;
  const first = Dht.bootstrapper(PORT, "127.0.0.1");
  await first.fullyBootstrapped();
  const nodes = [first];
  while (nodes.length < NODES) {
    const node = new Dht({ bootstrap, host: "127.0.0.1", ephemeral: false, firewalled: false });
    await node.fullyBootstrapped();
    nodes.push(node);
  }
  return nodes;
};
let peers:
  | Promise<{ readonly nodes: ReadonlyArray<HyperNode>; readonly hashes: ReadonlyArray<Uint8Array> }>
  | undefined;
const peersWithValues = async () => {
  const nodes = await startPeers();
  const hashes: Array<Uint8Array> = [];
  for (let i = 0; i < VALUES; i++) {
    const value = createHash("sha256").update(`value ${i}`).digest();
    hashes.push((await nodes[i % NODES]!.immutablePut(value)).hash);
  }
  return { nodes, hashes };
};
const peerLookUps = async (): Promise<number> => {
  peers ??= peersWithValues();
  const { nodes, hashes } = await peers;
  const from = cpuMs();
  for (let i = 0; i < ROUND_LOOKUPS; i++) {
    const found = await nodes[(i * 7) % NODES]!.immutableGet(hashes[(i * 13) % VALUES]!);
    if (found === null) throw new Error("hyperdht does not find a value");
  }
  return (1_000 * ROUND_LOOKUPS) / (cpuMs() - from);
};
const peerHeap = async (): Promise<number> => {
  let nodes: ReadonlyArray<HyperNode> = [];
  const bytes = await heapBytesOf(async () => {
    nodes = await startPeers();
    return nodes;
  });
  for (const node of nodes) await node.destroy();
  return bytes / NODES / 1_024;
};

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
];
