/**
 * Hosts the machine that stores values for others at this node. RFC 6940 §7.
 *
 *   requests from the dispatcher, the ring from the peer, copies done --> mailbox --> step --> perform
 *                                                       answer, refuse --> sender      copy, inquire --> copies.ts
 *                                                       save --> durable.ts: on disk before it is acknowledged
 */
import { Clock, Effect, FiberSet, type Scope } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { errorBody, type Request } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import {
  type Asked,
  type RingChange,
  type RingView,
  reloadStorage,
  type Signers,
  type ValueStorageAction,
  type ValueStorageEvent,
  type ValueStoragePolicy,
  type ValueStorageSettings,
} from "../../machines/reload/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies } from "../kit/mod.ts";
import type { StoreFailed, StoreShape } from "../ports/mod.ts";
import { makeCopies } from "./copies.ts";
import { forgetful, makeDurable } from "./durable.ts";
import { restoreValues } from "./restore.ts";
import type { Sender } from "./sender.ts";

const EVENTS_MAX = 256;

/** What is stored here, as the machine reports it. */
export interface ValueStorageStatus {
  /** Resources, replicas included. */
  readonly stored: number;
  /** Entries by the Node-ID (hex) that signed them: those this node answers for, and replicas. */
  readonly primaries: Readonly<Record<string, number>>;
  readonly replicas: Readonly<Record<string, number>>;
}

export interface ValueStorage {
  readonly serve: (
    asked: Asked,
    body: Extract<Request, { type: ValueStorageRequest }>,
    signers: Signers,
    users: ReadonlyArray<string>,
  ) => Effect.Effect<void>;
  readonly ring: (view: RingView, change: RingChange) => Effect.Effect<void>;
  readonly handOver: (to: NodeId) => Effect.Effect<void>;
  readonly configured: (policy: ValueStoragePolicy) => Effect.Effect<void>;
  readonly status: Effect.Effect<ValueStorageStatus>;
  /** Why stores and fetches were turned away, counted. */
  readonly refusals: Readonly<Record<string, number>>;
}
export type ValueStorageRequest = "storeReq" | "fetchReq" | "statReq" | "findReq" | "probeReq";
const STORAGE_REQUESTS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);
export const isStorageRequest = (request: Request): request is Extract<Request, { type: ValueStorageRequest }> =>
  STORAGE_REQUESTS.has(request.type);

export const hostStorage = Effect.fn("reload.storage")(function* (
  self: NodeId,
  settings: ValueStorageSettings,
  sender: Sender,
  handedOver: (to: NodeId) => Effect.Effect<void>,
  store?: StoreShape,
): Effect.fn.Return<ValueStorage, StoreFailed, Scope.Scope> {
  const box = yield* mailbox<ValueStorageEvent>(EVENTS_MAX);
  const tasks = yield* FiberSet.make();
  const { refusals, count } = makeRefusals();
  const statuses = new Replies<number, ValueStorageStatus>();
  const durable =
    store === undefined ? forgetful : yield* makeDurable(store, self, (was) => box.tell({ type: "unsaved", was }));
  const copies = makeCopies(sender, box.tell);
  const fork = (effect: Effect.Effect<void>) => Effect.asVoid(FiberSet.run(tasks, effect));

  /** A Store is acknowledged when its values are on disk, and refused when they cannot be saved. */
  const answer = ({ reply, body, certificates }: Extract<ValueStorageAction, { type: "answer" }>) =>
    body.type === "storeAns"
      ? durable.after((isSaved) =>
          isSaved
            ? sender.answer(reply, body, certificates)
            : Effect.andThen(count("disk"), sender.answer(reply, errorBody("dataTooLarge", "disk"))),
        )
      : sender.answer(reply, body, certificates);

  const perform = (action: OwnOrder<ValueStorageAction>): Effect.Effect<void> => {
    switch (action.type) {
      case "answer":
        return answer(action);
      case "refuse":
        return sender.answer(action.reply, errorBody(action.error, action.info));
      case "copy":
        return durable.after((isSaved) => fork(isSaved ? copies.copy(action) : copies.notCopied(action)));
      case "inquire":
        return fork(copies.inquire(action));
      case "save":
        return durable.save(action);
      case "undone":
        return durable.undone;
      case "handedOver":
        // In a fiber of its own: the peer may be waiting to give us an event.
        return fork(handedOver(action.to));
      case "count":
        return count(action.refused);
      case "status": {
        const { ticket, resources, primaries, replicas } = action;
        return statuses.answer(ticket, { stored: resources, primaries, replicas });
      }
    }
  };

  const all = performing(box, { unexpected: "reload.storage.unexpected" }, perform);
  yield* Effect.forkScoped(drive(reloadStorage, settings, box, all, nodeIdText(self)));
  if (store !== undefined) {
    const restored = yield* restoreValues(store, self, (values, atMs) => box.tell({ type: "restored", values, atMs }));
    yield* Effect.logInfo("reload.restored", restored);
  }
  return { ...requestsOf(box.tell), ...eventsOf(box.tell), status: statusOf(statuses, box.tell), refusals };
});

type Tell = (event: ValueStorageEvent) => Effect.Effect<void>;

/** Requests of other nodes, given to the machine with the signers of their values. */
const requestsOf = (tell: Tell): Pick<ValueStorage, "serve"> => ({
  serve: (asked, body, signers, users) =>
    body.type === "storeReq"
      ? tell({ type: "storeReq", asked, body: body.value, signers, users })
      : tell({ type: body.type, asked, body: body.value } as ValueStorageEvent),
});

/** Events from other parts of the node. */
const eventsOf = (tell: Tell): Pick<ValueStorage, "ring" | "handOver" | "configured"> => ({
  ring: (view, change) => Effect.flatMap(Clock.currentTimeMillis, (atMs) => tell({ type: "ring", view, change, atMs })),
  handOver: (to) => Effect.flatMap(Clock.currentTimeMillis, (atMs) => tell({ type: "handOver", to, atMs })),
  configured: ({ kinds, quota, storesPerSecond, fetchesPerSecond, badNodes }) =>
    tell({ type: "configured", policy: { kinds, quota, storesPerSecond, fetchesPerSecond, badNodes } }),
});

const statusOf = (statuses: Replies<number, ValueStorageStatus>, tell: Tell) =>
  Effect.suspend(() => {
    const ticket = statuses.nextRef();
    return statuses.ask(ticket, tell({ type: "statusAsked", ticket }));
  });

const makeRefusals = () => {
  const refusals: Record<string, number> = {};
  const count = (why: string) =>
    Effect.sync(() => {
      refusals[why] = (refusals[why] ?? 0) + 1;
    });
  return { refusals, count };
};
