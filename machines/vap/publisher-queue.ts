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
  Storing,
  VapPublisherAction,
  VapPublisherContext,
  VapPublisherEvent,
} from "./publisher-types.ts";
import { refillMs } from "./refresh-pace.ts";

/** Numbers that wait to be stored; more are refused as `full`. */
export const QUEUE_NUMBERS_MAX = 20_000;
const STORE_ATTEMPTS_MAX = 5;
/** Stores that the overlay has not answered yet: enough for ten a second where one takes 800 ms. */
export const STORES_AT_ONCE_MAX = 8;
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
type Store = Of<VapPublisherAction, "store">;
type Decided<A = never> = Decision<Context, A>;

const failed = (ref: number, reason: PublishFailure, why: string): ReadonlyArray<Report> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "failed", reason, why } }];
const stored = (ref: number): ReadonlyArray<Report> =>
  ref === 0 ? [] : [{ type: "report", ref, outcome: { type: "stored" } }];

/** Of one number, the next store begins when the one before has ended: which of the two the overlay has must not depend on its ways. */
const mayStore = ({ queue: [first], tokens, storing }: Context): boolean =>
  first !== undefined &&
  tokens > 0 &&
  storing.length < STORES_AT_ONCE_MAX &&
  !storing.some(({ vservice, number }) => vservice === first.vservice && number === first.number);

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
    storing: storing.map((one) => (one.vservice === vservice ? { ...one, withdrawn: true } : one)),
    queue: queue.filter((item) => item.vservice !== vservice),
    published: withoutVService(published, vservice),
  },
  actions: queue
    .filter((item) => item.vservice === vservice)
    .flatMap(({ ref }) => failed(ref, "withdrawn", "withdrawn")),
});

/** Stores from the head of the queue as many as it may. One token is spent for each, and begins to come back. */
export const fill = (
  context: Context,
): { readonly context: Context; readonly actions: ReadonlyArray<StartTimer | Store> } => {
  let [now, actions]: [Context, ReadonlyArray<StartTimer | Store>] = [context, []];
  while (mayStore(now)) {
    const [first, ...queue] = now.queue as readonly [Publication, ...Array<Publication>];
    const store = now.stores + 1;
    const { vservice, number } = first;
    const refilling = now.refilling ? [] : [refillTimer(now.storesPerSecond)];
    actions = [...actions, { type: "store", store, vservice, number }, ...refilling];
    const storing = [...now.storing, { ...first, store }];
    now = { ...now, queue, storing, stores: store, tokens: now.tokens - 1, refilling: true };
  }
  return { context: now, actions };
};
/** What an event does, and then as many stores as may begin. */
export const thenFill =
  <E extends VapPublisherEvent, A extends VapPublisherAction>(
    decision: (context: Context, event: E) => Decided<A>,
  ): ((context: Context, event: E) => Decided<A | StartTimer | Store>) =>
  (context, event) => {
    const { context: changed = {}, actions = [] } = decision(context, event);
    const filled = fill({ ...context, ...changed });
    return { context: filled.context, actions: [...actions, ...filled.actions] };
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

/** The store that an answer is of; undefined where nobody waits for it any more. */
const storeOf = ({ storing }: Context, { store }: { readonly store: number }): Storing | undefined =>
  storing.find((one) => one.store === store);
const without = ({ storing }: Context, gone: Storing): Pick<Context, "storing"> => ({
  storing: storing.filter((one) => one !== gone),
});

export const settleStored = (
  context: Context,
  event: Of<VapPublisherEvent, "stored">,
): Decided<Report | StartTimer> => {
  const one = storeOf(context, event);
  if (one === undefined) return {};
  const { ref, vservice, number, withdrawn } = one;
  const gone = without(context, one);
  if (context.lifetimeMs === undefined || withdrawn) return { context: gone, actions: stored(ref) };
  const dueAtMs = event.atMs + refreshMs(context.lifetimeMs, event.draw);
  const made = awaitRefresh(context, { vservice, number }, dueAtMs, event.atMs);
  return { context: { ...gone, ...made.context }, actions: [...stored(ref), ...made.actions] };
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

/** Whether a failure says that the overlay is away, and the number is to wait for it. */
export const isTriedAgain = (context: Context, event: Of<VapPublisherEvent, "storeFailed">): boolean => {
  const one = storeOf(context, event);
  return one !== undefined && one.withdrawn !== true && one.attempts + 1 < STORE_ATTEMPTS_MAX;
};

/**
 * Another try, at the end of the queue. After the last one that was stored before is tried again later: it may be the overlay that
 * was away.
 */
export const settleFailed = (
  context: Context,
  event: Of<VapPublisherEvent, "storeFailed">,
): Decided<Report | StartTimer> => {
  const one = storeOf(context, event);
  if (one === undefined) return {};
  const gone = without(context, one);
  const { ref, vservice, number, attempts, withdrawn } = one;
  if (isTriedAgain(context, event))
    return { context: { ...gone, queue: [...context.queue, { ref, vservice, number, attempts: attempts + 1 }] } };
  if (withdrawn || ref !== 0) return { context: gone, actions: failed(ref, "overlay", event.why) };
  const made = awaitRefresh(context, { vservice, number }, event.atMs + REFUSED_MS, event.atMs);
  return { context: { ...gone, ...made.context }, actions: made.actions };
};

export const stopAll = ({
  queue,
  storing,
  refilling,
  refreshAtMs,
}: Context): Decided<Report | Of<VapPublisherAction, "stopTimer">> => ({
  context: { queue: [], storing: [], refilling: false, refreshAtMs: undefined },
  actions: [
    ...(refilling ? [{ type: "stopTimer", timer: "refill" } as const] : []),
    ...(refreshAtMs !== undefined ? [{ type: "stopTimer", timer: "refresh" } as const] : []),
    ...[...storing, ...queue].flatMap(({ ref }) => failed(ref, "stopped", "stopped")),
  ],
});
