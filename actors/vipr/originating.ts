/**
 * Calls that we made, until they are due to be validated.
 *
 *   upload --> store --> due queue (Tv) --> its call queue --> proving.ts, which removes it from the store
 *                               ^------ put off: the store failed, or its call queue is full
 *
 * A call that waits is an entry of the due queue; only a call in validation has a fiber. VAP draft §9.5,
 * docs/protocol/pvp.md#when-and-with-whom. DECISIONS.md D-037.
 */
import { Clock, Effect, FiberSet, Queue, type Scope } from "effect";
import { type E164, unixMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import {
  dueQueue,
  equivalentBits,
  methodsFor,
  nextDueMs,
  RETENTION_MS,
  schedule,
  takeDue,
} from "../../machines/validation/mod.ts";
import {
  callNameOf,
  enter,
  leave,
  openCallQueues,
  type PresentState,
  queueOf,
  type Waiting as WaitingCall,
} from "../../machines/vipr/mod.ts";
import { Shared } from "../kit/mod.ts";
import { type Arithmetic, type Dialer, Entropy, type StoreFailed } from "../ports/mod.ts";
import type { ValidateHandlers } from "../validation/mod.ts";
import { ATTEMPTS_AT_ONCE_MAX, makeProving, type ProvingOptions, windowFor } from "./proving.ts";
import type { Records, Waiting } from "./records.ts";

/** Calls in validation at once. Each has a claim at least, and claims are what is limited: slow claimants must have many. */
export const VALIDATIONS_MAX = ATTEMPTS_AT_ONCE_MAX;
/** Of them those that are looked up in the overlay, which limits the rate of each node. */
export const LOOK_UPS_MAX = 64;
/** A record that comes again while it is being written shares the outcome of the first. So many at once: more than all sessions together may have under way. */
const WRITING_MAX = 262_144;
/** The wait of a call that the store did not remove, or whose queue was full. */
export const PUT_OFF_MS = 600_000;

/** Waiting calls that are searched before other fibers run, some milliseconds. */
const SEEN_AT_ONCE_MAX = 16_384;

export interface Originating {
  /** False: the queue is full, or the same record is being written and could not be. True: it is stored. A record that comes again, over a restart too, changes nothing. */
  readonly take: (vcr: Vcr) => Effect.Effect<boolean, StoreFailed>;
  /** Calls that wait for their Tv, or in a call queue. */
  readonly pending: () => number;
  /** The present state of a number. Searches all waiting calls, in parts: some 0.2 s for a million. */
  readonly presentState: (
    number: E164,
    isOurs?: (vservice: VServiceId) => boolean,
  ) => Effect.Effect<Omit<PresentState, "isPublished">>;
  readonly underWay: Effect.Effect<number>;
  /** What waits and is not being validated yet, by number, the first that is due in front. Searches all, in parts. */
  readonly waiting: Effect.Effect<ReadonlyMap<E164, WaitingCalls>>;
  /** Those to that number are gone, from the store too; how many. */
  readonly forget: (number: E164) => Effect.Effect<number>;
}
export interface WaitingCalls {
  /** Of the first of them. */
  readonly vservice: VServiceId;
  readonly waiting: number;
  readonly dueMs: number;
}

export const openOriginating = Effect.fn("vipr.originating")(function* (
  options: ProvingOptions,
  handlers: ValidateHandlers,
  records: Omit<Records, "received" | "expire">,
  /** Whether calls to that number are not to be validated; asked when one is due. */
  isOff: (number: E164) => boolean = () => false,
): Effect.fn.Return<Originating, never, Arithmetic | Dialer | Entropy | Scope.Scope> {
  const { waitBetweenMs, watch } = options;
  const { between } = yield* Entropy;
  const queue = dueQueue<Waiting>();
  for (const waiting of records.waiting) schedule(queue, waiting, waiting.dueMs);
  const { prove, proved, note, isTaken, giveUp } = yield* makeProving(options, handlers, records);
  const stirred = yield* Queue.sliding<void>(1);
  const running = yield* FiberSet.make<void>();
  const lines = openCallQueues<Waiting>();
  const [proving, lookingUp] = [new Set<Waiting>(), new Set<Waiting>()];
  /** They stay in the queue until they are due, and are left out then. */
  const forgotten = new WeakSet<Waiting>();
  const pending = () => queue.heap.length + lines.count;

  /** In validation from here until the store has the result: then `stirred` wakes `serve`, which may wait for room. */
  const begin = (waiting: Waiting) => {
    proving.add(waiting);
    lookingUp.add(waiting);
    const found = Effect.suspend(() =>
      lookingUp.delete(waiting) ? Effect.asVoid(Queue.offer(stirred, undefined)) : Effect.void,
    );
    const ended = Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      proving.delete(waiting);
      lookingUp.delete(waiting);
      for (const next of leave(lines, queueOf(waiting.vcr))) schedule(queue, next, nowMs);
      yield* Queue.offer(stirred, undefined);
    });
    const putOff = Effect.map(Clock.currentTimeMillis, (nowMs) => void schedule(queue, waiting, nowMs + PUT_OFF_MS));
    const whole = Effect.flatMap(prove(waiting, found), (isOver) => (isOver ? Effect.void : putOff));
    return FiberSet.run(running, Effect.ensuring(whole, ended));
  };

  const forget = (waiting: Waiting) => {
    forgotten.add(waiting);
    giveUp(waiting.vcr);
    return records.done(waiting);
  };
  /** The call is due; another call to the same number may still be in validation. */
  const goOn = (waiting: Waiting, nowMs: number): Effect.Effect<unknown, never, Arithmetic | Dialer | Entropy> => {
    if (forgotten.has(waiting)) return Effect.void;
    if (isOff(waiting.vcr.called)) {
      const { called: number, vservice } = waiting.vcr;
      return Effect.andThen(
        forget(waiting),
        watch({ type: "dropped", number, call: callNameOf(waiting.vcr) }, vservice),
      );
    }
    switch (enter(lines, queueOf(waiting.vcr), waiting)) {
      case "first":
        return begin(waiting);
      case "behind":
        return Effect.void;
      case "crowded": {
        const { vcr } = waiting;
        // Until the called side deletes its record: what it cannot prove then would count against it.
        if (nowMs - vcr.stopMs < RETENTION_MS)
          return Effect.sync(() => void schedule(queue, waiting, nowMs + PUT_OFF_MS));
        giveUp(vcr);
        return Effect.andThen(
          records.done(waiting),
          watch({ type: "crowded", number: vcr.called, call: callNameOf(vcr) }, vcr.vservice),
        );
      }
    }
  };

  const shownOf = shownBy(options);
  const tellOf = (waiting: Waiting) => {
    const { called: number, calling, vservice } = waiting.vcr;
    const hasCaller = calling !== undefined;
    return watch({ type: "vcr", direction: "sent", number, hasCaller, ...shownOf(waiting) }, vservice);
  };
  yield* Effect.forEach(records.waiting.filter(isLate), (late) => {
    const { called: number, vservice } = late.vcr;
    return watch({ type: "waits", number, ...shownOf(late) }, vservice);
  });

  const hasRoom = () => proving.size < VALIDATIONS_MAX && lookingUp.size < LOOK_UPS_MAX;
  /** Sleeps until the next call is due, or until something changed. */
  const serve = Effect.gen(function* () {
    while (true) {
      const nowMs = yield* Clock.currentTimeMillis;
      while (hasRoom()) {
        const [waiting] = takeDue(queue, nowMs, 1);
        if (waiting === undefined) break;
        yield* goOn(waiting, nowMs);
      }
      const dueMs = hasRoom() ? nextDueMs(queue) : undefined;
      const stir = Queue.take(stirred);
      if (dueMs === undefined) yield* stir;
      else if (dueMs > nowMs) yield* Effect.raceFirst(stir, Effect.sleep(dueMs - nowMs));
      else yield* Effect.yieldNow;
    }
  });
  yield* Effect.forkScoped(serve);

  const store = Effect.fnUntraced(function* (vcr: Vcr) {
    const dueMs = unixMs((yield* Clock.currentTimeMillis) + (yield* between(...waitBetweenMs)));
    const waiting = { vcr, dueMs };
    if (pending() >= queue.max) return false;
    yield* records.sent(waiting);
    note(vcr, yield* Clock.currentTimeMillis);
    if (!schedule(queue, waiting, waiting.dueMs)) {
      giveUp(vcr);
      return yield* Effect.as(records.done(waiting), false);
    }
    yield* tellOf(waiting);
    yield* Queue.offer(stirred, undefined);
    return true;
  });
  const writing = new Shared<boolean>({ keysMax: WRITING_MAX, waitersMax: WRITING_MAX });

  /** Calls that no claimant is asked about yet, in parts, so that other fibers run meanwhile. */
  const eachWaiting = Effect.fnUntraced(function* (see: (waiting: Waiting) => void) {
    const seen = (waiting: Waiting) => forgotten.has(waiting) || see(waiting);
    for (const behind of lines.behind.values()) behind.forEach(seen);
    const all = queue.heap.slice();
    for (let at = 0; at < all.length; at += SEEN_AT_ONCE_MAX) {
      for (const { item } of all.slice(at, at + SEEN_AT_ONCE_MAX)) seen(item);
      yield* Effect.yieldNow;
    }
  });
  return {
    take: (vcr) =>
      Effect.suspend(() => (isTaken(vcr) ? Effect.succeed(true) : writing.share(recordName(vcr), store(vcr), false))),
    pending,
    presentState: Effect.fnUntraced(function* (number, isOurs = () => true) {
      const isWanted = ({ vcr }: Waiting) => vcr.called === number && isOurs(vcr.vservice);
      const waiting = [...proving].filter(isWanted);
      yield* eachWaiting((one) => isWanted(one) && waiting.push(one));
      return { waiting: waiting.map(shownOf), proved: yield* proved(number) };
    }),
    underWay: Effect.sync(() => proving.size),
    waiting: Effect.gen(function* () {
      const found = new Map<E164, WaitingCalls>();
      yield* eachWaiting(({ vcr: { called, vservice }, dueMs }) => {
        const before = found.get(called);
        const isFirst = before === undefined || dueMs < before.dueMs;
        found.set(called, {
          waiting: (before?.waiting ?? 0) + 1,
          ...(isFirst ? { vservice, dueMs } : { vservice: before.vservice, dueMs: before.dueMs }),
        });
      });
      return new Map([...found].sort(([, a], [, b]) => a.dueMs - b.dueMs));
    }),
    forget: Effect.fnUntraced(function* (number) {
      const those: Array<Waiting> = [];
      yield* eachWaiting((one) => one.vcr.called === number && !proving.has(one) && those.push(one));
      yield* Effect.forEach(those, forget, { discard: true });
      return those.length;
    }),
  };
});

const recordName = (vcr: Vcr): string => [queueOf(vcr), vcr.startMs, vcr.stopMs, vcr.calling].join("/");

/** The others wait as they did: the audit log has them already. */
const isLate = ({ isLate }: Waiting): boolean => isLate === true;

/** What it will be worth at most. Until its VService is published again, whether its domain is private is not known. */
const shownBy =
  (options: ProvingOptions) =>
  (waiting: Waiting): WaitingCall => {
    const { domainOf, roundMs, waitBetweenMs } = options;
    const { vcr, dueMs } = waiting;
    const domain = domainOf(vcr.vservice);
    const call = callNameOf(vcr);
    const isPrivate = domain !== undefined && options.isPrivate(domain);
    const [method] = methodsFor({ isPrivate, call: vcr });
    return { call, dueMs, worthBits: equivalentBits(vcr, roundMs, method, windowFor(waitBetweenMs, waiting)) };
  };
