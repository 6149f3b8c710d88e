/**
 * Looks into a store from outside: by SQLite's and PostgreSQL's own programs and the written form of a record
 * (codecs/validation/record.ts), with nothing of the code under test.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TestPostgres } from "../kit/postgres.ts";
import { timesOf } from "./calls.ts";

/** How often the record of each call is there. */
export type Found = ReadonlyMap<number, number>;

const TABLES = ["vcrSent", "vcrReceived"] as const;
const NTP_EPOCH_MS = 2_208_988_800_000;
const [FIRST_MS, SECOND_MS] = [timesOf(0).startMs, timesOf(1).startMs];

/** version, direction, called, calling (each with its length before it), start, stop: 32 bits of seconds, 32 of their parts. */
const callIn = (value: Uint8Array): number => {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const calling = 3 + view.getUint8(2);
  const start = calling + 1 + view.getUint8(calling);
  const ms = view.getUint32(start) * 1_000 + Math.round((view.getUint32(start + 4) / 2 ** 32) * 1_000) - NTP_EPOCH_MS;
  return (ms - FIRST_MS) / (SECOND_MS - FIRST_MS);
};

const counted = (values: Iterable<Uint8Array>): Found => {
  const found = new Map<number, number>();
  for (const value of values) {
    const n = callIn(value);
    found.set(n, (found.get(n) ?? 0) + 1);
  }
  return found;
};

/** Of a server that is dead: SQLite recovers a copy, as it would the file itself. */
export const inSqlite = (file: string): Found => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-crash-"));
  try {
    for (const end of ["", "-wal"])
      if (existsSync(`${file}${end}`)) copyFileSync(`${file}${end}`, join(folder, `db${end}`));
    const db = new DatabaseSync(join(folder, "db"));
    try {
      const check = db.prepare("PRAGMA integrity_check").get();
      if (check?.integrity_check !== "ok") throw new Error(`${file}: ${JSON.stringify(check)}`);
      const has = (table: string) =>
        db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(`t_${table}`) !== undefined;
      return counted(
        TABLES.filter(has).flatMap((table) =>
          db
            .prepare(`SELECT value FROM t_${table}`)
            .all()
            .map(({ value }) => value as Uint8Array),
        ),
      );
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** By psql. */
export const inPostgres = (pg: TestPostgres, schema: string): Found => {
  const there = pg.sql(pg.url, `SELECT to_regclass('${schema}.rows')`).trim();
  if (there === "") return new Map();
  const names = TABLES.map((table) => `'${table}'`).join();
  const lines = pg.sql(pg.url, `SELECT encode(value, 'hex') FROM ${schema}.rows WHERE name IN (${names})`);
  return counted(
    lines
      .split("\n")
      .filter((line) => line !== "")
      .map((hex) => Buffer.from(hex, "hex")),
  );
};
