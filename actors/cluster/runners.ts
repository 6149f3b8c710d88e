/** What Effect's cluster keeps of runners and shards, in the store that the members share: the words of one in those of the other. */
import { Effect } from "effect";
import { PersistenceError } from "effect/cluster/ClusterError";
import * as RunnerStorage from "effect/cluster/RunnerStorage";
import type { StoreFailed } from "../ports/mod.ts";

/**
 * Runners and shards as text. A shard is held by a member until that gives it up or is taken for dead, and then the same
 * commit that frees it refuses whatever that member still wants to write.
 */
export interface SharedShards {
  /** Where this member's runner is; a member that was at that address before is gone. Gives a number below 1,024. */
  readonly register: (address: string, runner: string) => Effect.Effect<number, StoreFailed>;
  readonly unregister: Effect.Effect<void, StoreFailed>;
  readonly runners: Effect.Effect<ReadonlyArray<string>, StoreFailed>;
  /** Those that are this member's now. */
  readonly acquire: (shards: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, StoreFailed>;
  /** Those that are this member's still. */
  readonly held: (shards: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, StoreFailed>;
  /** Every shard that is held, and by which member. */
  readonly holders: Effect.Effect<ReadonlyArray<readonly [shard: string, member: bigint]>, StoreFailed>;
  readonly release: (shard: string) => Effect.Effect<void, StoreFailed>;
  readonly releaseAll: Effect.Effect<void, StoreFailed>;
}

const persisting = <A>(work: Effect.Effect<A, StoreFailed>): Effect.Effect<A, PersistenceError> =>
  Effect.mapError(work, (cause) => new PersistenceError({ cause }));

/** Who is there is alive: a member that beats no more is removed from the store by the others. */
export const runnerStorage = (shards: SharedShards) =>
  RunnerStorage.makeEncoded({
    getRunners: persisting(Effect.map(shards.runners, (all) => all.map((runner) => [runner, true] as const))),
    register: (address, runner) => persisting(shards.register(address, runner)),
    unregister: () => persisting(shards.unregister),
    setRunnerHealth: () => Effect.void,
    acquire: (_, wanted) => persisting(Effect.map(shards.acquire(wanted), (held) => [...held])),
    refresh: (_, wanted) => persisting(shards.held(wanted)),
    release: (_, shard) => persisting(shards.release(shard)),
    releaseAll: () => persisting(shards.releaseAll),
  });
