/** What a simulation consists of: virtual time, a random generator, the network, and its nodes. DECISIONS.md D-070. */

import { overlayDefaults, viprOverlay } from "../../codecs/overlay/mod.ts";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { peerTiming, storageTiming } from "../../machines/reload/mod.ts";
import { type Chance, chanceOf } from "../memory/chance.ts";
import { type Agenda, makeAgenda, START_MS } from "./agenda.ts";
import { drawId, drawIds, idealLinks } from "./ideal.ts";
import { makeNetwork, type Network } from "./network.ts";
import { makeNode, type SimNode, type World } from "./node.ts";
import type { SimulateOptions } from "./options.ts";
import { makeSizes } from "./sizes.ts";

const PORT = 6_084;
/** Named in the configuration document. Churn spares them, as an operator would; mass death does not. */
const BOOTSTRAP_NODES = 8;

export interface Simulated {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly network: Network;
  readonly steps: World["steps"];
  /** In order of their index; nodes that have gone stay in the list. */
  readonly nodes: Array<SimNode>;
  readonly byId: ReadonlyMap<NodeId, SimNode>;
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

/** Nodes that are in no ring yet: `settleAll` puts them into one, `start` lets each join by itself. */
export const makeWorld = (options: SimulateOptions): Simulated => {
  const { nodes: count, seed, neighbours, fingers } = options;
  const chance = chanceOf(seed);
  const agenda = makeAgenda();
  const sizes = makeSizes();
  const network = makeNetwork(agenda, chance, sizes, options);
  const nodes: Array<SimNode> = [];
  const byId = new Map<NodeId, SimNode>();
  const overlay = viprOverlay({ name: "simulated.example", sequence: 1 });
  let transactions = 0n;
  const word = () => BigInt(Math.floor(chance.next() * 2 ** 32));
  const world: World = {
    agenda,
    sizes,
    network,
    byId,
    retransmitMs: overlay.reliabilityTimerMs,
    draw: () => (word() << 32n) | word(),
    nextTransaction: () => ++transactions,
    steps: { peer: 0, storage: 0, transaction: 0 },
    at: ({ host }) => nodes[indexAt(host)],
    spread: (ms) => (ms > 0 ? Math.floor(chance.next() * (ms + 1)) : 0),
  };
  const firsts = options.join ? [0] : Array.from({ length: BOOTSTRAP_NODES }, () => chance.between(0, count - 1));
  const timing = {
    ...peerTiming,
    update: overlayDefaults.chordUpdateIntervalS * 1_000,
    ping: overlayDefaults.chordPingIntervalS * 1_000,
  };
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
    const storage = { ...overlay, timing: storageTiming, startedMs: agenda.nowMs };
    const node = makeNode(world, { index, peer, storage, side: chance.next() < 0.5 ? 0 : 1 });
    nodes.push(node);
    byId.set(id, node);
    return node;
  };
  for (const id of drawIds(chance, count)) place(id);
  return {
    agenda,
    chance,
    network,
    steps: world.steps,
    nodes,
    byId,
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
export const settleAll = ({ nodes }: Simulated, options: SimulateOptions): void => {
  const ids = nodes.map(({ id }) => id);
  for (const [at, node] of nodes.entries()) node.resume([...idealLinks(ids, at, options)].map((i) => nodes[i]!));
};

export const secondsAt = ({ agenda }: Pick<Simulated, "agenda">): number => (agenda.nowMs - START_MS) / 1_000;
