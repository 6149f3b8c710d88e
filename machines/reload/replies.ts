/**
 * What a node answers to the requests that make and keep the overlay. RFC 6940 §6.4.2, §6.5, §10.5 to §10.9.
 * Decisions only; every request gets exactly one answer or refusal.
 * Requirements: RFC 6940 §6.4.2.2, §6.4.2.4.1, §6.5.1.1, §6.5.1.13.
 */

import { ChordLeaveData, type Destination, type ErrorName, hostCandidate } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import type { Of } from "../kit/mod.ts";
import { notCandidate } from "./candidates.ts";
import { inTurn } from "./in-turn.ts";
import { checkSoonIfAlone } from "./partition.ts";
import type { Answered, Asked, PeerContext, PeerDecision, PeerEvent } from "./peer-types.ts";
import { isResponsible, nextHop } from "./ring.ts";
import { attachBody, changed, notAsking, seek, updateTo } from "./stabilize.ts";
import { viewOf, withoutPeer } from "./table.ts";

export const refuse = ({ reply }: Asked, error: ErrorName, info: string): PeerDecision<"refuse"> => ({
  actions: [{ type: "refuse", reply, error, info }],
});

export const leaveAnswer = ({ reply }: Asked): Answered => ({ reply, body: { type: "leaveAns", value: {} } });

/** §6.5.1.2, with its tie-breaker for two nodes that attach to each other at once. */
export const attachAsked = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "attachReq">,
): PeerDecision<"refuse" | "stopTimer" | "answer" | "connect" | "request"> => {
  const { self, linked, joined } = context.table;
  const node = asked.signer;
  if (node === self) return refuse(asked, "notFound", "yourself");
  const isLinked = linked.includes(node);
  if (!isLinked && context.asking.some((asking) => asking.node === node) && self > node)
    return refuse(asked, "inProgress", "");
  return inTurn(
    context,
    isLinked ? () => ({}) : notAsking(node),
    (now) => ({
      actions: [
        {
          type: "answer",
          reply: asked.reply,
          body: { type: "attachAns", value: { ...attachBody(now), role: "active", sendUpdate: false } },
        },
        ...(isLinked ? [] : [{ type: "connect", node, candidates: body.candidates } as const]),
      ],
    }),
    isLinked && joined && body.sendUpdate ? updateTo([node], "full", asked.atMs) : () => ({}),
  );
};

export const pingAnswer = (_: PeerContext, { asked }: Of<PeerEvent, "pingReq">): Answered => ({
  reply: asked.reply,
  body: { type: "pingAns", value: { responseId: asked.draw, time: BigInt(asked.atMs) } },
});

/** "If the Application ID is not supported, the peer MUST reply with an Error_Not_Found error", §6.5.2.2. */
export const appAttachAsked = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "appAttachReq">,
): PeerDecision<"answer" | "refuse"> => {
  const served = context.settings.applications.find(({ application }) => application === body.application);
  const candidate = served === undefined ? undefined : hostCandidate(served.endpoint);
  if (candidate === undefined) return refuse(asked, "notFound", "no such application");
  const none = new Uint8Array();
  const { application } = body;
  const value = { ufrag: none, password: none, application, role: "passive", candidates: [candidate] };
  return { actions: [{ type: "answer", reply: asked.reply, body: { type: "appAttachAns", value } }] };
};

/** The next peer we would route to, or ourselves. §10.8. */
export const routeQueryAsked = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "routeQueryReq">,
): PeerDecision<"answer" | "refuse" | "request"> => {
  const view = viewOf(context.table);
  const id = idOf(body.destination);
  if (id === undefined) return refuse(asked, "notFound", "an opaque id that is not ours");
  const nextPeer = isResponsible(view, id) ? view.self : (nextHop(view, id) ?? view.self);
  return inTurn(
    context,
    () => ({ actions: [{ type: "answer", reply: asked.reply, body: { type: "routeQueryAns", value: { nextPeer } } }] }),
    body.sendUpdate && view.joined && view.linked.includes(asked.signer)
      ? updateTo([asked.signer], "full", asked.atMs)
      : () => ({}),
  );
};

const idOf = (destination: Destination): bigint | undefined => {
  if (!("type" in destination)) return undefined;
  if (destination.type === "resource") return bigOf(destination.data);
  return destination.type === "node" ? destination.data : undefined;
};

/** Not a request, but what a ConfigUpdate came to: timers that run end as they were set. */
export const configured = ({ settings }: PeerContext, { policy }: Of<PeerEvent, "configured">) => {
  const { bootstrap, reactive, updateMs: update, pingMs: ping } = policy;
  return { settings: { ...settings, bootstrap, reactive, timing: { ...settings.timing, update, ping } } };
};

/** "follow procedures as if it had detected a peer failure", §10.9; the lists show the nodes beyond the leaving one. */
export const leaveAsked = (
  context: PeerContext,
  { asked, body }: Of<PeerEvent, "leaveReq">,
): PeerDecision<"answer" | "refuse" | "ring" | "startTimer" | "request"> => {
  const node = asked.signer;
  if (body.leavingPeer !== node || asked.from !== node) return refuse(asked, "forbidden", "not its own link");
  const said = decode(ChordLeaveData, body.overlayData);
  const heard = said.ok ? said.value.nodes.filter((other) => other !== node) : [];
  return inTurn(
    context,
    () => ({ actions: [{ type: "answer", ...leaveAnswer(asked) }] }),
    (now) => changed(now, withoutPeer(now.table, node), "lost"),
    notCandidate(node),
    seek(heard, undefined), // by routing: the node that named them is leaving
    checkSoonIfAlone(context.table.peers.length === 0),
  );
};
