/**
 * A simulated node: the machines reloadPeer and reloadStorage, unchanged, hosted without Effect (peer.ts, storage.ts). An event
 * is given to a machine only when every order of the event before has been performed.
 *
 *   network --> dispatcher --> request --> peer, storage --> answer, request, copy --> dispatcher --> network
 *                      \----> answer ---> the transaction that waits for it --> answered, copied
 */
import type { Body, NodeId, Request } from "../../codecs/reload/mod.ts";
import type {
  Asked,
  PeerContext,
  PeerSettings,
  PeerState,
  ValueStorageContext,
  ValueStorageSettings,
} from "../../machines/reload/mod.ts";
import { type Dispatcher, makeDispatcher, type Shared } from "./dispatcher.ts";
import { type LinkSettings, makeLinks } from "./links.ts";
import type { SimPacket, Station } from "./network.ts";
import { type HostedPeer, hostPeer } from "./peer.ts";
import { type HostedStorage, hostStorage } from "./storage.ts";
import { makeTimers } from "./timers.ts";
import { signersOf } from "./values.ts";

export interface SimNode extends Station {
  readonly id: NodeId;
  readonly dispatcher: Dispatcher;
  state: PeerState;
  readonly peer: () => PeerContext;
  readonly storage: () => ValueStorageContext;
  /** Begins to join. */
  readonly start: () => void;
  /** Is in the ring from the start, with links to these nodes. */
  readonly resume: (peers: ReadonlyArray<SimNode>) => void;
  /** Sends its Leave requests and hands over its values; `state` becomes "left". */
  readonly leave: () => void;
  readonly crash: () => void;
}

/** What a node uses of the simulation that it is in. */
export interface World extends Shared, LinkSettings {
  readonly byId: ReadonlyMap<NodeId, SimNode>;
}

const STORAGE_REQUESTS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);

export interface NodeSettings {
  readonly index: number;
  readonly peer: PeerSettings;
  readonly storage: ValueStorageSettings;
  readonly side: 0 | 1;
}

export const makeNode = (world: World, settings: NodeSettings): SimNode => {
  const { agenda, network } = world;
  const { self } = settings.peer;
  const timers = makeTimers(agenda);
  const isAlive = () => node.alive;
  const links = makeLinks(
    world,
    () => node,
    (event) => peer.tell(event),
  );
  const dispatcher = makeDispatcher(self, world, {
    ...links,
    serve: (asked, request) => serveBy(storage, peer, asked, request),
  });
  const gone = () => {
    timers.stopAll();
    dispatcher.close();
    network.vanish(node);
  };
  const storage = hostStorage(world, dispatcher, timers, {
    isAlive,
    handedOver: (to) => peer.tell({ type: "handedOver", to, atMs: agenda.nowMs }),
  });
  const peer = hostPeer(world, dispatcher, timers, {
    isAlive,
    ...links,
    tellStorage: storage.tell,
    reported: (state) => {
      node.state = state;
      if (state === "left" || state === "failed") gone();
    },
  });

  const node: SimNode = {
    id: self,
    index: settings.index,
    dispatcher,
    links: new Set(),
    alive: true,
    side: settings.side,
    state: "joining",
    peer: peer.context,
    storage: storage.context,
    arrive: (packet: SimPacket, from) => dispatcher.arrive(packet, (from as SimNode).id),
    linked: (to) => peer.tell({ type: "linked", node: (to as SimNode).id, atMs: agenda.nowMs }),
    unlinked: (from) => peer.tell({ type: "unlinked", node: (from as SimNode).id, why: "closed" }),
    start: () => {
      storage.start(settings.storage);
      peer.start(settings.peer);
    },
    resume: (others) => {
      storage.start(settings.storage);
      for (const other of others) node.links.add(other);
      peer.resume(
        settings.peer,
        others.map(({ id }) => id),
      );
    },
    leave: () => peer.tell({ type: "leave" }),
    crash: gone,
  };
  return node;
};

/** Gives a request to the machine that answers it. */
const serveBy = (storage: HostedStorage, peer: HostedPeer, asked: Asked, request: Request): void => {
  const { type, value: body } = request as Body;
  if (type === "storeReq") storage.tell({ type, asked, body, signers: signersOf(body), users: [] });
  else if (STORAGE_REQUESTS.has(type)) storage.tell({ type, asked, body } as never);
  else peer.tell({ type, asked, body } as never);
};
