/**
 * A simulated node: the machines reloadPeer and reloadStorage, unchanged, hosted without Effect (peer.ts, storage.ts). An event
 * comes to a machine only after the one before it is wholly performed.
 *
 *   network --> board --> request --> peer, storage --> answer, request, copy --> board --> network
 *                  \----> answer ---> the transaction that waits --> answered, copied
 */
import type { Body, Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import type {
  PeerContext,
  PeerEvent,
  PeerSettings,
  PeerState,
  ValueStorageContext,
  ValueStorageSettings,
} from "../../machines/reload/mod.ts";
import type { Network, SimPacket, Station } from "./network.ts";
import { hostPeer, type PeerHooks } from "./peer.ts";
import { type Board, makeBoard, type Shared } from "./requests.ts";
import { hostStorage } from "./storage.ts";
import { makeTimers } from "./timers.ts";
import { signersOf } from "./values.ts";

export interface SimNode extends Station {
  readonly id: bigint;
  readonly board: Board;
  state: PeerState;
  readonly peer: () => PeerContext;
  readonly storage: () => ValueStorageContext;
  /** Begins to join. */
  readonly start: () => void;
  /** Stands in the ring already, with links to these. */
  readonly resume: (peers: ReadonlyArray<SimNode>) => void;
  /** Politely; its state tells when it has gone. */
  readonly leave: () => void;
  readonly crash: () => void;
}

/** All that a node needs of the world it is in. */
export interface World extends Shared {
  readonly network: Network;
  readonly byId: ReadonlyMap<NodeId, SimNode>;
  readonly at: (endpoint: Endpoint) => SimNode | undefined;
}

const KEEPERS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);

export const makeNode = (
  world: World,
  index: number,
  settings: PeerSettings,
  storageSettings: ValueStorageSettings,
  side: 0 | 1,
): SimNode => {
  const { agenda, network, byId } = world;
  const { self } = settings;
  const timers = makeTimers(agenda);
  const isAlive = () => node.alive;
  const linkTo = (to: NodeId): SimNode | undefined => {
    const other = byId.get(to);
    return other !== undefined && node.links.has(other) ? other : undefined;
  };
  const board = makeBoard(self, world, {
    isLinked: (to) => linkTo(to) !== undefined,
    hand: (to, packet) => {
      const other = linkTo(to);
      if (other !== undefined) network.transmit(node, other, packet);
    },
    serve: (asked, request) => {
      const { type, value: body } = request as Body;
      if (type === "storeReq") storage.tell({ type, asked, body, signers: signersOf(body), users: [] });
      else if (KEEPERS.has(type)) storage.tell({ type, asked, body } as never);
      else peer.tell({ type, asked, body } as never);
    },
  });
  const gone = () => {
    timers.stopAll();
    board.close();
    network.vanish(node);
  };
  const storage = hostStorage(world, board, timers, {
    isAlive,
    handedOver: (to) => peer.tell({ type: "handedOver", to, atMs: agenda.nowMs }),
  });
  const peer = hostPeer(world, board, timers, {
    isAlive,
    ...linesOf(
      world,
      () => node,
      (event) => peer.tell(event),
    ),
    tellStorage: storage.tell,
    reported: (state) => {
      node.state = state;
      if (state === "left" || state === "failed") gone();
    },
  });

  const node: SimNode = {
    id: self,
    index,
    board,
    links: new Set(),
    alive: true,
    side,
    state: "joining",
    peer: peer.context,
    storage: storage.context,
    arrive: (packet: SimPacket, from) => board.arrive(packet, (from as SimNode).id),
    linked: (to) => peer.tell({ type: "linked", node: (to as SimNode).id, atMs: agenda.nowMs }),
    unlinked: (from) => peer.tell({ type: "unlinked", node: (from as SimNode).id, why: "closed" }),
    start: () => {
      storage.start(storageSettings);
      peer.start(settings);
    },
    resume: (others) => {
      storage.start(storageSettings);
      for (const other of others) node.links.add(other);
      peer.resume(
        settings,
        others.map(({ id }) => id),
      );
    },
    leave: () => peer.tell({ type: "leave" }),
    crash: gone,
  };
  return node;
};

/** Links opened and let go of, as a peer orders. */
const linesOf = (
  { agenda, network, byId, at }: World,
  self: () => SimNode,
  tell: (event: PeerEvent) => void,
): Pick<PeerHooks, "dial" | "release" | "connect"> => {
  const connecting = new Set<NodeId>();
  /** Links that a dial to whoever is there has opened. */
  const visits = new Set<Station>();
  return {
    connect: (to) => {
      const other = byId.get(to);
      if (other === undefined || self().links.has(other) || connecting.has(to)) return;
      connecting.add(to);
      network.open(self(), other, () => connecting.delete(to));
    },
    dial: (endpoint) => {
      const other = at(endpoint);
      if (other === undefined || other === self()) {
        agenda.after(0, () => tell({ type: "dialFailed", why: "nobody there" }));
        return;
      }
      if (!self().links.has(other)) visits.add(other);
      network.open(self(), other, (isUp) => {
        tell(isUp ? { type: "dialled", node: other.id } : { type: "dialFailed", why: "no link" });
      });
    },
    release: (to) => {
      const other = byId.get(to);
      if (other !== undefined && visits.delete(other)) network.close(self(), other);
    },
  };
};
