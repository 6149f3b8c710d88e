/**
 * One connection to PostgreSQL: who owns the store, and commits of the owner's.
 *
 *   connect --> the advisory lock of this store --> tables brought up to date --> owner's number --> commits, reads
 *
 * The lock lasts as long as the connection, and PostgreSQL lets go of it once what was under way there has ended. The owner's
 * number is compared by every commit, so that nobody writes who has lost the lock without having noticed.
 */
import { createHash } from "node:crypto";
import { Effect, Redacted, Result, Schedule, type Scope } from "effect";
import { type Change, StoreFailed } from "../../actors/ports/mod.ts";
import { pgFault } from "./postgres-faults.ts";
import { joinCluster, memberNow } from "./postgres-members.ts";
import {
  lastOfEach,
  migrationsOf,
  type Owned,
  partsOf,
  type Query,
  type Rows,
  SESSION,
  statementsOf,
  VERSION,
} from "./postgres-sql.ts";
import { type PostgresAddress, passwordOf } from "./postgres-url.ts";

/** Whoever does not answer for so long is taken for gone; what was asked of it is settled on the next connection. */
export const ANSWER_MS_MAX = 15_000;
const CONNECT_MS_MAX = 5_000;
/** With all that is said until the connection is ready: something between may take it, and say nothing. */
const READY_MS_MAX = 10_000;
/** An owner that was killed has its lock until PostgreSQL has noticed. */
const LOCK_TRIES_MAX = 20;
const LOCK_AGAIN_MS = 100;
/** "ViPR": the advisory locks of this program. */
const LOCKS = 0x56695052;

export interface Session {
  readonly query: Query;
  /** Whether it is done; it is not where another is the owner now. */
  readonly commit: (
    number: bigint,
    owner: bigint,
    changes: ReadonlyArray<Change>,
  ) => Effect.Effect<boolean, StoreFailed>;
  /** In one transaction that nothing else of this connection comes between. */
  readonly together: <A>(
    begin: string,
    work: (inside: Pick<Session, "query" | "commit">) => Effect.Effect<A, StoreFailed>,
  ) => Effect.Effect<A, StoreFailed>;
}

export interface SessionOptions {
  readonly address: PostgresAddress;
  readonly passwordFile: string | undefined;
  /** As PostgreSQL shows it in its list of connections. */
  readonly name: string;
  readonly answerMs: number;
  /** As a member of the cluster of that name, beside others. Undefined: as the one owner. */
  readonly cluster?: string | undefined;
}

/** The driver is loaded here: a program whose store is a file never has it. */
const driver = Effect.promise(() =>
  Promise.all([import("@effect/sql-pg/PgConnection"), import("@effect/sql-pg/PgTypes")]),
);

/** Until the scope closes. */
export const openSession = Effect.fnUntraced(function* ({
  address,
  passwordFile,
  name,
  answerMs,
  cluster,
}: SessionOptions): Effect.fn.Return<Session, StoreFailed, Scope.Scope> {
  const [{ make }, types] = yield* driver;
  const password = yield* Effect.try({
    try: () => passwordOf(address, passwordFile),
    catch: (cause) => new StoreFailed({ reason: "refused", why: `no password: ${(cause as Error).message}` }),
  });
  const connecting = Effect.mapError(
    make({
      url: Redacted.make(address.url),
      ...(password === undefined ? {} : { password: Redacted.make(password) }),
      applicationName: name,
      startupParameters: SESSION,
      connectTimeout: CONNECT_MS_MAX,
      keepAlive: "15 seconds",
      // Reads and commits share the connection; who gives up waiting for a read cancels nothing of the others.
      multiplex: true,
    }),
    pgFault,
  );
  const connection = yield* Effect.timeoutOrElse(connecting, {
    duration: READY_MS_MAX,
    orElse: () => Effect.fail(new StoreFailed({ reason: "away", why: `not ready for ${READY_MS_MAX / 1_000} s` })),
  });
  const asked =
    (on: Pick<typeof connection, "queryValues">): Session["query"] =>
    (sql, parameters) =>
      on.queryValues(sql, parameters).pipe(
        Effect.mapError(pgFault),
        Effect.timeoutOrElse({
          duration: answerMs,
          orElse: () => Effect.fail(new StoreFailed({ reason: "away", why: `no answer for ${answerMs / 1_000} s` })),
        }),
      );
  const query = asked(connection);
  const together: Session["together"] = (begin, work) =>
    Effect.scoped(
      Effect.gen(function* () {
        const own = asked(yield* connection.pin);
        yield* own(begin, []);
        const inside = {
          query: own,
          commit: (number: bigint, owner: bigint, changes: ReadonlyArray<Change>) =>
            allOf(own, number, owner, partsOf(lastOfEach(changes))),
        };
        const done = yield* Effect.result(work(inside));
        // Where the connection is gone, so is the transaction.
        if (Result.isFailure(done)) yield* Effect.ignore(own("ROLLBACK", []));
        else yield* own("COMMIT", []);
        return yield* Effect.fromResult(done);
      }),
    );
  const { commit, memberCommit } = statementsOf(address.schema);
  const statement = cluster === undefined ? commit : memberCommit;
  const arrayOf = (values: ReadonlyArray<unknown>, oid: number) => Result.getOrThrow(types.array(values, oid));
  const parametersOf = (number: bigint, owner: bigint, changes: ReadonlyArray<Change>) => {
    const [puts, removes] = [changes.filter(isPut), changes.filter((change) => !isPut(change))];
    const { bytea, int8, text } = types.OID;
    return [
      types.int8(number),
      types.int8(owner),
      arrayOf(
        removes.map(({ table }) => table),
        text,
      ),
      arrayOf(
        removes.map(({ key }) => key),
        bytea,
      ),
      arrayOf(
        puts.map(({ table }) => table),
        text,
      ),
      arrayOf(
        puts.map(({ key }) => key),
        bytea,
      ),
      arrayOf(
        puts.map(({ value }) => value),
        bytea,
      ),
      arrayOf(
        puts.map(({ dueMs }) => (dueMs === undefined ? null : BigInt(dueMs))),
        int8,
      ),
      arrayOf(
        puts.map(({ isShared }) => (isShared === true && cluster !== undefined ? owner : null)),
        int8,
      ),
    ];
  };
  const one = (on: Session["query"], number: bigint, owner: bigint, part: ReadonlyArray<Change>) =>
    Effect.map(on(statement, parametersOf(number, owner, part)), ([row]) => row?.[0] === 1);
  const allOf = (on: Session["query"], number: bigint, owner: bigint, parts: ReadonlyArray<ReadonlyArray<Change>>) =>
    Effect.map(
      Effect.forEach(parts, (part) => one(on, number, owner, part)),
      (owned) => owned.every(Boolean),
    );
  yield* refuseUnsafe(query);
  return {
    query,
    together,
    commit: (number, owner, changes) => {
      const parts = partsOf(lastOfEach(changes));
      if (parts.length === 1) return one(query, number, owner, parts[0]!);
      return together("BEGIN", (inside) => allOf(inside.query, number, owner, parts));
    },
  };
});

type Put = Extract<Change, { readonly type: "put" }>;
const isPut = (change: Change): change is Put => change.type === "put";

/** What is acknowledged is on disk: a server that does not keep that promise is no store. */
const refuseUnsafe = Effect.fnUntraced(function* (query: Session["query"]) {
  const [row] = yield* query("SELECT current_setting('fsync'), current_setting('synchronous_commit')", []);
  if (row?.[0] === "off")
    return yield* new StoreFailed({
      reason: "failed",
      why: "fsync is off in this PostgreSQL: it would lose what it has confirmed",
    });
  if (row?.[1] === "off") yield* query("SET synchronous_commit = on", []);
});

/**
 * `before`: what this owner had on a connection that is lost; fails as `locked` where another has come since, or the member was
 * taken for dead. Members of one cluster share the advisory lock, a single owner has it alone.
 */
export const takeOwnership = Effect.fnUntraced(function* (
  { query, together }: Session,
  { address: { schema, shown }, name, cluster }: SessionOptions,
  before: Owned | undefined,
): Effect.fn.Return<Owned, StoreFailed> {
  const number = createHash("sha256").update(schema).digest().readInt32BE(0);
  const { own, state } = statementsOf(schema);
  const overtaken = overtakenBy(shown, cluster);
  const ownerNow =
    cluster === undefined
      ? Effect.map(query(state, []), ([row]) => ownedOf([row?.slice(1) ?? []]))
      : Effect.map(memberNow(query, schema, before?.owner ?? 0n), (now) => now ?? { owner: 0n, batch: 0n });
  const take = cluster === undefined ? "pg_try_advisory_lock" : "pg_try_advisory_lock_shared";
  const lock = Effect.gen(function* () {
    if (before !== undefined) {
      if ((yield* ownerNow).owner !== before.owner) return yield* overtaken;
      // A connection of our own that the server has not given up yet.
      yield* query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()",
        [name],
      );
    }
    const [row] = yield* query(`SELECT ${take}(${LOCKS}, ${number})`, []);
    if (row?.[0] !== true) return yield* new StoreFailed({ reason: "busy", why: overtaken.why });
  });
  yield* Effect.retry(lock, {
    while: ({ reason }) => reason === "busy",
    times: LOCK_TRIES_MAX,
    schedule: Schedule.spaced(LOCK_AGAIN_MS),
  }).pipe(
    Effect.mapError((failed) => {
      if (failed.reason !== "busy") return failed;
      return before === undefined
        ? new StoreFailed({ reason: "locked", why: `${shown}: another server has this store open` })
        : new StoreFailed({ reason: "away", why: "it has not given up the connection before this one" });
    }),
  );
  if (before === undefined)
    return yield* together("BEGIN", (inside) =>
      Effect.gen(function* () {
        // Members start beside each other, and one of them brings the tables up to date.
        yield* inside.query(`SELECT pg_advisory_xact_lock(${LOCKS + 1}, ${number})`, []);
        yield* migrate(inside.query, schema, shown);
        return cluster === undefined
          ? ownedOf(yield* inside.query(own, []))
          : yield* joinCluster(inside.query, { schema, shown, cluster });
      }),
    );
  const now = yield* ownerNow;
  return now.owner === before.owner ? now : yield* overtaken;
});

/** What a server learns that is the owner no more, or no member. */
export const overtakenBy = (shown: string, cluster: string | undefined): StoreFailed =>
  new StoreFailed({
    reason: "locked",
    why:
      cluster === undefined
        ? `${shown}: another server has this store open`
        : `${shown}: the others of the cluster have taken this server for dead`,
  });

const ownedOf = ([row]: Rows): Owned => ({ owner: BigInt(row?.[0] as bigint), batch: BigInt(row?.[1] as bigint) });

/** The version of the tables that are there; undefined where there are none. */
export const versionOf = Effect.fnUntraced(function* (query: Session["query"], schema: string, shown: string) {
  const there = yield* query(
    "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'",
    [schema],
  );
  if (there.length === 0) return undefined;
  if (!there.some(([name]) => name === "store"))
    return yield* new StoreFailed({
      reason: "malformed",
      why: `${shown}: the schema ${schema} has another program's tables`,
    });
  const [row] = yield* query(`SELECT version FROM ${schema}.store`, []);
  const version = Number(row?.[0]);
  if (version > VERSION)
    return yield* new StoreFailed({
      reason: "malformed",
      why: `${shown}: version ${version} of the store is newer than this program's, ${VERSION}`,
    });
  return version;
});

const migrate = Effect.fnUntraced(function* (query: Session["query"], schema: string, shown: string) {
  const version = yield* versionOf(query, schema, shown);
  if (version === VERSION) return;
  if (version === undefined) yield* query(`CREATE SCHEMA IF NOT EXISTS ${schema}`, []);
  for (const statement of migrationsOf(schema)
    .slice(version ?? 0)
    .flat())
    yield* query(statement, []);
  yield* query(`UPDATE ${schema}.store SET version = ${VERSION}`, []);
});
