/** `vipr backup` and `vipr restore`: what a server keeps, in one file, from SQLite or PostgreSQL and into either. */
import { existsSync } from "node:fs";
import { Effect } from "effect";
import { backupTable, restoreTable } from "../command/tables/keeping.ts";
import type { StorePlace } from "../store/backup.ts";
import type { Written } from "../store/backup-file.ts";
import { isPostgresUrl, postgresAddress } from "../store/postgres-url.ts";
import { CONFIG_FILE, loadConfig, missing, serverData } from "./config-file.ts";
import { type Stopped, stopped, storeStopped } from "./exit.ts";
import { namedFolder, openFolder, STORE_FILE } from "./folder.ts";
import { command, type ValuesOf, Wrong } from "./options.ts";
import { tell } from "./output.ts";
import { runCommand } from "./run.ts";

type Values = ValuesOf<typeof backupTable.options>;

const placeOf = (values: Values, isNew: boolean): Effect.Effect<StorePlace, Stopped> =>
  Effect.gen(function* () {
    const { config, data, set, store, "store-password-file": passwordFile } = values;
    if (store !== undefined) {
      const address = isPostgresUrl(store) ? postgresAddress(store) : "wants a URL, as postgres://vipr@db.example/vipr";
      if (typeof address === "string") return yield* stopped("usage", `--store ${address}`);
      return { type: "postgres", address, passwordFile };
    }
    if (data !== undefined) return yield* inFolder(data, isNew);
    if (config === undefined && set === undefined && !existsSync(CONFIG_FILE))
      return yield* stopped("usage", "--data, --store or --config says which store");
    const { config: read } = yield* loadConfig({ config, set });
    const { store: address, storePasswordFile } = read.server;
    if (address !== undefined) return { type: "postgres", address, passwordFile: storePasswordFile };
    const folder = serverData(read);
    if (folder === undefined) return yield* missing("data", "the directory of this company's programs");
    return yield* inFolder(folder, isNew);
  });

const inFolder = (path: string, isNew: boolean): Effect.Effect<StorePlace, Stopped> =>
  Effect.map((isNew ? openFolder : namedFolder)(path), (folder) => ({ type: "file", file: folder.at(STORE_FILE) }));

const words = (what: string, { rows, bytes }: Written): string =>
  `${what}: ${rows} ${rows === 1 ? "row" : "rows"}, ${bytes} bytes`;

export const backupCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(backupTable, args, async (values, [file]) => {
    if (file === "") throw new Wrong("FILE is missing");
    const { backupStore } = await import("../store/backup.ts");
    const work = Effect.gen(function* () {
      const place = yield* placeOf(values, false);
      if (place.type === "file" && !existsSync(place.file))
        return yield* stopped("notWritable", `${place.file}: there is no such file`);
      const written = yield* Effect.mapError(backupStore(place, file!), ({ reason, why }) =>
        storeStopped("backup", reason, why),
      );
      tell(values.json, words(`${file} is written`, written), { file, ...written });
    });
    return await runCommand({ name: "vipr backup", logLevel: "Warn" }, work);
  });

export const restoreCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(restoreTable, args, async (values, [file]) => {
    const { restoreStore } = await import("../store/backup.ts");
    const work = Effect.gen(function* () {
      if (!existsSync(file!)) return yield* stopped("usage", `${file}: there is no such file`);
      const place = yield* placeOf(values, true);
      const written = yield* Effect.mapError(restoreStore(place, file!), ({ reason, why }) =>
        reason === "locked"
          ? stopped("inUse", `${why}: a store is restored while no server has it`)
          : storeStopped("restore", reason, why),
      );
      tell(values.json, words(`${file} is restored`, written), { file, ...written });
    });
    return await runCommand({ name: "vipr restore", logLevel: "Warn" }, work);
  });
