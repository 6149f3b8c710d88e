/**
 * The machine of a Chord peer, reload/peer.ts, in its node: each of its orders is performed by the node's other parts.
 *
 *   requests, links up and down, answers, timers --> step --> request, answer --> messages     dial, connect --> links
 *                                                         --> ring, handOver ---> storage      report --------> the owner
 */
import { type Body, errorBody, type Request } from "../../codecs/reload/mod.ts";
import {
  type Asked,
  isAwaited,
  type PeerEvent,
  type PeerSettings,
  type ReloadOutcome,
  reloadPeer,
  settledPeer,
} from "../reload/mod.ts";
import { answer, reachable } from "./arriving.ts";
import { between, draw } from "./chance.ts";
import { type Core, note, startOf, stepped } from "./core.ts";
import { connect, endVisit, visit } from "./links.ts";
import { beginRequest } from "./requests.ts";
import type { Asker } from "./work.ts";

export const TIMER = "peer";
type Step = ReturnType<typeof reloadPeer.start>;

/** Begins to join. */
export const startPeer = (core: Core, settings: PeerSettings): void => {
  if (core.peer !== undefined) return;
  perform(core, stepped(core, reloadPeer.id, "", startOf(settings), reloadPeer.start(settings)));
};

/** Is in the ring from now on, a peer of every node that it has a link with. Its timers stand anywhere in their intervals. */
export const placePeer = (core: Core, settings: PeerSettings): void => {
  if (core.peer !== undefined) return;
  const { snapshot, actions } = settledPeer(settings, [...core.table.byNode.keys()], core.nowMs);
  const drawn = actions.map((action) =>
    action.type === "startTimer" ? { ...action, ms: 0, spreadMs: action.ms + action.spreadMs } : action,
  );
  perform(core, stepped(core, reloadPeer.id, "", startOf(settings), { snapshot, actions: drawn }));
};

export const tellPeer = (core: Core, event: PeerEvent): void => {
  if (core.peer === undefined) return;
  perform(core, stepped(core, reloadPeer.id, "", event, reloadPeer.step(core.peer, event)));
};

/** A request that the peer answers. */
export const peerServes = (core: Core, asked: Asked, { type, value: body }: Request & Body): void =>
  tellPeer(core, { type, asked, body } as PeerEvent);

export const peerTimer = (core: Core, timer: string): void =>
  tellPeer(core, { type: "timerFired", timer, atMs: core.nowMs, draw: draw(core.chance) } as PeerEvent);

/** A request of the peer's has ended. */
export const peerAnswered = (
  core: Core,
  { request }: Asker & { readonly type: "peer" },
  outcome: ReloadOutcome,
): void => {
  if (!isAwaited(request)) return;
  if (outcome.type === "answer") {
    tellPeer(core, { type: "answered", request, signer: outcome.signer, body: outcome.body });
    return;
  }
  const why = outcome.type === "refused" ? `refused ${outcome.error.code}` : outcome.type;
  tellPeer(core, { type: "failed", request, why });
};

const perform = (core: Core, { snapshot, actions }: Step): void => {
  core.peer = snapshot;
  for (const action of actions) performOne(core, action);
};

const performOne = (core: Core, action: Step["actions"][number]): void => {
  switch (action.type) {
    case "dial":
      visit(core, action.endpoint);
      return;
    case "release":
      endVisit(core, action.node);
      return;
    case "connect": {
      const endpoint = reachable(action.candidates);
      if (endpoint !== undefined) connect(core, action.node, endpoint);
      return;
    }
    case "request": {
      const { request, destinations, over, body } = action;
      beginRequest(core, { type: "peer", request }, { destinations, over, body });
      return;
    }
    case "answer":
      answer(core, action.reply, action.body, []);
      return;
    case "refuse":
      answer(core, action.reply, errorBody(action.error, action.info), []);
      return;
    case "ring": {
      const { view, change } = action;
      core.view = view;
      core.work.push({ type: "storage", event: { type: "ring", view, change, atMs: core.nowMs } });
      return;
    }
    case "handOver":
      core.work.push({ type: "storage", event: { type: "handOver", to: action.to, atMs: core.nowMs } });
      return;
    case "report":
      core.orders.push({ type: "state", state: action.state, why: action.why });
      return;
    case "startTimer": {
      const ms = action.ms + between(core.chance, 0, Math.floor(action.spreadMs));
      core.orders.push({ type: "startTimer", timer: `${TIMER} ${action.timer}`, ms });
      return;
    }
    case "stopTimer":
      core.orders.push({ type: "stopTimer", timer: `${TIMER} ${action.timer}` });
      return;
    case "note":
      note(core, "debug", "reload.peer.unexpected", { unexpected: action.unexpected });
  }
};
