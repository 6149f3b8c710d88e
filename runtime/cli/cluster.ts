/** A server among the company's others, as a process: `[server] cluster` of the configuration. */
import { Effect, type Scope } from "effect";
import type { OpenCluster } from "../../actors/cluster/mod.ts";
import type { Credentials } from "../../actors/ports/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { each, single } from "../metrics/table.ts";
import type { Family } from "../metrics/text.ts";
import type { Ports } from "../node.ts";
import type { StoreMembership } from "../store/postgres.ts";
import { listenStopped, type Stopped } from "./exit.ts";

export interface ClusterSettings {
  /** Of its roots: the members of one store have the same. */
  readonly name: string;
  readonly credentials: Credentials;
  readonly listen: Endpoint;
  readonly advertise: Endpoint;
}

export interface RunningCluster extends OpenCluster {
  readonly families: Effect.Effect<ReadonlyArray<Family>>;
}

/** Undefined where there is none. What Effect's cluster is made of is loaded here: a server alone never has it. */
export const clusterIn = Effect.fnUntraced(function* (
  settings: ClusterSettings | undefined,
  membership: StoreMembership | undefined,
): Effect.fn.Return<RunningCluster | undefined, Stopped, Ports | Scope.Scope> {
  if (settings === undefined || membership === undefined) return undefined;
  const [{ openCluster }, { shardsOf }] = yield* Effect.promise(() =>
    Promise.all([import("../../actors/cluster/mod.ts"), import("../store/postgres-shards.ts")]),
  );
  const { listen, advertise, credentials } = settings;
  const cluster = yield* Effect.catchTag(
    openCluster({ listen, advertise, credentials, membership, shards: shardsOf(membership) }),
    "ListenFailed",
    (failed) => Effect.fail(listenStopped(failed, "server.cluster takes another")),
  );
  return {
    ...cluster,
    // While the store is away nobody knows who holds what.
    families: Effect.map(
      Effect.orElseSucceed(cluster.holders, () => new Map<bigint, number>()),
      (parts) => [
        single("vipr_cluster_members", cluster.members().length),
        single("vipr_cluster_sure", cluster.isSure() ? 1 : 0),
        each("vipr_cluster_parts", "member", Object.fromEntries(parts)),
      ],
    ),
  };
});
