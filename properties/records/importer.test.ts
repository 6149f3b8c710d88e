/**
 * The importer over any number of ends: whatever was on disk when it was killed, and however the disk refuses, the outbox gets
 * each call of the file, once.
 */
import { deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import { Effect } from "effect";
import fc from "fast-check";
import { openOutbox } from "../../actors/agent/mod.ts";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { type FilePlace, openRecordKeep, type RecordKeep, recordImporter } from "../../actors/records/mod.ts";
import { recordReader, trunkMatcher, zoneOf } from "../../codecs/cdr/mod.ts";
import { type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { callTable, intake, judgeFor } from "../../machines/records/mod.ts";
import { memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { acme, planOf, RECORDS } from "./read.ts";

const FILE = "Master-main.csv";
const bytes = new Uint8Array(readFileSync(new URL(`asterisk/${FILE}`, RECORDS)));
/** Longer than the file: its rows are in no order of their times. */
const HOUR_MS = 3_600_000;
const keyOf = ({ called, calling, startMs, stopMs }: Vcr): string => `${calling} ${called} ${startMs} ${stopMs}`;

interface Life {
  /** Bytes of each look at the file. */
  readonly size: number;
  /** Looks until it is killed; undefined: to the end. */
  readonly looks: number | undefined;
  readonly settleMs: number;
}

/** One run of the program, from what the disk has to its end. */
const life = ({ size, looks, settleMs }: Life, store: StoreShape, taken: Array<string>) =>
  Effect.gen(function* () {
    const table = callTable({ isKept: true });
    const keep = yield* openRecordKeep(store, table);
    const upload = (vcr: Vcr) => Effect.sync(() => void taken.push(keyOf(vcr)));
    const outbox = yield* openOutbox({ store, upload });
    const taking = intake(judgeFor(planOf(acme.numbers)), table);
    const importer = recordImporter({ intake: taking, table, keep, outbox, vservice: vserviceId(7n) });
    const known = [...keep.files.values()][0];
    const from = { offset: known?.offset ?? 0, line: known?.line ?? 1 };
    const trunkOf = trunkMatcher(acme.trunks);
    const { reader } = recordReader({ format: "asterisk", zone: zoneOf("UTC")!, trunkOf, hasTrunks: true, from });
    const place = (): FilePlace => ({
      id: 0,
      path: FILE,
      ...reader!.at(),
      headBytes: 0,
      headHash: "",
      tailHash: "",
      atMs: 0,
    });
    for (let look = 0, at = from.offset; at < bytes.length; look++, at += size) {
      if (look === looks) return;
      const rows = reader!.push(bytes.subarray(at, at + size));
      yield* importer.take(FILE, rows, place());
      yield* importer.settle(taking.newestMs() - settleMs);
    }
    yield* importer.take(FILE, reader!.end(), place());
    while ((yield* importer.settle()).length > 0);
    yield* outbox.drained;
  });

const whole = async (): Promise<ReadonlyArray<string>> => {
  const taken: Array<string> = [];
  await runVirtual(
    Effect.scoped(life({ size: 100_000, looks: undefined, settleMs: 4 * HOUR_MS }, memoryStore(), taken)) as never,
  );
  return taken.sort();
};

test("records: killed at any look, on a disk that refuses now and then, the importer uploads what one run would, once", async () => {
  const expected = await whole();
  same(expected.length, 76);
  const lives = fc.array(
    fc.record({
      size: fc.integer({ min: 500, max: 30_000 }),
      looks: fc.integer({ min: 0, max: 12 }),
      settleMs: fc.constantFrom(4 * HOUR_MS, 24 * HOUR_MS),
    }),
    { maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(lives, fc.array(fc.boolean(), { maxLength: 30 }), async (before, refusals) => {
      const disk = memoryStore();
      let turn = 0;
      const store: StoreShape = {
        ...disk,
        write: (changes) =>
          Effect.suspend(() =>
            refusals[turn++] === true ? Effect.fail(new StoreFailed({ reason: "full", why: "" })) : disk.write(changes),
          ),
      };
      const taken: Array<string> = [];
      for (const one of [...before, { size: 9_000, looks: undefined, settleMs: 4 * HOUR_MS }])
        await runVirtual(Effect.scoped(life(one, store, taken)) as never);
      same([...taken].sort(), expected);
      const keep = await runVirtual(openRecordKeep(disk, callTable({ isKept: true })) as never);
      same(
        [...(keep as RecordKeep).files.values()].map(({ offset }) => offset),
        [bytes.length],
      );
    }),
    { numRuns: Math.ceil(runs / 3) },
  );
});

test("records: after a restart it is still known which calls were complete: their rows, read again, bring nothing", async () => {
  const disk = memoryStore();
  const taken: Array<string> = [];
  const run = () => life({ size: 9_000, looks: undefined, settleMs: 4 * HOUR_MS }, disk, taken);
  await runVirtual(Effect.scoped(run()) as never);
  const forgotten = { type: "remove", table: "recordFiles", key: new Uint8Array(8) } as const;
  await runVirtual(disk.write([forgotten]) as never);
  await runVirtual(Effect.scoped(run()) as never);
  same(taken.length, 76);
});
