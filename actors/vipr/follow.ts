/**
 * A server among those of its cluster: what others have written is read again and again, and the parts of the VServices that
 * fall to this server are worked on here.
 *
 *   store --shared rows of others--> owners, published VServices, received calls, sent calls, routes (told to agents here)
 *   placement --parts------------> originating: due calls, validations
 *
 * docs/operator.md#several-machines-of-one-company. DECISIONS.md D-235.
 */
import { Effect, type Scope } from "effect";
import { readValInfo } from "../../codecs/vap/mod.ts";
import type { ClusterShape, SharedRow } from "../ports/mod.ts";
import type { KeptRoutes, Owners } from "../vap/mod.ts";
import type { ValidatedRoute } from "./notify.ts";
import type { Originating } from "./originating.ts";
import type { Published } from "./published.ts";
import type { Records } from "./records.ts";
import type { Services } from "./services.ts";

const FOLLOW_EVERY_MS = 250;

export interface FollowedBy {
  readonly owners: Pick<Owners, "follow">;
  readonly published: Pick<Published, "follow">;
  readonly records: Pick<Records, "followReceived">;
  readonly originating: Pick<Originating, "follow" | "work">;
  readonly routes: Pick<KeptRoutes, "follow">;
  readonly services: Pick<Services, "isHere">;
  readonly notify: (route: ValidatedRoute) => Effect.Effect<void>;
}

export const joinWork = Effect.fnUntraced(function* (
  cluster: ClusterShape,
  { owners, published, records, originating, routes, services, notify }: FollowedBy,
): Effect.fn.Return<void, never, Scope.Scope> {
  const follow = Effect.fnUntraced(function* (row: SharedRow) {
    owners.follow(row);
    published.follow(row);
    yield* records.followReceived(row);
    yield* originating.follow(row);
    const route = routes.follow(row);
    const info = route && readValInfo(route.content);
    if (route === undefined || info?.ok !== true || !services.isHere(route.vservice)) return;
    yield* notify({ vservice: route.vservice, info: info.value });
  });
  const look = Effect.flatMap(cluster.changes, (rows) => Effect.forEach(rows, follow, { discard: true })).pipe(
    // Of a store that is away its own log tells; what was not read comes again.
    Effect.catchTag("StoreFailed", () => Effect.void),
    Effect.catchCause((cause) => Effect.logError("cluster.follow.died", cause)),
  );
  yield* look;
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(FOLLOW_EVERY_MS), look)));
  yield* cluster.hold(originating.work);
});
