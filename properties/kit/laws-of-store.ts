/**
 * What a Store owes, as a list of laws; the one in memory is the model of the others.
 *
 *   for (const { name, check } of storeLawsOf("mine", openMine)) test(name, check);
 */
import { deepStrictEqual as same } from "node:assert";
import { Effect, type Scope } from "effect";
import fc from "fast-check";
import {
  type Change,
  STORE_ROWS_MAX,
  STORE_VALUE_BYTES_MAX,
  type StoreFailed,
  type StoreShape,
} from "../../actors/ports/mod.ts";
import { memoryStore } from "../../runtime/store/memory.ts";
import { type Law, lawOf, RUNS } from "./laws.ts";

type Open = Effect.Effect<StoreShape, StoreFailed, Scope.Scope>;

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values);
const put = (key: Uint8Array, value: Uint8Array, dueMs?: number): Change =>
  dueMs === undefined ? { type: "put", table: "a", key, value } : { type: "put", table: "a", key, value, dueMs };

const anyBytes = fc
  .uint8Array({ maxLength: 3 })
  .map((given) => Uint8Array.from(given, (byte) => [0, 1, 127, 128, 255][byte % 5]!));
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc
    .tuple(fc.constantFrom("a", "b"), anyBytes, anyBytes)
    .map(([table, key, value]) => ({ type: "put", table, key, value }) as const),
  fc.tuple(anyBytes, anyBytes, fc.nat(9)).map(([key, value, dueMs]) => put(key, value, dueMs)),
  fc.tuple(fc.constantFrom("a", "b"), anyBytes).map(([table, key]) => ({ type: "remove", table, key }) as const),
);

/** `open` gives an empty store each time it runs. `runs`: of the first law, default `RUNS`. */
export const storeLawsOf = (name: string, open: Open, runs: number = RUNS): ReadonlyArray<Law> => {
  const law = (title: string, body: (store: StoreShape) => Effect.Effect<unknown, unknown>): Law => ({
    name: `${name}: ${title}`,
    check: () => Effect.runPromise(Effect.asVoid(Effect.scoped(Effect.flatMap(open, body)))),
  });
  return [
    lawOf(`${name}: reads, scans and due rows are those of a map`, runs, isAMap(open)),
    law("a stored value does not change when the bytes that were written or read are changed", (store) =>
      Effect.gen(function* () {
        const value = bytes(1);
        yield* store.write([put(bytes(1), value)]);
        value[0] = 2;
        const [row] = yield* store.scan("a");
        row!.value[0] = 3;
        same(yield* store.read("a", bytes(1)), bytes(1));
      }),
    ),
    law("a write is done whole or not at all", (store) =>
      Effect.gen(function* () {
        yield* store.write([put(bytes(1), bytes(1))]);
        const refused = [
          [put(bytes(2), bytes(2)), put(bytes(3), new Uint8Array(STORE_VALUE_BYTES_MAX + 1))],
          [put(bytes(2), bytes(2)), { ...put(bytes(3), bytes(3)), table: "no table; DROP" }],
          [put(bytes(2), bytes(2)), put(bytes(3), bytes(3), 0.5)],
        ];
        for (const changes of refused) same((yield* Effect.flip(store.write(changes))).reason, "malformed");
        same((yield* store.scan("a")).length, 1);
      }),
    ),
    law("writes at once are all done, in the order in which they were called", (store) =>
      Effect.gen(function* () {
        const writes = Array.from({ length: 300 }, (_, i) =>
          store.write([put(bytes(i >> 8, i & 255), bytes(i & 255)), put(bytes(9, 9), bytes(i >> 8, i & 255))]),
        );
        yield* Effect.all(writes, { concurrency: "unbounded" });
        same((yield* store.scan("a")).length, 301);
        same(yield* store.read("a", bytes(9, 9)), bytes(1, 43));
      }),
    ),
    law("a large table is read page by page", (store) =>
      Effect.gen(function* () {
        const count = STORE_ROWS_MAX + 10;
        yield* store.write(Array.from({ length: count }, (_, i) => put(bytes(i >> 8, i & 255), bytes(), i)));
        const first = yield* store.scan("a");
        same(first.length, STORE_ROWS_MAX);
        const rest = yield* store.scan("a", { after: first.at(-1)!.key });
        same(first.length + rest.length, count);
        same(
          (yield* store.due("a", 4)).map(({ dueMs }) => dueMs),
          [0, 1, 2, 3, 4],
        );
      }),
    ),
  ];
};

/** Whatever is written: after each batch the store shows what the model shows. */
const isAMap = (open: Open) =>
  fc.asyncProperty(
    fc.array(fc.array(anyChange, { maxLength: 6 }), { maxLength: 6 }),
    fc.record({ prefix: anyBytes, after: anyBytes, rowsMax: fc.integer({ min: 1, max: 4 }), untilMs: fc.nat(9) }),
    (batches, { prefix, after, rowsMax, untilMs }) =>
      Effect.runPromise(
        Effect.gen(function* () {
          const [store, model] = [yield* open, memoryStore()];
          const shown = (of: StoreShape) =>
            Effect.all([
              ...["a", "b", "never"].flatMap((table) => [
                of.scan(table),
                of.scan(table, { prefix, rowsMax }),
                of.scan(table, { prefix, after }),
                of.due(table, untilMs, rowsMax),
              ]),
              of.read("a", prefix),
            ]);
          for (const changes of batches) {
            yield* store.write(changes);
            yield* model.write(changes);
            same(yield* shown(store), yield* shown(model));
          }
        }).pipe(Effect.scoped),
      ),
  );
