/**
 * A simulated node: the machines reloadPeer and reloadKeeper, unchanged, hosted without Effect. Each order is performed as
 * actors/reload/{peer,keeper}.ts perform it; an event comes to a machine only after the one before it is wholly performed.
 *
 *   network --> board --> request --> peer, keeper --> answer, request, copy --> board --> network
 *                  \----> answer ---> the transaction that waits --> answered, copied
 */
import { type Body, type Endpoint, errorBody, everything, type Request, toResource } from "../../codecs/reload/mod.ts";
import {
  type Asked,
  copyOutcomeOf,
  heldBy,
  isAwaited,
  type KeeperAction,
  type KeeperContext,
  type KeeperEvent,
  type KeeperSettings,
  type PeerAction,
  type PeerContext,
  type PeerEvent,
  type PeerSettings,
  type PeerState,
  reloadKeeper,
  reloadPeer,
  settledPeer,
} from "../../machines/reload/mod.ts";
import type { Due } from "./agenda.ts";
import type { Network, SimPacket, Station } from "./network.ts";
import { type Board, type BoardHooks, exactly, makeBoard, type Shared } from "./requests.ts";
import { signersOf } from "./values.ts";

export interface SimNode extends Station {
  readonly id: bigint;
  readonly board: Board;
  state: PeerState;
  readonly peer: () => PeerContext;
  readonly keeper: () => KeeperContext;
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
  readonly byId: ReadonlyMap<bigint, SimNode>;
  readonly at: (endpoint: Endpoint) => SimNode | undefined;
  /** Uniform from 0 to this, whole milliseconds. */
  readonly spread: (ms: number) => number;
}

type Copy = Extract<KeeperAction, { readonly type: "copy" }>;
type Inquiry = Extract<KeeperAction, { readonly type: "inquire" }>;
const KEEPERS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);

export const makeNode = (
  world: World,
  index: number,
  settings: PeerSettings,
  keeperSettings: KeeperSettings,
  side: 0 | 1,
): SimNode => {
  const { agenda, network, byId, steps } = world;
  const { self } = settings;
  const connecting = new Set<bigint>();
  /** Links that a dial to whoever is there has opened. */
  const visits = new Set<Station>();
  const timers = new Map<string, Due>();
  let peer = reloadPeer.resume("settled", {} as PeerContext);
  let keeper = reloadKeeper.resume("keeping", {} as KeeperContext);

  const tellPeer = (event: PeerEvent) => {
    if (!node.alive) return;
    steps.peer++;
    const made = reloadPeer.step(peer, event);
    peer = made.snapshot;
    made.actions.forEach(performPeer);
  };
  const tellKeeper = (event: KeeperEvent) => {
    if (!node.alive) return;
    steps.keeper++;
    const made = reloadKeeper.step(keeper, event);
    keeper = made.snapshot;
    made.actions.forEach(performKeeper);
  };
  const startTimer = (timer: string, ms: number, fired: () => void) => {
    stopTimer(timer);
    const due = agenda.after(ms, () => {
      timers.delete(timer);
      fired();
    });
    timers.set(timer, due);
  };
  const stopTimer = (timer: string) => {
    const due = timers.get(timer);
    if (due !== undefined) due.run = undefined;
    timers.delete(timer);
  };

  const connect = (to: bigint) => {
    const other = byId.get(to);
    if (other === undefined || node.links.has(other) || connecting.has(to)) return;
    connecting.add(to);
    network.open(node, other, () => connecting.delete(to));
  };
  const dial = (endpoint: Endpoint) => {
    const other = world.at(endpoint);
    if (other === undefined || other === node) {
      agenda.after(0, () => tellPeer({ type: "dialFailed", why: "nobody there" }));
      return;
    }
    if (!node.links.has(other)) visits.add(other);
    network.open(node, other, (isUp) => {
      tellPeer(isUp ? { type: "dialled", node: other.id } : { type: "dialFailed", why: "no link" });
    });
  };
  const release = (to: bigint) => {
    const other = byId.get(to);
    if (other !== undefined && visits.delete(other)) network.close(node, other);
  };
  const request = ({ errand, destinations, over, body }: Extract<PeerAction, { readonly type: "request" }>) =>
    board.ask(destinations, body, { over }, ({ outcome }) => {
      if (!isAwaited(errand)) return;
      if (outcome.type === "answer") tellPeer({ type: "answered", errand, signer: outcome.signer, body: outcome.body });
      else
        tellPeer({ type: "failed", errand, why: outcome.type === "refused" ? `${outcome.error.code}` : outcome.type });
    });

  const performPeer = (action: PeerAction): void => {
    switch (action.type) {
      case "dial":
        dial(action.endpoint);
        break;
      case "release":
        release(action.node);
        break;
      case "request":
        request(action);
        break;
      case "answer":
        board.answer(action.reply, action.body);
        break;
      case "refuse":
        board.answer(action.reply, errorBody(action.error, action.info));
        break;
      case "connect":
        connect(action.node);
        break;
      case "ring":
        board.view = action.view;
        tellKeeper({ type: "ring", view: action.view, change: action.change, atMs: agenda.nowMs });
        break;
      case "handOver":
        tellKeeper({ type: "handOver", to: action.to, atMs: agenda.nowMs });
        break;
      case "startTimer": {
        const { timer, ms, spreadMs } = action;
        startTimer(`peer ${timer}`, ms + world.spread(spreadMs), () =>
          tellPeer({ type: "timerFired", timer, atMs: agenda.nowMs, draw: world.draw() }),
        );
        break;
      }
      case "stopTimer":
        stopTimer(`peer ${action.timer}`);
        break;
      case "report":
        node.state = action.state;
        if (action.state === "left" || action.state === "failed") gone();
    }
  };

  const copied = (to: bigint | undefined, marks: Copy["marks"], outcome: ReturnType<typeof copyOutcomeOf>) =>
    tellKeeper({ type: "copied", to, marks, outcome, atMs: agenda.nowMs });
  const copy = ({ to, body, marks, certificates }: Copy) =>
    board.ask(
      to === undefined ? [toResource(body.resource)] : exactly(to),
      { type: "storeReq", value: body },
      { certificates: certificates.length },
      ({ outcome }) => copied(to, marks, copyOutcomeOf(outcome)),
    );
  const inquire = ({ to, resource, marks }: Inquiry) => {
    const kinds = [...new Set(marks.map(({ kind }) => kind))];
    const specifiers = kinds.map((kind) => ({ kind, generation: 0n, specifier: everything(kind) }));
    const body: Request = { type: "statReq", value: { resource, specifiers } };
    board.ask(to === undefined ? [toResource(resource)] : exactly(to), body, {}, ({ outcome }) => {
      const held = heldBy(outcome, marks);
      copied(to, held, held.length > 0 ? "stored" : "unanswered");
    });
  };
  const performKeeper = (action: KeeperAction): void => {
    switch (action.type) {
      case "answer":
        board.answer(action.reply, action.body, action.certificates.length);
        break;
      case "refuse":
        board.answer(action.reply, errorBody(action.error, action.info));
        break;
      case "copy":
        copy(action);
        break;
      case "inquire":
        inquire(action);
        break;
      case "handedOver": {
        const { to } = action;
        agenda.after(0, () => tellPeer({ type: "handedOver", to, atMs: agenda.nowMs }));
        break;
      }
      case "startTimer": {
        const { timer, ms } = action;
        startTimer(`keeper ${timer}`, ms, () => tellKeeper({ type: "timerFired", timer, atMs: agenda.nowMs }));
        break;
      }
      case "stopTimer":
        stopTimer(`keeper ${action.timer}`);
    }
  };

  const serve = (asked: Asked, request: Request) => {
    const { type, value: body } = request as Body;
    if (type === "storeReq") tellKeeper({ type, asked, body, signers: signersOf(body), users: [] });
    else if (KEEPERS.has(type)) tellKeeper({ type, asked, body } as never);
    else tellPeer({ type, asked, body } as never);
  };

  const hooks: BoardHooks = {
    isLinked: (to) => {
      const other = byId.get(to);
      return other !== undefined && node.links.has(other);
    },
    hand: (to, packet) => {
      const other = byId.get(to);
      if (other !== undefined && node.links.has(other)) network.transmit(node, other, packet);
    },
    serve,
  };
  const board = makeBoard(self, world, hooks);
  const gone = () => {
    for (const timer of [...timers.keys()]) stopTimer(timer);
    board.close();
    network.vanish(node);
  };
  const keep = () => {
    const begun = reloadKeeper.start(keeperSettings);
    keeper = begun.snapshot;
    begun.actions.forEach(performKeeper);
  };

  const node: SimNode = {
    id: self,
    index,
    board,
    links: new Set(),
    alive: true,
    side,
    state: "joining",
    peer: () => peer.context,
    keeper: () => keeper.context,
    arrive: (packet: SimPacket, from) => board.arrive(packet, (from as SimNode).id),
    linked: (to) => tellPeer({ type: "linked", node: (to as SimNode).id, atMs: agenda.nowMs }),
    unlinked: (from) => tellPeer({ type: "unlinked", node: (from as SimNode).id, why: "closed" }),
    start: () => {
      keep();
      const begun = reloadPeer.start(settings);
      peer = begun.snapshot;
      begun.actions.forEach(performPeer);
    },
    resume: (others) => {
      keep();
      for (const other of others) node.links.add(other);
      const begun = settledPeer(
        settings,
        others.map(({ id }) => id),
        agenda.nowMs,
      );
      peer = begun.snapshot;
      for (const action of begun.actions)
        if (action.type === "startTimer")
          performPeer({ ...action, ms: 0, spreadMs: action.ms + action.spreadMs }); // somewhere in the interval
        else performPeer(action);
    },
    leave: () => tellPeer({ type: "leave" }),
    crash: gone,
  };
  return node;
};
