/** AuditLog over restarts, kills and bad disks: told from the store they are those that memory would tell. */
import { ok, deepStrictEqual as same } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect";
import fc from "fast-check";
import { type Change, StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { type AuditLog, BUFFERED_EVENTS_MAX, EVENTS_AT_ONCE_MAX, openAuditLog } from "../../actors/vipr/audit-log.ts";
import { type Originating, openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { storedReport } from "../../actors/vipr/stored-audit-log.ts";
import {
  type E164,
  e164,
  nodeIdFrom,
  nodeIdText,
  ntpMs,
  unixMs,
  type Vcr,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import type { ValInfo } from "../../codecs/vap/mod.ts";
import {
  AuditEventRow,
  AuditRow,
  asStored,
  auditKey,
  decodeAudit,
  decodeEvent,
  encodeAudit,
  encodeEvent,
  eventKey,
  numberOfKey,
} from "../../codecs/vipr/mod.ts";
import { callStore, ROUND_MS } from "../../machines/validation/mod.ts";
import {
  AUDIT_LIFETIME_MS,
  type AuditReport,
  auditEventOf,
  auditTable,
  claimName,
  credit,
  currentReport,
  EVENTS_MAX,
  type LoggedNumber,
  logOf,
  NO_EVENTS,
  openLedger,
  PROOF_LIFETIME_MS,
  provedBy,
  record,
  reportFrom,
  summed,
  type ViprEvent,
} from "../../machines/vipr/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { reportText } from "../../runtime/cli/explain-text.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";
import { HOUR_MS, hourly, vcrs } from "../validation/arbitrary.ts";
import { NUMBERS, viprEvents } from "./arbitrary.ts";

const REQUIRED = 12;
const LONG_MS = 1_000;
const CALL = { startMs: ntpMs(3_976_214_403_000), stopMs: ntpMs(3_976_214_500_000) };
const [NUMBER] = NUMBERS;

wireLaws(AuditEventRow, { openEnded: true });
wireLaws(AuditRow);

test("story row: a fact and a sum are read as they were written, and as memory has them", () =>
  fc.assert(
    fc.property(fc.array(viprEvents, { minLength: 1, maxLength: 20 }), (events) => {
      const facts = events.map((event, i) => auditEventOf(event, HOUR_MS + i));
      for (const fact of facts) {
        same(decodeEvent(encodeEvent(fact)), fact);
        same(asStored(fact), fact);
      }
      const sum = facts.reduce(summed, NO_EVENTS);
      same(decodeAudit(encodeAudit({ requiredBits: REQUIRED, sum })), { requiredBits: REQUIRED, sum });
      same(
        NUMBERS.map((number) => numberOfKey(auditKey(number))),
        [...NUMBERS],
      );
    }),
    { numRuns: runs },
  ));

const virtually = <A, E>(body: Effect.Effect<A, E>, logged: Array<unknown> = []): Promise<A> => {
  const logger = Logger.make(({ message }) => void logged.push(message));
  return runVirtual(Effect.provide(body, Layer.mergeAll(Logger.layer([logger]))));
};
const forSome = (body: (...given: any) => Promise<void>, ...arbitraries: ReadonlyArray<fc.Arbitrary<any>>) =>
  fc.assert((fc.asyncProperty as any)(...arbitraries, body), { numRuns: runs });

/** What memory would tell. */
const model = (events: ReadonlyArray<Heard>): ReadonlyArray<AuditReport | undefined> => {
  const all = auditTable(REQUIRED);
  for (const { event, atMs } of events) record(all, event, atMs);
  return NUMBERS.map((number) => reported(number, logOf(all, number)));
};
const reported = (number: E164, log: LoggedNumber | undefined): AuditReport | undefined =>
  log && reportFrom(number, REQUIRED, log);
const readOne = ({ read }: AuditLog, number: E164) => Effect.map(read(number), (log) => reported(number, log));
const readBy = (of: AuditLog) => Effect.forEach(NUMBERS, (number) => readOne(of, number));
/** An event and its hour. */
interface Heard {
  readonly event: ViprEvent;
  readonly atMs: number;
}
const hear = (of: AuditLog, events: ReadonlyArray<Heard>) =>
  Effect.sync(() => {
    for (const { event, atMs } of events) of.record(event, atMs);
  });
/** A server's life: its stories, until the scope closes, or is left open as by a kill. */
const life = Effect.fnUntraced(function* (store: StoreShape, numbersMax?: number) {
  const scope = yield* Scope.make();
  const options = { store, requiredBits: REQUIRED, ...(numbersMax === undefined ? {} : { numbersMax }) };
  const of = yield* Scope.provide(openAuditLog(options), scope);
  return { of, close: Scope.close(scope, Exit.void) };
});

const heard = fc
  .oneof(
    { weight: 4, arbitrary: fc.array(viprEvents, { maxLength: EVENTS_MAX }) },
    { weight: 1, arbitrary: fc.array(viprEvents, { minLength: 2 * EVENTS_MAX, maxLength: 3 * EVENTS_MAX }) },
  )
  .map((events) => events.map((event, i): Heard => ({ event, atMs: HOUR_MS + i })));
/** How many events come before each of these: a look, a while, a restart. */
const cuts = fc.array(fc.tuple(fc.nat(60), fc.constantFrom("look", "wait", "restart")), { maxLength: 8 });

test("stories: however events are cut into writes and lives of the server, they are told as memory tells them", () =>
  forSome(
    (events: ReadonlyArray<Heard>, cutAt: ReadonlyArray<readonly [number, string]>) =>
      virtually(
        Effect.gen(function* () {
          const store = memoryStore();
          let [now, at] = [yield* life(store), 0];
          for (const [many, then] of [...cutAt, [events.length, "restart"] as const]) {
            yield* hear(now.of, events.slice(at, at + many));
            at += many;
            if (then === "look") same(yield* readBy(now.of), model(events.slice(0, at)));
            if (then === "wait") yield* Effect.sleep(LONG_MS);
            if (then !== "restart") continue;
            yield* now.close;
            now = yield* life(store);
            same(yield* readBy(now.of), model(events.slice(0, at)));
          }
          yield* now.close;
          const kept = yield* Effect.forEach(NUMBERS, (number) => storedReport(store, e164(number), HOUR_MS));
          same(
            kept.map((story) => story?.facts),
            model(events).map((story) => story?.facts),
          );
          for (const story of kept) if (story !== undefined) ok(!/undefined|NaN|\[object/.test(reportText(story, 0)));
          for (const number of NUMBERS)
            ok((yield* store.scan("storyFacts", { prefix: auditKey(number) })).length <= EVENTS_MAX);
        }),
      ),
    heard,
    cuts,
  ));

test("stories: a kill loses the last moments of a story, and nothing between", () =>
  forSome(
    (events: ReadonlyArray<Heard>, pauses: ReadonlyArray<number>) =>
      virtually(
        Effect.gen(function* () {
          const store = memoryStore();
          const { of } = yield* life(store);
          let [at, safe] = [0, 0];
          for (const many of pauses) {
            yield* hear(of, events.slice(at, at + many));
            at += many;
            if (many % 2 === 0) continue;
            yield* Effect.sleep(LONG_MS);
            safe = Math.min(at, events.length);
          }
          const after = yield* readBy((yield* life(store)).of); // the first one was killed
          const prefixes = Array.from({ length: events.length - safe + 1 }, (_, i) => events.slice(0, safe + i));
          ok(prefixes.some((prefix) => isDeepStrictEqual(model(prefix), after)));
        }),
      ),
    heard.map((events) => events.slice(0, 40)),
    fc.array(fc.nat(15), { maxLength: 5 }),
  ));

/** Refuses while it is told to. */
const moody = (store: StoreShape) => {
  const mood = { isBad: false, refused: 0 };
  const write = (changes: ReadonlyArray<Change>) =>
    Effect.suspend(() => {
      if (!mood.isBad) return store.write(changes);
      mood.refused += 1;
      return Effect.fail(new StoreFailed({ reason: "full", why: "no room" }));
    });
  return { mood, store: { ...store, write } satisfies StoreShape };
};

test("stories: a disk that refuses for a while loses nothing, and is told of once", async () => {
  const logged: Array<unknown> = [];
  await forSome(
    (events: ReadonlyArray<Heard>, moods: ReadonlyArray<boolean>) => {
      logged.length = 0;
      return virtually(
        Effect.gen(function* () {
          const { mood, store } = moody(memoryStore());
          const { of, close } = yield* life(store);
          for (const [i, isBad] of moods.entries()) {
            mood.isBad = isBad;
            yield* hear(of, events.slice(i * 10, i * 10 + 10));
            yield* Effect.sleep(LONG_MS);
            same(yield* readBy(of), model(events.slice(0, i * 10 + 10))); // as if nothing were amiss
          }
          ok(logged.length <= 1, "within ten minutes");
          mood.isBad = false;
          yield* close;
          same(yield* readBy((yield* life(store)).of), model(events.slice(0, moods.length * 10)));
        }),
        logged,
      );
    },
    heard,
    fc.array(fc.boolean(), { maxLength: 6 }),
  );
});

/** Of sent calls: nothing is validated here, and the hours of the queue are those of the records. */
const originates = Effect.fnUntraced(function* (store: StoreShape, of: AuditLog) {
  const options = {
    nodeId: nodeIdFrom(1n),
    waitBetweenMs: [1_000_000, 2_000_000] as const,
    requiredBits: REQUIRED,
    roundMs: ROUND_MS,
    isPrivate: () => false,
    domainOf: () => "a.example",
    learned: () => Effect.void,
    watch: (event: ViprEvent) => Effect.map(Clock.currentTimeMillis, (atMs) => of.record(event, atMs)),
  };
  const nobody = { lookUp: () => Effect.succeed([]), resolve: () => Effect.die("nobody claims it") };
  const records = yield* openRecords(store, callStore([nodeIdFrom(5n)]));
  return { records, originating: yield* openOriginating(options, nobody, records) };
});
const proofs = fc.array(fc.record({ day: fc.nat(80), bits: fc.double({ min: 0, max: 12, noNaN: true }) }), {
  maxLength: 12,
});

test("stories: after a restart calls wait with their new hour, and a claim's bits are those that the ledger restored", () =>
  forSome(
    (given: ReadonlyArray<{ readonly day: number; readonly bits: number }>, awayMs: number, lost: boolean) =>
      virtually(
        Effect.gen(function* () {
          const store = memoryStore();
          const claim = { nodeId: nodeIdFrom(2n), vservice: vserviceId(7n) };
          const vcr: Vcr = fc.sample(vcrs, { numRuns: 1, seed: 11 })[0]!;
          const number = vcr.called;
          const name = claimName({
            by: vserviceId(3n),
            number,
            nodeId: nodeIdText(claim.nodeId),
            vservice: vserviceId(7n),
          });
          const told = Effect.fnUntraced(function* (of: AuditLog, originating: Originating) {
            const stands = { isPublished: false, ...(yield* originating.presentState(number)) };
            return currentReport(yield* of.read(number), number, REQUIRED, stands)!;
          });
          const before = yield* Effect.scoped(
            Effect.gen(function* () {
              const of = yield* openAuditLog({ store: lost ? undefined : store, requiredBits: REQUIRED });
              const { records, originating } = yield* originates(store, of);
              const ledger = openLedger(REQUIRED);
              for (const [i, { day, bits }] of given.toSorted((a, b) => a.day - b.day).entries()) {
                const atMs = (yield* Clock.currentTimeMillis) + (day - 80) * 86_400_000;
                const attempt = { ...claim, method: "A", bits, verdict: "validated", info: {} as ValInfo } as const;
                of.record({ type: "attempted", number, by: vserviceId(3n), call: CALL, attempt, tries: 2 }, atMs);
                yield* records.proved({ claim: name, call: hourly(i), bits, atMs: unixMs(atMs) });
                const { isRoute: _, ...sum } = credit(ledger, name, hourly(i), bits, atMs);
                of.record({ type: "proved", number, by: vserviceId(3n), claim, ...sum, required: REQUIRED }, atMs);
              }
              ok(yield* originating.take(vcr));
              return yield* told(of, originating);
            }),
          );
          yield* Effect.sleep(awayMs);
          yield* Effect.scoped(
            Effect.gen(function* () {
              const of = yield* openAuditLog({ store, requiredBits: REQUIRED });
              const { records, originating } = yield* originates(store, of);
              const now = yield* told(of, originating);
              const nowMs = yield* Clock.currentTimeMillis;
              const [waits] = now.waiting;
              same([now.sent, now.waiting.length], [1, 1]);
              const isLate = before.waiting[0]!.dueMs < nowMs + 300_000;
              same(waits!.dueMs, isLate ? nowMs + 300_000 : before.waiting[0]!.dueMs);
              same(now.facts.at(-1)?.type, isLate ? "waits" : lost ? undefined : "vcr");
              if (lost) return;
              const counted = records.proofs.filter(({ atMs }) => nowMs - atMs < PROOF_LIFETIME_MS);
              const bits = counted.reduce((sum, proof) => sum + proof.bits, 0);
              const alone = yield* storedReport(store, number, nowMs); // as whoever reads it without a server
              for (const of of alone?.claims ?? []) ok(Math.abs(of.bits - bits) < 1e-9, `${of.bits} of ${bits}`);
              for (const of of now.claims) ok(Math.abs(of.bits - bits) < 1e-9, `${of.bits} of ${bits}`);
              const isGone = given.length === 0 || awayMs >= AUDIT_LIFETIME_MS;
              same(now.claims.length, isGone ? 0 : 1);
              if (isGone) same(bits, 0); // with the last proof that could count
            }),
          );
        }).pipe(Effect.provide(Layer.merge(memoryLayer({ seed: 3 }), arithmeticLayer))) as Effect.Effect<void>,
      ),
    proofs,
    fc.oneof(fc.nat(2_000_000), fc.nat(90 * 86_400_000)),
    fc.boolean(),
  ));

test("stories: of more proofs than a ledger counts, a store without a server tells as many as its server would", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const claim = { nodeId: nodeIdFrom(2n), vservice: vserviceId(7n) };
      const name = claimName({
        by: vserviceId(3n),
        number: NUMBER,
        nodeId: nodeIdText(claim.nodeId),
        vservice: vserviceId(7n),
      });
      const atMs = yield* Clock.currentTimeMillis;
      const { of, close } = yield* life(store);
      const attempt = { ...claim, method: "A", bits: 0.5, verdict: "validated", info: {} as ValInfo } as const;
      of.record({ type: "attempted", number: e164(NUMBER), by: vserviceId(3n), call: CALL, attempt, tries: 2 }, atMs);
      const records = yield* openRecords(store, callStore([nodeIdFrom(5n)]));
      for (let i = 0; i < 100; i++)
        yield* records.proved({ claim: name, call: hourly(i), bits: 0.5, atMs: unixMs(atMs + i) });
      yield* close;
      const [told] = (yield* storedReport(store, e164(NUMBER), atMs))!.claims;
      const ledger = openLedger(REQUIRED);
      for (const { call, bits, atMs } of (yield* openRecords(store, callStore([nodeIdFrom(5n)]))).proofs)
        credit(ledger, name, call, bits, atMs);
      const { bits, calls } = provedBy(ledger, name, atMs);
      same([told!.bits, told!.calls], [bits, calls]);
      ok(calls < 100);
    }),
  ));

const published = (number: string, atMs: number): Heard => ({
  event: { type: "published", number: e164(number) },
  atMs,
});

test("stories: a disk that goes on refusing costs so many facts of memory, and the newest are lost", async () => {
  const logged: Array<unknown> = [];
  await virtually(
    Effect.gen(function* () {
      const { mood, store } = moody(memoryStore());
      const { of, close } = yield* life(store);
      mood.isBad = true;
      const many = Array.from({ length: BUFFERED_EVENTS_MAX + 500 }, (_, i) => published(NUMBER, HOUR_MS + i));
      yield* hear(of, many);
      yield* Effect.sleep(3_600_000);
      ok(mood.refused > 300 && logged.length > 3 && logged.length <= 8, `${logged.length} of ${mood.refused}`);
      mood.isBad = false;
      yield* Effect.sleep(60_000);
      const [story] = yield* readBy(of);
      same(story!.facts.at(-1)!.atMs, HOUR_MS + BUFFERED_EVENTS_MAX - 1);
      same(story!.forgotten, BUFFERED_EVENTS_MAX - EVENTS_MAX);
      yield* close;
    }),
    logged,
  );
  ok(!JSON.stringify(logged).includes(NUMBER), "no whole number in the log");
});

test("stories: so many numbers, those heard of last; and none that was not heard of for 60 days", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const rows = (table: string) => Effect.map(store.scan(table), ({ length }) => length);
      const nowMs = yield* Clock.currentTimeMillis;
      const many = Array.from({ length: 150 }, (_, i) => published(e164(`+1${200 + (i % 75)}`), nowMs + i));
      for (const part of [many.slice(0, 100), many.slice(100)]) {
        const { of, close } = yield* life(store, 40);
        yield* hear(of, part);
        yield* Effect.sleep(LONG_MS);
        same(yield* rows("stories"), 40);
        ok((yield* rows("storyFacts")) <= 40 * 2);
        yield* close;
      }
      const { of } = yield* life(store, 40);
      const told = yield* Effect.forEach(many.slice(75), ({ event }) => of.read(event.number));
      same(
        told.map((story) => story !== undefined),
        told.map((_, i) => i >= 35),
      );
      yield* Effect.sleep(AUDIT_LIFETIME_MS - 2 * 3_600_000);
      same(yield* rows("stories"), 40);
      yield* Effect.sleep(4 * 3_600_000);
      same([yield* rows("stories"), yield* rows("storyFacts")], [0, 0]);
      yield* hear(of, [published(NUMBER, yield* Clock.currentTimeMillis)]);
      yield* Effect.sleep(LONG_MS);
      same([yield* rows("stories"), (yield* of.read(e164(NUMBER)))?.facts.length], [1, 1]);
    }),
  ));

test("stories: damaged rows are passed over and told, and the story goes on", () =>
  forSome(
    (events: ReadonlyArray<Heard>, damages: ReadonlyArray<readonly [number, Uint8Array]>) => {
      const logged: Array<unknown> = [];
      return virtually(
        Effect.gen(function* () {
          const store = memoryStore();
          const first = yield* life(store);
          yield* hear(first.of, events);
          yield* first.close;
          let isSumDamaged = false;
          const rows = [
            ...(yield* store.scan("storyFacts")).map((row) => ({ ...row, table: "storyFacts" })),
            ...(yield* store.scan("stories")).map((row) => ({ ...row, table: "stories" })),
          ];
          for (const [which, value] of damages) {
            const { table, key, dueMs } = rows[which % rows.length]!;
            yield* store.write([{ type: "put", table, key, value, ...(dueMs === undefined ? {} : { dueMs }) }]);
            isSumDamaged ||= table === "stories";
          }
          const { of, close } = yield* life(store);
          yield* readBy(of);
          yield* hear(of, [published(NUMBER, HOUR_MS + 1e6)]);
          yield* Effect.sleep(LONG_MS);
          const [story] = yield* readBy(of);
          same(story!.facts.at(-1)!.atMs, HOUR_MS + 1e6);
          ok(story!.facts.length + story!.forgotten >= 1 && story!.forgotten >= 0);
          if (!isSumDamaged) {
            const count = events.filter(({ event }) => event.number === NUMBER).length;
            same(story!.facts.length + story!.forgotten, count + 1);
          }
          reportText(story!, HOUR_MS);
          yield* close;
        }),
        logged,
      );
    },
    heard.filter((events) => events.length > 0),
    fc.array(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 5 }),
  ));

test("stories: an event costs as many reads and changes among a thousand numbers as among ten", () =>
  virtually(
    Effect.gen(function* () {
      const costs: Array<ReadonlyArray<number>> = [];
      for (const numbers of [10, 1_000]) {
        const store = memoryStore();
        let [reads, changes] = [0, 0];
        const counting: StoreShape = {
          ...store,
          read: (...of) =>
            Effect.suspend(() => {
              reads += 1;
              return store.read(...of);
            }),
          scan: () => Effect.die("no event is worth a search"),
          write: (of) =>
            Effect.suspend(() => {
              changes += of.length;
              return store.write(of);
            }),
        };
        const { of } = yield* life(counting);
        for (let i = 0; i < numbers; i++) of.record({ type: "published", number: e164(`+1${1_000 + i}`) }, i);
        yield* Effect.sleep(LONG_MS);
        [reads, changes] = [0, 0];
        for (let i = 0; i < 10; i++) of.record({ type: "published", number: e164(`+1${1_000 + i}`) }, i);
        yield* Effect.sleep(LONG_MS);
        costs.push([reads, changes]);
      }
      same(costs, [
        [10, 20],
        [10, 20],
      ]);
      ok(3 * EVENTS_AT_ONCE_MAX < 10_000 && eventKey(auditKey(e164(NUMBER)), 1).length < 1_024);
    }),
  ));
