/** A process that a test kills: it stores values one after another in the given SQLite file, and prints the acknowledged ones. */
import { writeSync } from "node:fs";
import process from "node:process";
import { Effect, Logger } from "effect";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { hostTestStorage } from "./storage-host.ts";
import { SELF } from "./storage-talk.ts";

const [file, first] = process.argv.slice(2);

const storing = Effect.gen(function* () {
  const storage = yield* hostTestStorage(yield* openSqlite({ file: file! }));
  for (let i = Number(first); ; i++) {
    yield* storage.store({ resource: SELF - BigInt(i), storageTime: 1n }, (result) =>
      Effect.sync(() => writeSync(1, result === "stored" ? `${i}\n` : `${result}\n`)),
    );
    if (i % 7 === 0) yield* Effect.sleep(1);
  }
});
await Effect.runPromise(Effect.provide(Effect.scoped(storing), Logger.layer([])));
