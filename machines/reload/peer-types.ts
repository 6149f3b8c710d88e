/** The settings, events, orders and context of a Chord node. */
import type {
  Answer,
  AppAttach,
  Attach,
  Body,
  ChordUpdate,
  Destination,
  Endpoint,
  ErrorName,
  ForwardingOption,
  IceCandidate,
  JoinReq,
  LeaveReq,
  NodeId,
  Request,
  RouteQueryReq,
} from "../../codecs/reload/mod.ts";
import type { Decision, Note, Of } from "../kit/mod.ts";
import type { RingView } from "./ring.ts";
import type { Table } from "./table.ts";

export interface PeerSettings {
  readonly self: NodeId;
  /** Where others reach us. */
  readonly endpoint: Endpoint;
  /** Nodes to join through; our own address not among them. */
  readonly bootstrap: ReadonlyArray<Endpoint>;
  /** "a configuration flag": this node may form the overlay alone when it finds no other node, §6.4.2.1. */
  readonly mayBeFirst: boolean;
  readonly applications: ReadonlyArray<{ readonly application: number; readonly endpoint: Endpoint }>;
  readonly neighbours: number;
  readonly fingers: number;
  readonly reactive: boolean;
  readonly timing: PeerTiming;
  readonly startedMs: number;
}

/** The configuration's rules for joining and stabilizing. Times in milliseconds. */
export interface PeerPolicy {
  readonly bootstrap: ReadonlyArray<Endpoint>;
  readonly reactive: boolean;
  readonly updateMs: number;
  readonly pingMs: number;
}

/** All in milliseconds. */
export interface PeerTiming {
  /** From a change among the nearest neighbours to the Update that reports it: changes that come together share one Update. */
  readonly react: number;
  /** The same for neighbours farther off, which hold no copies of ours: nothing is lost while they wait. */
  readonly reactLater: number;
  /** Between rounds of Updates in a calm ring, and after a change. */
  readonly update: number;
  readonly updateMin: number;
  readonly ping: number;
  /** For one step of the join: dial, Attach, Join. */
  readonly step: number;
  /** For the links to the neighbours-to-be. */
  readonly meet: number;
  /** Before a join is tried again. */
  readonly pause: number;
  /** For a promised link to come. */
  readonly sweep: number;
  /** Between two looks for another part of the overlay, through a bootstrap node. */
  readonly partition: number;
  /** For a polite farewell, hand-over included. */
  readonly leave: number;
}

export const peerTiming: PeerTiming = {
  react: 20,
  reactLater: 10_000,
  update: 600_000,
  updateMin: 10_000,
  ping: 3_600_000,
  step: 15_000,
  meet: 3_000,
  pause: 100,
  sweep: 10_000,
  partition: 600_000,
  leave: 2_000,
};

/** How to answer: it comes with a request's event and is given back with the answer, unread by the machines. */
export interface ReplyTo {
  readonly transactionId: bigint;
  readonly to: ReadonlyArray<Destination>;
  /** Bytes; 0 when the asker set no limit. */
  readonly maxResponseLength: number;
  /** Options to copy into the answer, §6.3.2.3. */
  readonly options: ReadonlyArray<ForwardingOption>;
}

/** A request for us whose signature holds. */
export interface Asked {
  /** The neighbour whose link brought it. */
  readonly from: NodeId;
  readonly signer: NodeId;
  readonly reply: ReplyTo;
  readonly atMs: number;
  /** 64 random bits. */
  readonly draw: bigint;
}

/** What a request of ours is for: the event that brings its outcome repeats it. */
export type PendingRequest =
  | { readonly type: "admission" }
  /** `via`: the node that named it. If an Attach through that node fails, it is sent once more by routing. */
  | { readonly type: "attach"; readonly node: NodeId; readonly via: NodeId | undefined }
  | { readonly type: "finger"; readonly entry: number }
  | { readonly type: "search"; readonly entry: number }
  /** Asks which peer is responsible for the place after ours, as a bootstrap node sees the ring. */
  | { readonly type: "partition"; readonly via: NodeId }
  | { readonly type: "join" }
  /** The Update that makes a joining node our predecessor. */
  | { readonly type: "admit"; readonly node: NodeId }
  | { readonly type: "update"; readonly node: NodeId }
  | { readonly type: "leave"; readonly node: NodeId };

/** Whether the machine waits for the outcome. Not for an Update: a neighbour that is gone is noticed by its link. */
export const isAwaited = ({ type }: PendingRequest): boolean => type !== "update";

export type PeerTimer = "step" | "pause" | "react" | "update" | "ping" | "sweep" | "partition" | "leave";

export type PeerEvent =
  | { readonly type: "dialled"; readonly node: NodeId }
  | { readonly type: "dialFailed"; readonly why: string }
  | { readonly type: "linked"; readonly node: NodeId; readonly atMs: number }
  | { readonly type: "unlinked"; readonly node: NodeId; readonly why: string }
  | { readonly type: "attachReq"; readonly asked: Asked; readonly body: Attach }
  | { readonly type: "joinReq"; readonly asked: Asked; readonly body: JoinReq }
  | { readonly type: "leaveReq"; readonly asked: Asked; readonly body: LeaveReq }
  | { readonly type: "updateReq"; readonly asked: Asked; readonly body: ChordUpdate }
  | { readonly type: "pingReq"; readonly asked: Asked }
  | { readonly type: "routeQueryReq"; readonly asked: Asked; readonly body: RouteQueryReq }
  | { readonly type: "appAttachReq"; readonly asked: Asked; readonly body: AppAttach }
  /** A new configuration is in force; what it changes counts from the next timer on. */
  | { readonly type: "configured"; readonly policy: PeerPolicy }
  | { readonly type: "answered"; readonly request: PendingRequest; readonly signer: NodeId; readonly body: Answer }
  | { readonly type: "failed"; readonly request: PendingRequest; readonly why: string }
  | { readonly type: "handedOver"; readonly to: NodeId; readonly atMs: number }
  | { readonly type: "timerFired"; readonly timer: PeerTimer; readonly atMs: number; readonly draw: bigint }
  | { readonly type: "leave" };

/** Why the ring looks different now: after a loss, new replicas wait for the hold-down time. §10.7.1. */
export type RingChange = "joined" | "lost";
export type PeerState = "joining" | "settled" | "leaving" | "left" | "failed";

export type PeerAction =
  | { readonly type: "dial"; readonly endpoint: Endpoint }
  /** The link that a dial of ours brought is needed no more, unless that node has opened another. */
  | { readonly type: "release"; readonly node: NodeId }
  | {
      readonly type: "request";
      readonly request: PendingRequest;
      readonly destinations: ReadonlyArray<Destination>;
      /** The link to send it on; by routing when absent. */
      readonly over: NodeId | undefined;
      readonly body: Request;
    }
  | { readonly type: "answer"; readonly reply: ReplyTo; readonly body: Body }
  | { readonly type: "refuse"; readonly reply: ReplyTo; readonly error: ErrorName; readonly info: string }
  /** We have answered an Attach, and so are TLS client, §6.5.1.13. */
  | { readonly type: "connect"; readonly node: NodeId; readonly candidates: ReadonlyArray<IceCandidate> }
  | { readonly type: "ring"; readonly view: RingView; readonly change: RingChange }
  /** All values that node is responsible for, now that it is our neighbour; `handedOver` reports the end. */
  | { readonly type: "handOver"; readonly to: NodeId }
  | { readonly type: "startTimer"; readonly timer: PeerTimer; readonly ms: number; readonly spreadMs: number }
  | { readonly type: "stopTimer"; readonly timer: PeerTimer }
  | { readonly type: "report"; readonly state: PeerState; readonly why: string }
  | Note;

export interface PeerContext {
  readonly settings: PeerSettings;
  readonly table: Table;
  /** Failed attempts to join since the last success; the bootstrap nodes take turns by it. */
  readonly tries: number;
  /** The Node-ID of the bootstrap node last dialled, from its certificate. */
  readonly boot: NodeId | undefined;
  /** The peer responsible for our place: the one that answered our Attach. */
  readonly admitting: NodeId | undefined;
  /** Nodes that Updates have spoken of and that are not linked: candidates for when a neighbour is lost. */
  readonly candidates: ReadonlyArray<NodeId>;
  /** Future neighbours whose Update we wait for; while leaving, nodes whose answer to our Leave we wait for. */
  readonly awaited: ReadonlyArray<NodeId>;
  /** Finger entries whose Attach is under way. */
  readonly searching: ReadonlyArray<number>;
  /** Attaches under way; `old` since the last sweep. */
  readonly asking: ReadonlyArray<{ readonly node: NodeId; readonly old: boolean }>;
  /** Nodes that join through us, one after the other: the data of the first is on its way to it. */
  readonly joiners: ReadonlyArray<Asked>;
  /** Rounds of Updates since the neighbours last changed: each waits twice as long as the one before it. */
  readonly calm: number;
  /** An Update is due: in a moment or a little later, to everyone linked or to the neighbours. */
  readonly reacting: { readonly soon: boolean; readonly everyone: boolean } | undefined;
}
/** The answer to a request, before it is ordered. */
export type Answered = Omit<Of<PeerAction, "answer">, "type">;
/** A decision that gives no other orders than these. */
export type PeerDecision<K extends PeerAction["type"]> = Decision<PeerContext, Of<PeerAction, K>>;
