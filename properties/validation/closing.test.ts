/** What a stranger's failure does to the server that he may feel elsewhere, and how much of the server one address may take. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Logger, type Scope } from "effect";
import { type Arithmetic, Dialer, type Entropy, Listener, type StoreShape } from "../../actors/ports/mod.ts";
import { tlsSrpClient } from "../../actors/tls/mod.ts";
import {
  PVP_STREAMS_OF_ADDRESS_MAX,
  type PvpHandlers,
  type ServePvpOptions,
  servePvp,
} from "../../actors/validation/mod.ts";
import { openAuditLog } from "../../actors/vipr/audit-log.ts";
import {
  FAILED_ATTEMPTS_AFTER_MS,
  FAILED_ATTEMPTS_AT_ONCE_MAX,
  openFailedAttempts,
  WITHOUT_CALL_MAX,
} from "../../actors/vipr/failed-attempts.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { PvpFrame, type PvpMethod, printUserName, TIME_BITS_MAX, writeRequest } from "../../codecs/validation/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import {
  ATTEMPTS_MAX,
  callFacts,
  callStore,
  candidatesFor,
  failCall,
  insertCall,
  NAMED_TOGETHER_MAX,
  originatorPassword,
  ROUND_MS,
  tryableFor,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { receivedCall as got, sentCall as sent } from "./arbitrary.ts";
import { haltAfterName } from "./halting.ts";

type World = Arithmetic | Dialer | Entropy | Listener | Scope.Scope;
const HOST = "vipr.test";
/** A failure counts by then. */
const COUNTED_MS = 10;

/** From which address the next streams are seen to come. */
let from = "192.0.2.1";
const seenFrom = Layer.effect(
  Listener,
  Effect.gen(function* () {
    const { listen, renew } = yield* Listener;
    return {
      renew,
      listen: (on, serve) =>
        listen(on, (stream) => {
          const host = from;
          return serve({ ...stream, peer: { ...stream.peer, host } });
        }),
    } satisfies Listener["Service"] as Listener["Service"];
  }),
);
const errors: Array<unknown> = [];
const listening = Logger.make(({ logLevel, message }) => void (logLevel === "Error" && errors.push(message)));
const world = seenFrom.pipe(
  Layer.provideMerge(Layer.mergeAll(memoryLayer({ seed: 5 }), arithmeticLayer, Logger.layer([listening]))),
);
const virtually = <E>(name: string, body: Effect.Effect<unknown, E, World>) =>
  test(`closing: ${name}`, async () => {
    from = "192.0.2.1";
    errors.length = 0;
    await runVirtual(Effect.scoped(Effect.provide(body, world)));
    same(errors, []);
  });

interface Written {
  readonly atMs: number;
  readonly changes: number;
}

/** A server with a disk, as `actors/vipr/server.ts` has it, and the writes to its disk. */
const serve = Effect.fnUntraced(function* (
  many: number,
  options: Partial<ServePvpOptions> & Partial<Pick<PvpHandlers, "grant">> = {},
) {
  const { grant = () => Effect.succeed({ type: "refused", code: 403 } as const), ...rest } = options;
  const written: Array<Written> = [];
  const disk = memoryStore();
  const store: StoreShape = {
    ...disk,
    write: (changes) =>
      Effect.andThen(
        Effect.map(Clock.currentTimeMillis, (atMs) => written.push({ atMs, changes: changes.length })),
        disk.write(changes),
      ),
  };
  const calls = callStore([nodeIdFrom(2n)]);
  const records = yield* Effect.orDie(openRecords(store, calls));
  const stories = yield* openAuditLog({ store, requiredBits: 12 });
  const nowMs = unixMs(yield* Clock.currentTimeMillis);
  for (let i = 0; i < many; i++)
    yield* Effect.orDie(
      records.received(insertCall(calls, { ...got, stopMs: unixMs(got.stopMs + i * 256_000) }, nowMs)),
    );
  const charges = yield* openFailedAttempts(calls, records, stories, (event) =>
    Effect.sync(() => stories.record(event, nowMs)),
  );
  const handlers: PvpHandlers = {
    candidates: (name) => Effect.sync(() => tryableFor(calls, name)),
    ...charges,
    grant,
  };
  const serving = yield* servePvp({ host: HOST, port: 0, nodeIds: [nodeIdFrom(2n)], ...rest }, handlers);
  return { ...serving, calls, store, written };
});
type Site = Effect.Success<ReturnType<typeof serve>>;

const nameFor = (method: PvpMethod, originator: bigint) =>
  userNameFor(
    method,
    callFacts(sent),
    { originator: nodeIdFrom(originator), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) },
    unixMs((Math.round(callFacts(sent).startMs / 1000) + 20) * 1000),
    ROUND_MS,
  );
/** A handshake, right or wrong, and how long it took by the clock that the server has. */
const knock = (site: Site, method: PvpMethod, isRight: boolean, originator = 9n) =>
  Effect.gen(function* () {
    const beganMs = yield* Clock.currentTimeMillis;
    const name = nameFor(method, originator);
    const password = isRight ? originatorPassword(name, callFacts(sent), ROUND_MS) : "a guess";
    const outcome = yield* attempt(site, printUserName(name), password);
    return { outcome, tookMs: (yield* Clock.currentTimeMillis) - beganMs };
  });
const attempt = (site: Site, userName: string, password: string) =>
  Effect.gen(function* () {
    const { dial } = yield* Dialer;
    const below = yield* dial({ host: HOST, port: site.port });
    const stream = yield* tlsSrpClient(below, { userName, password });
    const document = writeRequest({ number: sent.called, domain: "a.example" });
    yield* stream.write(encode(PvpFrame, { document }));
    yield* stream.read;
    return "in";
  }).pipe(
    Effect.scoped,
    Effect.catchTags({
      HandshakeFailed: ({ outcome }) => Effect.succeed(outcome.type === "alerted" ? outcome.alert : outcome.type),
      DialFailed: () => Effect.succeed("refused"),
      StreamClosed: () => Effect.succeed("closed"),
    }),
    Effect.tap(() => Effect.sleep(COUNTED_MS)),
  );

virtually(
  "a failure by a name with bits makes the disk write as many rows, for each call that fits and for none, and locks these alone",
  Effect.gen(function* () {
    const form = { method: "A", version: 2, bits: TIME_BITS_MAX } as const;
    const claim = { originator: nodeIdFrom(9n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
    const name = userNameFor(form, callFacts(sent), claim, unixMs(0), ROUND_MS);
    const other = userNameFor(form, { ...callFacts(sent), calling: e164("+1555") }, claim, unixMs(0), ROUND_MS);
    const rows: Array<number> = [];
    for (const [many, said, isNamed] of [
      [0, name, true],
      [1, name, true],
      [3, name, true],
      [3, name, false],
      [3, other, true],
    ] as const) {
      const site = yield* serve(many);
      const text = printUserName(said);
      const asked = isNamed ? text : text.replace(/[01]+$/, "0".repeat(TIME_BITS_MAX));
      const before = site.written.length;
      same(yield* attempt(site, asked, "a guess"), "badRecordMac");
      yield* Effect.sleep(60_000);
      rows.push(...site.written.slice(before, before + 1).map(({ changes }) => changes));
      const attempts = candidatesFor(site.calls, nameFor("B", 9n)).concat(candidatesFor(site.calls, name));
      for (const call of attempts) same(call.attempts, { caller: said === other ? 0 : 1, times: 0 });
      for (let i = 1; i < ATTEMPTS_MAX; i++) yield* attempt(site, asked, "a guess");
      const isOpen = many > 0 && said === other;
      const password = originatorPassword(name, callFacts(sent), ROUND_MS);
      same(yield* attempt(site, printUserName(name), password), isOpen ? "in" : "badRecordMac");
    }
    same(rows, Array(5).fill(NAMED_TOGETHER_MAX));
  }),
);

virtually(
  "a failure makes the disk do the same a second later, whatever it failed at, and nothing before",
  Effect.gen(function* () {
    const writesOf = Effect.fnUntraced(function* (many: number, locks: boolean) {
      const site = yield* serve(many);
      if (locks)
        for (let i = 0; i < ATTEMPTS_MAX; i++)
          failCall(site.calls, candidatesFor(site.calls, nameFor("A", 9n))[0]!.id, "A");
      yield* knock(site, "A", false, 1n); // the first rows of its kind
      yield* Effect.sleep(60_000);
      const before = site.written.length;
      const beganMs = yield* Clock.currentTimeMillis;
      same((yield* knock(site, "A", false)).outcome, "badRecordMac");
      same(site.written.length, before);
      const endedMs = yield* Clock.currentTimeMillis;
      yield* Effect.sleep(60_000);
      ok(site.written.slice(before).every(({ atMs }) => atMs >= endedMs + FAILED_ATTEMPTS_AFTER_MS - COUNTED_MS));
      return site.written.slice(before).map(({ atMs, changes }) => [atMs - beganMs, changes]);
    });
    const wrong = yield* writesOf(1, false);
    same(wrong.length, 2); // the record's, the story's
    same(yield* writesOf(0, false), wrong);
    same(yield* writesOf(2, false), wrong);
    same(yield* writesOf(1, true), wrong);
  }),
);

virtually(
  "what failed counts at once, and is on disk when the server ends or a second later",
  Effect.gen(function* () {
    const attemptsOn = Effect.fnUntraced(function* (store: StoreShape) {
      const calls = callStore([nodeIdFrom(2n)]);
      yield* Effect.orDie(openRecords(store, calls));
      return candidatesFor(calls, nameFor("A", 9n)).map(({ attempts }) => attempts);
    });
    const ended = yield* Effect.scoped(
      Effect.gen(function* () {
        const site = yield* serve(1);
        yield* knock(site, "A", false);
        same(
          candidatesFor(site.calls, nameFor("A", 9n)).map(({ attempts }) => attempts),
          [{ caller: 1, times: 0 }],
        );
        same(yield* attemptsOn(site.store), [{ caller: 0, times: 0 }]);
        yield* Effect.sleep(FAILED_ATTEMPTS_AFTER_MS + 100);
        same(yield* attemptsOn(site.store), [{ caller: 1, times: 0 }]);
        yield* knock(site, "B", false);
        return site;
      }),
    );
    same(yield* attemptsOn(ended.store), [{ caller: 1, times: 1 }]);
  }),
);

virtually(
  "a flood of names without a call waits in a list that ends, and a call that fails in it is not lost",
  Effect.gen(function* () {
    const calls = callStore([nodeIdFrom(2n)]);
    const { id } = insertCall(calls, got, unixMs(yield* Clock.currentTimeMillis));
    const batches: Array<number> = [];
    let charged = 0;
    const records = {
      charged: (failed: ReadonlyArray<unknown>) =>
        Effect.sync(() => {
          batches.push(failed.length);
          charged += failed.filter((call) => call !== undefined).length;
        }),
    };
    const charges = yield* openFailedAttempts(calls, records, { record: () => {} }, () => Effect.void);
    for (let i = 0; i < 2 * WITHOUT_CALL_MAX; i++) yield* charges.failedWithoutCall;
    yield* charges.failed({ id }, "A");
    yield* charges.failed({ id: -1 }, "A"); // it has left meanwhile
    yield* Effect.sleep(FAILED_ATTEMPTS_AFTER_MS + 1);
    const whole = Array(WITHOUT_CALL_MAX / FAILED_ATTEMPTS_AT_ONCE_MAX).fill(FAILED_ATTEMPTS_AT_ONCE_MAX);
    same([batches, charged], [[...whole, 1], 1]);
  }),
);

virtually(
  "a user name of the words that every object knows fails as any other that is none",
  Effect.gen(function* () {
    const site = yield* serve(1);
    for (const word of [...Object.getOwnPropertyNames(Object.prototype), "A"])
      same(yield* attempt(site, `vipr1;${word};x`, "x"), "badRecordMac", word);
    const { simulated, failed, lost, malformed } = yield* site.counters;
    same([simulated, failed, lost, malformed], [Object.getOwnPropertyNames(Object.prototype).length + 1, 0, 0, 0]);
  }),
);

virtually(
  "failures by A lock A, failures by B lock B; by the other way the call still proves itself",
  Effect.gen(function* () {
    for (const [method, other] of [
      ["A", "B"],
      ["B", "A"],
    ] as const) {
      const site = yield* serve(1);
      for (let i = 0; i < ATTEMPTS_MAX; i++) yield* knock(site, method, false, BigInt(100 + i));
      same((yield* knock(site, method, true)).outcome, "badRecordMac");
      same((yield* knock(site, other, true)).outcome, "in");
      for (let i = 0; i < 9; i++) yield* knock(site, other, false, BigInt(200 + i));
      same((yield* knock(site, other, true)).outcome, "badRecordMac");
      const { failed } = yield* site.counters;
      same(failed, 2 * ATTEMPTS_MAX);
    }
  }),
);

/** A caller who says his name, and then nothing more. */
const hold = (site: Site, method: PvpMethod) =>
  haltAfterName({ host: HOST, port: site.port }, printUserName(nameFor(method, 77n)));

virtually(
  "as many may try a call at once as it has tries left: one who holds it open does not shut out another",
  Effect.gen(function* () {
    const site = yield* serve(1);
    yield* hold(site, "A");
    yield* hold(site, "A");
    same((yield* knock(site, "A", true)).outcome, "in");
    yield* hold(site, "A");
    same((yield* knock(site, "A", true)).outcome, "badRecordMac");
    same((yield* knock(site, "B", true)).outcome, "in");
    yield* Effect.sleep(60_000); // their handshakes are over, without a failure that counts
    same((yield* knock(site, "A", true)).outcome, "in");
  }),
);

virtually(
  "one address has so many streams and no more, of IPv6 one network; another is served meanwhile",
  Effect.gen(function* () {
    const { dial } = yield* Dialer;
    for (const near of [
      ["192.0.2.7", "::ffff:192.0.2.7"],
      ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"],
    ]) {
      const site = yield* serve(1);
      yield* Effect.scoped(
        Effect.gen(function* () {
          for (let i = 0; i < PVP_STREAMS_OF_ADDRESS_MAX + 10; i++) {
            from = near[i % 2]!;
            yield* dial({ host: HOST, port: site.port });
          }
          yield* Effect.sleep(1);
          same((yield* site.counters).crowded, 10);
          same((yield* knock(site, "A", true)).outcome, "lost");
          from = "2001:db8:1:3::1";
          same((yield* knock(site, "A", true)).outcome, "in");
        }),
      );
      yield* Effect.sleep(1);
      from = near[0]!;
      same((yield* knock(site, "A", true)).outcome, "in"); // they have gone
    }
  }),
);

const reputation = { slowFrom: 2, refuseFrom: 4, windowMs: 600_000 };

virtually(
  "a stranger with a new Node-ID each time is slowed by his address, then closed out; of IPv6 by his network",
  Effect.gen(function* () {
    const site = yield* serve(0, { reputation });
    const tries = Array.from({ length: 42 }, (_, i) => i);
    const took: Array<number> = [];
    let last: string | number = "";
    for (const i of tries) {
      from = `2001:db8:1:2::${i + 1}`;
      const { outcome, tookMs } = yield* knock(site, "A", false, BigInt(1_000 + i));
      took.push(tookMs);
      last = outcome;
    }
    same([took.findIndex((ms) => ms >= 2_000), took.slice(20, 40).every((ms) => ms >= 2_000)], [20, true]);
    const { slowed, barred } = yield* site.counters;
    same([slowed, barred, last], [20, 2, "lost"]);
    from = "2001:db8:1:3::1";
    ok((yield* knock(site, "A", false)).tookMs < 1_000);
  }),
);

virtually(
  "a proof forgives its address one failure, and no call forgives twice",
  Effect.gen(function* () {
    const site = yield* serve(1, { reputation });
    const slowed = (name: bigint) => Effect.map(knock(site, "A", false, name), ({ tookMs }) => tookMs >= 2_000);
    const names = Array.from({ length: 19 }, (_, i) => BigInt(1_000 + i));
    for (const name of names) yield* knock(site, "A", false, name); // 19 of the 20 that slow
    same((yield* knock(site, "B", true)).outcome, "in"); // 18
    for (let i = 0; i < 5; i++) same((yield* knock(site, "B", true)).outcome, "in"); // no fewer
    same([yield* slowed(501n), yield* slowed(502n), yield* slowed(503n)], [false, false, true]);
  }),
);

virtually(
  "an honest company whose method A finds several calls is not slowed by it",
  Effect.gen(function* () {
    const site = yield* serve(0, { reputation });
    const hours = (vcr: Vcr, i: number): Vcr => ({
      ...vcr,
      startMs: unixMs(vcr.startMs + i * 3_600_000),
      stopMs: unixMs(vcr.stopMs + i * 3_600_000),
    });
    const nowMs = unixMs(yield* Clock.currentTimeMillis);
    for (let i = 0; i < 40; i++) insertCall(site.calls, hours(got, i), nowMs);
    for (let i = 0; i < 40; i++) {
      const call = callFacts(hours(sent, i));
      const claim = { originator: nodeIdFrom(9n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
      for (const method of ["A", "B"] as const) {
        const name = userNameFor(method, call, claim, unixMs((Math.round(call.startMs / 1000) + 20) * 1000), ROUND_MS);
        const outcome = yield* attempt(site, printUserName(name), originatorPassword(name, call, ROUND_MS));
        same(outcome, method === "A" ? "badRecordMac" : "in");
      }
    }
    const { slowed, barred } = yield* site.counters;
    same([slowed, barred], [0, 0]);
  }),
);
