/** The tables of one SQLite file, each made when first written, and their statements, each prepared once. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreFailed } from "../../actors/ports/mod.ts";

/** A statement is undefined where its table was never written. Names have been looked at: they become SQL. */
export interface Tables {
  readonly putting: (table: string) => StatementSync;
  readonly removing: (table: string) => StatementSync | undefined;
  readonly reading: (table: string) => StatementSync | undefined;
  readonly scanning: (table: string, isPast: boolean, hasEnd: boolean) => StatementSync | undefined;
  readonly dueing: (table: string) => StatementSync | undefined;
  /** A transaction was rolled back: what it made may be gone. */
  readonly forget: () => void;
}

const TABLES_MAX = 512;

export const tablesOf = (db: DatabaseSync): Tables => {
  const statements = new Map<string, StatementSync>();
  const listed = () =>
    new Set(
      db
        .prepare("SELECT name FROM tables")
        .all()
        .map(({ name }) => String(name)),
    );
  let known = listed();
  const prepared = (sql: string): StatementSync => {
    const held = statements.get(sql);
    if (held !== undefined) return held;
    const fresh = db.prepare(sql);
    statements.set(sql, fresh);
    return fresh;
  };
  const inTable = (table: string, sql: string) => (known.has(table) ? prepared(sql) : undefined);

  const make = (table: string): void => {
    if (known.has(table)) return;
    if (known.size >= TABLES_MAX) throw new StoreFailed({ reason: "malformed", why: `more than ${TABLES_MAX} tables` });
    db.exec(`CREATE TABLE t_${table} (key BLOB PRIMARY KEY, value BLOB NOT NULL, due INTEGER) WITHOUT ROWID;
      CREATE INDEX d_${table} ON t_${table} (due) WHERE due IS NOT NULL`);
    db.prepare("INSERT INTO tables VALUES (?)").run(table);
    known.add(table);
  };

  return {
    putting: (table) => {
      make(table);
      return prepared(`INSERT OR REPLACE INTO t_${table} VALUES (?, ?, ?)`);
    },
    removing: (table) => inTable(table, `DELETE FROM t_${table} WHERE key = ?`),
    reading: (table) => inTable(table, `SELECT value FROM t_${table} WHERE key = ?`),
    scanning: (table, isPast, hasEnd) =>
      inTable(
        table,
        `SELECT * FROM t_${table} WHERE key ${isPast ? ">" : ">="} ?${hasEnd ? " AND key < ?" : ""} ORDER BY key LIMIT ?`,
      ),
    dueing: (table) =>
      inTable(table, `SELECT * FROM t_${table} WHERE due IS NOT NULL AND due <= ? ORDER BY due, key LIMIT ?`),
    forget: () => {
      statements.clear();
      known = listed();
    },
  };
};
