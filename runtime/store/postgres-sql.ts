/**
 * What PostgreSQL is asked, in one schema of a database:
 *
 *   store    one row: the version of these tables, the owner's number, the number of its last commit; the cluster's name
 *   members  of a cluster: number, number of the last commit, beats, address
 *   shards   shard -> the member that holds it; a member that goes takes its rows along
 *   rows     table, key -> value, due; of those that members share: by whom, in which commit
 *
 * Both keys compare by their bytes. A commit is one statement, and so one transaction and one answer; it does nothing unless
 * the owner is still the one that asks, or the member is still one.
 */
import type { Effect } from "effect";
import type { Change, StoreFailed } from "../../actors/ports/mod.ts";

export type Rows = ReadonlyArray<ReadonlyArray<unknown>>;
export type Query = (sql: string, parameters: ReadonlyArray<unknown>) => Effect.Effect<Rows, StoreFailed>;

/** An owner, or a member of a cluster. */
export interface Owned {
  readonly owner: bigint;
  /** Of the last commit that is done. */
  readonly batch: bigint;
}

/** Also the largest of what PostgreSQL takes unquoted. */
export const isSchemaName = (name: string): boolean => /^[a-z_][a-z0-9_]{0,62}$/.test(name);

/** Each brings the tables of the version before it to its own; the first makes them. Never changed, only added to. */
export const migrationsOf = (schema: string): ReadonlyArray<ReadonlyArray<string>> => [
  [
    `CREATE TABLE ${schema}.store (
       one boolean PRIMARY KEY DEFAULT true CHECK (one),
       version integer NOT NULL,
       owner bigint NOT NULL,
       batch bigint NOT NULL)`,
    `INSERT INTO ${schema}.store VALUES (true, 0, 0, 0)`,
    `CREATE TABLE ${schema}.rows (
       name text COLLATE "C" NOT NULL,
       key bytea NOT NULL,
       value bytea NOT NULL,
       due bigint,
       PRIMARY KEY (name, key))`,
    `CREATE INDEX due ON ${schema}.rows (name, due, key) WHERE due IS NOT NULL`,
  ],
  [
    `ALTER TABLE ${schema}.store ADD COLUMN cluster text`,
    `CREATE TABLE ${schema}.members (
       id bigint PRIMARY KEY,
       batch bigint NOT NULL DEFAULT 0,
       beat bigint NOT NULL DEFAULT 0,
       address text,
       runner text,
       healthy boolean NOT NULL DEFAULT true)`,
    `CREATE TABLE ${schema}.shards (
       shard text PRIMARY KEY,
       member bigint NOT NULL REFERENCES ${schema}.members ON DELETE CASCADE)`,
    `CREATE INDEX held ON ${schema}.shards (member)`,
    `ALTER TABLE ${schema}.rows ADD COLUMN writer bigint, ADD COLUMN batch bigint`,
    `CREATE INDEX shared ON ${schema}.rows (writer, batch) WHERE writer IS NOT NULL`,
  ],
];
export const VERSION: number = migrationsOf("vipr").length;

/** Sent with the connection: every statement goes by an index, also before PostgreSQL has counted the rows. */
export const SESSION: Readonly<Record<string, string>> = {
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  enable_bitmapscan: "off",
  jit: "off",
  statement_timeout: "0",
  // A server that has lost its client lets go of the ownership after half a minute.
  tcp_keepalives_idle: "15",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
};

export const statementsOf = (schema: string) => ({
  read: `SELECT value FROM ${schema}.rows WHERE name = $1 AND key = $2`,
  scan: (isPast: boolean, hasEnd: boolean): string =>
    `SELECT key, value, due FROM ${schema}.rows WHERE name = $1 AND key ${isPast ? ">" : ">="} $2` +
    `${hasEnd ? " AND key < $4" : ""} ORDER BY key LIMIT $3`,
  due: `SELECT key, value, due FROM ${schema}.rows
        WHERE name = $1 AND due IS NOT NULL AND due <= $2 ORDER BY due, key LIMIT $3`,
  state: `SELECT version, owner, batch FROM ${schema}.store`,
  /** One owner alone: whoever is a member of a cluster is so no more. */
  own: `WITH gone AS (DELETE FROM ${schema}.members)
    UPDATE ${schema}.store SET owner = owner + 1, cluster = NULL RETURNING owner, batch`,
  /** Parameters: the commit's number, the owner's; tables, keys to remove; tables, keys, values, times, writers to put. */
  commit: commitOf(schema, `UPDATE ${schema}.store SET batch = $1 WHERE owner = $2 RETURNING 1`),
  leave: `DELETE FROM ${schema}.members WHERE id = $1`,
  /** The same of a member. */
  memberCommit: commitOf(schema, `UPDATE ${schema}.members SET batch = $1 WHERE id = $2 RETURNING 1`),
});

const commitOf = (schema: string, mine: string): string =>
  `WITH mine AS (${mine}),
    removed AS (DELETE FROM ${schema}.rows r USING unnest($3::text[], $4::bytea[]) AS g (name, key)
      WHERE r.name = g.name COLLATE "C" AND r.key = g.key AND EXISTS (SELECT FROM mine)),
    put AS (INSERT INTO ${schema}.rows (name, key, value, due, writer, batch)
      SELECT p.name, p.key, p.value, p.due, p.writer, CASE WHEN p.writer IS NOT NULL THEN $1::bigint END
        FROM unnest($5::text[], $6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[])
        AS p (name, key, value, due, writer) WHERE EXISTS (SELECT FROM mine)
      ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, due = excluded.due, writer = excluded.writer,
        batch = excluded.batch)
    SELECT count(*)::integer AS owned FROM mine`;

/** The last change of each key: one statement changes no row twice. */
export const lastOfEach = (changes: ReadonlyArray<Change>): ReadonlyArray<Change> => {
  if (changes.length < 2) return changes;
  const last = new Map<string, Change>();
  for (const change of changes) last.set(`${change.table} ${Buffer.from(change.key).toString("latin1")}`, change);
  return [...last.values()];
};

/** So that no message grows beyond what both sides take. One change alone may be as large as a value may. */
const PART_BYTES_MAX = 8_388_608;

/** In their order; one part where they are small. */
export const partsOf = (changes: ReadonlyArray<Change>): ReadonlyArray<ReadonlyArray<Change>> => {
  const parts: Array<Array<Change>> = [[]];
  let bytes = 0;
  for (const change of changes) {
    const size = change.key.length + (change.type === "put" ? change.value.length : 0);
    if (bytes + size > PART_BYTES_MAX && parts.at(-1)!.length > 0) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)!.push(change);
  }
  return parts;
};
