/**
 * Who owns a store in files, or a directory: one process, until its scope closes or it dies. A file that SQLite keeps locked,
 * since no runtime has a lock of its own that the system takes back.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { Effect, type Scope } from "effect";
import type { StoreFailed } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";

/** Fails as `locked` where another process has it, or looks at it. Nothing is ever written there. */
export const ownFile = (file: string): Effect.Effect<void, StoreFailed, Scope.Scope> =>
  held(() => locked(file, false, "BEGIN EXCLUSIVE"));

/** For who only looks, beside others who do: fails as `locked` while there is an owner. Where there never was one nothing is made. */
export const shareFile = (file: string): Effect.Effect<void, StoreFailed, Scope.Scope> =>
  held(() => (existsSync(file) ? locked(file, true, "BEGIN; SELECT 1 FROM sqlite_schema") : undefined));

const locked = (file: string, readOnly: boolean, lock: string) => {
  const db = new (process.getBuiltinModule("node:sqlite").DatabaseSync)(file, { readOnly });
  try {
    db.exec(`PRAGMA busy_timeout = 0; ${lock}`);
  } catch (cause) {
    db.close();
    throw cause;
  }
  return db;
};

const held = (take: () => ReturnType<typeof locked> | undefined) =>
  Effect.asVoid(
    Effect.acquireRelease(Effect.try({ try: take, catch: faultOf }), (db) =>
      Effect.ignore(Effect.try({ try: () => db?.close(), catch: faultOf })),
    ),
  );
