/** Opens the file of a store: one owner, a write-ahead log, its version looked at and brought up to date. */
import { existsSync } from "node:fs";
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { Effect, type Scope } from "effect";
import { StoreFailed } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";
import { ownFile, shareFile } from "./owner.ts";

/** When a store is opened: a program that opens none need not wait for it. */
const sqlite = () => process.getBuiltinModule("node:sqlite");

/** Which file a store lies in. */
export interface SqliteOptions {
  /** In a folder that exists. SQLite keeps its log beside it, `-wal`. */
  readonly file: string;
  /** Of 4 KiB; the file grows no further. Default: as far as the disk allows. */
  readonly pagesMax?: number;
}

const inWords =
  (file: string) =>
  ({ reason, why }: StoreFailed): StoreFailed => {
    const plainly = reason === "locked" ? "another process has it open" : why;
    return new StoreFailed({ reason, why: `${file}: ${plainly}` });
  };

/** "ViPR", so that `file` and we know whose file it is. */
const APPLICATION = 0x56695052;
/** Each brings a file of the version before it to its own; the first makes it. Never changed, only added to. */
const MIGRATIONS: ReadonlyArray<string> = ["CREATE TABLE tables (name TEXT PRIMARY KEY) WITHOUT ROWID"];

/** Who only reads holds others up for a moment after a crash, when the log has to be gone through. */
const READERS_MS_MAX = 2_000;

/** The lock of the file's owner, beside it: others may read the file itself while it is written. DECISIONS.md D-203. */
export const ownStore = (file: string): Effect.Effect<void, StoreFailed, Scope.Scope> =>
  Effect.mapError(ownFile(`${file}-lock`), inWords(file));
/** Several may look at once; an owner that starts meanwhile is refused. */
export const lookAtStore = (file: string): Effect.Effect<void, StoreFailed, Scope.Scope> =>
  Effect.mapError(shareFile(`${file}-lock`), inWords(file));

export const openFile = ({ file, pagesMax }: SqliteOptions): Effect.Effect<DatabaseSync, StoreFailed> =>
  Effect.try({ try: () => new (sqlite().DatabaseSync)(file), catch: faultOf }).pipe(
    Effect.tap((db) =>
      Effect.try({
        try: () => {
          db.exec(`PRAGMA busy_timeout = ${READERS_MS_MAX}`);
          // Where there is a write-ahead log we flush it ourselves; elsewhere SQLite does.
          const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
          db.exec(`PRAGMA synchronous = ${mode === "wal" ? "NORMAL" : "FULL"}`);
          db.exec("BEGIN IMMEDIATE");
          migrate(db);
          db.exec("COMMIT");
          if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${Math.floor(pagesMax)}`);
        },
        catch: (cause) => {
          db.close();
          return faultOf(cause);
        },
      }),
    ),
    Effect.mapError(inWords(file)),
  );

/** A commit is in the log and not yet on disk. https://www.sqlite.org/pragma.html#pragma_synchronous */
export const isFlushedByUs = (db: DatabaseSync): boolean => numberOf(db, "synchronous") === NORMAL;
const NORMAL = 1;

/**
 * A file that its owner has closed, or a crash has left. Never made, and never brought up to date. SQLite keeps files beside one
 * with a write-ahead log, also to read it: where the disk is read-only, one whose log is gone is opened as immutable.
 */
export const openToRead = (file: string): Effect.Effect<DatabaseSync, StoreFailed> =>
  Effect.catch(openPlaceToRead(file, file), (failed) => {
    if (failed.reason !== "readOnly" || !existsSync(file)) return Effect.fail(failed);
    if (!existsSync(`${file}-wal`)) return openPlaceToRead(`${pathToFileURL(file).href}?immutable=1`, file);
    const why = `${file}: a crash has left a log beside it, which a read-only disk lets nobody go through: copy both to another`;
    return Effect.fail(new StoreFailed({ reason: "readOnly", why }));
  });

const openPlaceToRead = (place: string, file: string): Effect.Effect<DatabaseSync, StoreFailed> =>
  Effect.try({ try: () => new (sqlite().DatabaseSync)(place, { readOnly: true }), catch: faultOf }).pipe(
    Effect.tap((db) =>
      Effect.try({
        try: () => {
          db.exec(`PRAGMA busy_timeout = ${READERS_MS_MAX}`);
          if (numberOf(db, "application_id") !== APPLICATION)
            throw new StoreFailed({ reason: "malformed", why: "this is no store of this program" });
          const version = numberOf(db, "user_version");
          // An older one is read as it is: migrations have only added to it.
          if (version > MIGRATIONS.length) throw new StoreFailed({ reason: "malformed", why: newerThanThis(version) });
        },
        catch: (cause) => {
          db.close();
          return faultOf(cause);
        },
      }),
    ),
    Effect.mapError(inWords(file)),
  );

const numberOf = (db: DatabaseSync, pragma: string): number => Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);

const migrate = (db: DatabaseSync): void => {
  const version = numberOf(db, "user_version");
  const owner = numberOf(db, "application_id");
  if (owner !== APPLICATION && (owner !== 0 || version !== 0 || holdsTables(db)))
    throw new StoreFailed({ reason: "malformed", why: "this is another program's database" });
  if (version > MIGRATIONS.length) throw new StoreFailed({ reason: "malformed", why: newerThanThis(version) });
  for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
  if (version < MIGRATIONS.length)
    db.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${MIGRATIONS.length}`);
};

const newerThanThis = (version: number): string =>
  `version ${version} of the store is newer than this program's, ${MIGRATIONS.length}`;

const holdsTables = (db: DatabaseSync): boolean =>
  db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined;

export const closing = (db: DatabaseSync): Effect.Effect<void> =>
  Effect.ignore(Effect.try({ try: () => db.close(), catch: faultOf }));
