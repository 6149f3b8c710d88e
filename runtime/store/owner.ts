/**
 * Who owns a store in files, or a directory: one process, until its scope closes or it dies. A file that SQLite keeps locked,
 * since no runtime has a lock of its own that the system takes back.
 */
import process from "node:process";
import { Effect, type Scope } from "effect";
import type { StoreFailed } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";

/** Fails as `locked` where another process has it. Nothing is ever written there. */
export const ownFile = (file: string): Effect.Effect<void, StoreFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const db = new (process.getBuiltinModule("node:sqlite").DatabaseSync)(file);
        try {
          db.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
        } catch (cause) {
          db.close();
          throw cause;
        }
        return db;
      },
      catch: faultOf,
    }),
    (db) => Effect.ignore(Effect.try({ try: () => db.close(), catch: faultOf })),
  );
