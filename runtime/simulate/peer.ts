/** The machine reloadPeer in a simulated node: each order performed as actors/reload/peer.ts performs it. */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Endpoint, errorBody } from "../../codecs/reload/mod.ts";
import {
  isAwaited,
  type PeerAction,
  type PeerContext,
  type PeerEvent,
  type PeerSettings,
  type PeerState,
  reloadPeer,
  settledPeer,
  type ValueStorageEvent,
} from "../../machines/reload/mod.ts";
import type { Dispatcher, Shared } from "./dispatcher.ts";
import type { Timers } from "./timers.ts";

export interface PeerHooks {
  readonly isAlive: () => boolean;
  readonly dial: (endpoint: Endpoint) => void;
  readonly release: (node: NodeId) => void;
  readonly connect: (node: NodeId) => void;
  readonly tellStorage: (event: ValueStorageEvent) => void;
  readonly reported: (state: PeerState) => void;
}

export interface HostedPeer {
  readonly context: () => PeerContext;
  readonly tell: (event: PeerEvent) => void;
  /** Begins to join. */
  readonly start: (settings: PeerSettings) => void;
  /** Is in the ring from the start, with links to these nodes. */
  readonly resume: (settings: PeerSettings, linked: ReadonlyArray<NodeId>) => void;
}

export const hostPeer = (shared: Shared, dispatcher: Dispatcher, timers: Timers, hooks: PeerHooks): HostedPeer => {
  const { agenda, steps } = shared;
  let peer = reloadPeer.resume("settled", {} as PeerContext);

  const tell = (event: PeerEvent) => {
    if (!hooks.isAlive()) return;
    steps.peer++;
    const made = reloadPeer.step(peer, event);
    peer = made.snapshot;
    made.actions.forEach(perform);
  };
  const request = ({ request, destinations, over, body }: Extract<PeerAction, { readonly type: "request" }>) =>
    dispatcher.ask(destinations, body, { over }, ({ outcome }) => {
      if (!isAwaited(request)) return;
      if (outcome.type === "answer") tell({ type: "answered", request, signer: outcome.signer, body: outcome.body });
      else tell({ type: "failed", request, why: outcome.type === "refused" ? `${outcome.error.code}` : outcome.type });
    });

  const perform = (action: PeerAction): void => {
    switch (action.type) {
      case "dial":
        hooks.dial(action.endpoint);
        break;
      case "release":
        hooks.release(action.node);
        break;
      case "request":
        request(action);
        break;
      case "answer":
        dispatcher.answer(action.reply, action.body);
        break;
      case "refuse":
        dispatcher.answer(action.reply, errorBody(action.error, action.info));
        break;
      case "connect":
        hooks.connect(action.node);
        break;
      case "ring":
        dispatcher.view = action.view;
        hooks.tellStorage({ type: "ring", view: action.view, change: action.change, atMs: agenda.nowMs });
        break;
      case "handOver":
        hooks.tellStorage({ type: "handOver", to: action.to, atMs: agenda.nowMs });
        break;
      case "startTimer": {
        const { timer, ms, spreadMs } = action;
        timers.start(`peer ${timer}`, ms + shared.spread(spreadMs), () =>
          tell({ type: "timerFired", timer, atMs: agenda.nowMs, draw: shared.draw() }),
        );
        break;
      }
      case "stopTimer":
        timers.stop(`peer ${action.timer}`);
        break;
      case "report":
        hooks.reported(action.state);
    }
  };

  return {
    context: () => peer.context,
    tell,
    start: (settings) => {
      const begun = reloadPeer.start(settings);
      peer = begun.snapshot;
      begun.actions.forEach(perform);
    },
    resume: (settings, linked) => {
      const begun = settledPeer(settings, linked, agenda.nowMs);
      peer = begun.snapshot;
      for (const action of begun.actions)
        if (action.type === "startTimer")
          perform({ ...action, ms: 0, spreadMs: action.ms + action.spreadMs }); // somewhere in the interval
        else perform(action);
    },
  };
};
