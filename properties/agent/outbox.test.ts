/** The outbox: what was put is uploaded, in order and once for each acknowledgement, over restarts and full disks. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Fiber } from "effect";
import fc from "fast-check";
import { OUTBOX_TABLE, openOutbox, UploadFailed } from "../../actors/agent/mod.ts";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { unixMs, utf8, type Vcr } from "../../codecs/shared/mod.ts";
import { memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { vcr } from "../vap/values.ts";

const callAt = (n: number): Vcr => ({ ...vcr, startMs: unixMs(vcr.startMs + n), stopMs: unixMs(vcr.stopMs + n) });
const numberOf = ({ startMs }: Vcr): number => startMs - vcr.startMs;
const away = new UploadFailed({ reason: "full", why: "", isFinal: false });
const never = new UploadFailed({ reason: "refused", why: "", isFinal: true });
const inMemory = (what: string, program: Effect.Effect<void, unknown, any>) =>
  test(`outbox: ${what}`, () => runVirtual(Effect.scoped(program) as never));

test("outbox: whatever fails and whenever it is killed, each record put is acknowledged, and is off the disk then", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom("ok", "ok", "away", "disk"), { maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 4 }),
      async (puts, fates, lives) => {
        let turn = 0;
        const fate = () => fates[turn++] ?? "ok";
        const disk = memoryStore();
        const store: StoreShape = {
          ...disk,
          write: (changes) =>
            Effect.suspend(() =>
              Effect.suspend(() =>
                fate() === "disk" ? Effect.fail(new StoreFailed({ reason: "full", why: "" })) : disk.write(changes),
              ),
            ),
        };
        const taken = new Set<number>();
        const upload = (one: Vcr) =>
          Effect.suspend(() => (fate() === "away" ? Effect.fail(away) : Effect.sync(() => taken.add(numberOf(one)))));
        let promised = 0;
        const life = (ms: number | undefined) =>
          Effect.gen(function* () {
            const outbox = yield* openOutbox({ store, upload: (one) => Effect.asVoid(upload(one)) });
            for (const size of promised > 0 ? [] : puts) {
              const vcrs = Array.from({ length: size }, (_, i) => callAt(promised + i));
              if (yield* Effect.matchEager(outbox.put(vcrs), { onSuccess: () => true, onFailure: () => false }))
                promised += size;
            }
            yield* ms === undefined ? outbox.drained : Effect.sleep(ms);
          });
        for (const ms of [...lives, undefined]) await runVirtual(Effect.scoped(life(ms)) as never);
        for (let n = 0; n < promised; n++) ok(taken.has(n));
        same(taken.size, promised);
        same(((await runVirtual(disk.scan(OUTBOX_TABLE) as never)) as ReadonlyArray<unknown>).length, 0);
      },
    ),
    { numRuns: runs },
  ));

inMemory(
  "records go up in the order in which they were put, and the caller's own change comes with them or not at all",
  Effect.gen(function* () {
    const disk = memoryStore();
    let isFull = false;
    const write: StoreShape["write"] = (changes) =>
      isFull ? Effect.fail(new StoreFailed({ reason: "full", why: "" })) : disk.write(changes);
    const taken: Array<number> = [];
    const upload = (one: Vcr) => Effect.sync(() => void taken.push(numberOf(one)));
    const outbox = yield* openOutbox({ store: { ...disk, write }, upload });
    const place = (at: string) => ({ type: "put", table: "places", key: utf8("file"), value: utf8(at) }) as const;
    yield* outbox.put([callAt(0), callAt(1)], [place("1")]);
    isFull = true;
    same((yield* Effect.flip(outbox.put([callAt(2)], [place("2")])))._tag, "StoreFailed");
    same(yield* disk.read("places", utf8("file")), utf8("1"));
    same(outbox.counts().waiting, 2);
    isFull = false;
    yield* outbox.put([callAt(3)], [place("3")]);
    yield* outbox.drained;
    same(taken, [0, 1, 3]);
    same(outbox.counts(), { waiting: 0, acknowledged: 3, refused: 0 });
  }),
);

inMemory(
  "a record that the server refuses for itself is counted and goes; the others do not wait for it",
  Effect.gen(function* () {
    const upload = (one: Vcr) => (numberOf(one) === 1 ? Effect.fail(never) : Effect.void);
    const outbox = yield* openOutbox({ store: memoryStore(), upload });
    yield* outbox.put([callAt(0), callAt(1), callAt(2)]);
    yield* outbox.drained;
    same(outbox.counts(), { waiting: 0, acknowledged: 2, refused: 1 });
  }),
);

inMemory(
  "a server that is away for a day holds the writer back at the limit, and nothing is lost",
  Effect.gen(function* () {
    let isAway = true;
    const taken: Array<number> = [];
    const upload = (one: Vcr) =>
      Effect.suspend(() => (isAway ? Effect.fail(away) : Effect.sync(() => void taken.push(numberOf(one)))));
    const outbox = yield* openOutbox({ store: memoryStore(), upload, waitingMax: 10 });
    const writer = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 25 }), (_, n) => outbox.put([callAt(n)]), { discard: true }),
    );
    yield* Effect.sleep(24 * 3_600_000);
    same(outbox.counts().waiting, 10);
    isAway = false;
    yield* Fiber.join(writer);
    yield* outbox.drained;
    same(
      taken.sort((a, b) => a - b),
      Array.from({ length: 25 }, (_, n) => n),
    );
  }),
);
