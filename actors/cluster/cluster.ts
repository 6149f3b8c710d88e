/**
 * The work of a company's servers, placed by Effect's cluster: each part of the VServices is a singleton there, on the member
 * that holds its shard.
 *
 *   shards <-- hash ring over the members --> acquired in the store --> singleton "vservices/7" --> Work.acquire
 *     '-- given up, or the store away --> interrupted --> Work.release
 *
 * Nothing is sent through the cluster but what an operator asks for: uploads, proofs and routes go by the store. Messages are
 * never stored there, so that a timeout leaves nothing behind. DECISIONS.md D-235, D-237.
 */
import { Context, Effect, FiberSet, Layer, Option, References, Schedule, type Scope, Semaphore } from "effect";
import * as EntityId from "effect/cluster/EntityId";
import * as MessageStorage from "effect/cluster/MessageStorage";
import * as RunnerAddress from "effect/cluster/RunnerAddress";
import * as RunnerHealth from "effect/cluster/RunnerHealth";
import * as RunnerServer from "effect/cluster/RunnerServer";
import * as RunnerStorage from "effect/cluster/RunnerStorage";
import * as Runners from "effect/cluster/Runners";
import * as Sharding from "effect/cluster/Sharding";
import * as ShardingConfig from "effect/cluster/ShardingConfig";
import * as RpcClient from "effect/rpc/RpcClient";
import * as RpcSerialization from "effect/rpc/RpcSerialization";
import * as RpcServer from "effect/rpc/RpcServer";
import * as Socket from "effect/socket/Socket";
import * as SocketServer from "effect/socket/SocketServer";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { seldomSaid } from "../kit/mod.ts";
import {
  type ClusterShape,
  type Credentials,
  Dialer,
  type Listener,
  type ListenFailed,
  PARTITIONS,
  type StoreFailed,
  type Work,
} from "../ports/mod.ts";
import { runnerStorage, type SharedShards } from "./runners.ts";
import { dialled, listenForRunners } from "./sockets.ts";

/** Effect's name of the only group. */
const SHARD_GROUP = "default";
/** Shards, over which the parts are spread. */
const SHARDS = 64;
/**
 * Between two looks at whether the shards are still ours. It is also how long the store may take for that, before every part is
 * given up: a store under load is slower than a second.
 */
const REFRESH_MS = 3_000;
/** Effect's own bound; what decides is the store, which removes a member earlier (runtime/store/postgres-members.ts). */
const EXPIRATION_MS = 9_000;
const ASSIGN_MS = 500;
/** So that parts which come together are read together. */
const TOGETHER_MS = 30;
const AGAIN_MS = 500;

export interface ClusterOptions {
  /** Where this member's runner listens. */
  readonly listen: Endpoint;
  /** Where the others reach it, if that is another address. */
  readonly advertise?: Endpoint | undefined;
  /** Of this member, under roots that certify members of this cluster and nobody else. */
  readonly credentials: Credentials;
  readonly membership: Pick<ClusterShape, "self" | "members" | "changes" | "isSure">;
  readonly shards: SharedShards;
}

export interface OpenCluster extends ClusterShape {
  /** Where the runner listens. */
  readonly at: Endpoint;
  readonly sharding: Sharding.Sharding["Service"];
  /** How many parts each member holds. */
  readonly holders: Effect.Effect<ReadonlyMap<bigint, number>, StoreFailed>;
}

/** A member until the scope closes, which gives up what it holds. */
export const openCluster = Effect.fn("cluster")(function* (
  options: ClusterOptions,
): Effect.fn.Return<OpenCluster, ListenFailed, Dialer | Listener | Scope.Scope> {
  const { credentials, membership } = options;
  const refused = yield* strangers;
  const { server, at } = yield* listenForRunners(options.listen, credentials, refused);
  const reached = options.advertise ?? at;
  const sharding = yield* runSharding(options, server, reached);
  const acquired = new Set<number>();

  const hold = Effect.fnUntraced(function* (work: Work) {
    const level = yield* References.MinimumLogLevel;
    const pending = new Set<number>();
    const oneByOne = Semaphore.withPermit(yield* Semaphore.make(1));
    const take = (partition: number) =>
      oneByOne(
        Effect.suspend(() => {
          if (acquired.has(partition)) return Effect.void;
          const some = new Set(pending);
          return Effect.andThen(
            Effect.uninterruptible(work.acquire(some)),
            Effect.suspend(() => {
              for (const one of some) {
                acquired.add(one);
                pending.delete(one);
              }
              return Effect.logInfo("cluster.holds", { taken: some.size, parts: acquired.size });
            }),
          );
        }),
      );
    const give = (partition: number) =>
      Effect.flatMap(
        oneByOne(
          Effect.sync(() => {
            pending.delete(partition);
            return acquired.delete(partition);
          }),
        ),
        (isOurs) =>
          isOurs
            ? Effect.andThen(
                work.release(new Set([partition])),
                Effect.suspend(() =>
                  acquired.size === 0 ? Effect.logInfo("cluster.holds", { parts: 0 }) : Effect.void,
                ),
              )
            : Effect.void,
      );
    const run = (partition: number) =>
      Effect.gen(function* () {
        pending.add(partition);
        yield* Effect.addFinalizer(() => give(partition));
        yield* Effect.sleep(TOGETHER_MS);
        yield* Effect.retry(take(partition), Schedule.spaced(AGAIN_MS));
        yield* Effect.never;
      }).pipe(Effect.provideService(References.MinimumLogLevel, level));
    for (let partition = 0; partition < PARTITIONS; partition++)
      yield* sharding.registerSingleton(partName(partition), run(partition));
  });

  const shardOf = (partition: number) => String(sharding.getShardId(EntityId.make(partName(partition)), SHARD_GROUP));
  const holders = Effect.map(options.shards.holders, (all) => {
    const [memberOf, parts] = [new Map(all), new Map<bigint, number>()];
    for (const { id } of membership.members()) parts.set(id, 0);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const member = memberOf.get(shardOf(partition));
      if (member !== undefined) parts.set(member, (parts.get(member) ?? 0) + 1);
    }
    return parts;
  });
  return { ...membership, at, sharding, hold, holders, held: () => acquired };
});

/** Tells of who was refused, each reason once in a while: whoever knocks often must not fill the log. */
const strangers = Effect.gen(function* () {
  const run = yield* FiberSet.makeRuntime<never>();
  const said = seldomSaid({ everyMs: TELL_EVERY_MS });
  return (host: string, why: string): void => {
    run(said(why, () => Effect.logWarning("cluster.stranger", { host, why })));
  };
});
const TELL_EVERY_MS = 60_000;

/** A part of the VServices, as the cluster names it. */
export const partName = (partition: number): string => `vservices/${partition}`;

const runSharding = Effect.fnUntraced(function* (
  { credentials, shards }: ClusterOptions,
  server: SocketServer.SocketServer["Service"],
  { host, port }: Endpoint,
) {
  const dialer = yield* Dialer;
  const serialization = RpcSerialization.layerNdjson;
  const clients = Layer.effect(Runners.RpcClientProtocol)(
    Effect.map(RpcSerialization.RpcSerialization, (words) =>
      Runners.RpcClientProtocol.of({
        codecFor: words.codecFor,
        make: Effect.fnUntraced(function* (address) {
          const socket = yield* Effect.provideService(dialled(address, credentials), Dialer, dialer);
          return yield* RpcClient.makeProtocolSocket().pipe(
            Effect.provideService(Socket.Socket, socket),
            Effect.provideService(RpcSerialization.RpcSerialization, words),
          );
        }),
      }),
    ),
  );
  const layer = RunnerServer.layerWithClients.pipe(
    Layer.provide(Layer.provide(RpcServer.layerProtocolSocketServer, Layer.succeed(SocketServer.SocketServer, server))),
    Layer.provide(clients),
    Layer.provide(serialization),
    Layer.provide(Layer.succeed(RunnerStorage.RunnerStorage, runnerStorage(shards))),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide(RunnerHealth.layerNoop),
    // Its lines are about shards, a line each, with traces of its own. What an operator needs is said here and by the store.
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "None")),
    Layer.provide(
      ShardingConfig.layer({
        runnerAddress: Option.some(RunnerAddress.make(host, port)),
        shardsPerGroup: SHARDS,
        shardLockRefreshInterval: REFRESH_MS,
        shardLockExpiration: EXPIRATION_MS,
        refreshAssignmentsInterval: ASSIGN_MS,
        entityMessagePollInterval: ASSIGN_MS,
        simulateRemoteSerialization: false,
      }),
    ),
  );
  return Context.get(yield* Layer.build(layer), Sharding.Sharding);
});
