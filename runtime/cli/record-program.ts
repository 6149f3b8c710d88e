/**
 * What `vipr vcr import` and `vipr vcr follow` are made of.
 *
 *   files --> reader --> importer --> outbox --VAP--> ViPR server, or the backup
 *                           +---------+--> records.sqlite: places in files, calls that wait, records that wait, who we are
 */
import { Clock, Effect, type Scope } from "effect";
import { type Outbox, openOutbox, openUploads } from "../../actors/agent/mod.ts";
import { Entropy, type StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import {
  type FilePlace,
  openRecordKeep,
  type RecordImporter,
  type RecordKeep,
  recordImporter,
} from "../../actors/records/mod.ts";
import type { RecordReader } from "../../codecs/cdr/mod.ts";
import { HEAD_BYTES } from "../../codecs/cdr/mod.ts";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import { callTable, type IntakeCounts } from "../../machines/records/mod.ts";
import type { Configuration } from "../config/mod.ts";
import type { Ports } from "../node.ts";
import { bytesAt, placeOf } from "../records/fingerprint.ts";
import { openSqlite } from "../store/sqlite.ts";
import { agentData, type ConfigFlags, loadConfig, missing } from "./config-file.ts";
import { type Stopped, storeStopped } from "./exit.ts";
import { openFolder } from "./folder.ts";
import { recordIntake } from "./record-intake.ts";
import { openVapServers, ownService, type VapServers, vapAccount } from "./vap-servers.ts";

export const RECORDS_STORE = "records.sqlite";

export interface RecordFlags extends ConfigFlags {
  readonly data?: string | undefined;
  readonly format?: string | undefined;
  readonly json: boolean;
}

/** Reads files of records into an outbox. */
export interface RecordReading {
  readonly importer: RecordImporter;
  readonly keep: RecordKeep;
  readonly counts: () => IntakeCounts;
  readonly newestMs: () => number;
  /** A call without a further row for so long is complete. */
  readonly settleMs: number;
  /** A file from its begin, or from the place up to which it was read. */
  readonly reading: (fd: number, path: string, known: FilePlace | undefined) => Effect.Effect<FileReading, Stopped>;
}

export interface RecordProgram extends RecordReading {
  readonly configuration: Configuration;
  readonly outbox: Outbox;
  readonly servers: VapServers;
}

export interface FileReading {
  readonly reader: RecordReader;
  /** Up to what the reader has given so far. */
  readonly place: Effect.Effect<FilePlace>;
}

export interface ReadingOptions {
  readonly configuration: Configuration;
  /** Stands over records.format. */
  readonly format?: string | undefined;
  /** Of places in files, and of calls that wait for further rows. */
  readonly store: StoreShape;
  readonly outbox: Outbox;
  readonly vservice: VServiceId;
}

export const openRecordReading = Effect.fn("cli.recordReading")(function* ({
  configuration,
  format,
  store,
  outbox,
  vservice,
}: ReadingOptions): Effect.fn.Return<RecordReading, Stopped | StoreFailed> {
  const table = callTable({ isKept: true });
  const keep = yield* openRecordKeep(store, table);
  const { intake, readerFor } = yield* recordIntake(configuration, format, table);
  const importer = recordImporter({ intake, table, keep, outbox, vservice });
  const reading: RecordReading["reading"] = Effect.fnUntraced(function* (fd, path, known) {
    const from = known === undefined || known.offset === 0 ? undefined : { offset: known.offset, line: known.line };
    const reader = yield* readerFor(path, bytesAt(fd, 0, HEAD_BYTES), from);
    const id = known?.id ?? keep.nextFileId();
    const place = Effect.map(Clock.currentTimeMillis, (atMs) => placeOf(fd, { id, path, ...reader.at(), atMs }));
    return { reader, place };
  });
  const settleMs = 1_000 * configuration.config.records.settleS;
  return { importer, keep, counts: intake.counts, newestMs: intake.newestMs, settleMs, reading };
});

export const openRecordProgram = Effect.fn("cli.records")(
  function* (flags: RecordFlags): Effect.fn.Return<RecordProgram, Stopped | StoreFailed, Ports | Scope.Scope> {
    const configuration = yield* loadConfig(flags);
    const { config } = configuration;
    const { data = agentData(config), format } = flags;
    const folder = yield* openFolder(
      data ?? (yield* missing("agent.data", "or --data: the directory for places in files and records that wait")),
    );
    const store = yield* openSqlite({ file: folder.at(RECORDS_STORE) });
    const { vservice, ...of } = yield* ownService(store, yield* Entropy, config);
    const account = yield* vapAccount(config);
    const servers = yield* openVapServers(configuration, { vservice, ...of }, { name: "vipr vcr", account });
    const outbox = yield* openOutbox({ store, upload: (yield* openUploads(servers)).upload });
    const reading = yield* openRecordReading({ configuration, format, store, outbox, vservice });
    return { ...reading, configuration, outbox, servers };
  },
  Effect.catchTag("StoreFailed", ({ reason, why }) => Effect.fail(storeStopped(RECORDS_STORE, reason, why))),
);

/** The VService, so that the server knows whose the records are; until it has it, uploads wait. */
export const published = ({ servers }: RecordProgram): Effect.Effect<void, Stopped> =>
  servers.publishAll(() => Effect.void);
