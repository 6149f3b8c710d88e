/**
 * What `vipr vcr import` and `vipr vcr follow` are made of.
 *
 *   files --> reader --> importer --> outbox --VAP--> ViPR server, or the backup
 *                           +---------+--> records.sqlite: places in files, calls that wait, records that wait, who we are
 */
import { Clock, Effect, type Scope } from "effect";
import { type Outbox, openOutbox, openUploads } from "../../actors/agent/mod.ts";
import { Entropy, type StoreFailed } from "../../actors/ports/mod.ts";
import {
  type FilePlace,
  openRecordKeep,
  type RecordImporter,
  type RecordKeep,
  recordImporter,
} from "../../actors/records/mod.ts";
import type { RecordReader } from "../../codecs/cdr/mod.ts";
import { HEAD_BYTES } from "../../codecs/cdr/mod.ts";
import { callTable, type IntakeCounts } from "../../machines/records/mod.ts";
import type { Configuration } from "../config/mod.ts";
import type { Ports } from "../node.ts";
import { bytesAt, placeOf } from "../records/fingerprint.ts";
import { openSqlite } from "../store/sqlite.ts";
import { type ConfigFlags, loadConfig, missing } from "./config-file.ts";
import { type Stopped, storeStopped } from "./exit.ts";
import { openFolder } from "./folder.ts";
import { recordIntake } from "./record-intake.ts";
import { openVapServers, ownService, type VapServers } from "./vap-servers.ts";

export const RECORDS_STORE = "records.sqlite";

export interface RecordFlags extends ConfigFlags {
  readonly data?: string | undefined;
  readonly format?: string | undefined;
  readonly json: boolean;
}

export interface RecordProgram {
  readonly configuration: Configuration;
  readonly importer: RecordImporter;
  readonly keep: RecordKeep;
  readonly outbox: Outbox;
  readonly servers: VapServers;
  readonly counts: () => IntakeCounts;
  readonly newestMs: () => number;
  /** A file from its begin, or from the place up to which it was read. */
  readonly reading: (fd: number, path: string, known: FilePlace | undefined) => Effect.Effect<FileReading, Stopped>;
}

export interface FileReading {
  readonly reader: RecordReader;
  /** Up to what the reader has given so far. */
  readonly place: Effect.Effect<FilePlace>;
}

export const openRecordProgram = Effect.fn("cli.records")(
  function* (flags: RecordFlags): Effect.fn.Return<RecordProgram, Stopped | StoreFailed, Ports | Scope.Scope> {
    const configuration = yield* loadConfig(flags);
    const { config } = configuration;
    const data =
      flags.data ?? config.agent.data ?? (yield* missing("agent.data", "or --data: where the places are kept"));
    const folder = yield* openFolder(data);
    const store = yield* openSqlite({ file: folder.at(RECORDS_STORE) });
    const table = callTable({ isKept: true });
    const keep = yield* openRecordKeep(store, table);
    const { intake, readerFor } = yield* recordIntake(configuration, flags.format, table);
    const service = yield* ownService(store, yield* Entropy, config);
    const servers = yield* openVapServers(configuration, service, { name: "vipr vcr" });
    const { upload } = yield* openUploads(servers);
    const outbox = yield* openOutbox({ store, upload });
    const importer = recordImporter({ intake, table, keep, outbox, vservice: service.vservice });
    const reading: RecordProgram["reading"] = Effect.fnUntraced(function* (fd, path, known) {
      const from = known === undefined ? undefined : { offset: known.offset, line: known.line };
      const reader = yield* readerFor(path, bytesAt(fd, 0, HEAD_BYTES), from);
      const id = known?.id ?? keep.nextFileId();
      const place = Effect.map(Clock.currentTimeMillis, (atMs) => placeOf(fd, { id, path, ...reader.at(), atMs }));
      return { reader, place };
    });
    return {
      configuration,
      importer,
      keep,
      outbox,
      servers,
      counts: intake.counts,
      newestMs: intake.newestMs,
      reading,
    };
  },
  Effect.catchTag("StoreFailed", ({ reason, why }) => Effect.fail(storeStopped(RECORDS_STORE, reason, why))),
);

/** The VService, so that the server knows whose the records are; until it has it, uploads wait. */
export const published = ({ servers }: RecordProgram): Effect.Effect<void, Stopped> =>
  servers.publishAll(() => Effect.void);
