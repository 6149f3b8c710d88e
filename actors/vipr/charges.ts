/**
 * Failures at our door, told and written down some time after, so that nobody sees what they were.
 *
 *   failed, nobodyThere --> waiting --(1 s)--> one write: the call's record, or a row for none --> the stories, as well
 *
 * To write is to hold up the process, and with it every stream that the one who failed has open besides. If only the
 * failures at calls that exist were written, he would feel which do. So all of them are, a second later, some at once;
 * what is counted in memory counts at once. A crash loses the last second. DECISIONS.md D-081.
 */

import { Clock, Effect, Queue, type Scope } from "effect";
import { type E164, ntpMs } from "../../codecs/shared/mod.ts";
import type { PvpMethod } from "../../codecs/validation/mod.ts";
import { type CallStore, failCall, type KeptCall, wayOf } from "../../machines/validation/mod.ts";
import { callNameOf } from "../../machines/vipr/mod.ts";
import type { ViprEvent } from "./events.ts";
import type { Records } from "./records.ts";
import type { Stories } from "./stories.ts";

/** Of one write. */
export const CHARGES_AT_ONCE_MAX = 500;
export const CHARGES_AFTER_MS = 1_000;
/** A number that nobody has: its story is that of failures at calls that are not there. Nobody can ask for it. */
const NOBODY = "+0" as E164;

export interface Charges {
  readonly failed: (call: { readonly id: number }, method: PvpMethod) => Effect.Effect<void>;
  readonly nobodyThere: Effect.Effect<void>;
}
interface Charge {
  readonly call: KeptCall;
  /** By that way. */
  readonly attempts: number;
}

export const openCharges = Effect.fn("vipr.charges")(function* (
  calls: CallStore,
  records: Pick<Records, "charged">,
  stories: Pick<Stories, "hear">,
  watch: (event: ViprEvent) => Effect.Effect<void>,
  afterMs: number = CHARGES_AFTER_MS,
): Effect.fn.Return<Charges, never, Scope.Scope> {
  const waiting: Array<Charge | undefined> = [];
  const wake = yield* Queue.sliding<void>(1);

  const tell = (charge: Charge | undefined): Effect.Effect<void> => {
    if (charge === undefined)
      return Effect.map(Clock.currentTimeMillis, (atMs) =>
        stories.hear(
          { type: "charged", number: NOBODY, call: { startMs: ntpMs(0), stopMs: ntpMs(0) }, attempts: 0 },
          atMs,
        ),
      );
    const { call, attempts } = charge;
    return watch({ type: "charged", number: call.called, call: callNameOf(call), attempts });
  };
  const writeAll = Effect.gen(function* () {
    while (waiting.length > 0) {
      const some = waiting.splice(0, CHARGES_AT_ONCE_MAX);
      yield* records.charged(some.map((charge) => charge?.call));
      yield* Effect.forEach(some, tell, { discard: true });
    }
  }).pipe(Effect.uninterruptible);
  yield* Effect.addFinalizer(() => writeAll);
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Effect.andThen(Queue.take(wake), Effect.sleep(afterMs)), writeAll)),
  );

  const wait = (charge: Charge | undefined): void => {
    // Without a call there is nothing to lose but likeness, and that only when hundreds fail in a second.
    if (charge !== undefined || waiting.length < CHARGES_AT_ONCE_MAX) waiting.push(charge);
    Queue.offerUnsafe(wake, undefined);
  };
  return {
    failed: ({ id }, method) =>
      Effect.sync(() => {
        const call = failCall(calls, id, method);
        wait(call && { call, attempts: call.attempts[wayOf(method)] });
      }),
    nobodyThere: Effect.sync(() => wait(undefined)),
  } satisfies Charges as Charges;
});
