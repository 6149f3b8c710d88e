/**
 * Coming into the overlay and going from it, step by step. RFC 6940 §10.5, §10.9, §11.4.
 * Decisions only; peer.ts says when each is taken.
 */
import { ChordLeaveData, toNode } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { attachFingers } from "./fingers.ts";
import { checkLater } from "./partition.ts";
import type {
  PeerAction,
  PeerContext,
  PeerDecision,
  PeerEvent,
  PeerEventOf,
  PeerSettings,
  PeerTimer,
} from "./peer-types.ts";
import { predecessorsOf, successorsOf } from "./ring.ts";
import { attachBody, attachTo, changed, inTurn, nextRound, resourceAt, updateTo, withKnown } from "./stabilize.ts";
import { emptyTable, nodesIn, peersOf, type Table, viewOf, withJoined, withReady } from "./table.ts";

/** Attempts to join before a node gives up, or forms the overlay alone where it may. */
export const TRIES_MAX = 20;

export const contextOf = (settings: PeerSettings): PeerContext => ({
  settings,
  table: emptyTable(settings.self, settings.neighbours, settings.fingers),
  tries: 0,
  boot: undefined,
  admitting: undefined,
  known: [],
  awaited: [],
  asking: [],
  searching: [],
  joiners: [],
  calm: 0,
  reacting: undefined,
});

/** The next bootstrap node in turn. */
export const dialBootstrap = (context: PeerContext): PeerDecision => {
  const { bootstrap } = context.settings;
  return {
    context: { boot: undefined },
    actions: [{ type: "dial", endpoint: bootstrap[context.tries % bootstrap.length]! }],
  };
};

/** "send an Attach request over this connection with the destination Resource-ID set to the Joining Node's Node-ID plus 1". */
export const attachToAdmitting = (context: PeerContext, over: bigint): PeerDecision => ({
  context: { boot: over, admitting: undefined },
  actions: [
    {
      type: "request",
      errand: { type: "admission" },
      destinations: [resourceAt(context.table.self + 1n)],
      over,
      body: { type: "attachReq", value: attachBody(context) },
    },
  ],
});

/** An Update while we join: its sender is a peer, and speaks of peers; we do not act as one yet. */
export const learn = (context: PeerContext, { asked, body }: PeerEventOf<"updateReq">): PeerDecision =>
  inTurn(
    context,
    (now) =>
      now.table.linked.includes(asked.signer) ? changed(now, withReady(now.table, asked.signer), "joined") : {},
    (now) => ({
      context: {
        known: withKnown(now.table, now.known, nodesIn(body)),
        awaited: now.awaited.filter((node) => node !== asked.signer),
      },
      actions: [{ type: "answer", reply: asked.reply, body: { type: "updateAns", value: {} } }],
    }),
  );

/** "JN SHOULD send Attach requests to initiate connections to each of the peers in the Neighbor Table", §10.5 step 3. */
export const meetNeighbours = (context: PeerContext): PeerDecision => {
  const { table, settings } = context;
  const ready = peersOf(table);
  const peers = [...ready, ...context.known];
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

export const sendJoin = (context: PeerContext): PeerDecision => ({
  actions:
    context.admitting === undefined
      ? []
      : [
          {
            type: "request",
            errand: { type: "join" },
            destinations: [toNode(context.admitting)],
            over: context.admitting,
            body: { type: "joinReq", value: { joiningPeer: context.table.self, overlayData: new Uint8Array() } },
          },
        ],
});

/** "explicitly labeling JN as its predecessor. At this point, JN is part of the ring", §10.5 step 7. */
export const isAdmission = ({
  context,
  event,
}: {
  readonly context: PeerContext;
  readonly event: PeerEvent;
}): boolean =>
  event.type === "updateReq" &&
  event.asked.signer === context.admitting &&
  event.body.type !== "peerReady" &&
  event.body.tables.predecessors.includes(context.table.self);

/** From now on a peer: everyone linked hears of it, §10.5 step 9, and the fingers are looked for. */
export const settle = (context: PeerContext, atMs: number): PeerDecision => {
  const { ping } = context.settings.timing;
  return inTurn(
    context,
    // Joining, the table is told anew whatever it says: the keeper begins to answer for its part.
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

/** Every timer that may be running between states. */
export const stopTimers = (context: PeerContext): ReadonlyArray<PeerAction> => {
  const { table, reacting, asking } = context;
  const running: ReadonlyArray<PeerTimer> = [
    ...(table.joined ? (["update", "ping", "partition"] as const) : []),
    ...(reacting === undefined ? [] : (["react"] as const)),
    ...(asking.length > 0 ? (["sweep"] as const) : []),
  ];
  return running.map((timer) => ({ type: "stopTimer", timer }));
};

/** What we hold goes to our successor first: it will answer for it. */
export const beginLeaving = (context: PeerContext): PeerDecision => {
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
export const sayFarewell = (context: PeerContext): PeerDecision => {
  const { predecessors, successors, self } = viewOf(context.table);
  const farewell = (node: bigint, data: ChordLeaveData): PeerAction => ({
    type: "request",
    errand: { type: "leave", node },
    destinations: [toNode(node)],
    over: node,
    body: { type: "leaveReq", value: { leavingPeer: self, overlayData: encode(ChordLeaveData, data) } },
  });
  const before = predecessors.filter((node) => !successors.includes(node));
  return {
    context: { awaited: [...before, ...successors] },
    actions: [
      ...before.map((node) => farewell(node, { type: "fromSuccessor", nodes: successors })),
      ...successors.map((node) => farewell(node, { type: "fromPredecessor", nodes: predecessors })),
    ],
  };
};

/** While we leave, a change of links concerns the routing alone. */
export const quietly = (table: Table): PeerDecision => ({
  context: { table },
  actions: [{ type: "ring", view: viewOf(table), change: "lost" }],
});

/** Who leaves needs no news, but answers. */
export const learnNothing = (_: PeerContext, { asked }: PeerEventOf<"updateReq">): PeerDecision => ({
  actions: [{ type: "answer", reply: asked.reply, body: { type: "updateAns", value: {} } }],
});
