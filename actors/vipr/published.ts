/**
 * The VServices that call agents have published at the members of a cluster. Each member knows all of them, so that it grants
 * tickets for them and validates their calls, whichever member an agent is connected to.
 *
 *   publish, withdraw here --> in the store, shared --> followed by the others --> services.ts
 *   a member is gone ---------> what was published there counts for graceMs more: its agents connect to another member
 */
import { Clock, Effect, type Scope } from "effect";
import {
  decodePublished,
  encodePublished,
  publishedKey,
  type ServiceIdentity,
  type StoredPublication,
  type VService,
} from "../../codecs/vap/mod.ts";
import { allRows } from "../kit/mod.ts";
import {
  type Change,
  type ClusterShape,
  type Row,
  type SharedRow,
  type StoreFailed,
  type StoreShape,
  storeRefusal,
} from "../ports/mod.ts";
import type { Services } from "./services.ts";

const TABLE = "vservicePublished";
/** Between two looks at who is gone. */
const LOOK_MS = 1_000;
const GRACE_MS = 300_000;

export interface Published {
  /** The store has it when it succeeds. */
  readonly publish: (identity: ServiceIdentity, document: VService) => Effect.Effect<void, { readonly why: string }>;
  readonly withdraw: (identity: ServiceIdentity) => Effect.Effect<void>;
  /** A row that another member has written. */
  readonly follow: (row: SharedRow) => void;
}

export interface PublishedOptions {
  readonly store: StoreShape;
  readonly cluster: Pick<ClusterShape, "self" | "members">;
  readonly services: Pick<Services, "publish" | "withdraw">;
  /** How long a VService counts as published once the member that its agent was connected to is gone. Default 5 min. */
  readonly graceMs: number | undefined;
}

export const openPublished = Effect.fnUntraced(function* ({
  store,
  cluster,
  services,
  graceMs = GRACE_MS,
}: PublishedOptions): Effect.fn.Return<Published, StoreFailed, Scope.Scope> {
  /** Of the other members, by the keys of their rows. */
  const byMember = new Map<bigint, Map<string, StoredPublication>>();
  const goneSinceMs = new Map<bigint, number>();

  const take = ({ key, value }: Row): void => {
    const found = decodePublished(key, value);
    if (found === undefined || found.member === cluster.self) return;
    const own = byMember.get(found.member) ?? new Map<string, StoredPublication>();
    byMember.set(found.member, own.set(Buffer.from(key).toString("latin1"), found));
    if (found.document === undefined) services.withdraw(found, String(found.member));
    else services.publish(found, found.document, String(found.member));
  };
  for (const row of yield* allRows(store, TABLE)) take(row);

  const look = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const present = new Set(cluster.members().map(({ id }) => id));
    for (const [member, own] of byMember) {
      if (present.has(member)) continue;
      const sinceMs = goneSinceMs.get(member) ?? nowMs;
      goneSinceMs.set(member, sinceMs);
      if (nowMs - sinceMs < graceMs) continue;
      for (const one of own.values()) services.withdraw(one, String(member));
      byMember.delete(member);
      goneSinceMs.delete(member);
      const gone = [...own.values()].map((one): Change => ({ type: "remove", table: TABLE, key: publishedKey(one) }));
      yield* Effect.ignore(store.write(gone)); // several members may; what is left is found at the next start
    }
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(LOOK_MS), look)));

  const rowOf = ({ vservice, instance }: ServiceIdentity, document: VService | undefined): Change => ({
    type: "put",
    table: TABLE,
    key: publishedKey({ vservice, instance, member: cluster.self }),
    value: encodePublished(document),
    isShared: true,
  });
  return {
    publish: (identity, document) =>
      Effect.mapError(store.write([rowOf(identity, document)]), ({ reason }) => ({ why: storeRefusal(reason) })),
    withdraw: (identity) =>
      Effect.catch(store.write([rowOf(identity, undefined)]), ({ why }) => Effect.logWarning("vipr.published", why)),
    follow: (row) => {
      if (row.table === TABLE) take(row);
    },
  };
});
