/**
 * The store in PostgreSQL, in one schema of a database that belongs to one server at a time, or to the members of one cluster
 * (postgres-members.ts).
 *
 *   writes --> group.ts --> one statement --> PostgreSQL has it on disk --> each writer is told
 *                               | the connection breaks before the answer
 *                               +--> connect again --> the number of the last commit says whether it is done
 *
 * While PostgreSQL is away, reads and writes fail as `away` at once, but for the commit that was under way: its writers are
 * told when it is known. A connection that is lost is a lost ownership: until the lock is had again, and with it the proof
 * that no other server has come in between, nothing is read or written. DECISIONS.md D-200.
 */
import { randomBytes } from "node:crypto";
import { Clock, Deferred, Effect, Exit, Scope } from "effect";
import { doubling, type RetryMs } from "../../actors/kit/mod.ts";
import {
  type Change,
  type ClusterShape,
  type ReadableStore,
  type Row,
  StoreFailed,
  type StoreShape,
} from "../../actors/ports/mod.ts";
import { CLOSED, groupWrites } from "./group.ts";
import { BEAT_MS, openMembership } from "./postgres-members.ts";
import {
  ANSWER_MS_MAX,
  openSession,
  overtakenBy,
  type Session,
  type SessionOptions,
  takeOwnership,
} from "./postgres-session.ts";
import { type Owned, statementsOf } from "./postgres-sql.ts";
import type { PostgresAddress } from "./postgres-url.ts";
import { boundsOf, rowsOf, tableFault } from "./rules.ts";

/** Between two tries to connect again. */
const AGAIN_MS: RetryMs = [100, 5_000];
/** Between two looks at whether the connection, and the ownership, is still there. */
const LOOK_MS = 1_000;

export interface PostgresOptions {
  readonly address: PostgresAddress;
  /** Its first line is the password. Without it PGPASSWORD, then the password file of libpq. */
  readonly passwordFile?: string | undefined;
  /** How long PostgreSQL may take for an answer before it counts as away. ANSWER_MS_MAX by default. */
  readonly answerMs?: number;
  /** The name of the cluster that this server is a member of. Undefined: the store is its own. */
  readonly cluster?: string | undefined;
}

/** What a member asks of the store beside its rows. */
export interface StoreMembership extends Pick<ClusterShape, "self" | "members" | "changes" | "isSure"> {
  readonly schema: string;
  readonly query: Session["query"];
}

export interface PostgresStore extends StoreShape {
  /** Where it is opened as a member of a cluster. */
  readonly membership: StoreMembership | undefined;
  /** Another server has taken the store: this one can do nothing more with it. */
  readonly lost: Effect.Effect<never, StoreFailed>;
}

/** A connection whose owner we are. */
interface Live extends Owned {
  readonly session: Session;
  readonly scope: Scope.Closeable;
}

/** Open until the scope closes. */
export const openPostgres = Effect.fn("store.postgres")(function* ({
  address,
  passwordFile,
  answerMs = ANSWER_MS_MAX,
  cluster,
}: PostgresOptions): Effect.fn.Return<PostgresStore, StoreFailed, Scope.Scope> {
  const name = `vipr ${randomBytes(6).toString("hex")}`;
  const options: SessionOptions = { address, passwordFile, answerMs, name, cluster };
  const own = yield* Scope.Scope;
  const lost = yield* Deferred.make<never, StoreFailed>();
  /** Undefined while PostgreSQL is away. */
  let live: Live | undefined = yield* connect(options, undefined);
  let { batch, owner } = live;
  let again = Deferred.makeUnsafe<Live, StoreFailed>();
  let fault = CLOSED;
  yield* Effect.addFinalizer(() => (live === undefined ? Effect.void : Scope.close(live.scope, Exit.void)));
  // After those who write: what they have under way counts.
  if (cluster !== undefined)
    yield* Effect.addFinalizer(() =>
      Effect.ignore(withLive(({ session }) => session.query(statementsOf(address.schema).leave, [owner]))),
    );

  const lose = (why: StoreFailed) => {
    fault = why;
    live = undefined;
    refuseWaiting(why);
    Deferred.doneUnsafe(lost, Effect.fail(why));
    Deferred.doneUnsafe(again, Effect.fail(why));
  };

  /** What it was that broke is told once for each connection. Who has found it may be interrupted: the store is not. */
  const broken = Effect.fnUntraced(function* (one: Live, { reason, why }: StoreFailed) {
    if (live !== one) return;
    live = undefined;
    fault = new StoreFailed({ reason: "away", why: `${address.shown} does not answer: ${why}` });
    again = Deferred.makeUnsafe();
    refuseWaiting(fault);
    yield* Effect.logWarning("store.away", { reason, why: fault.why });
    yield* Effect.forkIn(Effect.andThen(Scope.close(one.scope, Exit.void), reconnect({ owner, batch })), own);
  }, Effect.uninterruptible);

  const reconnect = Effect.fnUntraced(function* (before: Owned) {
    const fromMs = yield* Clock.currentTimeMillis;
    const tried = Effect.tapError(connect(options, before), ({ why }) =>
      Effect.sync(() => {
        fault = new StoreFailed({ reason: "away", why: `${address.shown} does not answer: ${why}` });
      }),
    );
    const found = yield* Effect.result(
      Effect.retry(tried, { while: ({ reason }) => reason !== "locked", schedule: doubling(AGAIN_MS) }),
    );
    if (found._tag === "Failure") {
      yield* Effect.logError("store.lost", found.failure.why);
      return lose(found.failure);
    }
    live = found.success;
    yield* Effect.logWarning("store.back", { awayMs: (yield* Clock.currentTimeMillis) - fromMs });
    Deferred.doneUnsafe(again, Effect.succeed(found.success));
  });

  /** With the connection that is there, or not at all. */
  const withLive = <A>(ask: (one: Live) => Effect.Effect<A, StoreFailed>): Effect.Effect<A, StoreFailed> =>
    Effect.suspend(() => {
      const one = live;
      if (one === undefined) return Effect.fail(fault);
      return Effect.tapError(ask(one), (failed) => (failed.reason === "away" ? broken(one, failed) : Effect.void));
    });

  const commit = (changes: ReadonlyArray<Change>): Effect.Effect<void, StoreFailed> =>
    Effect.suspend(() => {
      const number = ++batch;
      if (live === undefined) return Effect.fail(fault);
      return Effect.matchEffect(
        withLive(({ session }) => session.commit(number, owner, changes)),
        {
          onSuccess: (isDone) => (isDone ? Effect.void : overtaken),
          onFailure: (failed) => (failed.reason === "away" ? settled(number, changes) : Effect.fail(failed)),
        },
      );
    });
  /** Done before the connection broke, or else not at all: then it is done now. */
  const settled = (number: bigint, changes: ReadonlyArray<Change>) =>
    Effect.flatMap(Deferred.await(again), (next) => (next.batch === number ? Effect.void : commit(changes)));
  const overtaken = Effect.suspend(() => {
    const why = overtakenBy(address.shown, cluster);
    lose(why);
    return Effect.andThen(Effect.logError("store.lost", why.why), Effect.fail(why));
  });

  const { isClosed, refuseWaiting, write } = yield* groupWrites({
    commit,
    flush: Effect.void,
    fault: () => (live === undefined ? fault : undefined),
  });
  const query: Session["query"] = (sql, parameters) => withLive(({ session }) => session.query(sql, parameters));
  const members =
    cluster === undefined
      ? undefined
      : yield* openMembership(query, { schema: address.schema, self: owner, nowMs: () => performance.now() });
  const look: Effect.Effect<unknown, StoreFailed> =
    members === undefined
      ? query(statementsOf(address.schema).state, [])
      : Effect.flatMap(members.beat(query), (isMember) => (isMember ? Effect.void : Effect.ignore(overtaken)));
  if (members !== undefined) yield* look;
  const lookMs = members === undefined ? LOOK_MS : BEAT_MS;
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(lookMs), Effect.ignore(look))));
  // Before those who write are waited for: no further connection comes that could settle what they wait for.
  yield* Effect.addFinalizer(() => Effect.sync(() => live === undefined && lose(CLOSED)));
  return {
    write,
    ...readsOf(address.schema, query, isClosed),
    lost: Deferred.await(lost),
    membership: members && {
      schema: address.schema,
      self: owner,
      query,
      members: members.members,
      changes: members.changes(query),
      isSure: members.isSure,
    },
  };
});

/** In a scope of its own, which closes where it fails. */
const connect = Effect.fnUntraced(function* (options: SessionOptions, before: Owned | undefined) {
  const scope = yield* Scope.make();
  const opened = Effect.gen(function* () {
    const session = yield* openSession(options);
    return { session, scope, ...(yield* takeOwnership(session, options, before)) };
  });
  return yield* opened.pipe(
    Scope.provide(scope),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))),
  );
});

/** What a schema is asked for; `query` may be anybody's. */
export const readsOf = (schema: string, query: Session["query"], isClosed: () => boolean): ReadableStore => {
  const statements = statementsOf(schema);
  const asked = (table: string, sql: string, parameters: ReadonlyArray<unknown>) =>
    Effect.suspend(() => {
      const fault = isClosed() ? CLOSED : tableFault(table);
      return fault === undefined ? query(sql, [table, ...parameters]) : Effect.fail(fault);
    });
  return {
    read: (table, key) =>
      Effect.map(asked(table, statements.read, [key]), ([row]) => row?.[0] as Uint8Array | undefined),
    scan: (table, of = {}) => {
      const { isPast, from, end } = boundsOf(of);
      const bounds = [from, rowsOf(of.rowsMax), ...(end === undefined ? [] : [end])];
      return Effect.map(asked(table, statements.scan(isPast, end !== undefined), bounds), (rows) => rows.map(rowOf));
    },
    due: (table, untilMs, rowsMax) =>
      Effect.map(asked(table, statements.due, [untilMs, rowsOf(rowsMax)]), (rows) => rows.map(rowOf)),
  };
};

const rowOf = ([key, value, due]: ReadonlyArray<unknown>): Row => ({
  key: key as Uint8Array,
  value: value as Uint8Array,
  dueMs: due === null ? undefined : Number(due),
});
