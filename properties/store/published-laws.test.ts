/** The laws of ports as `vipr/properties` gives them: what breaks one of them is named by it. */
import { deepStrictEqual as same } from "node:assert";
import { Effect, Layer } from "effect";
import { Dialer, Listener, type StoreShape } from "../../actors/ports/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { storeLawsOf, streamLawsOf } from "../kit/mod.ts";

interface Lawful {
  readonly name: string;
  readonly check: () => void | Promise<void>;
}

/** The laws that do not hold, without the name of what was looked at. */
const brokenOf = async (laws: ReadonlyArray<Lawful>): Promise<ReadonlyArray<string>> => {
  const broken: Array<string> = [];
  for (const { name, check } of laws)
    try {
      await check();
    } catch {
      broken.push(name.replace(/^[^:]*: /, ""));
    }
  return broken;
};

const FAULTS: Readonly<Record<string, (store: StoreShape) => StoreShape>> = {
  "reads, scans and due rows are those of a map": (store) => ({
    ...store,
    scan: (table, of) => Effect.map(store.scan(table, of), (rows) => rows.toReversed()),
  }),
  "a write is done whole or not at all": (store) => ({
    ...store,
    write: (changes) => Effect.forEach(changes, (change) => store.write([change]), { discard: true }),
  }),
  "a large table is read page by page": (store) => ({
    ...store,
    scan: (table, of) => Effect.map(store.scan(table, of), (rows) => rows.slice(0, 500)),
  }),
};

test("laws of a store: the one in memory keeps all, and each fault breaks the law that speaks of it", async () => {
  same(await brokenOf(storeLawsOf("sound", Effect.sync(memoryStore), 20)), []);
  for (const [title, spoil] of Object.entries(FAULTS)) {
    const broken = await brokenOf(
      storeLawsOf(
        "spoilt",
        Effect.sync(() => spoil(memoryStore())),
        20,
      ),
    );
    same([title, broken.includes(title)], [title, true]);
  }
});

test("laws of streams: a dialer that swaps bytes breaks them", async () => {
  const sound = () => memoryLayer({ seed: 1 });
  const spoilt = () =>
    Layer.effect(
      Dialer,
      Effect.map(Dialer, (dialer) => ({
        ...dialer,
        dial: (target: Parameters<typeof dialer.dial>[0]) =>
          Effect.map(dialer.dial(target), (stream) => ({
            ...stream,
            read: Effect.map(stream.read, (bytes) => bytes.toReversed()),
          })),
      })),
    ).pipe(Layer.merge(Layer.effect(Listener, Effect.service(Listener))), Layer.provide(sound()));
  same(await brokenOf(streamLawsOf("sound", sound, runVirtual)), []);
  const [inOrder] = streamLawsOf("spoilt", spoilt, runVirtual);
  same(await brokenOf([inOrder!]), ["what is written is read, in order, large writes too"]);
});
