/**
 * The ViPR servers of a call agent: the primary, and a backup for as long as the primary is away.
 * draft-jennings-vipr-vap-02 §9; docs/protocol/vap.md#primary-and-backup.
 *
 *   numbers, VService --> both                  calls received --> the current one, and the other when it is up
 *                                               calls sent ------> the current one
 *   current: the primary while it is up --lost for `failoverAfterMs`--> the backup --primary is up--> the primary
 *
 * What is under way at a server that stays up is finished there. What a lost server has not acknowledged goes to the other
 * one; should the first have stored it all the same, a call is proved by both, which adds nothing to either's sum.
 * DECISIONS.md D-113.
 */
import { Effect, FiberHandle, Option, type Scope, Stream, SubscriptionRef } from "effect";
import type { NumberList } from "../../codecs/numbers/mod.ts";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { VService } from "../../codecs/vap/mod.ts";
import type { VapClient, VapRefused } from "../vap/mod.ts";

/** How long the primary may be away before the backup stands in: longer than a restart of its process. */
export const FAILOVER_AFTER_MS = 15_000;
/** Numbers given to a session at once; progress is reported after each such part. */
const NUMBERS_AT_ONCE_MAX = 64;

export interface NamedServer {
  /** For the operator: `primary 192.0.2.1:5620`. */
  readonly name: string;
  readonly client: Pick<VapClient, "publishVService" | "publishNumbers" | "unpublishNumbers" | "uploadVcr" | "state">;
}
export interface PublishProgress {
  readonly server: string;
  readonly done: number;
  readonly failed: number;
  readonly of: number;
}
export interface Servers {
  /** Succeeds when the server that is current by then has acknowledged it, however long both are away. */
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void, VapRefused>;
  /** At each server, one after another, each for itself; succeeds when every one has answered for every number. */
  readonly publish: (
    document: VService,
    numbers: NumberList,
    progress: (progress: PublishProgress) => Effect.Effect<void>,
  ) => Effect.Effect<void, VapRefused>;
  /** At each server: they are ours no more. */
  readonly unpublish: (numbers: NumberList) => Effect.Effect<void>;
  readonly report: Effect.Effect<
    ReadonlyArray<{ readonly name: string; readonly isUp: boolean; readonly why: string }>
  >;
}

/** Until the scope closes. The first is the primary; one or two. */
export const openServers = Effect.fn("agent.servers")(function* (
  primary: NamedServer,
  backup?: NamedServer,
  { failoverAfterMs = FAILOVER_AFTER_MS }: { readonly failoverAfterMs?: number } = {},
): Effect.fn.Return<Servers, never, Scope.Scope> {
  const all = backup === undefined ? [primary] : [primary, backup];
  const current = yield* SubscriptionRef.make<NamedServer | undefined>(undefined);
  yield* followCurrent(current, primary, backup, failoverAfterMs);

  const toCurrent = (vcr: Vcr): Effect.Effect<NamedServer, VapRefused> =>
    Effect.gen(function* () {
      const server = yield* firstOf(current, (server) => server !== undefined);
      const isDone = yield* Effect.raceFirst(
        Effect.as(server!.client.uploadVcr(vcr), true),
        Effect.as(isGivenUp(current, server!), false),
      );
      return isDone ? server! : yield* toCurrent(vcr);
    });
  const alsoTo = (server: NamedServer, vcr: Vcr): Effect.Effect<void> =>
    Effect.raceFirst(
      Effect.ignore(server.client.uploadVcr(vcr)),
      Effect.asVoid(firstOf(server.client.state, ({ isUp }) => !isUp)),
    );
  const uploadVcr: Servers["uploadVcr"] = Effect.fnUntraced(function* (vcr) {
    const first = yield* toCurrent(vcr);
    if (vcr.direction === "received")
      yield* Effect.forEach(
        all.filter((server) => server !== first),
        (server) => alsoTo(server, vcr),
        { discard: true },
      );
  });
  return {
    uploadVcr,
    publish: (document, numbers, progress) =>
      Effect.forEach(all, (server) => publishAt(server, document, numbers, progress), {
        concurrency: all.length,
        discard: true,
      }),
    unpublish: ({ each }) => Effect.forEach(all, ({ client }) => client.unpublishNumbers(each), { discard: true }),
    report: Effect.sync(() => all.map(({ name, client }) => ({ name, ...SubscriptionRef.getUnsafe(client.state) }))),
  } satisfies Servers as Servers;
});

/** Keeps `current` true to which servers are up. */
const followCurrent = Effect.fnUntraced(function* (
  current: SubscriptionRef.SubscriptionRef<NamedServer | undefined>,
  primary: NamedServer,
  backup: NamedServer | undefined,
  failoverAfterMs: number,
) {
  const isUp = (server: NamedServer) => SubscriptionRef.getUnsafe(server.client.state).isUp;
  const use = (server: NamedServer | undefined) =>
    Effect.suspend(() => {
      const before = SubscriptionRef.getUnsafe(current);
      if (before === server) return Effect.void;
      const said =
        server === backup && server !== undefined
          ? Effect.logWarning("agent.failover", { to: server.name })
          : Effect.logInfo("agent.server", { now: server?.name ?? "none" });
      return Effect.andThen(said, SubscriptionRef.set(current, server));
    });
  // The primary has its time to come, at the start and after each loss; once it is over the backup is used at once.
  let isPatient = true;
  const decide = Effect.gen(function* () {
    if (isUp(primary)) {
      isPatient = true;
      return yield* use(primary);
    }
    if (backup === undefined) return;
    if (isPatient) yield* Effect.sleep(failoverAfterMs);
    isPatient = false;
    yield* use(isUp(backup) ? backup : undefined);
  });
  const deciding = yield* FiberHandle.make<void>();
  const upDowns = (server: NamedServer) =>
    Stream.changes(Stream.map(SubscriptionRef.changes(server.client.state), ({ isUp }) => isUp));
  const both = backup === undefined ? upDowns(primary) : Stream.merge(upDowns(primary), upDowns(backup));
  yield* Effect.forkScoped(Stream.runForEach(both, () => FiberHandle.run(deciding, decide)));
});

/** The server is down, and another has its place. */
const isGivenUp = (current: SubscriptionRef.SubscriptionRef<NamedServer | undefined>, server: NamedServer) =>
  firstOf(
    current,
    (now) => now !== server && now !== undefined && !SubscriptionRef.getUnsafe(server.client.state).isUp,
  );

const firstOf = <A>(ref: SubscriptionRef.SubscriptionRef<A>, is: (value: A) => boolean): Effect.Effect<A> =>
  Effect.flatMap(Stream.runHead(Stream.filter(SubscriptionRef.changes(ref), is)), (found) =>
    Option.isSome(found) ? Effect.succeed(found.value) : Effect.never,
  );

const publishAt = Effect.fnUntraced(function* (
  { name, client }: NamedServer,
  document: VService,
  { count, each }: NumberList,
  progress: (progress: PublishProgress) => Effect.Effect<void>,
) {
  yield* client.publishVService(document);
  let [done, failed] = [0, 0];
  for (const part of partsOf(each)) {
    const results = yield* client.publishNumbers(part);
    const stored = results.filter(({ result }) => result.type === "done").length;
    done += stored;
    failed += results.length - stored;
    yield* progress({ server: name, done, failed, of: count });
  }
});

function* partsOf(numbers: Iterable<E164>): Generator<ReadonlyArray<E164>> {
  let part: Array<E164> = [];
  for (const number of numbers) {
    part.push(number);
    if (part.length < NUMBERS_AT_ONCE_MAX) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
