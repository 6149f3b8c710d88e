/**
 * Writes that come together become one commit: all of a turn of the loop, and all that come while the one before is on its
 * way to the disk.
 *
 *   write --+
 *   write --+--> waiting -- end of the turn, and no commit under way --> commit --> flush --> each writer is told
 *   write --+
 *
 * Where the whole commit fails, each write is tried for itself, so that a bad one spoils no other. DECISIONS.md D-201.
 */
import { Deferred, Effect, type Scope } from "effect";
import {
  type Change,
  STORE_WAITING_MAX,
  StoreFailed,
  type StoreFault,
  type StoreShape,
} from "../../actors/ports/mod.ts";
import { changesFault } from "./rules.ts";

export const CLOSED = new StoreFailed({ reason: "closed", why: "the store is closed" });

export interface Committer {
  /** All of these, or none. */
  readonly commit: (changes: ReadonlyArray<Change>) => Effect.Effect<void, StoreFailed>;
  /** What was committed is on disk when it succeeds. */
  readonly flush: Effect.Effect<void, StoreFailed>;
  /** Why nothing can be committed now; who writes is told at once, and does not wait for the commit under way. */
  readonly fault?: () => StoreFailed | undefined;
}

export interface GroupedWrites extends Pick<StoreShape, "write"> {
  readonly isClosed: () => boolean;
  /** Fails what waits for the next commit, and not what is under way. */
  readonly refuseWaiting: (fault: StoreFailed) => void;
}

/** Changes of one commit, unless one write alone has more: readers and the next writers wait for it. */
const GROUP_CHANGES_MAX = 10_000;

interface Waiting {
  readonly changes: ReadonlyArray<Change>;
  readonly told: Deferred.Deferred<void, StoreFailed>;
}

/** Faults of the store and not of the changes: the others of a group would meet the same. */
const COMMON: ReadonlySet<StoreFault> = new Set(["away", "locked", "closed", "readOnly", "refused"]);

/** Until the scope closes, which waits for the commit under way. What waits then fails as `closed`. */
export const groupWrites = Effect.fnUntraced(function* ({
  commit,
  flush,
  fault: faultNow = () => undefined,
}: Committer): Effect.fn.Return<GroupedWrites, never, Scope.Scope> {
  const waiting: Array<Waiting> = [];
  let underWay = 0;
  let isScheduled = false;
  let isClosed = false;
  const idle: Array<() => void> = [];

  const take = (): ReadonlyArray<Waiting> => {
    let [count, changes] = [0, 0];
    while (count < waiting.length && (count === 0 || changes + waiting[count]!.changes.length <= GROUP_CHANGES_MAX))
      changes += waiting[count++]!.changes.length;
    underWay = count;
    return waiting.splice(0, count);
  };

  const group = Effect.gen(function* () {
    const batch = take();
    const written = yield* committed(batch);
    if (written.length === 0) return;
    const flushed = yield* Effect.result(tried(flush));
    const told = flushed._tag === "Success" ? Effect.void : Effect.fail(flushed.failure);
    for (const one of written) Deferred.doneUnsafe(one.told, told);
  });

  /** Those that are; the others have been told why not. */
  const committed = Effect.fnUntraced(function* (batch: ReadonlyArray<Waiting>) {
    const whole = yield* Effect.result(tried(commit(batch.flatMap(({ changes }) => changes))));
    if (whole._tag === "Success") return batch;
    const isEachs = batch.length > 1 && !COMMON.has(whole.failure.reason);
    const written: Array<Waiting> = [];
    for (const one of batch) {
      const own = isEachs ? yield* Effect.result(tried(commit(one.changes))) : whole;
      if (own._tag === "Success") written.push(one);
      else yield* Deferred.fail(one.told, own.failure);
    }
    return written;
  });

  /** One group after another, as long as something waits. In no scope: who writes while its scope closes is told as well. */
  const work = Effect.gen(function* () {
    yield* endOfTurn;
    while (waiting.length > 0) yield* group;
    underWay = 0;
    isScheduled = false;
    for (const then of idle.splice(0)) then();
  });

  const refuseWaiting = (fault: StoreFailed) => {
    for (const { told } of waiting.splice(0)) Deferred.doneUnsafe(told, Effect.fail(fault));
  };
  yield* Effect.addFinalizer(() =>
    Effect.callback<void>((resume) => {
      isClosed = true;
      refuseWaiting(CLOSED);
      if (isScheduled) idle.push(() => resume(Effect.void));
      else resume(Effect.void);
    }),
  );

  return {
    isClosed: () => isClosed,
    refuseWaiting,
    write: Effect.fnUntraced(function* (changes) {
      const fault = changesFault(changes) ?? (isClosed ? CLOSED : faultNow());
      if (fault !== undefined) return yield* fault;
      if (waiting.length + underWay >= STORE_WAITING_MAX)
        return yield* new StoreFailed({ reason: "busy", why: `${STORE_WAITING_MAX} writes wait for the disk` });
      const told = yield* Deferred.make<void, StoreFailed>();
      waiting.push({ changes, told });
      if (!isScheduled) {
        isScheduled = true;
        yield* Effect.forkDetach(work);
      }
      return yield* Deferred.await(told);
    }),
  };
});

/** A defect fails what it met, as `failed`: who writes after it is served. */
const tried = (effect: Effect.Effect<void, StoreFailed>): Effect.Effect<void, StoreFailed> =>
  Effect.catchDefect(effect, (defect) => Effect.fail(new StoreFailed({ reason: "failed", why: String(defect) })));

/** After what the loop has read in this turn has been dealt with. */
const endOfTurn = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void));
});
