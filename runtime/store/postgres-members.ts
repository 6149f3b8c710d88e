/**
 * The members of a cluster: servers of one company that share a schema.
 *
 *   join --> a number, which no other ever had --> beats --> leave
 *                                                    '--> none for EVICT_MS --> another member removes it: its shards are
 *                                                         free, and whatever it still wants to commit is refused
 *
 * Whether a member is alive is what each other one sees by its own clock while it is connected itself, so that an absence of
 * PostgreSQL makes nobody dead. A member counts on its work only as long as its own beat is younger than SURE_MS; the others
 * wait longer than that. DECISIONS.md D-236.
 */
import { Effect } from "effect";
import type { Member, SharedRow } from "../../actors/ports/mod.ts";
import { StoreFailed } from "../../actors/ports/mod.ts";
import type { Owned, Query } from "./postgres-sql.ts";

/** Without a beat for so long a member is removed by the others. */
export const EVICT_MS = 8_000;
/** A member whose own last beat is older starts no work, and ends what is under way. */
export const SURE_MS = 4_000;
/** Between two beats, which are looks at the others too. */
export const BEAT_MS = 500;
/** Of one member, in one query: commits whose shared rows are read. */
const COMMITS_AT_ONCE_MAX = 100n;

export const memberNow = (query: Query, schema: string, id: bigint): Effect.Effect<Owned | undefined, StoreFailed> =>
  Effect.map(query(`SELECT id, batch FROM ${schema}.members WHERE id = $1`, [id]), ([row]) =>
    row === undefined ? undefined : { owner: BigInt(row[0] as bigint), batch: BigInt(row[1] as bigint) },
  );

/** In a transaction, with the tables up to date. The first member names the cluster; while there are some, others need that name. */
export const joinCluster = Effect.fnUntraced(function* (
  query: Query,
  { schema, shown, cluster }: { readonly schema: string; readonly shown: string; readonly cluster: string },
): Effect.fn.Return<Owned, StoreFailed> {
  const [row] = yield* query(
    `SELECT cluster, (SELECT count(*)::integer FROM ${schema}.members) FROM ${schema}.store FOR UPDATE`,
    [],
  );
  if (row?.[0] !== null && row?.[0] !== cluster && Number(row?.[1]) > 0)
    return yield* new StoreFailed({
      reason: "refused",
      why: `${shown}: the servers there are a cluster with other roots (server.cluster-ca-file)`,
    });
  const [next] = yield* query(`UPDATE ${schema}.store SET owner = owner + 1, cluster = $1 RETURNING owner`, [cluster]);
  const owner = BigInt(next?.[0] as bigint);
  yield* query(`INSERT INTO ${schema}.members (id) VALUES ($1)`, [owner]);
  return { owner, batch: 0n };
});

/** What a member has seen of another. */
interface Seen {
  readonly beat: bigint;
  readonly atMs: number;
}

export interface Membership {
  /** The beat, and a look at the others. False: we are a member no more. */
  readonly beat: (query: Query) => Effect.Effect<boolean, StoreFailed>;
  /** Shared rows that others have committed since the last call. */
  readonly changes: (query: Query) => Effect.Effect<ReadonlyArray<SharedRow>, StoreFailed>;
  /** The longest a member first: PostgreSQL gives rows in the order in which they were written last. */
  readonly members: () => ReadonlyArray<Member>;
  readonly isSure: () => boolean;
}

/**
 * `nowMs`: a clock that is not set. What others had committed before `open` is read from the tables, and is no change; commits
 * of members that come and go between two looks are found by the numbers that were given out.
 */
export const openMembership = Effect.fnUntraced(function* (
  query: Query,
  { schema, self, nowMs }: { readonly schema: string; readonly self: bigint; readonly nowMs: () => number },
): Effect.fn.Return<Membership, StoreFailed> {
  const look = `WITH me AS (UPDATE ${schema}.members SET beat = beat + 1 WHERE id = $1 RETURNING id)
    SELECT (SELECT count(*)::integer FROM me), s.owner, m.id, m.batch, m.beat, m.address
    FROM ${schema}.store s LEFT JOIN ${schema}.members m ON true ORDER BY m.id`;
  const feed = `SELECT name, key, value, due, writer FROM ${schema}.rows
    WHERE writer = $1 AND batch > $2 AND batch <= $3 ORDER BY batch, name, key`;
  const evict = `DELETE FROM ${schema}.members WHERE id = $1 AND beat = $2
    AND EXISTS (SELECT FROM ${schema}.members WHERE id = $3) RETURNING id`;

  const seen = new Map<bigint, Seen>();
  /** Of each member that may commit more, or has committed what is not read: the last commit that is read. */
  const read = new Map<bigint, bigint>();
  /** Present members, with their last commit. */
  let present = new Map<bigint, { readonly batch: bigint; readonly address: string | undefined }>();
  let lastId = self;
  let sureAtMs = nowMs();

  for (const [id, batch] of yield* query(`SELECT id, batch FROM ${schema}.members WHERE id <> $1`, [self]))
    read.set(BigInt(id as bigint), BigInt(batch as bigint));

  const beat: Membership["beat"] = Effect.fnUntraced(function* (ask) {
    const askedMs = nowMs();
    const rows = yield* ask(look, [self]);
    const [first] = rows;
    if (first === undefined || first[0] !== 1) return false;
    sureAtMs = askedMs;
    const now = new Map<bigint, { readonly batch: bigint; readonly address: string | undefined }>();
    for (const [, , id, batch, , address] of rows)
      now.set(BigInt(id as bigint), {
        batch: BigInt(batch as bigint),
        address: (address as string | null) ?? undefined,
      });
    present = now;
    const newest = BigInt(first[1] as bigint);
    for (let id = lastId + 1n; id <= newest; id++) read.set(id, read.get(id) ?? 0n);
    lastId = newest > lastId ? newest : lastId;
    for (const [, , rowId, , rowBeat] of rows) {
      const [id, count] = [BigInt(rowId as bigint), BigInt(rowBeat as bigint)];
      if (id === self) continue;
      const before = seen.get(id);
      if (before?.beat !== count) seen.set(id, { beat: count, atMs: nowMs() });
      else if (nowMs() - before.atMs >= EVICT_MS) {
        const [gone] = yield* ask(evict, [id, count, self]);
        if (gone === undefined) continue;
        present.delete(id);
        yield* Effect.logWarning("cluster.evicted", { member: String(id), address: now.get(id)?.address ?? "" });
      }
    }
    for (const id of [...seen.keys()]) if (!present.has(id)) seen.delete(id);
    return true;
  });

  const changes: Membership["changes"] = Effect.fnUntraced(function* (ask) {
    const found: Array<SharedRow> = [];
    const those = present;
    const done = new Map<bigint, bigint | undefined>();
    for (const [writer, from] of read) {
      if (writer === self) continue;
      const last = those.get(writer)?.batch;
      // Of one that is gone nothing more comes: all that it has committed is there.
      const until = last ?? 2n ** 62n;
      for (let after = from; after < until; ) {
        const to =
          last === undefined ? until : after + COMMITS_AT_ONCE_MAX < until ? after + COMMITS_AT_ONCE_MAX : until;
        for (const [table, key, value, due, by] of yield* ask(feed, [writer, after, to]))
          found.push({
            table: String(table),
            key: key as Uint8Array,
            value: value as Uint8Array,
            dueMs: due === null ? undefined : Number(due),
            by: BigInt(by as bigint),
          });
        after = to;
      }
      done.set(writer, last);
    }
    for (const [writer, last] of done) {
      if (last === undefined) read.delete(writer);
      else read.set(writer, last);
    }
    return found;
  });

  return {
    beat,
    changes,
    members: () => [...present].map(([id, { address }]) => ({ id, address, isSelf: id === self })),
    isSure: () => nowMs() - sureAtMs < SURE_MS,
  };
});
