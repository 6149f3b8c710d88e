/**
 * A simulated node's place for packets, as actors/reload/{dispatcher,sender,requests}.ts are for a real one: routed by the pure
 * routeOf, requests sent again by the machine of transaction.ts. Nothing is signed or encoded.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type Body,
  type Destination,
  type ErrorName,
  errorBody,
  type Request,
  toNode,
} from "../../codecs/reload/mod.ts";
import {
  type Asked,
  isAnswer,
  isBelieved,
  type ReloadOutcome,
  type ReloadTransactionEvent,
  type ReplyTo,
  type RingView,
  reloadTransaction,
  replyTo,
  routeOf,
} from "../../machines/reload/mod.ts";
import type { Agenda, Due } from "./agenda.ts";
import type { SimPacket } from "./network.ts";
import { blank, type Sizes } from "./sizes.ts";

/** Under way at once, as in actors/reload/requests.ts. */
const REQUESTS_MAX = 1_024;
const OVERLAY = { overlay: blank.overlay, initialTtl: blank.ttl };

/** How a request ended. */
export interface Ended {
  readonly outcome: ReloadOutcome;
  /** Transmissions on the request's way, as it was answered. */
  readonly hops: number;
}

/** What all nodes share. */
export interface Shared {
  readonly agenda: Agenda;
  readonly sizes: Sizes;
  readonly retransmitMs: number;
  /** 64 random bits. */
  readonly draw: () => bigint;
  /** Uniform from 0 to this, whole milliseconds. */
  readonly spread: (ms: number) => number;
  /** Counts up through the whole simulation. */
  readonly nextTransaction: () => bigint;
  /** Steps that machines have made. */
  readonly steps: { peer: number; storage: number; transaction: number };
}

interface BoardHooks {
  readonly isLinked: (to: NodeId) => boolean;
  readonly hand: (to: NodeId, packet: SimPacket) => void;
  readonly serve: (asked: Asked, request: Request) => void;
}

export interface Board {
  view: RingView;
  readonly arrive: (packet: SimPacket, from: NodeId) => void;
  readonly answer: (reply: ReplyTo, body: Body, certificates?: number) => void;
  /** `over`: the link to send it on; by routing when absent, or when there is no such link. */
  readonly ask: (
    to: ReadonlyArray<Destination>,
    body: Request,
    how: { readonly over?: NodeId | undefined; readonly certificates?: number },
    ended: (end: Ended) => void,
  ) => void;
  /** The node is no more: nobody waits for anything. */
  readonly close: () => void;
}

type Waiting = (signer: NodeId, packet: SimPacket) => void;
/** The reply of a request knows by how many hops it came; the machines carry it as it is. */
interface Reply extends ReplyTo {
  readonly hops?: number;
}

export const makeBoard = (self: NodeId, shared: Shared, hooks: BoardHooks): Board => {
  const { agenda, sizes, steps } = shared;
  const waiting = new Map<bigint, Waiting>();
  let isOpen = true;

  const seal = (
    transactionId: bigint,
    destinationList: ReadonlyArray<Destination>,
    body: Body,
    certificates: number,
    cameBy: number,
  ): SimPacket => ({
    ...blank,
    transactionId,
    destinationList,
    payload: sizes.payloadOf(body),
    signer: self,
    body,
    certificates,
    trip: { hops: 0 },
    cameBy,
  });

  /** Sends a packet of our own on its way. */
  const dispatch = (packet: SimPacket) => {
    const verdict = routeOf(board.view, OVERLAY, packet, self);
    if (verdict.type === "deliver") agenda.after(0, () => isOpen && delivered(packet, self));
    if (verdict.type === "forward") hooks.hand(verdict.to, verdict.packet as SimPacket);
  };

  const answer: Board["answer"] = (reply, body, certificates = 0) =>
    dispatch(seal(reply.transactionId, reply.to, body, certificates, (reply as Reply).hops ?? 0));

  const replyOf = (packet: SimPacket, from: NodeId): Reply => ({ ...replyTo(packet, from), hops: packet.trip.hops });
  const refuse = (packet: SimPacket, from: NodeId, error: ErrorName, info: string) => {
    if (!isAnswer(packet)) answer(replyOf(packet, from), errorBody(error, info));
  };

  const delivered = (packet: SimPacket, from: NodeId) => {
    if (isAnswer(packet)) return waiting.get(packet.transactionId)?.(packet.signer, packet);
    const reply = replyOf(packet, from);
    hooks.serve(
      { from, signer: packet.signer, reply, atMs: agenda.nowMs, draw: shared.draw() },
      packet.body as Request,
    );
  };

  const ask: Board["ask"] = (to, body, { over, certificates = 0 }, ended) => {
    if (waiting.size >= REQUESTS_MAX) {
      agenda.after(0, () => ended({ outcome: { type: "lost", why: "too many requests" }, hops: 0 }));
      return;
    }
    const transactionId = shared.nextTransaction();
    const target = to[to.length - 1]!;
    const packet = seal(transactionId, to, body, certificates, 0);
    let timer: Due | undefined;
    let hops = 0;
    const send = () => {
      const fresh = { ...packet, trip: { hops: 0 } };
      if (over === undefined || !hooks.isLinked(over)) dispatch(fresh);
      else hooks.hand(over, fresh);
    };
    const perform = (made: ReturnType<typeof reloadTransaction.start>) => {
      steps.transaction++;
      snapshot = made.snapshot;
      for (const action of made.actions) {
        if (action.type === "send") send();
        if (action.type === "stopTimer" && timer !== undefined) timer.run = undefined;
        if (action.type === "startTimer")
          timer = agenda.after(action.ms, () => {
            if (isOpen) tell({ type: "timerFired", timer: "retransmit" });
          });
        if (action.type === "report") {
          waiting.delete(transactionId);
          ended({ outcome: action.outcome, hops });
        }
      }
    };
    const tell = (event: ReloadTransactionEvent) => perform(reloadTransaction.step(snapshot, event));
    waiting.set(transactionId, (signer, found) => {
      const error = found.body.type === "error" ? found.body.value : undefined;
      if (found.body.type.endsWith("Req") || !isBelieved(board.view, target, signer, error)) return;
      hops = found.cameBy;
      tell({ type: "answered", signer, body: found.body as never });
    });
    const begun = reloadTransaction.start({ retransmitMs: shared.retransmitMs });
    let snapshot = begun.snapshot;
    perform(begun);
  };

  const board: Board = {
    view: { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
    arrive: (packet, from) => {
      const verdict = routeOf(board.view, OVERLAY, packet, from);
      if (verdict.type === "deliver") delivered(packet, from);
      if (verdict.type === "forward") hooks.hand(verdict.to, verdict.packet as SimPacket);
      if (verdict.type === "refuse") refuse(packet, from, verdict.error, verdict.info);
    },
    answer,
    ask,
    close: () => {
      isOpen = false;
      waiting.clear();
    },
  };
  return board;
};

/** The destination that is a node and no other. */
export const exactly = (node: NodeId): ReadonlyArray<Destination> => [toNode(node)];
