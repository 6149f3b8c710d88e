/**
 * Taking joining nodes in, one after the other. RFC 6940 §10.5, steps 5 to 8.
 *
 *   joinReq --> (its turn) JoinAns, handOver -- handedOver --> Update that names it -- answered --> our predecessor
 *
 * Until it has answered that Update the joining node may not know its part yet, and we go on answering for it. Whoever waits
 * for its turn may find that another has come between: it is sent to look for its admitting peer again. DECISIONS.md D-301.
 * Requirements: RFC 6940 §6.4.2.1.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { toNode } from "../../codecs/reload/mod.ts";
import type { Of } from "../kit/mod.ts";
import { inTurn } from "./in-turn.ts";
import type { Asked, PeerAction, PeerContext, PeerDecision, PeerEvent } from "./peer-types.ts";
import { refuse } from "./replies.ts";
import { isResponsible } from "./ring.ts";
import { addPeer, changed } from "./stabilize.ts";
import { isPeer, updateOf, viewOf, withoutPeer, withReady } from "./table.ts";

/** Nodes that wait to join through us, the one in progress among them. */
const JOINERS_MAX = 16;

const accept = ({ reply }: Asked): Of<PeerAction, "answer"> => ({
  type: "answer",
  reply,
  body: { type: "joinAns", value: { overlayData: new Uint8Array() } },
});

export const joinAsked = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "joinReq">,
): PeerDecision<"ring" | "startTimer" | "answer" | "refuse" | "handOver"> => {
  const node = asked.signer;
  if (body.joiningPeer !== node || asked.from !== node) return refuse(asked, "forbidden", "not its own link");
  const { joiners, table } = context;
  if (joiners[0]?.signer === node) return { actions: [accept(asked)] };
  if (joiners.some(({ signer }) => signer === node)) return {}; // answered in its turn
  return inTurn(
    context,
    // It has begun anew before we saw its last link close: it has no place any more, and perhaps none of its values.
    isPeer(table, node) ? (now) => changed(now, withoutPeer(now.table, node), "lost") : () => ({}),
    (now) => inTheRow(now, asked),
  );
};

const inTheRow = (context: PeerContext, asked: Asked): PeerDecision<"answer" | "refuse" | "handOver"> => {
  const { joiners, table } = context;
  if (!isResponsible(viewOf(table), asked.signer)) return refuse(asked, "notFound", "not the admitting peer");
  if (joiners.length >= JOINERS_MAX) return refuse(asked, "inProgress", "others join");
  const now = { ...context, joiners: [...joiners, asked] };
  return joiners.length === 0 ? begin(now) : { context: now };
};

/** The first in the row, if we are still the one to admit it; else the next. */
const begin = (context: PeerContext): PeerDecision<"refuse" | "answer" | "handOver"> => {
  const view = viewOf(context.table);
  const at = context.joiners.findIndex(({ signer }) => isResponsible(view, signer) && view.linked.includes(signer));
  const passed = at < 0 ? context.joiners : context.joiners.slice(0, at);
  const joiners = at < 0 ? [] : context.joiners.slice(at);
  const first = joiners[0];
  return {
    context: { joiners },
    actions: [
      ...passed.map(
        ({ reply }) => ({ type: "refuse", reply, error: "notFound", info: "not the admitting peer" }) as const,
      ),
      ...(first === undefined ? [] : [accept(first), { type: "handOver", to: first.signer } as const]),
    ],
  };
};

/** "AP MUST send JN an Update explicitly labeling JN as its predecessor", §10.5 step 7. */
export const nameAsPredecessor = (
  context: PeerContext,
  { to, atMs }: Of<PeerEvent, "handedOver">,
): PeerDecision<"request"> => {
  if (context.joiners[0]?.signer !== to) return {};
  const view = viewOf(withReady(context.table, to));
  return {
    actions: [
      {
        type: "request",
        request: { type: "admit", node: to },
        destinations: [toNode(to)],
        over: to,
        body: { type: "updateReq", value: updateOf(view, atMs - context.settings.startedMs, "neighbors") },
      },
    ],
  };
};

/** The Update that names a node our predecessor is answered, or has failed. */
export const admitEnded = (
  context: PeerContext,
  { type, request }: Of<PeerEvent, "answered" | "failed">,
): ReturnType<typeof admitted> =>
  request.type === "admit" ? admitted(context, request.node, type === "answered") : {};

/** It knows its part: from now on it answers for it. Or it does not answer, and the next may come. */
const admitted = (
  context: PeerContext,
  node: NodeId,
  isTaken: boolean,
): PeerDecision<"ring" | "startTimer" | "refuse" | "answer" | "handOver"> => {
  if (context.joiners[0]?.signer !== node) return {};
  return inTurn(
    context,
    (now) => (isTaken && now.table.linked.includes(node) ? addPeer(now, node) : {}),
    (now) => begin({ ...now, joiners: now.joiners.slice(1) }),
  );
};

/** A node that waited to join is gone. */
export const joinerLost =
  (node: NodeId) =>
  (context: PeerContext): ReturnType<typeof admitted> => {
    if (context.joiners[0]?.signer === node) return admitted(context, node, false);
    return { context: { joiners: context.joiners.filter(({ signer }) => signer !== node) } };
  };

/** We leave: nodes that wait for admission have to find another peer. */
export const turnAway = (context: PeerContext): PeerDecision<"refuse"> => ({
  context: { joiners: [] },
  actions: context.joiners.map(({ reply }) => ({ type: "refuse", reply, error: "notFound", info: "leaving" })),
});
