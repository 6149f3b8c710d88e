/**
 * Hosts what this node keeps.
 *
 *   requests from the switchboard, the ring from the peer, copies done --> mailbox --> step --> perform
 *                                                                    answer, refuse, copy --> switchboard
 */
import { Clock, Deferred, Effect, FiberSet, type Scope } from "effect";
import { errorBody, everything, type Request, type StoredData, toNode, toResource } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import {
  type Asked,
  copyOutcomeOf,
  heldBy,
  type KeeperAction,
  type KeeperEvent,
  type KeeperPolicy,
  type KeeperSettings,
  type RingChange,
  type RingView,
  reloadKeeper,
} from "../../machines/reload/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { Opened } from "./post.ts";
import type { Switchboard } from "./switchboard.ts";

const EVENTS_MAX = 256;
/** Values verified in one Store; a longer one is refused. */
export const VALUES_MAX = 128;

/** What the keeper holds, as it says itself. */
export interface KeeperStatus {
  /** Resources, replicas included. */
  readonly stored: number;
  /** Entries by the Node-ID (hex) that signed them: those this node answers for, and replicas. */
  readonly primaries: Readonly<Record<string, number>>;
  readonly replicas: Readonly<Record<string, number>>;
}

export interface Keeper {
  readonly serve: (
    asked: Asked,
    body: Extract<Request, { type: KeeperRequest }>,
    opened: Opened,
  ) => Effect.Effect<void>;
  readonly ring: (view: RingView, change: RingChange) => Effect.Effect<void>;
  readonly handOver: (to: bigint) => Effect.Effect<void>;
  readonly configured: (policy: KeeperPolicy) => Effect.Effect<void>;
  readonly status: Effect.Effect<KeeperStatus>;
  /** Why stores and fetches were turned away, counted. */
  readonly refusals: Readonly<Record<string, number>>;
}
export type KeeperRequest = "storeReq" | "fetchReq" | "statReq" | "findReq" | "probeReq";
const KEEPERS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);
export const isKeepers = (request: Request): request is Extract<Request, { type: KeeperRequest }> =>
  KEEPERS.has(request.type);

export const keepValues = Effect.fn("reload.keeper")(function* (
  self: bigint,
  settings: KeeperSettings,
  board: Switchboard,
  handedOver: (to: bigint) => Effect.Effect<void>,
): Effect.fn.Return<Keeper, never, Scope.Scope> {
  const box = yield* mailbox<KeeperEvent>(EVENTS_MAX);
  const copies = yield* FiberSet.make();
  const refusals: Record<string, number> = {};
  const asking = new Map<number, Deferred.Deferred<KeeperStatus>>();
  let tickets = 0;

  const copy = Effect.fnUntraced(function* ({
    to,
    body,
    marks,
    certificates,
  }: Extract<KeeperAction, { type: "copy" }>) {
    const target = to === undefined ? toResource(body.resource) : toNode(to);
    const { outcome } = yield* board.request([target], { type: "storeReq", value: body }, { certificates });
    const atMs = yield* Clock.currentTimeMillis;
    yield* box.tell({ type: "copied", to, marks, outcome: copyOutcomeOf(outcome), atMs });
  });

  const inquire = Effect.fnUntraced(function* ({ to, resource, marks }: Extract<KeeperAction, { type: "inquire" }>) {
    const kinds = [...new Set(marks.map(({ kind }) => kind))];
    const specifiers = kinds.map((kind) => ({ kind, generation: 0n, specifier: everything(kind) }));
    const target = to === undefined ? toResource(resource) : toNode(to);
    const { outcome } = yield* board.request([target], { type: "statReq", value: { resource, specifiers } });
    const held = heldBy(outcome, marks);
    const atMs = yield* Clock.currentTimeMillis;
    yield* box.tell({ type: "copied", to, marks: held, outcome: held.length > 0 ? "stored" : "unanswered", atMs });
  });

  const perform = (action: KeeperAction): Effect.Effect<void> => {
    switch (action.type) {
      case "answer":
        return board.answer(action.reply, action.body, action.certificates);
      case "refuse":
        return board.answer(action.reply, errorBody(action.error, action.info));
      case "copy":
        return Effect.asVoid(FiberSet.run(copies, copy(action)));
      case "inquire":
        return Effect.asVoid(FiberSet.run(copies, inquire(action)));
      case "handedOver":
        // In a fiber of its own: the peer may be waiting to tell us something.
        return Effect.asVoid(FiberSet.run(copies, handedOver(action.to)));
      case "startTimer": {
        const { timer } = action;
        const fired = Effect.map(Clock.currentTimeMillis, (atMs) => ({ type: "timerFired" as const, timer, atMs }));
        return box.startTimer(timer, action.ms, fired);
      }
      case "stopTimer":
        return box.stopTimer(action.timer);
      case "count":
        return Effect.sync(() => {
          refusals[action.refused] = (refusals[action.refused] ?? 0) + 1;
        });
      case "status": {
        const { ticket, resources, primaries, replicas } = action;
        const asked = asking.get(ticket);
        asking.delete(ticket);
        return asked === undefined
          ? Effect.void
          : Effect.asVoid(Deferred.succeed(asked, { stored: resources, primaries, replicas }));
      }
      case "note":
        return Effect.logDebug("reload.keeper.unexpected", action.unexpected);
    }
  };

  const serve: Keeper["serve"] = Effect.fnUntraced(function* (asked, body, opened) {
    if (body.type !== "storeReq") return yield* box.tell({ type: body.type, asked, body: body.value } as KeeperEvent);
    const { resource, kinds } = body.value;
    const values = kinds.map(({ values }) => (values instanceof Uint8Array ? [] : values));
    if (values.flat().length > VALUES_MAX) return yield* board.answer(asked.reply, errorBody("dataTooLarge", "count"));
    const signers = yield* Effect.forEach(kinds, ({ kind }, i) =>
      Effect.forEach(values[i] as ReadonlyArray<StoredData>, (value) => opened.signerOf(resource, kind, value)),
    );
    yield* box.tell({ type: "storeReq", asked, body: body.value, signers, users: opened.signer.users });
  });

  yield* Effect.forkScoped(drive(reloadKeeper, settings, box, perform, nodeIdText(self)));
  return {
    serve,
    ring: (view, change) =>
      Effect.flatMap(Clock.currentTimeMillis, (atMs) => box.tell({ type: "ring", view, change, atMs })),
    handOver: (to) => Effect.flatMap(Clock.currentTimeMillis, (atMs) => box.tell({ type: "handOver", to, atMs })),
    configured: ({ kinds, quota, storesPerSecond, fetchesPerSecond }) =>
      box.tell({ type: "configured", policy: { kinds, quota, storesPerSecond, fetchesPerSecond } }),
    status: Effect.gen(function* () {
      const told = yield* Deferred.make<KeeperStatus>();
      const ticket = tickets++;
      asking.set(ticket, told);
      yield* box.tell({ type: "statusAsked", ticket });
      return yield* Deferred.await(told);
    }),
    refusals,
  };
});
