/** Calls of one line, one after another: against a plain list, as the table they stand in; and through the server's own queue. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect";
import fc from "fast-check";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { ATTEMPTS_AT_ONCE_MAX, windowFor } from "../../actors/vipr/proving.ts";
import { openRecords, type Records } from "../../actors/vipr/records.ts";
import type { Waiting } from "../../actors/vipr/stored-records.ts";
import { LOOK_UPS_MAX, PUT_OFF_MS, VALIDATIONS_MAX } from "../../actors/vipr/validating.ts";
import { type E164, e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import {
  CLAIMS_MAX,
  callStore,
  type PvpClaim,
  RETENTION_MS,
  ROUND_MS,
  windowOf,
} from "../../machines/validation/mod.ts";
import { enter, leave, openCallQueues, QUEUED_CALLS_MAX, type ViprEvent } from "../../machines/vipr/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { HOUR_MS, sentCall } from "../validation/arbitrary.ts";

const [BUSY, OTHER] = [e164("+14085550001"), e164("+14085550002")];
const MINUTE_MS = 60_000;
const HOUR = 60 * MINUTE_MS;
/** When virtual time begins. */
const BEGIN_MS = Date.UTC(2011, 3, 1);
/** As long as the overlay may take with an AppAttach. */
const ATTACH_MS = 10_000;

/** Two minutes of each hour. */
const callOf = (hour: number, called: E164): Vcr => {
  const startMs = HOUR_MS + hour * HOUR;
  return {
    ...sentCall,
    called,
    startMs: unixMs(startMs),
    stopMs: unixMs(startMs + 2 * MINUTE_MS),
    vservice: vserviceId(1n),
  };
};
const calls = (count: number, called: E164): ReadonlyArray<Vcr> =>
  Array.from({ length: count }, (_, hour) => callOf(hour, called));
const dueAtOnce = (all: ReadonlyArray<Vcr>): ReadonlyArray<Waiting> =>
  all.map((vcr) => ({ vcr, dueMs: unixMs(BEGIN_MS + MINUTE_MS) }));

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(
      Effect.provide(body, Layer.mergeAll(memoryLayer({ seed: 3 }), arithmeticLayer, Logger.layer([]))),
    ) as Effect.Effect<A, E>,
  );
const noRecords = Effect.orDie(openRecords(undefined, callStore([])));

interface World {
  /** Default: one claimant. */
  readonly lookUp?: (number: string) => Effect.Effect<ReadonlyArray<PvpClaim>>;
  /** The AppAttach, of whom nobody gets further. Default: no answer. */
  readonly resolve?: Effect.Effect<never>;
  readonly waitBetweenMs?: readonly [number, number];
}

/** A server's queue, and what it tells with the milliseconds since virtual time began. */
const serve = Effect.fnUntraced(function* (
  records: Omit<Records, "received" | "expire">,
  { lookUp, resolve = Effect.never, waitBetweenMs = [MINUTE_MS, MINUTE_MS] }: World = {},
) {
  const told: Array<{ readonly event: ViprEvent; readonly ms: number }> = [];
  const originating = yield* openOriginating(
    {
      nodeId: nodeIdFrom(1n),
      waitBetweenMs,
      requiredBits: 12,
      roundMs: ROUND_MS,
      isPrivate: () => false,
      domainOf: () => "a.example",
      learned: () => Effect.void,
      watch: (event) => Effect.map(Clock.currentTimeMillis, (nowMs) => void told.push({ event, ms: nowMs - BEGIN_MS })),
    },
    {
      lookUp: lookUp ?? (() => Effect.succeed([{ nodeId: nodeIdFrom(3n), vservice: vserviceId(8n) }])),
      resolve: () => resolve,
    },
    records,
  );
  const hours = (type: ViprEvent["type"], number: string) =>
    told.flatMap(({ event, ms }) => (event.type === type && event.number === number ? [ms] : []));
  return { originating, told, hours };
});

test("lines: one of each line is under way, the others stand behind it in their order, and not too many", () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          line: fc.constantFrom("a", "b"),
          steps: fc.constantFrom(1, 2, QUEUED_CALLS_MAX),
          isOut: fc.boolean(),
        }),
      ),
      (given) => {
        const lines = openCallQueues<number>();
        const model = new Map<string, number[]>();
        let item = 0;
        for (const { line, steps, isOut } of given) {
          const behind = model.get(line);
          if (isOut) {
            same(leave(lines, line), behind ?? []);
            model.delete(line);
          } else
            for (let step = 0; step < steps; step++) {
              const now = model.get(line);
              const said = now === undefined ? "first" : now.length < QUEUED_CALLS_MAX ? "behind" : "crowded";
              same(enter(lines, line, ++item), said);
              model.set(line, now === undefined ? [] : said === "behind" ? [...now, item] : now);
            }
          same(
            lines.count,
            [...model.values()].reduce((sum, { length }) => sum + length, 0),
          );
          same(lines.behind.size, model.size);
        }
      },
    ),
    { numRuns: runs },
  ));

test("lines: calls of a line that fall due together are looked up one after another, and hold up no other line", () =>
  virtually(
    Effect.gen(function* () {
      const waiting = dueAtOnce([
        ...calls(3 * VALIDATIONS_MAX, BUSY).slice(0, QUEUED_CALLS_MAX + 1),
        ...calls(1, OTHER),
      ]);
      const { originating, hours } = yield* serve({ ...(yield* noRecords), waiting });
      yield* Effect.sleep(2 * MINUTE_MS);
      same(hours("lookedUp", OTHER), [MINUTE_MS]); // a call that waits for its line holds no place
      same((yield* originating.presentState(BUSY)).waiting.length, originating.pending() + 1);
      yield* Effect.sleep(24 * HOUR);
      const begun = hours("lookedUp", BUSY);
      same(begun.length, QUEUED_CALLS_MAX + 1);
      same(
        begun,
        begun.map((_, i) => MINUTE_MS + i * ATTACH_MS),
      );
      same([originating.pending(), yield* originating.underWay], [0, 0]);
    }),
  ));

test("lines: who waits in a line takes turns with the other lines that are due", () =>
  virtually(
    Effect.gen(function* () {
      const others = Array.from({ length: 3 * VALIDATIONS_MAX }, (_, i) => callOf(0, e164(`+1555${10_000 + i}`)));
      const waiting = dueAtOnce([...calls(3, BUSY), ...others]);
      const { hours } = yield* serve({ ...(yield* noRecords), waiting });
      yield* Effect.sleep(HOUR);
      const [first, second] = hours("lookedUp", BUSY);
      const last = Math.max(...others.flatMap(({ called }) => hours("lookedUp", called)));
      ok(first! < last && second! >= last, `${first}, ${second}, the last of the others ${last}`);
    }),
  ));

test("lines: more than may wait behind one call come again later; those that their owner has forgotten are let go, off the disk too", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const { originating, hours } = yield* serve(yield* openRecords(store, callStore([])));
      const forgotten = (vcr: Vcr, i: number): Vcr => {
        const stopMs = BEGIN_MS - RETENTION_MS - i * HOUR;
        return { ...vcr, startMs: unixMs(stopMs - MINUTE_MS), stopMs: unixMs(stopMs) };
      };
      const all = calls(QUEUED_CALLS_MAX + 7, BUSY);
      yield* Effect.forEach([...all.slice(0, -3), ...all.slice(-3).map(forgotten)], originating.take);
      yield* Effect.sleep(MINUTE_MS + ATTACH_MS / 2);
      same(hours("crowded", BUSY).length, 3);
      same((yield* store.scan("vcrSent")).length, QUEUED_CALLS_MAX + 3); // and one is being asked about
      yield* Effect.sleep((QUEUED_CALLS_MAX + 4) * 2 * ATTACH_MS + PUT_OFF_MS);
      same([hours("lookedUp", BUSY).length, (yield* store.scan("vcrSent")).length], [QUEUED_CALLS_MAX + 4, 0]);
    }),
  ));

test("places: a call of many claims has its turn among ever so many of one", () =>
  virtually(
    Effect.gen(function* () {
      const many = e164("+15550000000");
      const isMany = (number: string) => number === many;
      const { originating, hours } = yield* serve(yield* noRecords, {
        lookUp: (number) =>
          Effect.succeed(
            Array.from({ length: isMany(number) ? CLAIMS_MAX : 1 }, (_, i) => ({
              nodeId: nodeIdFrom(BigInt(i + 3)),
              vservice: vserviceId(8n),
            })),
          ),
        waitBetweenMs: [0, 0],
      });
      // A hundred a second, each of which holds its place for ten: there is never room for all.
      for (let i = 0; i < 6_000; i++) {
        if (i === 2_000) yield* originating.take(callOf(0, many));
        yield* originating.take(callOf(0, e164(`+1556${i}`)));
        yield* Effect.sleep(10);
      }
      same(hours("attempted", many).length, CLAIMS_MAX);
    }),
  ));

test("places go by attempts: so many calls of one claim each, however slow, and of few at once the overlay is asked", () =>
  virtually(
    Effect.gen(function* () {
      let [asking, most] = [0, 0];
      const lookUp = () =>
        Effect.gen(function* () {
          most = Math.max(most, ++asking);
          yield* Effect.sleep(100);
          asking -= 1;
          return [{ nodeId: nodeIdFrom(3n), vservice: vserviceId(8n) }];
        });
      const all = Array.from({ length: VALIDATIONS_MAX + 1 }, (_, i) => callOf(0, e164(`+1555${10_000 + i}`)));
      const { originating } = yield* serve({ ...(yield* noRecords), waiting: dueAtOnce(all) }, { lookUp });
      yield* Effect.sleep(MINUTE_MS + ATTACH_MS / 2);
      same([most, yield* originating.underWay, originating.pending()], [LOOK_UPS_MAX, ATTEMPTS_AT_ONCE_MAX, 1]);
    }),
  ));

/** A server that runs for a while and is stopped: how often it attached to a claimant. */
const live = Effect.fnUntraced(function* (
  store: StoreShape,
  forMs: number,
  { lookUp, upload = [] }: Pick<World, "lookUp"> & { readonly upload?: ReadonlyArray<Vcr> } = {},
) {
  let attached = 0;
  const resolve = Effect.andThen(
    Effect.sync(() => void attached++),
    Effect.never,
  );
  const scope = yield* Scope.make();
  const records = yield* openRecords(store, callStore([]), 1_000);
  const { originating } = yield* Scope.provide(serve(records, { resolve, ...(lookUp && { lookUp }) }), scope);
  yield* Effect.forEach(upload, originating.take);
  yield* Effect.sleep(forMs);
  yield* Scope.close(scope, Exit.void);
  return attached;
});

test("a stop in the middle: who was asked about a call is not asked again, and a call that nobody was asked about is not lost", () =>
  virtually(
    Effect.gen(function* () {
      const upload = calls(1, BUSY);
      const asked = memoryStore();
      same(yield* live(asked, MINUTE_MS + 1_000, { upload }), 1);
      same(yield* live(asked, HOUR), 0);
      const notAsked = memoryStore();
      same(yield* live(notAsked, MINUTE_MS + 1_000, { upload, lookUp: () => Effect.never }), 0);
      same([yield* live(notAsked, HOUR), yield* live(notAsked, HOUR)], [1, 0]);
    }),
  ));

test("a disk that does not let go of a call: nobody is asked about it until it does", () =>
  virtually(
    Effect.gen(function* () {
      const disk = memoryStore();
      let isFull = false;
      const store: StoreShape = {
        ...disk,
        write: (changes) =>
          isFull ? Effect.fail(new StoreFailed({ reason: "full", why: "no room" })) : disk.write(changes),
      };
      let attached = 0;
      const resolve = Effect.andThen(
        Effect.sync(() => void attached++),
        Effect.never,
      );
      const { originating } = yield* serve(yield* openRecords(store, callStore([])), { resolve });
      yield* originating.take(callOf(0, BUSY));
      isFull = true;
      yield* Effect.sleep(HOUR);
      same([attached, originating.pending(), (yield* disk.scan("vcrSent")).length], [0, 1, 1]);
      isFull = false;
      yield* Effect.sleep(HOUR);
      same([attached, originating.pending(), (yield* disk.scan("vcrSent")).length], [1, 0, 0]);
    }),
  ));

test("what a stop is spread over: Tv's range of a call that we were late with, over two restarts too, and the age of a record that came late", () =>
  virtually(
    Effect.gen(function* () {
      const waitBetweenMs = [30_000, MINUTE_MS] as const;
      const call = { ...callOf(0, BUSY), startMs: unixMs(BEGIN_MS - 3 * MINUTE_MS), stopMs: unixMs(BEGIN_MS) };
      const store = memoryStore();
      const records = yield* openRecords(store, callStore([]));
      const nowMs = yield* Clock.currentTimeMillis;
      yield* records.sent({ vcr: call, dueMs: unixMs(nowMs + 45_000) });
      yield* Effect.sleep(HOUR);
      const [late] = (yield* openRecords(store, callStore([]), 5 * MINUTE_MS)).waiting;
      const [again] = (yield* openRecords(store, callStore([]), 1_000)).waiting;
      same(
        [late!.dueMs, again!.dueMs, windowFor(waitBetweenMs, again!)],
        [nowMs + HOUR + 5 * MINUTE_MS, late!.dueMs, 30_000],
      );
      const imported = { vcr: call, dueMs: unixMs(call.stopMs + HOUR) };
      same(windowFor(waitBetweenMs, imported), windowOf(waitBetweenMs, HOUR));
      ok(windowFor(waitBetweenMs, imported) > HOUR);
      const slow = yield* serve({ ...(yield* noRecords), waiting: [imported] }, { waitBetweenMs });
      const [stands] = (yield* slow.originating.presentState(BUSY)).waiting;
      yield* Effect.sleep(HOUR);
      const [other] = (yield* (yield* serve(
        { ...(yield* noRecords), waiting: [again!] },
        { waitBetweenMs },
      )).originating.presentState(BUSY)).waiting;
      ok(other!.worthBits < stands!.worthBits, `${other!.worthBits} < ${stands!.worthBits}`);
    }),
  ));
