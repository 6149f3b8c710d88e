/** Opens the file of a store: one process, a write-ahead log, its version looked at and brought up to date. */
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { Effect } from "effect";
import { StoreFailed } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";

/** When a store is opened: a program that opens none need not wait for it. */
const sqlite = () => process.getBuiltinModule("node:sqlite");

export interface SqliteOptions {
  /** In a folder that exists. SQLite keeps its log beside it, `-wal`. */
  readonly file: string;
  /** Of 4 KiB; the file grows no further. Default: as far as the disk allows. */
  readonly pagesMax?: number;
}

/** "ViPR", so that `file` and we know whose file it is. */
const APPLICATION = 0x56695052;
/** Each brings a file of the version before it to its own; the first makes it. Never changed, only added to. */
const MIGRATIONS: ReadonlyArray<string> = ["CREATE TABLE tables (name TEXT PRIMARY KEY) WITHOUT ROWID"];

export const openFile = ({ file, pagesMax }: SqliteOptions): Effect.Effect<DatabaseSync, StoreFailed> =>
  Effect.try({ try: () => new (sqlite().DatabaseSync)(file), catch: faultOf }).pipe(
    Effect.tap((db) =>
      Effect.try({
        try: () => {
          db.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE");
          // Where there is a write-ahead log we flush it ourselves; elsewhere SQLite does.
          const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
          db.exec(`PRAGMA synchronous = ${mode === "wal" ? "NORMAL" : "FULL"}`);
          // BEGIN IMMEDIATE takes the lock of the process, and keeps it.
          db.exec("BEGIN IMMEDIATE");
          migrate(db, file);
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

/** A file that its owner has closed, or a crash has left. Never made, and never brought up to date. */
export const openToRead = (file: string): Effect.Effect<DatabaseSync, StoreFailed> =>
  Effect.try({ try: () => new (sqlite().DatabaseSync)(file, { readOnly: true }), catch: faultOf }).pipe(
    Effect.tap((db) =>
      Effect.try({
        try: () => {
          db.exec("PRAGMA busy_timeout = 0");
          if (numberOf(db, "application_id") !== APPLICATION)
            throw new StoreFailed({ reason: "malformed", why: "this is no store of this program" });
          const version = numberOf(db, "user_version");
          if (version !== MIGRATIONS.length)
            throw new StoreFailed({ reason: "malformed", why: `version ${version} is not this program's` });
        },
        catch: (cause) => {
          db.close();
          return faultOf(cause);
        },
      }),
    ),
    Effect.mapError(inWords(file)),
  );

const inWords =
  (file: string) =>
  ({ reason, why }: StoreFailed): StoreFailed => {
    const plainly = reason === "locked" ? "another process has it open" : why;
    return new StoreFailed({ reason, why: `${file}: ${plainly}` });
  };

const numberOf = (db: DatabaseSync, pragma: string): number => Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);

const migrate = (db: DatabaseSync, file: string): void => {
  const version = numberOf(db, "user_version");
  const owner = numberOf(db, "application_id");
  if (owner !== APPLICATION && (owner !== 0 || version !== 0 || holdsTables(db)))
    throw new StoreFailed({ reason: "malformed", why: "this is another program's database" });
  if (version > MIGRATIONS.length)
    throw new StoreFailed({ reason: "malformed", why: `version ${version} of ${file} is newer than this program` });
  for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
  if (version < MIGRATIONS.length)
    db.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${MIGRATIONS.length}`);
};

const holdsTables = (db: DatabaseSync): boolean =>
  db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined;

export const closing = (db: DatabaseSync): Effect.Effect<void> =>
  Effect.ignore(Effect.try({ try: () => db.close(), catch: faultOf }));
