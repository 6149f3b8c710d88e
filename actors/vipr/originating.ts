/**
 * Calls that we made, until their hour has come.
 *
 *   upload --> on disk --> due queue (Tv) --> proving.ts --> off the disk
 *
 * A call at rest is a line in the queue; only what is due has a fiber. VAP draft §9.5, profile §2.
 */
import { Clock, Effect, FiberSet, Queue, type Scope } from "effect";
import { type E164, msFromNtp, type Vcr } from "../../codecs/shared/mod.ts";
import {
  dueQueue,
  equivalentBits,
  methodsFor,
  nextDueMs,
  schedule,
  takeDue,
  timesOf,
  windowOf,
} from "../../machines/validation/mod.ts";
import type { StandsNow, Waiting as WaitingCall } from "../../machines/vipr/mod.ts";
import { type Arithmetic, type Dialer, Entropy, type StoreFailed } from "../ports/mod.ts";
import type { ValidateHandlers } from "../validation/mod.ts";
import { makeProving, type ProvingOptions } from "./proving.ts";
import type { Records, Waiting } from "./records.ts";

/**
 * Validations under way at once; what else is due waits its turn. Far more than honest servers need, so that some who
 * answer slowly do not hold up the rest.
 */
export const VALIDATIONS_MAX = 64;

/** Waiting calls looked at before others have their turn, a few milliseconds. */
const SEEN_AT_ONCE_MAX = 16_384;

export interface Originating {
  /** False: the queue is full. It is kept when this succeeds. */
  readonly take: (vcr: Vcr) => Effect.Effect<boolean, StoreFailed>;
  /** Calls waiting for their Tv. */
  readonly pending: () => number;
  /** How things stand with a number. It looks through all that waits, part by part: some 0.2 s for a million calls. */
  readonly standing: (number: E164) => Effect.Effect<Omit<StandsNow, "isPublished">>;
  readonly underWay: Effect.Effect<number>;
}

export const openOriginating = Effect.fn("vipr.originating")(function* (
  options: ProvingOptions,
  handlers: ValidateHandlers,
  records: Omit<Records, "received" | "expire">,
): Effect.fn.Return<Originating, never, Arithmetic | Dialer | Entropy | Scope.Scope> {
  const { waitBetweenMs, roundMs, domainOf, watch } = options;
  const { between } = yield* Entropy;
  const queue = dueQueue<Waiting>();
  for (const waiting of records.waiting) schedule(queue, waiting, waiting.dueMs);
  const { prove, proved } = yield* makeProving(options, handlers, records);
  const stirred = yield* Queue.sliding<void>(1);
  const running = yield* FiberSet.make<void>();
  let underWay = 0;
  const proving = new Set<Waiting>();

  /** Counted from here until the disk knows of it too: whoever waits for room is told when there is some. */
  const begin = (waiting: Waiting) => {
    underWay += 1;
    proving.add(waiting);
    const ended = Effect.suspend(() => {
      underWay -= 1;
      proving.delete(waiting);
      return Queue.offer(stirred, undefined);
    });
    const whole = Effect.andThen(prove(waiting.vcr), records.done(waiting));
    return FiberSet.run(running, Effect.ensuring(whole, ended));
  };

  /** What it will be worth at most: of a VService that is not published again yet nobody knows whether it is private. */
  const shownOf = ({ vcr, dueMs }: Waiting): WaitingCall => {
    const domain = domainOf(vcr.vservice);
    const call = timesOf(vcr);
    const isPrivate = domain !== undefined && options.isPrivate(domain);
    const [method] = methodsFor({ isPrivate, call: vcr });
    const windowMs = windowOf(waitBetweenMs, dueMs - msFromNtp(vcr.stop));
    return { call, dueMs, worthBits: equivalentBits(call, roundMs, method, windowMs) };
  };
  const tellOf = (waiting: Waiting) => {
    const { called: number, calling } = waiting.vcr;
    return watch({ type: "vcr", direction: "sent", number, hasCaller: calling !== undefined, ...shownOf(waiting) });
  };
  // The others wait as they did; whoever tells their story has heard of them.
  for (const late of records.waiting.filter(({ isLate }) => isLate === true))
    yield* watch({ type: "waits", number: late.vcr.called, ...shownOf(late) });

  /** Sleeps until the next call is due, or until something changed. */
  const serve = Effect.gen(function* () {
    while (true) {
      const nowMs = yield* Clock.currentTimeMillis;
      const room = VALIDATIONS_MAX - underWay;
      for (const waiting of takeDue(queue, nowMs, room)) yield* begin(waiting);
      const dueMs = room > 0 ? nextDueMs(queue) : undefined;
      const stir = Queue.take(stirred);
      if (dueMs === undefined) yield* stir;
      else if (dueMs > nowMs) yield* Effect.raceFirst(stir, Effect.sleep(dueMs - nowMs));
      else yield* Effect.yieldNow;
    }
  });
  yield* Effect.forkScoped(serve);

  return {
    take: (vcr) =>
      Effect.gen(function* () {
        const waiting = { vcr, dueMs: (yield* Clock.currentTimeMillis) + (yield* between(...waitBetweenMs)) };
        if (queue.heap.length >= queue.max) return false;
        yield* records.sent(waiting);
        schedule(queue, waiting, waiting.dueMs);
        yield* tellOf(waiting);
        yield* Queue.offer(stirred, undefined);
        return true;
      }),
    pending: () => queue.heap.length,
    standing: Effect.fnUntraced(function* (number) {
      const waiting = [...proving].filter(({ vcr }) => vcr.called === number);
      const all = queue.heap.slice();
      for (let at = 0; at < all.length; at += SEEN_AT_ONCE_MAX) {
        for (const { item } of all.slice(at, at + SEEN_AT_ONCE_MAX)) if (item.vcr.called === number) waiting.push(item);
        yield* Effect.yieldNow;
      }
      return { waiting: waiting.map(shownOf), proved: yield* proved(number) };
    }),
    underWay: Effect.sync(() => underWay),
  };
});
