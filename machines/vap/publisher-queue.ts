/** What the publisher's events do to its queue, its tokens and the numbers that it stores again. */
import type { Decision, Of } from "../kit/mod.ts";
import { refreshMs } from "../reload/mod.ts";
import {
  dueAt,
  firstDueAtMs,
  hasPublished,
  type PublishedNumber,
  takeDue,
  withoutVService,
} from "./published-numbers.ts";
import type {
  Publication,
  PublishFailure,
  VapPublisherAction,
  VapPublisherContext,
  VapPublisherEvent,
} from "./publisher-types.ts";
import { refillMs } from "./refresh-pace.ts";

/** Numbers that wait to be stored; more are refused as `full`. */
export const QUEUE_NUMBERS_MAX = 20_000;
const STORE_ATTEMPTS_MAX = 5;
/**
 * Numbers that wait to be stored again, each some 85 bytes beside its text. One beyond is stored at once when its call agent publishes
 * it again, and so each time: nobody would do it later.
 */
export const PUBLISHED_NUMBERS_MAX = 2_000_000;
/** Until a number is stored again that the overlay had, and has refused. */
const REFUSED_MS = 3_600_000;
/** Numbers in the queue while others are put there to be stored again: a new one must not wait long behind them, or be refused. */
export const QUEUE_REFRESHED_MAX = 1_000;
/** Until numbers are looked at again which are due, and for which the queue has no room. */
const NO_ROOM_MS = 1_000;

type Context = VapPublisherContext;
type Report = Of<VapPublisherAction, "report">;
type StartTimer = Of<VapPublisherAction, "startTimer">;
type Decided<A = never> = Decision<Context, A>;

const failed = (ref: number, reason: PublishFailure, why: string): ReadonlyArray<Report> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "failed", reason, why } }];
const stored = (ref: number): ReadonlyArray<Report> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "stored" } }];

export const hasWork = ({ queue, tokens }: Context): boolean => queue.length > 0 && tokens > 0;

export const enqueue = (
  context: Context,
  { ref, vservice, number, stored: before }: Of<VapPublisherEvent, "publish">,
): Decided<Report | StartTimer> => {
  const { queue } = context;
  if (before !== undefined && hasPlace(context.published, { vservice, number })) {
    const made = awaitRefresh(context, { vservice, number }, before.dueAtMs, before.atMs);
    return { ...made, actions: [...stored(ref), ...made.actions] };
  }
  return queue.length >= QUEUE_NUMBERS_MAX
    ? { actions: failed(ref, "full", "too many numbers wait to be stored") }
    : { context: { queue: [...queue, { ref, vservice, number, attempts: 0 }] } };
};

const hasPlace = (published: Context["published"], one: PublishedNumber): boolean =>
  published.size < PUBLISHED_NUMBERS_MAX || hasPublished(published, one);

/** A number is to be stored again when it is due; the timer runs for the one that is due first. */
const awaitRefresh = (
  { published, refreshAtMs }: Context,
  one: PublishedNumber,
  dueAtMs: number,
  atMs: number,
): { readonly context: Partial<Context>; readonly actions: ReadonlyArray<StartTimer> } => {
  if (!hasPlace(published, one)) return { context: {}, actions: [] };
  const now = dueAt(published, one, dueAtMs);
  const isFirst = refreshAtMs === undefined || dueAtMs < refreshAtMs;
  return {
    context: { published: now, ...(isFirst ? { refreshAtMs: dueAtMs } : {}) },
    actions: isFirst ? [refreshTimer(dueAtMs - atMs)] : [],
  };
};

export const dropVService = (
  { queue, published, storing }: Context,
  { vservice }: Of<VapPublisherEvent, "withdraw">,
): Decided<Report> => ({
  context: {
    ...(storing?.vservice === vservice ? { storing: { ...storing, withdrawn: true } } : {}),
    queue: queue.filter((item) => item.vservice !== vservice),
    published: withoutVService(published, vservice),
  },
  actions: queue
    .filter((item) => item.vservice === vservice)
    .flatMap(({ ref }) => failed(ref, "withdrawn", "withdrawn")),
});

/** Stores the number at the head of the queue. One token is spent, and begins to come back. */
export const next = ({
  queue,
  tokens,
  refilling,
  storesPerSecond,
}: Context): Decided<StartTimer | Of<VapPublisherAction, "store">> => {
  const [first, ...others] = queue;
  const { vservice, number } = first!;
  return {
    context: { queue: others, storing: first, tokens: tokens - 1, refilling: true },
    actions: [{ type: "store", vservice, number }, ...(refilling ? [] : [refillTimer(storesPerSecond)])],
  };
};
const refillTimer = (storesPerSecond: number): StartTimer => {
  const ms = refillMs(storesPerSecond);
  return { type: "startTimer", timer: "refill", betweenMs: [ms, ms] };
};

export const refill = ({ tokens, burst, refilling, storesPerSecond }: Context): Decided<StartTimer> => {
  if (!refilling) return {}; // the timer had fired before it was stopped: no token for it
  const more = tokens + 1 < burst;
  return {
    context: { tokens: tokens + 1, refilling: more },
    actions: more ? [refillTimer(storesPerSecond)] : [],
  };
};

export const settleStored = (
  context: Context,
  { atMs, draw }: Of<VapPublisherEvent, "stored">,
): Decided<Report | StartTimer> => {
  const { ref, vservice, number, withdrawn } = context.storing!;
  if (context.lifetimeMs === undefined || withdrawn) return { context: { storing: undefined }, actions: stored(ref) };
  const dueAtMs = atMs + refreshMs(context.lifetimeMs, draw);
  const made = awaitRefresh(context, { vservice, number }, dueAtMs, atMs);
  return { context: { storing: undefined, ...made.context }, actions: [...stored(ref), ...made.actions] };
};
const refreshTimer = (inMs: number): StartTimer => {
  const ms = Math.max(1, Math.ceil(inMs));
  return { type: "startTimer", timer: "refresh", betweenMs: [ms, ms] };
};

/** Every number that is due is queued again, behind the new ones, as far as there is room. */
export const refresh = (context: Context, { atMs }: Of<VapPublisherEvent, "timerFired">): Decided<StartTimer> => {
  if (context.refreshAtMs === undefined) return {};
  const { taken, left } = takeDue(context.published, atMs, Math.max(0, QUEUE_REFRESHED_MAX - context.queue.length));
  const again = taken.map(({ vservice, number }): Publication => ({ ref: 0, vservice, number, attempts: 0 }));
  const queue = again.length === 0 ? context.queue : [...context.queue, ...again];
  const first = firstDueAtMs(left);
  const refreshAtMs = first === undefined || first > atMs ? first : atMs + NO_ROOM_MS;
  return {
    context: { queue, published: left, refreshAtMs },
    actions: refreshAtMs === undefined ? [] : [refreshTimer(refreshAtMs - atMs)],
  };
};

export const isLastTry = ({ storing }: Context): boolean =>
  storing === undefined || storing.withdrawn === true || storing.attempts + 1 >= STORE_ATTEMPTS_MAX;

/** One that was stored before, and is refused now, is tried again later: it may be the overlay that was away. */
export const giveUp = (
  context: Context,
  { why, atMs }: Of<VapPublisherEvent, "storeFailed">,
): Decided<Report | StartTimer> => {
  const { storing } = context;
  const gone = { storing: undefined };
  if (storing === undefined || storing.withdrawn || storing.ref !== 0)
    return { context: gone, actions: failed(storing?.ref ?? 0, "overlay", why) };
  const { vservice, number } = storing;
  const made = awaitRefresh(context, { vservice, number }, atMs + REFUSED_MS, atMs);
  return { context: { ...gone, ...made.context }, actions: made.actions };
};
/** Another try, at the end of the queue. */
export const tryAgain = ({ storing, queue }: Context) => ({
  storing: undefined,
  queue: storing === undefined ? queue : [...queue, { ...storing, attempts: storing.attempts + 1 }],
});

export const stopAll = ({
  queue,
  storing,
  refilling,
  refreshAtMs,
}: Context): Decided<Report | Of<VapPublisherAction, "stopTimer">> => ({
  context: { queue: [], storing: undefined, refilling: false, refreshAtMs: undefined },
  actions: [
    ...(refilling ? [{ type: "stopTimer", timer: "refill" } as const] : []),
    ...(refreshAtMs !== undefined ? [{ type: "stopTimer", timer: "refresh" } as const] : []),
    ...[...(storing === undefined ? [] : [storing]), ...queue].flatMap(({ ref }) => failed(ref, "stopped", "stopped")),
  ],
});
