/**
 * Joining the overlay and leaving it, step by step. RFC 6940 §10.5, §10.9, §11.4.
 * Decisions only; peer.ts says in which state and for which event each is taken.
 * Requirements: RFC 6940 §6.4.2.1, §6.4.2.2; docs/protocol/overlay.md.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { ChordLeaveData, toNode } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import type { Of } from "../kit/mod.ts";
import { withCandidates } from "./candidates.ts";
import { attachFingers } from "./fingers.ts";
import { inTurn } from "./in-turn.ts";
import { checkLater } from "./partition.ts";
import type { PeerAction, PeerContext, PeerDecision, PeerEvent, PeerSettings, PeerTimer } from "./peer-types.ts";
import { predecessorsOf, successorsOf } from "./ring.ts";
import {
  addPeer,
  attachBody,
  attachTo,
  nextRound,
  notAwaiting,
  resourceAt,
  updateAnswer,
  updateTo,
} from "./stabilize.ts";
import { emptyTable, nodesIn, peersOf, type Table, viewOf, withJoined } from "./table.ts";

/** Attempts to join, before a node gives up or, if it may, forms the overlay alone. */
export const TRIES_MAX = 20;

export const contextOf = (settings: PeerSettings): PeerContext => ({
  settings,
  table: emptyTable(settings.self, settings.neighbours, settings.fingers),
  tries: 0,
  boot: undefined,
  admitting: undefined,
  candidates: [],
  awaited: [],
  asking: [],
  searching: [],
  joiners: [],
  calm: 0,
  reacting: undefined,
});

/** Dials the next bootstrap node in turn. */
export const dialBootstrap = (context: PeerContext): PeerDecision<"dial"> => {
  const { bootstrap } = context.settings;
  return {
    context: { boot: undefined },
    actions: [{ type: "dial", endpoint: bootstrap[context.tries % bootstrap.length]! }],
  };
};

/** "send an Attach request over this connection with the destination Resource-ID set to the Joining Node's Node-ID plus 1". */
export const attachToAdmitting = (context: PeerContext, { node }: Of<PeerEvent, "dialled">): PeerDecision<"request"> =>
  attachOver(context, node);
/** The same, over the link that the last attempt left open. */
export const attachAgain = (context: PeerContext): PeerDecision<"request"> =>
  context.boot === undefined ? {} : attachOver(context, context.boot);

const attachOver = (context: PeerContext, over: NodeId): PeerDecision<"request"> => ({
  context: { boot: over, admitting: undefined },
  actions: [
    {
      type: "request",
      request: { type: "admission" },
      destinations: [resourceAt(context.table.self + 1n)],
      over,
      body: { type: "attachReq", value: attachBody(context) },
    },
  ],
});

/** An Update that arrives while we join: its sender and the nodes that it names are peers. We do not act as a peer yet. */
export const collectCandidates = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "updateReq">,
): PeerDecision<"ring" | "startTimer" | "answer"> =>
  inTurn(
    context,
    (now) => (now.table.linked.includes(asked.signer) ? addPeer(now, asked.signer) : {}),
    (now) => ({
      context: {
        candidates: withCandidates(now.table, now.candidates, nodesIn(body)),
        ...notAwaiting(asked.signer)(now).context,
      },
      actions: [{ type: "answer", ...updateAnswer(asked) }],
    }),
  );

/** "JN SHOULD send Attach requests to initiate connections to each of the peers in the Neighbor Table", §10.5 step 3. */
export const attachToNeighbours = (context: PeerContext): PeerDecision<"startTimer" | "request"> => {
  const { table, settings } = context;
  const ready = peersOf(table);
  const peers = [...ready, ...context.candidates];
  const wanted = [
    ...successorsOf(table.self, peers, settings.neighbours),
    ...predecessorsOf(table.self, peers, settings.neighbours),
  ].filter((node) => !ready.includes(node));
  return inTurn(
    context,
    () => ({ context: { awaited: [...new Set(wanted)] } }),
    attachTo(wanted, context.admitting, true),
  );
};

export const sendJoin = (context: PeerContext): PeerDecision<"request"> => ({
  actions:
    context.admitting === undefined
      ? []
      : [
          {
            type: "request",
            request: { type: "join" },
            destinations: [toNode(context.admitting)],
            over: context.admitting,
            body: { type: "joinReq", value: { joiningPeer: context.table.self, overlayData: new Uint8Array() } },
          },
        ],
});

/** The node is a peer from now on: an Update goes to every linked node, §10.5 step 9, and the fingers are looked for. */
export const settle = (
  context: PeerContext,
  atMs: number,
): PeerDecision<"ring" | "request" | "startTimer" | "report"> => {
  const { ping } = context.settings.timing;
  return inTurn(
    context,
    // The `ring` order is given even if the table has not changed: the storage becomes responsible for its part of the ring.
    (now) => ({
      context: { tries: 0, awaited: [], table: withJoined(now.table) },
      actions: [{ type: "ring", view: viewOf(withJoined(now.table)), change: "joined" }],
    }),
    (now) => updateTo(now.table.linked, "neighbors", atMs)(now),
    attachFingers,
    nextRound,
    checkLater,
    () => ({
      actions: [
        { type: "startTimer", timer: "ping", ms: ping, spreadMs: ping / 4 },
        { type: "report", state: "settled", why: "" },
      ],
    }),
  );
};

/** An attempt to join has failed: a pause before the next one. */
export const waitToRetry = ({ tries, settings: { timing } }: PeerContext): PeerDecision<"startTimer"> => ({
  context: { tries: tries + 1, admitting: undefined, awaited: [] },
  actions: [{ type: "startTimer", timer: "pause", ms: timing.pause, spreadMs: timing.pause }],
});

/** Stops the timers that outlive a single state, as far as they run. */
export const stopTimers = (context: PeerContext): ReadonlyArray<Of<PeerAction, "stopTimer">> => {
  const { table, reacting, asking } = context;
  const running: ReadonlyArray<PeerTimer> = [
    ...(table.joined ? (["update", "ping", "partition"] as const) : []),
    ...(reacting === undefined ? [] : (["react"] as const)),
    ...(asking.length > 0 ? (["sweep"] as const) : []),
  ];
  return running.map((timer) => ({ type: "stopTimer", timer }));
};

/** Our values are handed to our successor first: it will be responsible for them. */
export const beginLeaving = (context: PeerContext): PeerDecision<"stopTimer" | "report" | "handOver"> => {
  const successor = viewOf(context.table).successors[0];
  return {
    context: { asking: [], reacting: undefined },
    actions: [
      ...stopTimers(context),
      { type: "report", state: "leaving", why: "" },
      ...(successor === undefined ? [] : [{ type: "handOver", to: successor } as const]),
    ],
  };
};

/** "peers SHOULD send a Leave request to all members of their Neighbor Table before exiting", §10.9. */
export const sendLeaves = (context: PeerContext): PeerDecision<"request"> => {
  const { predecessors, successors, self } = viewOf(context.table);
  const leave = (node: NodeId, data: ChordLeaveData): Of<PeerAction, "request"> => ({
    type: "request",
    request: { type: "leave", node },
    destinations: [toNode(node)],
    over: node,
    body: { type: "leaveReq", value: { leavingPeer: self, overlayData: encode(ChordLeaveData, data) } },
  });
  const before = predecessors.filter((node) => !successors.includes(node));
  return {
    context: { awaited: [...before, ...successors] },
    actions: [
      ...before.map((node) => leave(node, { type: "fromSuccessor", nodes: successors })),
      ...successors.map((node) => leave(node, { type: "fromPredecessor", nodes: predecessors })),
    ],
  };
};

/** Our Leave is answered or has failed: we do not wait for that node any more. */
export const leaveEnded = (
  context: PeerContext,
  { request }: Of<PeerEvent, "answered" | "failed">,
): PeerDecision<never> => (request.type === "leave" ? notAwaiting(request.node)(context) : {});

/** While we leave, a change of links matters for routing only. */
export const ringOnly = (table: Table): PeerDecision<"ring"> => ({
  context: { table },
  actions: [{ type: "ring", view: viewOf(table), change: "lost" }],
});
