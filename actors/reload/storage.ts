/**
 * Hosts what this node keeps.
 *
 *   requests from the dispatcher, the ring from the peer, copies done --> mailbox --> step --> perform
 *                                                                    answer, refuse, copy --> sender
 *                                                                    save --> durable.ts: before what it says leaves
 */
import { Clock, Effect, FiberSet, type Scope } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type BodyOf,
  type Destination,
  errorBody,
  everything,
  type Request,
  type StoreKindData,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import {
  type Asked,
  confirmedVersions,
  copyOutcomeOf,
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
import { forgetful, makeDurable } from "./durable.ts";
import type { Opened } from "./post.ts";
import { restoreValues } from "./restore.ts";
import type { Sender } from "./sender.ts";

const EVENTS_MAX = 256;
/** Values verified in one Store; a longer one is refused. */
export const VALUES_MAX = 128;

/** What the storage holds, as it says itself. */
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
    opened: Opened,
  ) => Effect.Effect<void>;
  readonly ring: (view: RingView, change: RingChange) => Effect.Effect<void>;
  readonly handOver: (to: NodeId) => Effect.Effect<void>;
  readonly configured: (policy: ValueStoragePolicy) => Effect.Effect<void>;
  readonly status: Effect.Effect<ValueStorageStatus>;
  /** Why stores and fetches were turned away, counted. */
  readonly refusals: Readonly<Record<string, number>>;
}
export type ValueStorageRequest = "storeReq" | "fetchReq" | "statReq" | "findReq" | "probeReq";
const KEEPERS: ReadonlySet<string> = new Set(["storeReq", "fetchReq", "statReq", "findReq", "probeReq"]);
export const isStorageRequest = (request: Request): request is Extract<Request, { type: ValueStorageRequest }> =>
  KEEPERS.has(request.type);

export const hostStorage = Effect.fn("reload.storage")(function* (
  self: NodeId,
  settings: ValueStorageSettings,
  board: Sender,
  handedOver: (to: NodeId) => Effect.Effect<void>,
  store?: StoreShape,
): Effect.fn.Return<ValueStorage, StoreFailed, Scope.Scope> {
  const box = yield* mailbox<ValueStorageEvent>(EVENTS_MAX);
  const copies = yield* FiberSet.make();
  const refusals: Record<string, number> = {};
  const statuses = new Replies<number, ValueStorageStatus>();
  const durable =
    store === undefined ? forgetful : yield* makeDurable(store, self, (was) => box.tell({ type: "unsaved", was }));

  const copy = Effect.fnUntraced(function* ({
    to,
    body,
    versions,
    certificates,
  }: Extract<ValueStorageAction, { type: "copy" }>) {
    const target = to === undefined ? toResource(body.resource) : toNode(to);
    const { outcome } = yield* board.request([target], { type: "storeReq", value: body }, { certificates });
    const atMs = yield* Clock.currentTimeMillis;
    yield* box.tell({ type: "copied", to, versions, outcome: copyOutcomeOf(outcome), atMs });
  });

  const notCopied = ({ to, versions }: Extract<ValueStorageAction, { type: "copy" }>) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMs) =>
      box.tell({ type: "copied", to, versions, outcome: "unanswered", atMs }),
    );
  const apart = (effect: Effect.Effect<void>) => Effect.asVoid(FiberSet.run(copies, effect));
  const count = (refused: string) =>
    Effect.sync(() => {
      refusals[refused] = (refusals[refused] ?? 0) + 1;
    });

  const inquire = Effect.fnUntraced(function* (action: Extract<ValueStorageAction, { type: "inquire" }>) {
    const { to, resource, versions, isNewer } = action;
    const kinds = [...new Set(versions.map(({ kind }) => kind))];
    const specifiers = kinds.map((kind) => ({ kind, generation: 0n, specifier: everything(kind) }));
    const target = to === undefined ? toResource(resource) : toNode(to);
    if (isNewer) return yield* recall(action, target, specifiers);
    const { outcome } = yield* board.request([target], { type: "statReq", value: { resource, specifiers } });
    const held = confirmedVersions(outcome, versions);
    const atMs = yield* Clock.currentTimeMillis;
    yield* box.tell({ type: "copied", to, versions: held, outcome: held.length > 0 ? "stored" : "unanswered", atMs });
  });

  const recall = Effect.fnUntraced(function* (
    { to, resource, versions }: Extract<ValueStorageAction, { type: "inquire" }>,
    target: Destination,
    specifiers: BodyOf<"fetchReq">["specifiers"],
  ) {
    const { outcome, opened } = yield* board.request([target], { type: "fetchReq", value: { resource, specifiers } });
    const isTold = outcome.type === "answer" && outcome.body.type === "fetchAns" && opened !== undefined;
    const kinds = isTold ? (outcome.body as { value: BodyOf<"fetchAns"> }).value.kinds : [];
    const signers = yield* signersOf(resource, kinds, opened);
    const atMs = yield* Clock.currentTimeMillis;
    yield* box.tell({ type: "recalled", to, resource, versions, kinds, signers, atMs });
  });

  /** What may not leave before it is kept, and leaves as a refusal when it cannot be. */
  const answer = ({ reply, body, certificates }: Extract<ValueStorageAction, { type: "answer" }>) =>
    body.type === "storeAns"
      ? durable.after((isKept) =>
          isKept
            ? board.answer(reply, body, certificates)
            : Effect.andThen(count("disk"), board.answer(reply, errorBody("dataTooLarge", "disk"))),
        )
      : board.answer(reply, body, certificates);

  const perform = (action: OwnOrder<ValueStorageAction>): Effect.Effect<void> => {
    switch (action.type) {
      case "answer":
        return answer(action);
      case "refuse":
        return board.answer(action.reply, errorBody(action.error, action.info));
      case "copy":
        return durable.after((isKept) => apart(isKept ? copy(action) : notCopied(action)));
      case "inquire":
        return apart(inquire(action));
      case "save":
        return durable.save(action);
      case "undone":
        return durable.undone;
      case "handedOver":
        // In a fiber of its own: the peer may be waiting to tell us something.
        return apart(handedOver(action.to));
      case "count":
        return count(action.refused);
      case "status": {
        const { ticket, resources, primaries, replicas } = action;
        return statuses.answer(ticket, { stored: resources, primaries, replicas });
      }
    }
  };

  const serve: ValueStorage["serve"] = Effect.fnUntraced(function* (asked, body, opened) {
    if (body.type !== "storeReq")
      return yield* box.tell({ type: body.type, asked, body: body.value } as ValueStorageEvent);
    const { resource, kinds } = body.value;
    const count = kinds.reduce((sum, { values }) => sum + (values instanceof Uint8Array ? 0 : values.length), 0);
    if (count > VALUES_MAX) return yield* board.answer(asked.reply, errorBody("dataTooLarge", "count"));
    const signers = yield* signersOf(resource, kinds, opened);
    yield* box.tell({ type: "storeReq", asked, body: body.value, signers, users: opened.signer.users });
  });

  const all = performing(box, { unexpected: "reload.storage.unexpected" }, perform);
  yield* Effect.forkScoped(drive(reloadStorage, settings, box, all, nodeIdText(self)));
  if (store !== undefined) {
    const found = yield* restoreValues(store, self, (kept, atMs) => box.tell({ type: "restored", kept, atMs }));
    yield* Effect.logInfo("reload.restored", found);
  }
  return {
    serve,
    ring: (view, change) =>
      Effect.flatMap(Clock.currentTimeMillis, (atMs) => box.tell({ type: "ring", view, change, atMs })),
    handOver: (to) => Effect.flatMap(Clock.currentTimeMillis, (atMs) => box.tell({ type: "handOver", to, atMs })),
    configured: ({ kinds, quota, storesPerSecond, fetchesPerSecond, badNodes }) =>
      box.tell({ type: "configured", policy: { kinds, quota, storesPerSecond, fetchesPerSecond, badNodes } }),
    status: Effect.suspend(() => {
      const ticket = statuses.nextRef();
      return statuses.ask(ticket, box.tell({ type: "statusAsked", ticket }));
    }),
    refusals,
  };
});

/** Of each value that came with a message, who signed it. */
const signersOf = (
  resource: Uint8Array,
  kinds: ReadonlyArray<StoreKindData>,
  opened: Opened | undefined,
): Effect.Effect<Signers> =>
  Effect.forEach(kinds, ({ kind, values }) =>
    Effect.forEach(values instanceof Uint8Array || opened === undefined ? [] : values, (value) =>
      opened!.signerOf(resource, kind, value),
    ),
  );
