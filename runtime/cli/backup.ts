/** `vipr backup` and `vipr restore`: what a server keeps, in one file, from SQLite or PostgreSQL and into either. */
import { existsSync } from "node:fs";
import { Effect } from "effect";
import { backupTable, restoreTable } from "../command/tables/keeping.ts";
import type { StorePlace } from "../store/backup.ts";
import type { BackupProgress, Written } from "../store/backup-file.ts";
import { isPostgresUrl, postgresAddress } from "../store/postgres-url.ts";
import { CONFIG_FILE, loadConfig, missing, serverData } from "./config-file.ts";
import { type Stopped, stopped, storeStopped } from "./exit.ts";
import { namedFolder, openFolder, STORE_FILE } from "./folder.ts";
import { command, type ValuesOf, Wrong } from "./options.ts";
import { tell } from "./output.ts";
import { percentOf, progressLine, sizeText, timeText } from "./progress.ts";
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

/** The last line, and how far it has come meanwhile. `verb`: what is done to a row. */
const shownWork = (file: string, verb: string) => {
  const [begunMs, line] = [performance.now(), progressLine()];
  const progress: BackupProgress = (step, done, of) =>
    line(() =>
      step === "checked"
        ? `${file}: ${percentOf(done, of)} % of ${sizeText(of)} checked`
        : `${file}: ${done} of ${of} rows ${verb}, ${percentOf(done, of)} %`,
    );
  const end = ({ rows, bytes }: Written, json: boolean): void => {
    const ms = Math.round(performance.now() - begunMs);
    const text = `${file} is ${verb}: ${rows} ${rows === 1 ? "row" : "rows"}, ${sizeText(bytes)}, in ${timeText(ms)}`;
    tell(json, text, { file, rows, bytes, ms });
  };
  return { progress, end };
};

export const backupCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(backupTable, args, async (values, [file]) => {
    if (file === "") throw new Wrong("FILE is missing");
    const { backupStore } = await import("../store/backup.ts");
    const { progress, end } = shownWork(file!, "written");
    const work = Effect.gen(function* () {
      const place = yield* placeOf(values, false);
      if (place.type === "file" && !existsSync(place.file))
        return yield* stopped("notWritable", `${place.file}: there is no such file`);
      const written = yield* Effect.mapError(backupStore(place, file!, progress), ({ reason, why }) =>
        storeStopped("backup", reason, why),
      );
      end(written, values.json);
    });
    return await runCommand(
      { name: "vipr backup", logLevel: "Warn", unfinished: `ended by a signal: ${file} is not written` },
      work,
    );
  });

export const restoreCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(restoreTable, args, async (values, [file]) => {
    const { restoreStore } = await import("../store/backup.ts");
    const { progress, end } = shownWork(file!, "restored");
    const work = Effect.gen(function* () {
      if (!existsSync(file!)) return yield* stopped("usage", `${file}: there is no such file`);
      const place = yield* placeOf(values, true);
      const written = yield* Effect.mapError(restoreStore(place, file!, progress), ({ reason, why }) =>
        reason === "locked"
          ? stopped("inUse", `${why}: a store is restored while no server has it`)
          : storeStopped("restore", reason, why),
      );
      end(written, values.json);
    });
    return await runCommand(
      { name: "vipr restore", logLevel: "Warn", unfinished: `ended by a signal: nothing of ${file} is restored` },
      work,
    );
  });
