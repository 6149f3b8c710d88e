/** Runners and shards of a cluster, in the tables of postgres-sql.ts. */
import { Effect } from "effect";
import type { SharedShards } from "../../actors/cluster/mod.ts";
import type { StoreMembership } from "./postgres.ts";

/** Of the numbers that Effect's identifiers have room for. */
const MACHINES = 1_024n;

export const shardsOf = ({ schema, self, query }: StoreMembership): SharedShards => {
  const texts = (shards: ReadonlyArray<string>) => JSON.stringify(shards);
  const named = (rows: ReadonlyArray<ReadonlyArray<unknown>>) => rows.map(([shard]) => String(shard));
  const held: SharedShards["held"] = (shards) =>
    Effect.map(
      query(
        `SELECT shard FROM ${schema}.shards WHERE member = $1
         AND shard IN (SELECT json_array_elements_text($2::json))`,
        [self, texts(shards)],
      ),
      named,
    );
  return {
    held,
    register: (address, runner) =>
      Effect.gen(function* () {
        // An address is one process's at a time: who was there before has ended.
        yield* query(`DELETE FROM ${schema}.members WHERE address = $1 AND id <> $2`, [address, self]);
        yield* query(`UPDATE ${schema}.members SET address = $1, runner = $2 WHERE id = $3`, [address, runner, self]);
        return Number(self % MACHINES);
      }),
    unregister: Effect.asVoid(query(`UPDATE ${schema}.members SET runner = NULL WHERE id = $1`, [self])),
    runners: Effect.map(query(`SELECT runner FROM ${schema}.members WHERE runner IS NOT NULL`, []), named),
    acquire: (shards) =>
      Effect.andThen(
        // What another member holds stays there; of one that is gone no row is left.
        query(
          `INSERT INTO ${schema}.shards (shard, member)
           SELECT shard, $1::bigint FROM json_array_elements_text($2::json) AS w (shard)
           WHERE EXISTS (SELECT FROM ${schema}.members WHERE id = $1::bigint)
           ON CONFLICT (shard) DO NOTHING`,
          [self, texts(shards)],
        ),
        held(shards),
      ),
    holders: Effect.map(query(`SELECT shard, member FROM ${schema}.shards`, []), (rows) =>
      rows.map(([shard, member]) => [String(shard), BigInt(member as bigint)] as const),
    ),
    release: (shard) =>
      Effect.asVoid(query(`DELETE FROM ${schema}.shards WHERE shard = $1 AND member = $2`, [shard, self])),
    releaseAll: Effect.asVoid(query(`DELETE FROM ${schema}.shards WHERE member = $1`, [self])),
  };
};
