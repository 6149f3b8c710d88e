/** What a simulation consists of: virtual time, a random generator, the network, and its nodes. DECISIONS.md D-070. */

import { nodeLimits } from "../../actors/reload/mod.ts";
import { overlayDefaults, viprOverlay } from "../../codecs/overlay/mod.ts";
import { identityOf, type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { SEED_BYTES } from "../../machines/node/mod.ts";
import { peerTiming, storageTiming } from "../../machines/reload/mod.ts";
import { type Chance, chanceOf } from "../memory/chance.ts";
import { type Agenda, makeAgenda, START_MS } from "./agenda.ts";
import { drawId, drawIds, idealLinks } from "./ideal.ts";
import { makeKeys } from "./keys.ts";
import { makeNetwork, type Network } from "./network.ts";
import { SimNode, type World } from "./node.ts";
import type { SimulateOptions } from "./options.ts";

const NAME = "simulated.example";
const PORT = 6_084;
/** Named in the configuration document. Churn spares them, as an operator would; mass death does not. */
const BOOTSTRAP_NODES = 8;

export interface Simulated {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly network: Network;
  readonly steps: Readonly<Record<"reloadPeer" | "reloadStorage" | "reloadTransaction" | "reloadLink", number>>;
  /** In order of their index; nodes that have gone stay in the list. */
  readonly nodes: Array<SimNode>;
  readonly bootstrap: ReadonlySet<SimNode>;
  /** One more node, which has not joined yet. */
  readonly add: () => SimNode;
  /** A random node of the ring; undefined when none is left. */
  readonly anyOf: (is?: (node: SimNode) => boolean) => SimNode | undefined;
}

const endpointAt = (index: number) => ({
  host: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
  port: PORT,
});
const indexAt = (host: string): number => {
  const [, a, b, c] = host.split(".").map(Number);
  return (a! << 16) | (b! << 8) | c!;
};

/** Nodes that are in no ring yet: `settleAll` puts them into one, `join` lets each join by itself. */
export const makeWorld = (options: SimulateOptions): Simulated => {
  const { nodes: count, seed, neighbours, fingers } = options;
  const chance = chanceOf(seed);
  const agenda = makeAgenda();
  const network = makeNetwork(agenda, chance, options);
  const nodes: Array<SimNode> = [];
  const overlay = viprOverlay({ name: NAME, sequence: 1 });
  const keys = makeKeys(options.signatures, NAME, agenda.nowMs);
  const steps = { reloadPeer: 0, reloadStorage: 0, reloadTransaction: 0, reloadLink: 0 };
  const world: World = { agenda, keys, network, steps, at: ({ host }) => nodes[indexAt(host)] };
  const firsts = options.join ? [0] : Array.from({ length: BOOTSTRAP_NODES }, () => chance.between(0, count - 1));
  const timing = {
    ...peerTiming,
    update: overlayDefaults.chordUpdateIntervalS * 1_000,
    ping: overlayDefaults.chordPingIntervalS * 1_000,
  };
  const limits = { ...nodeLimits, fragmentBytes: options.fragmentBytes };
  const place = (id: NodeId): SimNode => {
    const index = nodes.length;
    const peer = {
      self: id,
      endpoint: endpointAt(index),
      bootstrap: [...new Set(firsts)].filter((first) => first !== index).map(endpointAt),
      mayBeFirst: options.join && index === 0,
      applications: [],
      neighbours,
      fingers,
      reactive: overlay.chordReactive,
      timing,
      startedMs: agenda.nowMs,
    };
    const issued = keys.issue(id);
    const node = {
      self: id,
      certificates: [issued.certificate],
      algorithm: "ecdsa",
      facts: issued.facts,
      identity: identityOf(issued.certificate),
      overlay,
      roots: [],
      seed: chance.bytes(SEED_BYTES),
      limits,
      storage: { settings: { ...overlay, timing: storageTiming, startedMs: agenda.nowMs }, isDurable: false },
    } as const;
    const made = new SimNode(world, { index, side: chance.next() < 0.5 ? 0 : 1, issued, node, peer });
    nodes.push(made);
    return made;
  };
  for (const id of drawIds(chance, count)) place(id);
  return {
    agenda,
    chance,
    network,
    steps,
    nodes,
    bootstrap: new Set(firsts.map((first) => nodes[first]!)),
    add: () => place(nodeIdFrom(drawId(chance))),
    anyOf: (is = () => true) => {
      for (let i = 0; i < DRAWS_MAX; i++) {
        const node = nodes[chance.between(0, nodes.length - 1)]!;
        if (node.alive && node.state === "settled" && is(node)) return node;
      }
      return nodes.find((node) => node.alive && node.state === "settled" && is(node));
    },
  };
};
const DRAWS_MAX = 1_000;

/** Puts every node into its place in the ring, with the links it would have after all searches. */
export const settleAll = ({ network, nodes }: Simulated, options: SimulateOptions): void => {
  const ids = nodes.map(({ id }) => id);
  for (const [at, node] of nodes.entries())
    for (const other of idealLinks(ids, at, options)) if (other > at) network.join(node, nodes[other]!);
  for (const node of nodes) node.place();
};

export const secondsAt = ({ agenda }: Pick<Simulated, "agenda">): number => (agenda.nowMs - START_MS) / 1_000;
