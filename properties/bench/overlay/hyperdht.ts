/** A ring of hyperdht's nodes, all in this process, on UDP of the loopback interface: the peer of the overlay's rows. */
import { createHash } from "node:crypto";
import process from "node:process";
import type { LookUpRing } from "./ring.ts";

const HOST = "127.0.0.1";
const PORT = 49_737;

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

const moduleOf = async (): Promise<HyperModule["default"]> => {
  const name = process.env.VIPR_HYPERDHT ?? "hyperdht";
  return ((await import(name)) as HyperModule).default;
};

export const openHyperRing = async (size: number): Promise<LookUpRing> => {
  const Dht = await moduleOf();
  const first = Dht.bootstrapper(PORT, HOST);
  await first.fullyBootstrapped();
  const nodes = [first];
  while (nodes.length < size) {
    const bootstrap = [{ host: HOST, port: PORT }];
    const node = new Dht({ bootstrap, host: HOST, ephemeral: false, firewalled: false });
    await node.fullyBootstrapped();
    nodes.push(node);
  }
  const hashes: Array<Uint8Array> = [];
  return {
    storeAll: async (count) => {
      for (let i = 0; i < count; i++) {
        const value = createHash("sha256").update(`value ${i}`).digest();
        hashes.push((await nodes[i % size]!.immutablePut(value)).hash);
      }
    },
    lookUp: async (node, value) => {
      if ((await nodes[node % size]!.immutableGet(hashes[value]!)) === null)
        throw new Error(`value ${value} is not there`);
    },
    close: async () => {
      for (const node of nodes) await node.destroy();
    },
  };
};
