/**
 * The file of `vipr backup`: what a store has, whichever it is, row by row.
 *
 *   "ViPRbkup" (8) || version (1) || rows, each with its length before it || an end: how many rows || SHA-256 of all before it (32)
 */
import {
  constant,
  decode,
  encode,
  enumeration,
  opaque,
  select,
  struct,
  textVector,
  u8,
  u16,
  u32,
  u64,
} from "../wire/mod.ts";

/** Increased when the format changes; a file of another version is not restored. */
export const BACKUP_VERSION = 1;
/** Version and all: the first bytes of every file. */
export const BACKUP_HEAD = new Uint8Array([...new TextEncoder().encode("ViPRbkup"), BACKUP_VERSION]);
/** The SHA-256 at the end of the file. */
export const BACKUP_HASH_BYTES = 32;

const Row = struct("Row", "this project's store", { table: textVector(u8), key: opaque(u16), value: opaque(u32) });
/** One that is due: milliseconds since 1970, and 2^63 more, so that times before that stand first. */
const DueRow = struct("DueRow", "this project's store", {
  table: textVector(u8),
  key: opaque(u16),
  value: opaque(u32),
  dueMs: u64,
});
const End = struct("End", "this project's store", { rows: u64, reserved: constant(u8, 0) });

/** One entry of a backup. */
export const BackupEntry = struct("BackupEntry", "this project's store", {
  type: enumeration(u8, { row: 1, dueRow: 2, end: 3 }),
  data: select("type", { row: Row, dueRow: DueRow, end: End }),
});

/** A row of a table; `dueMs`: when it is due, ms since 1970, for one that waits for its time. */
export interface BackupRow {
  readonly table: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly dueMs: number | undefined;
}
/** A row, or the end, which says how many rows there were. */
export type BackupItem =
  | { readonly type: "row"; readonly row: BackupRow }
  | { readonly type: "end"; readonly rows: number };

const SIGN = 1n << 63n;

/** The bytes of an item, without the length that stands before them in the file. */
export const encodeBackupItem = (item: BackupItem): Uint8Array => {
  if (item.type === "end") return encode(BackupEntry, { type: "end", data: { rows: BigInt(item.rows) } });
  const { dueMs, ...row } = item.row;
  return dueMs === undefined
    ? encode(BackupEntry, { type: "row", data: row })
    : encode(BackupEntry, { type: "dueRow", data: { ...row, dueMs: BigInt(dueMs) + SIGN } });
};

/** Undefined for bytes that are none. */
export const decodeBackupItem = (bytes: Uint8Array): BackupItem | undefined => {
  const read = decode(BackupEntry, bytes);
  if (!read.ok) return undefined;
  const entry = read.value;
  if (entry.type === "end") return { type: "end", rows: Number(entry.data.rows) };
  const { table, key, value } = entry.data;
  const dueMs = entry.type === "dueRow" ? Number(entry.data.dueMs - SIGN) : undefined;
  return { type: "row", row: { table, key, value, dueMs } };
};
