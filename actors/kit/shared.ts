/** One piece of work for all who ask for the same while it goes on. */
import { Deferred, Effect, Exit } from "effect";

export interface SharedLimits {
  /** Pieces of work under way at once. */
  readonly keysMax: number;
  /** Who waits for one of them, beside the one who began it. */
  readonly waitersMax: number;
}

interface UnderWay<A> {
  readonly done: Deferred.Deferred<A>;
  waiters: number;
}

export class Shared<A> {
  private readonly limits: SharedLimits;
  private readonly underWay = new Map<string, UnderWay<A>>();

  constructor(limits: SharedLimits) {
    this.limits = limits;
  }

  /** `otherwise`: for whom there is no room, and for those who wait for work that fails or is interrupted. */
  share<E, R>(key: string, work: Effect.Effect<A, E, R>, otherwise: A): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const before = this.underWay.get(key);
      if (before !== undefined) {
        if (before.waiters >= this.limits.waitersMax) return Effect.succeed(otherwise);
        before.waiters++;
        return Deferred.await(before.done);
      }
      if (this.underWay.size >= this.limits.keysMax) return Effect.succeed(otherwise);
      const done = Deferred.makeUnsafe<A>();
      this.underWay.set(key, { done, waiters: 0 });
      return Effect.onExit(work, (exit) => {
        this.underWay.delete(key);
        return Deferred.succeed(done, Exit.isSuccess(exit) ? exit.value : otherwise);
      });
    });
  }
}
