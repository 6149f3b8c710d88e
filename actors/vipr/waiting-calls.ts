/**
 * The calls that wait for their validation, looked through: by number, for `vipr explain` and for the operator. All are searched, in
 * parts, so that other fibers run meanwhile: some 0.2 s for a million.
 */
import { Effect } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { type CallQueues, type Turns, waitingTurns } from "../../machines/vipr/mod.ts";
import type { Waiting } from "./stored-records.ts";

/** Searched before other fibers run, some milliseconds. */
const SEEN_AT_ONCE_MAX = 16_384;

export interface WaitingCalls {
  /** Of the first of them. */
  readonly vservice: VServiceId;
  readonly waiting: number;
  readonly dueMs: number;
}

export interface WaitingCallsOf {
  readonly turns: Turns<Waiting>;
  readonly behind: CallQueues<Waiting>;
  /** Those that were removed by hand: they stay in their queue until they are due, and are left out then. */
  readonly forgotten: WeakSet<Waiting>;
}

export const waitingCalls = ({ turns, behind, forgotten }: WaitingCallsOf) => {
  /** Those that no claimant is asked about yet. */
  const each = Effect.fnUntraced(function* (see: (waiting: Waiting) => void) {
    const all = [...[...behind.behind.values()].flat(), ...waitingTurns(turns)];
    for (let at = 0; at < all.length; at += SEEN_AT_ONCE_MAX) {
      for (const one of all.slice(at, at + SEEN_AT_ONCE_MAX)) if (!forgotten.has(one)) see(one);
      yield* Effect.yieldNow;
    }
  });
  const those = (isWanted: (waiting: Waiting) => boolean): Effect.Effect<ReadonlyArray<Waiting>> =>
    Effect.suspend(() => {
      const found: Array<Waiting> = [];
      return Effect.as(
        each((one) => {
          if (isWanted(one)) found.push(one);
        }),
        found,
      );
    });
  /** The first that is due in front. */
  const byNumber: Effect.Effect<ReadonlyMap<E164, WaitingCalls>> = Effect.suspend(() => {
    const found = new Map<E164, WaitingCalls>();
    return Effect.map(
      each(({ vcr: { called, vservice }, dueMs }) => {
        const before = found.get(called);
        const first = before === undefined || dueMs < before.dueMs ? { vservice, dueMs } : before;
        found.set(called, { ...first, waiting: (before?.waiting ?? 0) + 1 });
      }),
      () => new Map([...found].sort(([, a], [, b]) => a.dueMs - b.dueMs)),
    );
  });
  return { those, byNumber };
};
