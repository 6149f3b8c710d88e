/**
 * The file of a backup, written and read as a stream: each entry with its length before it, a checksum at the end.
 *
 * It becomes what it is called when it is whole and on disk; a file whose checksum is wrong gives no row to anybody.
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { Effect } from "effect";
import { StoreFailed } from "../../actors/ports/mod.ts";
import {
  BACKUP_HASH_BYTES,
  BACKUP_HEAD,
  type BackupItem,
  type BackupRow,
  decodeBackupItem,
  encodeBackupItem,
} from "../../codecs/vipr/mod.ts";

/** Nobody else's business: call records, and who is proved to have which number. */
const MODE = 0o600;
const CHUNK_BYTES = 1_048_576;
/** A row's value, key, table and what stands between them. */
const ENTRY_BYTES_MAX = 1_052_672;
const LENGTH_BYTES = 4;

export interface Written {
  readonly rows: number;
  readonly bytes: number;
}
/** How far it has come: bytes of a file that is looked through first, then rows. */
export type BackupProgress = (step: "checked" | "written", done: number, of: number) => void;

const fault =
  (file: string) =>
  (cause: unknown): StoreFailed => {
    if (cause instanceof StoreFailed) return cause;
    const { code, message } = cause as { readonly code?: string; readonly message: string };
    const reason = code === "ENOSPC" || code === "EDQUOT" ? "full" : "readOnly";
    return new StoreFailed({ reason, why: `${file}: ${message}` });
  };

/** So that a new name is there after a loss of power, too. */
export const flushFolderOf = (file: string): void => {
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
};

/** `pages` calls what it is given with one page of rows after another. */
export const writeBackup = <E>(
  file: string,
  pages: (use: (rows: ReadonlyArray<BackupRow>) => Effect.Effect<void, StoreFailed>) => Effect.Effect<void, E>,
): Effect.Effect<Written, E | StoreFailed> =>
  Effect.suspend(() => {
    const fresh = `${file}.new`;
    const hash = createHash("sha256");
    let [rows, bytes, at] = [0, 0, 0];
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES + 2 * ENTRY_BYTES_MAX);
    const attempt = <A>(work: () => A) => Effect.try({ try: work, catch: fault(file) });
    const flush = (descriptor: number) => {
      hash.update(buffer.subarray(0, at));
      for (let from = 0; from < at; ) from += writeSync(descriptor, buffer, from, at - from);
      bytes += at;
      at = 0;
    };
    const append = (descriptor: number, item: BackupItem) => {
      const entry = encodeBackupItem(item);
      at = buffer.writeUInt32BE(entry.length, at);
      buffer.set(entry, at);
      at += entry.length;
      if (at >= CHUNK_BYTES) flush(descriptor);
    };
    return Effect.acquireUseRelease(
      attempt(() => {
        rmSync(fresh, { force: true });
        return openSync(fresh, "wx", MODE);
      }),
      (descriptor) =>
        Effect.gen(function* () {
          buffer.set(BACKUP_HEAD, 0);
          at = BACKUP_HEAD.length;
          yield* pages((page) =>
            attempt(() => {
              for (const row of page) append(descriptor, { type: "row", row });
              rows += page.length;
            }),
          );
          yield* attempt(() => {
            append(descriptor, { type: "end", rows });
            flush(descriptor);
            writeSync(descriptor, hash.digest());
            bytes += BACKUP_HASH_BYTES;
            fsyncSync(descriptor);
            renameSync(fresh, file);
            flushFolderOf(file);
          });
          return { rows, bytes };
        }),
      (descriptor) =>
        Effect.sync(() => {
          closeSync(descriptor);
          rmSync(fresh, { force: true });
        }),
    );
  });

/** Goes through the file once, entry by entry; fails as `corrupt` where it is none or not whole. */
export const readBackup = <E>(
  file: string,
  use: (rows: ReadonlyArray<BackupRow>, readBytes: number) => Effect.Effect<void, E>,
): Effect.Effect<Written, E | StoreFailed> =>
  Effect.acquireUseRelease(
    Effect.try({ try: () => openSync(file, "r"), catch: fault(file) }),
    (descriptor) =>
      Effect.gen(function* () {
        const reader = entriesOf(file, descriptor);
        let count = 0;
        while (true) {
          const { rows, readBytes, end } = yield* Effect.try({ try: reader, catch: fault(file) });
          count += rows.length;
          if (rows.length > 0) yield* use(rows, readBytes);
          if (end !== undefined) {
            if (end.rows !== count) return yield* broken(file, `it has ${count} rows and says ${end.rows}`);
            return end;
          }
        }
      }),
    (descriptor) => Effect.sync(() => closeSync(descriptor)),
  );

const broken = (file: string, why: string) =>
  new StoreFailed({ reason: "corrupt", why: `${file}: no whole backup: ${why}` });

const PAGE_ROWS_MAX = 1_000;
const PAGE_BYTES_MAX = 8_388_608;

interface EntryPage {
  readonly rows: ReadonlyArray<BackupRow>;
  /** So far. */
  readonly readBytes: number;
  readonly end: Written | undefined;
}

/** A page at a time. */
const entriesOf = (file: string, descriptor: number) => {
  const hash = createHash("sha256");
  let [held, bytes]: [Buffer, number] = [Buffer.alloc(0), 0];
  /** So many bytes, or an error. */
  const take = (size: number): Buffer => {
    while (held.length < size) {
      const chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, size));
      const count = readSync(descriptor, chunk, 0, chunk.length, null);
      if (count === 0) throw broken(file, "it ends too early");
      held = Buffer.concat([held, chunk.subarray(0, count)]);
    }
    const taken = held.subarray(0, size);
    held = held.subarray(size);
    bytes += size;
    return taken;
  };
  const hashed = (size: number): Buffer => {
    const taken = take(size);
    hash.update(taken);
    return taken;
  };
  let isBegun = false;
  return (): EntryPage => {
    if (!isBegun) {
      isBegun = true;
      const head = hashed(BACKUP_HEAD.length);
      if (!head.subarray(0, -1).equals(BACKUP_HEAD.subarray(0, -1))) throw broken(file, "it is something else");
      if (head.at(-1) !== BACKUP_HEAD.at(-1))
        throw broken(file, `version ${head.at(-1)} is newer than this program's, ${BACKUP_HEAD.at(-1)}`);
    }
    const rows: Array<BackupRow> = [];
    for (const from = bytes; rows.length < PAGE_ROWS_MAX && bytes - from < PAGE_BYTES_MAX; ) {
      const size = hashed(LENGTH_BYTES).readUInt32BE();
      if (size > ENTRY_BYTES_MAX) throw broken(file, "an entry is too long");
      const item = decodeBackupItem(Uint8Array.from(hashed(size)));
      if (item === undefined) throw broken(file, "an entry cannot be read");
      if (item.type === "row") {
        rows.push(item.row);
        continue;
      }
      const sum = hash.digest();
      if (!take(BACKUP_HASH_BYTES).equals(sum)) throw broken(file, "its checksum is another");
      return { rows, readBytes: bytes, end: { rows: item.rows, bytes } };
    }
    return { rows, readBytes: bytes, end: undefined };
  };
};
