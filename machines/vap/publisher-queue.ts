/** What the publisher's events do to its queue, its tokens and what it keeps fresh. */
import { decide } from "../kit/mod.ts";
import { refreshMs } from "../reload/mod.ts";
import type { Publication, VapPublisherAction, VapPublisherContext, VapPublisherEvent } from "./publisher.ts";

export const QUEUE_NUMBERS_MAX = 20_000;
const STORE_ATTEMPTS_MAX = 5;

type Of<K extends VapPublisherEvent["type"]> = Extract<VapPublisherEvent, { readonly type: K }>;
const on = <K extends VapPublisherEvent["type"]>(
  of: (
    context: VapPublisherContext,
    event: Of<K>,
  ) => { readonly context?: Partial<VapPublisherContext>; readonly actions?: ReadonlyArray<VapPublisherAction> },
) => decide<VapPublisherContext, Of<K>, VapPublisherAction>(of);

/** Numbers that wait to be stored again; one more is left to its agent to publish again. */
const KEPT_NUMBERS_MAX = 200_000;

const failed = (ref: number, why: string): ReadonlyArray<VapPublisherAction> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "failed", why } }];

export const enqueue = on<"publish">((context, { ref, vservice, number, held }) => {
  const { queue } = context;
  if (held !== undefined) {
    const made = keep(context, { vservice, number, dueAtMs: held.dueAtMs }, held.atMs);
    return { ...made, actions: [...stored(ref), ...made.actions] };
  }
  return queue.length >= QUEUE_NUMBERS_MAX
    ? { actions: failed(ref, "too many numbers wait to be stored") }
    : { context: { queue: [...queue, { ref, vservice, number, attempts: 0 }] } };
});

const stored = (ref: number): ReadonlyArray<VapPublisherAction> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "stored" } }];

/** To be stored again at its time; the timer runs for whichever is due first. */
const keep = ({ kept, refreshing }: VapPublisherContext, item: VapPublisherContext["kept"][number], atMs: number) => {
  const others = kept.filter(({ vservice, number }) => vservice !== item.vservice || number !== item.number);
  if (others.length >= KEPT_NUMBERS_MAX) return { context: {}, actions: [] };
  const at = others.findIndex(({ dueAtMs }) => dueAtMs > item.dueAtMs);
  const now = at < 0 ? [...others, item] : [...others.slice(0, at), item, ...others.slice(at)];
  const isFirst = now[0] === item || !refreshing;
  return { context: { kept: now, refreshing: true }, actions: isFirst ? [refreshTimer(now, atMs)] : [] };
};

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

export const settleStored = on<"stored">((context, { atMs, draw }) => {
  const { ref, vservice, number, withdrawn } = context.storing!;
  if (context.lifetimeMs === undefined || withdrawn) return { context: { storing: undefined }, actions: stored(ref) };
  const dueAtMs = atMs + refreshMs(context.lifetimeMs, draw);
  const made = keep(context, { vservice, number, dueAtMs }, atMs);
  return { context: { storing: undefined, ...made.context }, actions: [...stored(ref), ...made.actions] };
});
const refreshTimer = (kept: VapPublisherContext["kept"], atMs: number): VapPublisherAction => {
  const ms = Math.max(1, Math.ceil((kept[0]?.dueAtMs ?? atMs) - atMs));
  return { type: "startTimer", timer: "refresh", betweenMs: [ms, ms] };
};

/** All that is due is queued again, behind what is new. */
export const refresh = on<"timerFired">((context, { atMs }) => {
  if (!context.refreshing) return {};
  const room = QUEUE_NUMBERS_MAX - context.queue.length;
  const count = context.kept.findIndex(({ dueAtMs }) => dueAtMs > atMs);
  const due = context.kept.slice(0, Math.min(room, count < 0 ? context.kept.length : count));
  const kept = context.kept.slice(due.length);
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
