/**
 * Parts of the VServices come to this server and go to others, with the calls that wait in them.
 *
 *   acquire --> read from the store --> due queue, ledger
 *   follow ---> a record that another server has taken from its agent --> due queue; one that is there already is removed
 *   release --> out of the due queue; what is under way may end --> another server has them
 */
import { Clock, Effect, Schedule, type Scope } from "effect";
import { partitionOf, type SharedRow, type StoreFailed, type Work } from "../ports/mod.ts";
import type { HeldParts } from "./held-parts.ts";
import type { Proving } from "./proving.ts";
import type { Records } from "./records.ts";
import type { StoredWork, Waiting } from "./stored-records.ts";
import type { Validating } from "./validating.ts";

/** How long a validation may go on when another server is to have its part. */
export const DRAIN_MS_MAX = 8_000;
const DRAIN_LOOK_MS = 50;
const SURE_LOOK_MS = 250;

export interface PlacedWorkOptions {
  readonly validating: Pick<Validating, "schedule" | "stir" | "drop" | "interrupt" | "proving">;
  readonly parts: HeldParts;
  readonly records: Pick<Records, "load" | "followSent" | "forget" | "done">;
  readonly prover: Pick<Proving, "load" | "forget" | "note" | "isTaken">;
  /** Of a call that fell due while nobody worked on it. */
  readonly tellLate: (waiting: Waiting) => Effect.Effect<void>;
}

export interface PlacedWork extends Work {
  /** What the store has waits from now on, but for what waits already. */
  readonly resume: (stored: StoredWork) => Effect.Effect<void>;
  readonly follow: (row: SharedRow) => Effect.Effect<void>;
  /** As soon as it is not sure that the parts are ours, all validations end. */
  readonly haltUnless: (isSure: () => boolean) => Effect.Effect<void, never, Scope.Scope>;
}

export const placedWork = (of: PlacedWorkOptions): PlacedWork => {
  const { validating, parts, records, prover, tellLate } = of;
  const { schedule, stir, drop, interrupt, proving } = validating;

  /** In one turn: nothing else may see a call noted that does not wait yet. */
  const takeIn = (stored: StoredWork, nowMs: number) => {
    prover.load(stored, nowMs);
    const [late, twice]: [Array<Waiting>, Array<Waiting>] = [[], []];
    for (const waiting of stored.waiting) {
      const was = parts.add(waiting);
      if (was === "twice") twice.push(waiting);
      if (was !== "new") continue;
      schedule(waiting, waiting.dueMs);
      if (waiting.isLate === true) late.push(waiting); // of the others the audit log tells already
    }
    return { late, twice };
  };
  const resume: PlacedWork["resume"] = Effect.fnUntraced(function* (stored) {
    const { late, twice } = takeIn(stored, yield* Clock.currentTimeMillis);
    yield* Effect.forEach(twice, records.done, { discard: true });
    yield* Effect.forEach(late, tellLate, { discard: true });
    yield* stir;
  });

  return {
    resume,
    acquire: (partitions): Effect.Effect<void, StoreFailed> =>
      Effect.suspend(() => {
        parts.acquire(partitions);
        return Effect.flatMap(records.load(partitions), resume);
      }).pipe(Effect.tapError(() => Effect.sync(() => parts.release(partitions)))),
    release: Effect.fnUntraced(function* (partitions) {
      const isGone = ({ vcr }: Waiting) => partitions.has(partitionOf(vcr.vservice));
      parts.release(partitions);
      drop(isGone);
      const isIdle = Effect.sync(() => !proving().some(isGone));
      const drained = Effect.repeat(isIdle, { until: (is) => is, schedule: Schedule.spaced(DRAIN_LOOK_MS) });
      yield* Effect.timeoutOption(drained, DRAIN_MS_MAX);
      yield* interrupt(isGone);
      prover.forget((vservice) => partitions.has(partitionOf(vservice)));
    }),
    follow: Effect.fnUntraced(function* (row) {
      const waiting = records.followSent(row);
      if (waiting === undefined || !parts.isOurs(waiting.vcr.vservice)) return;
      const was = parts.add(waiting);
      if (was === "same") return;
      // The agent has uploaded it to two servers, or again after claimants were asked about it.
      if (was === "twice" || prover.isTaken(waiting.vcr)) {
        if (was === "new") parts.remove(waiting);
        return yield* records.forget(row);
      }
      prover.note(waiting.vcr, yield* Clock.currentTimeMillis);
      schedule(waiting, waiting.dueMs);
      yield* stir;
    }),
    haltUnless: Effect.fnUntraced(function* (isSure) {
      let wasSure = true;
      const look = Effect.suspend(() => {
        const isNow = isSure();
        const turned = isNow === wasSure ? Effect.void : isNow ? stir : interrupt(() => true);
        wasSure = isNow;
        return turned;
      });
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(SURE_LOOK_MS), look)));
    }),
  };
};
