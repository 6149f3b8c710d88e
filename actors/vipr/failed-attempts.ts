/**
 * Failed attempts at calls that we received: reported and written some time later, so that no originator can see what they
 * were.
 *
 *   failed, failedWithoutCall --> waiting --(1 s)--> one write: the call's record, or a dummy row --> audit log
 *
 * A write delays the whole process, and with it every other stream that the originator has open. If only failures at calls
 * that exist were written, it could measure which do. So every failure is written, a second later, many together; in memory
 * it counts at once. A crash loses the last second. DECISIONS.md D-081.
 */

import { Clock, Effect, Queue, type Scope } from "effect";
import { type E164, ntpMs } from "../../codecs/shared/mod.ts";
import type { PvpMethod } from "../../codecs/validation/mod.ts";
import { type CallStore, failCall, type StoredCall, wayOf } from "../../machines/validation/mod.ts";
import { callNameOf } from "../../machines/vipr/mod.ts";
import type { AuditLog } from "./audit-log.ts";
import type { ViprWatch } from "./events.ts";
import type { Records } from "./records.ts";

/** Failures of one write. */
export const FAILED_ATTEMPTS_AT_ONCE_MAX = 500;
export const FAILED_ATTEMPTS_AFTER_MS = 1_000;
/** Failures without a call that wait at one time; 16 of them are one try at a user name of version 2. */
export const WITHOUT_CALL_MAX = 8_000;
/** A number that cannot exist: failures without a call are recorded under it, at the same cost, and nobody can read them. */
const NO_NUMBER = "+0" as E164;

export interface FailedAttempts {
  readonly failed: (call: { readonly id: number }, method: PvpMethod) => Effect.Effect<void>;
  readonly failedWithoutCall: Effect.Effect<void>;
}
interface FailedAttempt {
  readonly call: StoredCall;
  /** With that method of naming the call. */
  readonly attempts: number;
}

export const openFailedAttempts = Effect.fn("vipr.charges")(function* (
  calls: CallStore,
  records: Pick<Records, "charged">,
  audit: Pick<AuditLog, "record">,
  watch: ViprWatch,
  afterMs: number = FAILED_ATTEMPTS_AFTER_MS,
): Effect.fn.Return<FailedAttempts, never, Scope.Scope> {
  const waiting: Array<FailedAttempt | undefined> = [];
  const wake = yield* Queue.sliding<void>(1);

  const report = (failure: FailedAttempt | undefined): Effect.Effect<void> => {
    if (failure === undefined)
      return Effect.map(Clock.currentTimeMillis, (atMs) =>
        audit.record(
          { type: "charged", number: NO_NUMBER, call: { startMs: ntpMs(0), stopMs: ntpMs(0) }, attempts: 0 },
          atMs,
        ),
      );
    const { call, attempts } = failure;
    return watch({ type: "charged", number: call.called, call: callNameOf(call), attempts }, call.vservice);
  };
  const writeAll = Effect.gen(function* () {
    while (waiting.length > 0) {
      const some = waiting.splice(0, FAILED_ATTEMPTS_AT_ONCE_MAX);
      yield* records.charged(some.map((failure) => failure?.call));
      yield* Effect.forEach(some, report, { discard: true });
    }
  }).pipe(Effect.uninterruptible);
  yield* Effect.addFinalizer(() => writeAll);
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Effect.andThen(Queue.take(wake), Effect.sleep(afterMs)), writeAll)),
  );

  const wait = (failure: FailedAttempt | undefined): void => {
    // Beyond this many a failure without a call is dropped: only the equal timing is lost, and only at hundreds a second.
    if (failure !== undefined || waiting.length < WITHOUT_CALL_MAX) waiting.push(failure);
    Queue.offerUnsafe(wake, undefined);
  };
  return {
    failed: ({ id }, method) =>
      Effect.sync(() => {
        const call = failCall(calls, id, method);
        wait(call && { call, attempts: call.attempts[wayOf(method)] });
      }),
    failedWithoutCall: Effect.sync(() => wait(undefined)),
  } satisfies FailedAttempts as FailedAttempts;
});
