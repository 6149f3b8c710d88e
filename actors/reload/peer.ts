/**
 * Hosts the machine of a Chord peer: joining, stabilization and leaving. RFC 6940 §10.
 *
 *   requests from the dispatcher, links up and down, answers --> mailbox --> step --> perform
 *                                            request, answer --> sender     dial, connect --> events for the links
 */

import { Clock, Effect, FiberSet, type Scope } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Body, type Endpoint, errorBody, type Request } from "../../codecs/reload/mod.ts";
import { bigOf, nodeIdText } from "../../codecs/shared/mod.ts";
import { reachable } from "../../machines/node/mod.ts";
import {
  type Asked,
  isAwaited,
  type PeerAction,
  type PeerEvent,
  type PeerPolicy,
  type PeerSettings,
  type PeerState,
  type RingChange,
  type RingView,
  reloadPeer,
} from "../../machines/reload/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { Sender } from "./sender.ts";
import type { ValueStorageRequest } from "./storage.ts";

const EVENTS_MAX = 256;

export interface PeerHooks {
  /** Dials that address, whichever node listens there; the outcome comes back by `dialled` or `dialFailed`. */
  readonly dial: (endpoint: Endpoint) => void;
  /** Closes the link that `dial` brought to that node. */
  readonly release: (node: NodeId) => void;
  readonly connect: (node: NodeId, endpoint: Endpoint) => void;
  readonly ring: (view: RingView, change: RingChange) => Effect.Effect<void>;
  readonly handOver: (to: NodeId) => Effect.Effect<void>;
  readonly report: (state: PeerState, why: string) => Effect.Effect<void>;
}

export interface Peer {
  readonly serve: (
    asked: Asked,
    body: Exclude<Request, { type: ValueStorageRequest | "configUpdateReq" }>,
  ) => Effect.Effect<void>;
  readonly configured: (policy: PeerPolicy) => Effect.Effect<void>;
  /** A dial has brought a link to that node, or has failed. */
  readonly dialled: (node: NodeId) => Effect.Effect<void>;
  readonly dialFailed: (why: string) => Effect.Effect<void>;
  readonly linked: (node: NodeId) => Effect.Effect<void>;
  readonly unlinked: (node: NodeId, why: string) => Effect.Effect<void>;
  readonly handedOver: (to: NodeId) => Effect.Effect<void>;
  readonly leave: Effect.Effect<void>;
  /** Drives the machine to its end. */
  readonly run: Effect.Effect<void>;
}

export const makePeer = Effect.fn("reload.peer")(function* (
  settings: PeerSettings,
  sender: Sender,
  hooks: PeerHooks,
): Effect.fn.Return<Peer, never, Entropy | Scope.Scope> {
  const entropy = yield* Entropy;
  const box = yield* mailbox<PeerEvent>(EVENTS_MAX);
  const tasks = yield* FiberSet.make();
  const now = Clock.currentTimeMillis;

  const request = Effect.fnUntraced(function* ({
    request,
    destinations,
    over,
    body,
  }: Extract<PeerAction, { type: "request" }>) {
    const { outcome } = yield* sender.request(destinations, body, { over });
    if (!isAwaited(request)) return;
    if (outcome.type === "answer")
      return yield* box.tell({ type: "answered", request, signer: outcome.signer, body: outcome.body });
    const why = outcome.type === "refused" ? `refused ${outcome.error.code}` : outcome.type;
    yield* box.tell({ type: "failed", request, why });
  });

  /** In a fiber of its own: the next event does not wait for it. */
  const fork = (effect: Effect.Effect<void>) => Effect.asVoid(FiberSet.run(tasks, effect));

  const perform = (action: OwnOrder<PeerAction>): Effect.Effect<void> | void => {
    switch (action.type) {
      case "dial":
        return hooks.dial(action.endpoint);
      case "release":
        return hooks.release(action.node);
      case "request":
        return fork(request(action));
      case "answer":
        return sender.answer(action.reply, action.body);
      case "refuse":
        return sender.answer(action.reply, errorBody(action.error, action.info));
      case "connect": {
        const endpoint = reachable(action.candidates);
        return endpoint === undefined ? undefined : hooks.connect(action.node, endpoint);
      }
      case "ring":
        return hooks.ring(action.view, action.change);
      case "handOver":
        return hooks.handOver(action.to);
      case "report":
        return hooks.report(action.state, action.why);
    }
  };

  const firing = (timer: string) =>
    Effect.map(
      Effect.all([now, entropy.bytes(8)]),
      ([atMs, bytes]) => ({ type: "timerFired", timer, atMs, draw: bigOf(bytes) }) as PeerEvent,
    );
  const all = performing(box, { unexpected: "reload.peer.unexpected", between: entropy.between, firing }, perform);

  return {
    serve: (asked, body: Body) => box.tell({ type: body.type, asked, body: body.value } as PeerEvent),
    dialled: (node) => box.tell({ type: "dialled", node }),
    dialFailed: (why) => box.tell({ type: "dialFailed", why }),
    linked: (node) => Effect.flatMap(now, (atMs) => box.tell({ type: "linked", node, atMs })),
    unlinked: (node, why) => box.tell({ type: "unlinked", node, why }),
    handedOver: (to) => Effect.flatMap(now, (atMs) => box.tell({ type: "handedOver", to, atMs })),
    configured: (policy) => box.tell({ type: "configured", policy }),
    leave: box.tell({ type: "leave" }),
    run: Effect.asVoid(drive(reloadPeer, settings, box, all, nodeIdText(settings.self))),
  };
});
