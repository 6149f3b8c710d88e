/** A store that lasts as long as whoever holds it: for simulations, for tests, for a server that may forget. */
import { Effect, Layer } from "effect";
import { type Row, Store, type StoreShape } from "../../actors/ports/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { changesFault, rowsOf, tableFault } from "./rules.ts";

type Table = Map<string, Row>;

/** An empty store, whose rows last as long as it does. Rows go in and come out as copies. */
export const memoryStore = (): StoreShape => {
  const tables = new Map<string, Table>();
  const tableOf = (name: string): Table => {
    const table = tables.get(name) ?? new Map<string, Row>();
    tables.set(name, table);
    return table;
  };
  /** `sorted` compares hex texts, which stand in the order of their bytes. */
  const sorted = (name: string): ReadonlyArray<readonly [string, Row]> =>
    [...(tables.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));

  const checked = <A>(table: string, give: () => A) =>
    Effect.suspend(() => {
      const fault = tableFault(table);
      return fault === undefined ? Effect.succeed(give()) : Effect.fail(fault);
    });

  return {
    write: (changes) =>
      Effect.suspend(() => {
        const fault = changesFault(changes);
        if (fault !== undefined) return Effect.fail(fault);
        for (const change of changes) {
          const table = tableOf(change.table);
          if (change.type === "remove") table.delete(hexOf(change.key));
          else table.set(hexOf(change.key), copyOf({ ...change, dueMs: change.dueMs }));
        }
        return Effect.void;
      }),
    read: (table, key) => checked(table, () => tables.get(table)?.get(hexOf(key))?.value.slice()),
    scan: (table, { prefix = new Uint8Array(), after, rowsMax } = {}) =>
      checked(table, () =>
        sorted(table)
          .filter(([key]) => key.startsWith(hexOf(prefix)) && (after === undefined || key > hexOf(after)))
          .slice(0, rowsOf(rowsMax))
          .map(([, row]) => copyOf(row)),
      ),
    due: (table, untilMs, rowsMax) =>
      checked(table, () =>
        sorted(table)
          .filter(([, { dueMs }]) => dueMs !== undefined && dueMs <= untilMs)
          .sort(([, a], [, b]) => a.dueMs! - b.dueMs!)
          .slice(0, rowsOf(rowsMax))
          .map(([, row]) => copyOf(row)),
      ),
  };
};

const copyOf = ({ key, value, dueMs }: Row): Row => ({ key: key.slice(), value: value.slice(), dueMs });

/** An empty store, made when the layer is built. */
export const memoryStoreLayer: Layer.Layer<Store> = Layer.sync(Store, memoryStore);
