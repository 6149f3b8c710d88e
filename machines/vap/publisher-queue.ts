/** What the publisher's events do to its queue, its tokens and what it keeps fresh. */
import { decide } from "../kit/mod.ts";
import type { Publication, VapPublisherAction, VapPublisherContext, VapPublisherEvent } from "./publisher.ts";

export const QUEUE_NUMBERS_MAX = 20_000;
export const STORE_ATTEMPTS_MAX = 5;

type Of<K extends VapPublisherEvent["type"]> = Extract<VapPublisherEvent, { readonly type: K }>;
const on = <K extends VapPublisherEvent["type"]>(
  of: (
    context: VapPublisherContext,
    event: Of<K>,
  ) => { readonly context?: Partial<VapPublisherContext>; readonly actions?: ReadonlyArray<VapPublisherAction> },
) => decide<VapPublisherContext, Of<K>, VapPublisherAction>(of);

/** Refreshing begins here; the jitter before it keeps those who published together from refreshing together. */
const REFRESH_AT = 2 / 3;
const REFRESH_JITTER = 0.1;

const failed = (ref: number, why: string): ReadonlyArray<VapPublisherAction> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "failed", why } }];

export const enqueue = on<"publish">(({ queue }, { ref, vservice, number }) =>
  queue.length >= QUEUE_NUMBERS_MAX
    ? { actions: failed(ref, "too many numbers wait to be stored") }
    : { context: { queue: [...queue, { ref, vservice, number, attempts: 0 }] } },
);

export const dropVService = on<"withdraw">(({ queue, kept, storing }, { vservice }) => ({
  context: {
    ...(storing?.vservice === vservice ? { storing: { ...storing, withdrawn: true } } : {}),
    queue: queue.filter((item) => item.vservice !== vservice),
    kept: kept.filter((item) => item.vservice !== vservice),
  },
  actions: queue.filter((item) => item.vservice === vservice).flatMap(({ ref }) => failed(ref, "withdrawn")),
}));

/** One token is spent, and begins to come back. */
export const next = on<VapPublisherEvent["type"]>(({ queue, tokens, refilling, storesPerSecond }) => {
  const [first, ...others] = queue;
  const { vservice, number } = first!;
  return {
    context: { queue: others, storing: first, tokens: tokens - 1, refilling: true },
    actions: [{ type: "store", vservice, number }, ...(refilling ? [] : [refillTimer(storesPerSecond)])],
  };
});
const refillTimer = (storesPerSecond: number): VapPublisherAction => {
  const ms = Math.ceil(1000 / storesPerSecond);
  return { type: "startTimer", timer: "refill", betweenMs: [ms, ms] };
};

export const refill = on<"timerFired">(({ tokens, burst, refilling, storesPerSecond }) => {
  if (!refilling) return {}; // a stale one: no token for it
  const more = tokens + 1 < burst;
  return {
    context: { tokens: tokens + 1, refilling: more },
    actions: more ? [refillTimer(storesPerSecond)] : [],
  };
});

export const settleStored = on<"stored">((context, { atMs }) => {
  const { ref, vservice, number, withdrawn } = context.storing!;
  const reported: ReadonlyArray<VapPublisherAction> =
    ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "stored" } }];
  if (context.lifetimeMs === undefined || withdrawn) return { context: { storing: undefined }, actions: reported };
  const others = context.kept.filter((item) => item.vservice !== vservice || item.number !== number);
  const kept = [...others, { vservice, number, dueAtMs: atMs + REFRESH_AT * context.lifetimeMs }];
  const timer = context.refreshing ? [] : [refreshTimer(kept, atMs)];
  return { context: { storing: undefined, kept, refreshing: true }, actions: [...reported, ...timer] };
});
const refreshTimer = (kept: VapPublisherContext["kept"], atMs: number): VapPublisherAction => {
  const ms = Math.max(1, Math.ceil((kept[0]?.dueAtMs ?? atMs) - atMs));
  return { type: "startTimer", timer: "refresh", betweenMs: [Math.ceil(ms * (1 - REFRESH_JITTER)), ms] };
};

/** All that is due within the jitter is queued again, behind what is new. */
export const refresh = on<"timerFired">((context, { atMs }) => {
  if (!context.refreshing) return {};
  const soonMs = atMs + REFRESH_JITTER * REFRESH_AT * (context.lifetimeMs ?? 0);
  const due = context.kept
    .filter(({ dueAtMs }) => dueAtMs <= soonMs)
    .slice(0, QUEUE_NUMBERS_MAX - context.queue.length);
  const kept = context.kept.filter((item) => !due.includes(item));
  const again = due.map(({ vservice, number }): Publication => ({ ref: 0, vservice, number, attempts: 0 }));
  return {
    context: { queue: [...context.queue, ...again], kept, refreshing: kept.length > 0 },
    actions: kept.length > 0 ? [refreshTimer(kept, atMs)] : [],
  };
});

export const isLastTry = ({ attempts, withdrawn }: Publication): boolean =>
  withdrawn === true || attempts + 1 >= STORE_ATTEMPTS_MAX;

/** Another try at the end of the queue, or the end of trying. */
export const settleFailed = on<"storeFailed">(({ storing, queue }, { why }) =>
  isLastTry(storing!)
    ? { context: { storing: undefined }, actions: failed(storing!.ref, why) }
    : { context: { storing: undefined, queue: [...queue, { ...storing!, attempts: storing!.attempts + 1 }] } },
);

export const stopAll = on<"stop">(({ queue, storing, refilling, refreshing }) => ({
  context: { queue: [], storing: undefined, refilling: false, refreshing: false },
  actions: [
    ...(refilling ? [{ type: "stopTimer", timer: "refill" } as const] : []),
    ...(refreshing ? [{ type: "stopTimer", timer: "refresh" } as const] : []),
    ...[...(storing === undefined ? [] : [storing]), ...queue].flatMap(({ ref }) => failed(ref, "stopped")),
  ],
}));
