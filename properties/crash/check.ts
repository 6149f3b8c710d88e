/**
 * Looks into a store from outside: by SQLite's and PostgreSQL's own programs and the written form of a record
 * (codecs/validation/record.ts), with nothing of the code under test. And what has to be in it.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TestPostgres } from "../kit/postgres.ts";
import { type Company, callerOf, timesOf } from "./calls.ts";
import type { World } from "./world.ts";

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

/** By psql. `select`: of other values than those of the schema's rows, in hexadecimal. */
export const inPostgres = (pg: TestPostgres, schema: string, select?: string): Found => {
  const there = pg.sql(pg.url, `SELECT to_regclass('${schema}.rows')`).trim();
  if (there === "" && select === undefined) return new Map();
  const names = TABLES.map((table) => `'${table}'`).join();
  const lines = pg.sql(pg.url, select ?? `SELECT encode(value, 'hex') FROM ${schema}.rows WHERE name IN (${names})`);
  return counted(
    lines
      .split("\n")
      .filter((line) => line !== "")
      .map((hex) => Buffer.from(hex, "hex")),
  );
};

/** b's calls to a are validated within seconds, and their rows go then: they are looked for by nobody. */
const isKept = (company: Company, n: number) => company === "a" || callerOf(n) === "a";

/** What its store must have, of all that was acknowledged until now. */
export const keptOf = ({ agents }: World, company: Company): ReadonlySet<number> =>
  new Set([...agents[company].acknowledged].filter((n) => isKept(company, n)));

/** The store of a server that is dead. */
export const storeOf = (world: World, pg: TestPostgres | undefined, company: Company): Found =>
  pg === undefined ? inSqlite(join(world.data(company), "values.sqlite")) : inPostgres(pg, world.schema(company));

/** What was acknowledged before the store was read has to be in it, once. */
export const faultsIn = (kept: ReadonlySet<number>, found: Found) => ({
  lost: [...kept].filter((n) => !found.has(n)),
  doubled: [...found].flatMap(([n, times]) => (times > 1 ? [n] : [])),
});

const WAIT_MS_MAX = 60_000;
export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Until an upload of each company is acknowledged; how long that took, in milliseconds. */
export const goesOn = async (world: World): Promise<number> => {
  const companies = Object.keys(world.agents) as ReadonlyArray<Company>;
  const from = companies.map((company) => world.agents[company].acknowledged.size);
  for (let ms = 0; ; ms += 10) {
    if (companies.every((company, i) => world.agents[company].acknowledged.size > from[i]!)) return ms;
    if (ms > WAIT_MS_MAX) throw new Error(`nothing goes on any more:\n${world.log("a")}\n${world.log("b")}`);
    await sleep(10);
  }
};
