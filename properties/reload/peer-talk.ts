/** A Chord peer that can be talked to, joined in a ring of five or settled in one of a hundred: for several files of tests. */

import { type Attach, type ChordUpdate, hostCandidate, nodeIdFrom, toNode } from "../../codecs/reload/mod.ts";
import type { Snapshot } from "../../machines/kit/mod.ts";
import { TRIES_MAX } from "../../machines/reload/joining.ts";
import {
  type Asked,
  type PeerAction,
  type PeerContext,
  type PeerEvent,
  type PeerSettings,
  type PeerTimer,
  type PendingRequest,
  peerTiming,
  reloadPeer,
  settledPeer,
} from "../../machines/reload/mod.ts";
import { nodeIds } from "../kit/node-ids.ts";

export const SELF = nodeIdFrom(500n);
export const settings: PeerSettings = {
  self: SELF,
  endpoint: { host: "192.0.2.1", port: 6084 },
  bootstrap: [{ host: "192.0.2.9", port: 6084 }],
  mayBeFirst: false,
  applications: [{ application: 0xf056, endpoint: { host: "192.0.2.1", port: 5621 } }],
  neighbours: 3,
  fingers: 16,
  reactive: true,
  timing: peerTiming,
  startedMs: 0,
};
export const asking = (signer: bigint, from = signer): Asked => ({
  from: nodeIdFrom(from),
  signer: nodeIdFrom(signer),
  reply: { transactionId: 1n, to: [toNode(nodeIdFrom(from))], maxResponseLength: 0, options: [] },
  atMs: 1_000,
  draw: 7n,
});
export const update = (predecessors: ReadonlyArray<bigint>, successors: ReadonlyArray<bigint>): ChordUpdate => ({
  uptime: 1,
  type: "neighbors",
  tables: { predecessors: nodeIds(...predecessors), successors: nodeIds(...successors) },
});
export const attach: Attach = {
  ufrag: new Uint8Array(),
  password: new Uint8Array(),
  role: "passive",
  candidates: [hostCandidate({ host: "192.0.2.7", port: 1 })!],
  sendUpdate: true,
};

export const appAttach = (asked: Asked, application: number): PeerEvent => ({
  type: "appAttachReq",
  asked,
  body: { ufrag: new Uint8Array(), password: new Uint8Array(), application, role: "active", candidates: [] },
});

export const peerOf = (given: Partial<PeerSettings> = {}) => {
  const start = reloadPeer.start({ ...settings, ...given });
  let snapshot: Snapshot<PeerContext> = start.snapshot;
  const tell = (event: PeerEvent): ReadonlyArray<PeerAction> => {
    const step = reloadPeer.step(snapshot, event);
    snapshot = step.snapshot;
    return step.actions;
  };
  return { first: start.actions, tell, value: () => JSON.stringify(snapshot.value), context: () => snapshot.context };
};
export const timer = (timer: PeerTimer): PeerEvent => ({ type: "timerFired", timer, atMs: 1_000, draw: 3n });
export const linked = (node: bigint): PeerEvent => ({ type: "linked", node: nodeIdFrom(node), atMs: 1_000 });
export const updated = (node: bigint, of: ChordUpdate): PeerEvent => ({
  type: "updateReq",
  asked: asking(node),
  body: of,
});
export const requests = (actions: ReadonlyArray<PeerAction>) =>
  actions.flatMap((action) =>
    action.type === "request"
      ? [[action.body.type, action.request.type, ...action.destinations.map((to) => ("type" in to ? to.data : 0))]]
      : [],
  );
export const refusal = (actions: ReadonlyArray<PeerAction>) =>
  actions.find(({ type }) => type === "refuse") as Extract<PeerAction, { type: "refuse" }> | undefined;

/** A ring of five is joined as RFC 6940 §10.5 has it: bootstrap node 9, admitting peer 600. */
export const joining: ReadonlyArray<PeerEvent> = [
  linked(900n),
  { type: "dialled", node: nodeIdFrom(900n) },
  {
    type: "answered",
    request: { type: "admission" },
    signer: nodeIdFrom(600n),
    body: { type: "attachAns", value: attach },
  },
  linked(600n),
  updated(600n, update([400n, 300n], [900n, 300n])),
  ...[400n, 300n].flatMap((node) => [linked(node), updated(node, update([], []))]),
  updated(900n, update([600n], [300n])),
  updated(600n, update([SELF, 400n], [900n])),
];
export const joined = () => {
  const peer = peerOf();
  for (const event of joining) peer.tell(event);
  return peer;
};
export const failing = (request: PendingRequest): PeerEvent => ({ type: "failed", request, why: "timedOut" });
/** ... and left as §10.9 has it. */
export const leaving: ReadonlyArray<PeerEvent> = [
  { type: "leave" },
  { type: "handedOver", to: nodeIdFrom(600n), atMs: 1 },
  ...[300n, 400n, 600n].map((node) => failing({ type: "leave", node: nodeIdFrom(node) })),
  {
    type: "answered",
    request: { type: "leave", node: nodeIdFrom(900n) },
    signer: nodeIdFrom(900n),
    body: { type: "leaveAns", value: {} },
  },
];
/** No bootstrap node can be reached, however often it is tried. */
export const unreachable = Array.from(
  { length: TRIES_MAX + 1 },
  (): ReadonlyArray<PeerEvent> => [{ type: "dialFailed", why: "refused" }, timer("pause")],
).flat();

/** A finger: a quarter of the ring away, alone in the range of its entry, the second. */
export const ACROSS = nodeIdFrom(SELF + (1n << 126n));
/** A ring of a hundred, each ten steps from the next, as a node with four neighbours a side has it. */
export const settled = () => {
  const peers = Array.from({ length: 9 }, (_, i) =>
    nodeIds(SELF + 10n * BigInt(i + 1), SELF - 10n * BigInt(i + 1)),
  ).flat();
  const { snapshot } = settledPeer({ ...settings, neighbours: 4 }, [...peers, ACROSS], 0);
  let now = snapshot;
  const tell = (event: PeerEvent): ReadonlyArray<PeerAction> => {
    const step = reloadPeer.step(now, event);
    now = step.snapshot;
    return step.actions;
  };
  return { tell, context: () => now.context };
};
export const timers = (actions: ReadonlyArray<PeerAction>) =>
  actions.flatMap((action) => (action.type === "startTimer" ? [[action.timer, action.ms, action.spreadMs]] : []));
