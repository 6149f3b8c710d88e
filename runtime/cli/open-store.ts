/**
 * The store of a program: a file of SQLite in its directory, or PostgreSQL where the operator names one. Either way the
 * directory belongs to one process.
 */
import { Effect, type Scope } from "effect";
import type { StoreFailed, StoreShape } from "../../actors/ports/mod.ts";
import { ownFile } from "../store/owner.ts";
import type { StoreMembership } from "../store/postgres.ts";
import type { PostgresAddress } from "../store/postgres-url.ts";
import { openSqlite } from "../store/sqlite.ts";
import { type Stopped, stopped, storeStopped } from "./exit.ts";
import { type Folder, STORE_FILE } from "./folder.ts";

export interface StoreSettings {
  readonly address: PostgresAddress;
  /** Its first line is the password. */
  readonly passwordFile: string | undefined;
  /** The name of the cluster whose members share it. */
  readonly cluster?: string | undefined;
}

export interface OpenedStore {
  readonly store: StoreShape;
  /** Of a cluster. */
  readonly membership?: StoreMembership | undefined;
  /** Ends when another server has taken the store; never for a file. */
  readonly lost: Effect.Effect<never, Stopped>;
}

/** Where PostgreSQL is the store, this is locked in place of its file. */
const LOCK_FILE = "store.lock";

export const openStore = (
  folder: Folder,
  settings: StoreSettings | undefined,
): Effect.Effect<OpenedStore, Stopped, Scope.Scope> =>
  settings === undefined
    ? openSqlite({ file: folder.at(STORE_FILE) }).pipe(
        Effect.map((store) => ({ store, lost: Effect.never })),
        Effect.mapError(({ reason, why }) => storeStopped(folder.path, reason, why)),
      )
    : Effect.gen(function* () {
        yield* Effect.mapError(ownFile(folder.at(LOCK_FILE)), ({ reason, why }) =>
          storeStopped(folder.path, reason, why),
        );
        const { openPostgres } = yield* Effect.promise(() => import("../store/postgres.ts"));
        const store = yield* Effect.mapError(openPostgres(settings), storeStoppedAt);
        return { store, membership: store.membership, lost: Effect.mapError(store.lost, storeStoppedAt) };
      });

const storeStoppedAt = ({ reason, why }: StoreFailed): Stopped =>
  reason === "locked" ? stopped("inUse", why) : storeStopped("store", reason, why);
