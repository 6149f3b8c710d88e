/**
 * Hosts the publisher: numbers are stored in the overlay at its rate, a few at once, and again before they expire.
 *
 *   publish --> mailbox --> step --> store (the overlay) --> stored | storeFailed --> mailbox
 *                                --> report              --> the caller
 */
import { Clock, Effect, FiberSet, type Scope } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { againAtMs } from "../../machines/reload/mod.ts";
import {
  type PublishOutcome,
  type VapPublisherAction,
  type VapPublisherEvent,
  vapPublisher,
} from "../../machines/vap/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import { PublishFailed } from "./errors.ts";

/** At which rate, how long an entry lives, and how one number is stored. */
export interface VapPublisherOptions<R> {
  /** The rate that the overlay allows; default 10, docs/protocol/overlay.md#storage. */
  readonly storesPerSecond?: number;
  /** How long the overlay stores a number, in seconds; undefined leaves refreshing to the call agents. */
  readonly dhtLifetimeS?: number;
  /** The pause after a store that failed. Default 1 to 3 s. */
  readonly pauseMs?: readonly [min: number, max: number];
  /** When a number that the overlay stores already, as after a restart, expires there: it is stored again before that only. */
  readonly storedBefore?: {
    readonly lifetimeS: number;
    readonly endMs: (vservice: VServiceId, number: E164) => Effect.Effect<number | undefined>;
  };
  /** Puts one number into the overlay. */
  readonly store: (vservice: VServiceId, number: E164) => Effect.Effect<void, { readonly why: string }, R>;
}

/** Stores numbers in the overlay at its rate, and again before they end. */
export interface VapPublisher {
  /** Succeeds when the overlay stores it; fails after a few tries, or when too many wait. */
  readonly publish: (vservice: VServiceId, number: E164) => Effect.Effect<void, PublishFailed>;
  /** Stops storing and refreshing its numbers. */
  readonly withdraw: (vservice: VServiceId) => Effect.Effect<void>;
}

const STORES_PER_SECOND = 10;
const PAUSE_MS = [1_000, 3_000] as const;
/** docs/protocol/overlay.md#storage: a burst is what two seconds allow. */
const BURST_S = 2;
const MAILBOX_EVENTS_MAX = 256;
const DRAWS = 1_000_000;

export const openPublisher = Effect.fn("vap.publisher")(function* <R>(
  options: VapPublisherOptions<R>,
): Effect.fn.Return<VapPublisher, never, Entropy | Scope.Scope | R> {
  const { storesPerSecond = STORES_PER_SECOND, dhtLifetimeS, pauseMs = PAUSE_MS, store } = options;
  const entropy = yield* Entropy;
  const box = yield* mailbox<VapPublisherEvent>(MAILBOX_EVENTS_MAX);
  const stores = yield* FiberSet.make<void>();
  const waiting = new Replies<number, PublishOutcome>();

  const draw = Effect.map(entropy.between(0, DRAWS), (drawn) => drawn / DRAWS);
  /** For a number that the overlay stores already: when it is to be stored again. */
  const storedBeforeOf = Effect.fnUntraced(function* (vservice: VServiceId, number: E164) {
    const endMs = yield* options.storedBefore?.endMs(vservice, number) ?? Effect.succeed(undefined);
    if (endMs === undefined) return {};
    const atMs = yield* Clock.currentTimeMillis;
    const dueAtMs = againAtMs(endMs, options.storedBefore!.lifetimeS * 1_000, atMs, yield* draw);
    return dueAtMs === undefined ? {} : { stored: { dueAtMs, atMs } };
  });

  const storing = (action: VapPublisherAction & { readonly type: "store" }): Effect.Effect<void, never, R> =>
    Effect.flatMap(
      Effect.match(store(action.vservice, action.number), {
        onSuccess: () => undefined,
        onFailure: ({ why }) => why,
      }),
      (why) =>
        Effect.flatMap(Effect.all([Clock.currentTimeMillis, draw]), ([atMs, draw]) =>
          box.tell(
            why === undefined
              ? { type: "stored", store: action.store, atMs, draw }
              : { type: "storeFailed", store: action.store, atMs, why },
          ),
        ),
    );
  const perform = (action: OwnOrder<VapPublisherAction>): Effect.Effect<void, never, R> => {
    switch (action.type) {
      case "store":
        return Effect.asVoid(FiberSet.run(stores, storing(action)));
      case "report":
        return waiting.answer(action.ref, action.outcome);
    }
  };
  const input = {
    storesPerSecond,
    burst: Math.max(1, Math.round(BURST_S * storesPerSecond)),
    lifetimeMs: dhtLifetimeS === undefined ? undefined : 1000 * dhtLifetimeS,
    pauseMs,
  };
  const all = performing(box, { unexpected: "vap.unexpected", between: entropy.between }, perform);
  yield* Effect.forkScoped(drive(vapPublisher, input, box, all));
  return {
    publish: (vservice, number) =>
      Effect.gen(function* () {
        const ref = waiting.nextRef();
        const before = yield* storedBeforeOf(vservice, number);
        const outcome = yield* waiting.ask(ref, box.tell({ type: "publish", ref, vservice, number, ...before }));
        if (outcome.type === "failed") return yield* new PublishFailed({ reason: outcome.reason, why: outcome.why });
      }),
    withdraw: (vservice) => box.tell({ type: "withdraw", vservice }),
  };
});
