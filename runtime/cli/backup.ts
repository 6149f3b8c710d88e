/** `vipr backup` and `vipr restore`: what a server keeps, in one file, from SQLite or PostgreSQL and into either. */
import { existsSync } from "node:fs";
import { Effect } from "effect";
import type { StorePlace } from "../store/backup.ts";
import type { Written } from "../store/backup-file.ts";
import { isPostgresUrl, postgresAddress } from "../store/postgres-url.ts";
import { CONFIG_FILE, CONFIG_HELP, configOptions, loadConfig, missing, serverData } from "./config-file.ts";
import { type Stopped, stopped, storeStopped } from "./exit.ts";
import { namedFolder, openFolder, STORE_FILE } from "./folder.ts";
import { command, type ValuesOf, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

const PLACE = `  --data DIR            the directory of a server or a node, whose values.sqlite it is
  --store URL           or a PostgreSQL, as postgres://vipr@db.example/vipr
  --store-password-file FILE  its password, the first line; else PGPASSWORD or the password file of libpq
${CONFIG_HELP}
                        [server] says then which of both it is
  --help                this text`;

const NOT_IN_IT = `The other files of the directory are not in it: the node's key and certificate, agents, domains
and their secrets. Copy them by other means, and as carefully as a password.`;

const BACKUP = `vipr backup: what a server or a node keeps, as it was at one moment, in FILE

usage: vipr backup FILE --data DIR | --store URL | --config vipr.toml

It may run meanwhile. FILE is readable for its user alone, has a checksum at its end, and is there when
it is whole and on disk. ${NOT_IN_IT}

${PLACE}

exit codes: 0, 2 options, 3 the PostgreSQL cannot be reached, 4 it refuses the user, 7 a file cannot be read
or written, 8 the disk is full, 9 the store is damaged or of a newer version
`;

const RESTORE = `vipr restore: fills an empty store from FILE, which vipr backup has written

usage: vipr restore FILE --data DIR | --store URL | --config vipr.toml

From SQLite into PostgreSQL and back as well. All of it or nothing: a store that has anything in it, or
a server that runs, is refused, and so is a FILE whose checksum is wrong. ${NOT_IN_IT}

${PLACE}

exit codes: 0, 2 options, 3 the PostgreSQL cannot be reached, 4 it refuses the user, or the store is not
empty, 6 a server runs, 7 a file cannot be read or written, 8 the disk is full, 9 FILE is damaged
`;

const OPTIONS = {
  ...configOptions,
  data: { type: "string" },
  store: { type: "string" },
  "store-password-file": { type: "string" },
} as const;
type Values = ValuesOf<typeof OPTIONS>;

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
  command({ name: "vipr backup", help: BACKUP, options: OPTIONS, words: [1, 1] }, args, async (values, [file]) => {
    if (file === "") throw new Wrong("FILE is missing");
    const { backupStore } = await import("../store/backup.ts");
    const work = Effect.gen(function* () {
      const place = yield* placeOf(values, false);
      if (place.type === "file" && !existsSync(place.file))
        return yield* stopped("notWritable", `${place.file}: there is no such file`);
      const written = yield* Effect.mapError(backupStore(place, file!), ({ reason, why }) =>
        storeStopped("backup", reason, why),
      );
      say(words(`${file} is written`, written));
    });
    return await runCommand({ name: "vipr backup", logLevel: "Warn" }, work);
  });

export const restoreCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr restore", help: RESTORE, options: OPTIONS, words: [1, 1] }, args, async (values, [file]) => {
    const { restoreStore } = await import("../store/backup.ts");
    const work = Effect.gen(function* () {
      if (!existsSync(file!)) return yield* stopped("usage", `${file}: there is no such file`);
      const place = yield* placeOf(values, true);
      const written = yield* Effect.mapError(restoreStore(place, file!), ({ reason, why }) =>
        reason === "locked"
          ? stopped("inUse", `${why}: a store is restored while no server has it`)
          : storeStopped("restore", reason, why),
      );
      say(words(`${file} is restored`, written));
    });
    return await runCommand({ name: "vipr restore", logLevel: "Warn" }, work);
  });
