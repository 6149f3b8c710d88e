/**
 * Routes a simulated node's packets, as actors/reload/{dispatcher,sender,requests}.ts do for a real one: by the pure routeOf,
 * with requests repeated by the machine of transaction.ts. Nothing is signed or encoded.
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

interface DispatcherHooks {
  readonly isLinked: (to: NodeId) => boolean;
  readonly hand: (to: NodeId, packet: SimPacket) => void;
  readonly serve: (asked: Asked, request: Request) => void;
}

export interface Dispatcher {
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
  /** The node has gone: no answer is waited for any more. */
  readonly close: () => void;
}

type Waiting = (signer: NodeId, packet: SimPacket) => void;
/** Also carries the hops that the request made; the machines pass it on unread. */
interface Reply extends ReplyTo {
  readonly hops?: number;
}

export const makeDispatcher = (self: NodeId, shared: Shared, hooks: DispatcherHooks): Dispatcher => {
  const { agenda, sizes, steps } = shared;
  const waiting = new Map<bigint, Waiting>();
  let isOpen = true;

  const packetOf = (
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
    const verdict = routeOf(dispatcher.view, OVERLAY, packet, self);
    if (verdict.type === "deliver") agenda.after(0, () => isOpen && delivered(packet, self));
    if (verdict.type === "forward") hooks.hand(verdict.to, verdict.packet as SimPacket);
  };

  const answer: Dispatcher["answer"] = (reply, body, certificates = 0) =>
    dispatch(packetOf(reply.transactionId, reply.to, body, certificates, (reply as Reply).hops ?? 0));

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

  const ask: Dispatcher["ask"] = (to, body, { over, certificates = 0 }, ended) => {
    if (waiting.size >= REQUESTS_MAX) {
      agenda.after(0, () => ended({ outcome: { type: "lost", why: "too many requests" }, hops: 0 }));
      return;
    }
    const transactionId = shared.nextTransaction();
    const target = to[to.length - 1]!;
    const packet = packetOf(transactionId, to, body, certificates, 0);
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
    waiting.set(transactionId, (signer, received) => {
      const error = received.body.type === "error" ? received.body.value : undefined;
      if (received.body.type.endsWith("Req") || !isBelieved(dispatcher.view, target, signer, error)) return;
      hops = received.cameBy;
      tell({ type: "answered", signer, body: received.body as never });
    });
    const begun = reloadTransaction.start({ retransmitMs: shared.retransmitMs });
    let snapshot = begun.snapshot;
    perform(begun);
  };

  const dispatcher: Dispatcher = {
    view: { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
    arrive: (packet, from) => {
      const verdict = routeOf(dispatcher.view, OVERLAY, packet, from);
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
  return dispatcher;
};

/** The destination list for one node. */
export const exactly = (node: NodeId): ReadonlyArray<Destination> => [toNode(node)];
