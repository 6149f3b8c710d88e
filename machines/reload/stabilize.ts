/**
 * Keeping the tables true: neighbours by Updates, at once after a change and again at leisure; fingers by searching.
 * RFC 6940 §10.6, §10.7. Decisions only; peer.ts says when each is taken.
 * Requirements: RFC 6940 §6.4.2.3, §6.6.5, §11.1.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";

import { type Attach, hostCandidate, type Request, toNode, toResource } from "../../codecs/reload/mod.ts";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import type { Of } from "../kit/mod.ts";
import { notCandidate, withCandidates } from "./candidates.ts";
import { inTurn } from "./in-turn.ts";
import type { Answered, Asked, PeerAction, PeerContext, PeerDecision, PeerEvent, RingChange } from "./peer-types.ts";
import { wrap } from "./ring.ts";
import {
  isPeer,
  neighboursAmong,
  nodesIn,
  sameNearest,
  sameNeighbours,
  sameView,
  type Table,
  updateOf,
  viewOf,
  withLink,
  withoutNode,
  withReady,
  wouldBeNeighbour,
} from "./table.ts";

/** Attaches under way at once, room for a whole Neighbor Table; more wait for the next Update. */
export const ASKING_MAX = 64;
/** Neighbours on each side that store our replicas or will do so next: two, and the one after them. */
const NEAREST = 3;

export const attachBody = (context: PeerContext): Attach => {
  const candidate = hostCandidate(context.settings.endpoint);
  return {
    ufrag: new Uint8Array(),
    password: new Uint8Array(),
    role: "passive", // "MUST be "passive" for the offerer", §6.5.1.1
    candidates: candidate === undefined ? [] : [candidate],
    sendUpdate: true,
  };
};

export const resourceAt = (id: bigint) => toResource(bytesOfBig(wrap(id), 16));

/** The table has changed: routing and storage get the new ring at once, the neighbours an Update a moment later. */
export const changed = (
  context: PeerContext,
  table: Table,
  change: RingChange,
): PeerDecision<"ring" | "startTimer"> => {
  const before = viewOf(context.table);
  const after = viewOf(table);
  const shown: ReadonlyArray<Of<PeerAction, "ring">> = sameView(before, after)
    ? []
    : [{ type: "ring", view: after, change }];
  // "When a peer discovers that its range of responsible IDs has changed, it MUST send an Update", reactive or not.
  const isRange = before.predecessors[0] !== after.predecessors[0];
  const isTold = table.joined && (isRange || (context.settings.reactive && !sameNeighbours(before, after)));
  if (!isTold) return { context: { table }, actions: shown };
  const soon = !sameNearest(before, after, NEAREST);
  // A loss is reported to the Neighbor Table, a new neighbour or a new range "to each member of its Connection Table".
  const made = react({ ...context, table }, soon, isRange || change === "joined");
  return { context: { table, ...made.context }, actions: [...shown, ...(made.actions ?? [])] };
};

/** An Update falls due, or one that is due is hurried, and the rounds of Updates start anew. */
const react = (context: PeerContext, soon: boolean, everyone: boolean): PeerDecision<"startTimer"> => {
  const { reacting, settings, calm } = context;
  const { react, reactLater } = settings.timing;
  const due = { soon: soon || (reacting?.soon ?? false), everyone: everyone || (reacting?.everyone ?? false) };
  const hurried = reacting !== undefined && soon && !reacting.soon;
  const actions: Array<Of<PeerAction, "startTimer">> = [];
  if (reacting === undefined || hurried)
    actions.push({
      type: "startTimer",
      timer: "react",
      ms: soon ? react : reactLater,
      spreadMs: soon ? 0 : reactLater,
    });
  if (!soon || calm === 0) return { context: { reacting: due }, actions };
  const round = nextRound({ ...context, calm: 0 });
  return { context: { reacting: due, ...round.context }, actions: [...actions, ...(round.actions ?? [])] };
};

/** After a change the rounds come soon, then ever more rarely, as in RFC 6940 §10.7.4.1 at last. */
export const nextRound = (context: PeerContext): PeerDecision<"startTimer"> => {
  const { update, updateMin } = context.settings.timing;
  const ms = Math.min(update, updateMin * 2 ** Math.min(context.calm, 20));
  return {
    context: { calm: context.calm + 1 },
    actions: [{ type: "startTimer", timer: "update", ms, spreadMs: ms / 4 }],
  };
};

/** Attaches to the candidates that belong among our neighbours, through the node that named them, §10.6. */
export const seek =
  (heard: ReadonlyArray<NodeId>, via: NodeId | undefined) =>
  (context: PeerContext): PeerDecision<"startTimer" | "request"> => {
    const candidates = withCandidates(context.table, context.candidates, heard);
    const isSame = candidates === context.candidates;
    const now = isSame ? context : { ...context, candidates };
    const wanted = wantedOf(now);
    if (wanted.length === 0) return isSame ? {} : { context: { candidates } };
    const made = attachTo(wanted, via)(now);
    return { ...made, context: { candidates, ...made.context } };
  };

/** Which of the nodes that we know of would be neighbours, if all of them were peers. */
const wantedOf = ({ table, candidates }: PeerContext): ReadonlyArray<NodeId> => {
  const near = candidates.filter(wouldBeNeighbour(table));
  return near.length === 0
    ? near
    : neighboursAmong(
        table,
        near.filter((node) => !table.linked.includes(node)),
      );
};

/** "it MUST source-route the Attach request through the peer from which it learned the new peer's Node-ID", §10.6. */
export const attachTo =
  (wanted: ReadonlyArray<NodeId>, via: NodeId | undefined, evenLinked = false) =>
  (context: PeerContext): PeerDecision<"startTimer" | "request"> => {
    const { self, linked } = context.table;
    const isAsked = (node: NodeId) => context.asking.some((asking) => asking.node === node);
    const fresh = [...new Set(wanted)]
      .filter((node) => node !== self && (evenLinked || !linked.includes(node)) && !isAsked(node))
      .slice(0, Math.max(0, ASKING_MAX - context.asking.length));
    if (fresh.length === 0) return {};
    const body: Request = { type: "attachReq", value: attachBody(context) };
    const { sweep } = context.settings.timing;
    return {
      context: { asking: [...context.asking, ...fresh.map((node) => ({ node, old: false }))] },
      actions: [
        ...(context.asking.length === 0
          ? [{ type: "startTimer", timer: "sweep", ms: sweep, spreadMs: 0 } as const]
          : []),
        ...fresh.map((node) => ({
          type: "request" as const,
          request: { type: "attach" as const, node, via: via === node ? undefined : via },
          destinations: via === undefined || via === node ? [toNode(node)] : [toNode(via), toNode(node)],
          over: via === node ? undefined : via,
          body,
        })),
      ],
    };
  };

/** An Attach is over: it has failed, or its link has come. */
export const notAsking =
  (node: NodeId) =>
  (context: PeerContext): PeerDecision<"stopTimer"> => {
    if (!context.asking.some((other) => other.node === node)) return {};
    const asking = context.asking.filter((other) => other.node !== node);
    return { context: { asking }, actions: asking.length === 0 ? [{ type: "stopTimer", timer: "sweep" }] : [] };
  };

/** Once more by routing; when that fails too, the node is forgotten, and the next best is looked for. */
export const attachFailed = (
  context: PeerContext,
  { request }: Of<PeerEvent, "failed">,
): PeerDecision<"stopTimer" | "startTimer" | "request"> => {
  if (request.type !== "attach") return {};
  const { node, via } = request;
  return inTurn(
    context,
    notAsking(node),
    via === undefined ? notCandidate(node) : () => ({}),
    (now) => (now.table.joined ? seek([], undefined)(now) : {}),
    notAwaiting(node),
  );
};

/** A link that was promised two sweeps ago will not come. */
export const sweepAsking = (context: PeerContext): PeerDecision<"startTimer"> => {
  const asking = context.asking.filter(({ old }) => !old).map(({ node }) => ({ node, old: true }));
  return {
    context: { asking },
    actions:
      asking.length === 0
        ? []
        : [{ type: "startTimer", timer: "sweep", ms: context.settings.timing.sweep, spreadMs: 0 }],
  };
};

/** Updates to these nodes, as a peer: never before the join is done, §10.5. */
export const updateTo =
  (nodes: ReadonlyArray<NodeId>, type: "neighbors" | "full", atMs: number) =>
  (context: PeerContext): PeerDecision<"request"> => {
    const body: Request = {
      type: "updateReq",
      value: updateOf(viewOf(context.table), atMs - context.settings.startedMs, type),
    };
    return {
      actions: nodes.map((node) => ({
        type: "request",
        request: { type: "update", node },
        destinations: [toNode(node)],
        over: node,
        body,
      })),
    };
  };

/** An Update has come from a node that is linked with us: it is a peer. Most are candidates to be one. */
export const addPeer = (context: PeerContext, node: NodeId): PeerDecision<"ring" | "startTimer"> =>
  isPeer(context.table, node) ? {} : changed(context, withReady(context.table, node), "joined");

export const updateAnswer = ({ reply }: Asked): Answered => ({ reply, body: { type: "updateAns", value: {} } });

/** An Update: its sender is a peer, and it names other peers, §10.7.3. */
export const heardUpdate = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "updateReq">,
): PeerDecision<"ring" | "startTimer" | "answer" | "request"> =>
  inTurn(
    context,
    (now) => (now.table.linked.includes(asked.signer) ? addPeer(now, asked.signer) : {}),
    () => ({ actions: [{ type: "answer", ...updateAnswer(asked) }] }),
    seek(nodesIn(body), asked.signer),
  );

/** A link is up: the node at its other end gets our tables. */
export const gotLink = (
  context: PeerContext,
  { node, atMs }: Of<PeerEvent, "linked">,
): PeerDecision<"stopTimer" | "ring" | "startTimer" | "request"> =>
  inTurn(
    context,
    notAsking(node),
    (now) => changed(now, withLink(now.table, node), "joined"),
    (now) => (now.table.joined ? updateTo([node], "full", atMs)(now) : {}),
  );

/** Nothing is awaited from that node any more: an Update, or the answer to our Leave. */
export const notAwaiting =
  (node: NodeId) =>
  ({ awaited }: PeerContext): PeerDecision<never> =>
    awaited.includes(node) ? { context: { awaited: awaited.filter((other) => other !== node) } } : {};

/** A link is down: the node leaves the tables, and the next best takes its place. §10.7.1. */
export const lostLink = (context: PeerContext, node: NodeId): PeerDecision<"ring" | "startTimer" | "request"> =>
  inTurn(
    context,
    (now) => changed(now, withoutNode(now.table, node), "lost"),
    notCandidate(node),
    (now) => (now.table.joined ? seek([], undefined)(now) : {}),
  );

/** A change is reported: "These Update requests are what end up filling in the predecessor/successor tables", §10.7.3. */
export const reactNow = (context: PeerContext, { atMs }: Of<PeerEvent, "timerFired">): PeerDecision<"request"> => {
  const nodes = context.reacting?.everyone ? context.table.linked : neighboursOf(context);
  return inTurn(
    context,
    () => ({ context: { reacting: undefined } }),
    (now) => updateTo(nodes, "neighbors", atMs)(now),
  );
};

const neighboursOf = ({ table }: PeerContext): ReadonlyArray<NodeId> => {
  const { predecessors, successors } = viewOf(table);
  return [...new Set([...predecessors, ...successors])];
};

/** "A peer MUST periodically send an Update request to every peer in its Neighbor Table", §10.7.4.1. */
export const updateNow = (
  context: PeerContext,
  { atMs }: Of<PeerEvent, "timerFired">,
): PeerDecision<"request" | "startTimer"> =>
  inTurn(context, updateTo(neighboursOf(context), "neighbors", atMs), seek([], undefined), nextRound);
