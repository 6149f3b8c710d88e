/** Call records over a restart: what was acknowledged is there, what is done with is not, a locked call stays locked. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Clock, Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { type Change, StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { LOOK_UPS_MAX } from "../../actors/vipr/validating.ts";
import { bytesOfHex, e164, hexOf, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import {
  decodeProof,
  decodeRecord,
  encodeProof,
  encodeRecord,
  proofKey,
  recordKey,
  timeOfKey,
} from "../../codecs/validation/mod.ts";
import {
  ATTEMPTS_MAX,
  callFacts,
  callNamed,
  callStore,
  candidatesFor,
  failCall,
  insertCall,
  isLocked,
  RETENTION_MS,
  ROUND_MS,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { PROOF_LIFETIME_MS, SENT_LIFETIME_MS } from "../../machines/vipr/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { runs, test } from "../kit/harness.ts";
import { hourly, vcrs } from "../validation/arbitrary.ts";

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(
      Effect.provide(body, Layer.mergeAll(memoryLayer({ seed: 3 }), arithmeticLayer, Logger.layer([]))),
    ) as Effect.Effect<A, E>,
  );
const sample = fc.sample(vcrs, { numRuns: 12, seed: 11 });
const OUR_NODE = nodeIdFrom(5n);
const nameOf = (vcr: Vcr) => {
  const parties = { originator: nodeIdFrom(1n), terminator: OUR_NODE, vservice: vcr.vservice };
  return userNameFor("C", callFacts(vcr), parties, unixMs(0), ROUND_MS);
};

test("record: what is written is read, and nothing else is", () =>
  fc.assert(
    fc.property(
      vcrs,
      fc.constantFrom("received", "sent", "late"),
      fc.record({ caller: fc.nat(15), times: fc.nat(15) }, { noNullPrototype: true }),
      fc.nat(2 ** 45),
      fc.uint8Array({ maxLength: 60 }),
      (vcr, kind, attempts, atMs, noise) => {
        const direction = kind === "received" ? "received" : "sent";
        const record = { vcr: { ...vcr, direction } as const, attempts, ...(kind === "late" ? { isLate: true } : {}) };
        const bytes = encodeRecord(record);
        same(decodeRecord(bytes), record);
        for (let size = 0; size < bytes.length; size++) same(decodeRecord(bytes.subarray(0, size)), undefined);
        same(decodeRecord(Uint8Array.of(2, ...bytes.subarray(1))), undefined);
        decodeRecord(noise); // a value, whatever it is
        same(timeOfKey(recordKey(vcr, unixMs(atMs))), atMs);
        ok(
          hexOf(recordKey(vcr, unixMs(atMs))) < hexOf(recordKey(vcr, unixMs(atMs + 1))),
          "keys stand in the order of their hours",
        );
      },
    ),
    { numRuns: runs },
  ));

const proofs = fc.record({
  claim: fc.string({ maxLength: 80 }),
  call: vcrs.map(({ startMs, stopMs }) => ({ startMs, stopMs })),
  bits: fc.double({ min: 0, max: 24, noNaN: true }),
  atMs: fc.nat(2 ** 45).map(unixMs),
});

test("proof: what is written is read, and worth no more for it", () =>
  fc.assert(
    fc.property(proofs, fc.uint8Array({ maxLength: 60 }), (proof, noise) => {
      const bytes = encodeProof(proof);
      const { bits, ...rest } = decodeProof(bytes)!;
      same(rest, { claim: proof.claim, call: proof.call, atMs: proof.atMs });
      ok(bits <= proof.bits && bits > proof.bits - 1e-5);
      for (let size = 0; size < bytes.length; size++) same(decodeProof(bytes.subarray(0, size)), undefined);
      decodeProof(noise);
    }),
    { numRuns: runs },
  ));

const LATE = "01020c2b313430383535353534333200ed00378340000000ed0037fecccccccc000000000000000700";
const FINE = "01010c2b313430383535353534333200ed003783400004d2ed0037fecccccccc000000000000000700";
const PROOF =
  "010013312f2b31343038353535353433322f30612f37002931373037373731303832333834323930363131322f3137303737" +
  "373131333534343836313135353332007270e00000019b77119680";

test("records: rows as version 0.1.0 wrote them are read, and written with the same bytes and keys", () => {
  const dueMs = unixMs(1_767_229_200_000);
  const times = { startMs: unixMs(1_767_225_603_250), stopMs: unixMs(1_767_225_726_800) };
  const { vcr, isLate } = decodeRecord(bytesOfHex(LATE)!)!;
  const called = e164("+14085555432");
  same([vcr, isLate], [{ direction: "sent", calling: undefined, called, ...times, vservice: vserviceId(7n) }, true]);
  same(hexOf(encodeRecord({ vcr, isLate: true })), LATE);
  same(hexOf(recordKey(vcr, dueMs)), "0000019b771196807a9745e065f7335f52ab9682939d3bd6");
  const proof = decodeProof(bytesOfHex(PROOF)!)!;
  same(proof, { claim: "1/+14085555432/0a/7", call: times, bits: 7.5, atMs: dueMs });
  same(hexOf(encodeProof(proof)), PROOF);
  same(hexOf(proofKey(proof.claim, proof.call)), "28738915f7c8d80363360deda0bc0ade90d3f447885aa96e2ae076f691a92a80");
});

test("records: a sent call that 0.1.0 stored with times finer than a millisecond is removed once it is done with", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const key = bytesOfHex("0000019b77119680d415f1890fb34fd1ba7fe45c46401d78")!;
      yield* store.write([{ type: "put", table: "vcrSent", key, value: bytesOfHex(FINE)! }]);
      const records = yield* openRecords(store, callStore([OUR_NODE]));
      same(records.waiting.length, 1);
      same((yield* store.scan("vcrSent")).length, 1);
      yield* records.done(records.waiting[0]!);
      same(yield* store.scan("vcrSent"), []);
    }),
  ));

test("records: proofs are there after a restart, but for those of a claim that failed, and those that are too old", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const records = yield* openRecords(store, callStore([OUR_NODE]));
      const atMs = yield* Clock.currentTimeMillis;
      for (const claim of ["a", "b"])
        for (let i = 0; i < 5; i++)
          yield* records.proved({ claim, call: hourly(i), bits: 5.5, atMs: unixMs(atMs + (5 - i) * 86_400_000) });
      yield* records.disproved("a");
      const left = Effect.map(openRecords(store, callStore([OUR_NODE])), ({ proofs: kept }) =>
        kept.map(({ claim, call, bits }) => `${claim}${(call.startMs - hourly(0).startMs) / 3_600_000} ${bits}`),
      );
      same(yield* left, ["b4 5.5", "b3 5.5", "b2 5.5", "b1 5.5", "b0 5.5"]); // the oldest first
      yield* Effect.sleep(PROOF_LIFETIME_MS + 2 * 86_400_000);
      yield* records.expire;
      same((yield* store.scan("proofs")).length, 3);
      same(yield* left, ["b2 5.5", "b1 5.5", "b0 5.5"]);
    }),
  ));

test("records: however many proofs a disk holds of a claim, one that fails has none left", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const atMs = unixMs(yield* Clock.currentTimeMillis);
      const proofs = Array.from({ length: 2_500 }, (_, i) => ({ claim: "a", call: hourly(i), bits: 1, atMs }));
      const put = (proof: (typeof proofs)[number]): Change => ({
        type: "put",
        table: "proofs",
        key: proofKey(proof.claim, proof.call),
        value: encodeProof(proof),
      });
      yield* store.write(proofs.map(put));
      yield* (yield* openRecords(store, callStore([OUR_NODE]))).disproved("a");
      same(yield* store.scan("proofs"), []);
    }),
  ));

test("records: received calls are found again after a restart, with their attempts and no longer than their retention", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const before = callStore([OUR_NODE]);
      const records = yield* openRecords(store, before);
      const nowMs = yield* Clock.currentTimeMillis;
      const kept = sample.map((vcr) => insertCall(before, vcr, unixMs(nowMs)));
      for (const call of kept) yield* records.received(call);
      for (let i = 0; i < ATTEMPTS_MAX; i++) yield* records.received(failCall(before, kept[0]!.id, "C")!);
      const after = callStore([OUR_NODE]);
      yield* openRecords(store, after);
      same(after.calls.size, sample.length);
      for (const vcr of sample) {
        const [was, is] = [before, after].map((calls) => candidatesFor(calls, nameOf(vcr)));
        same(
          is!.map(({ id: _, ...call }) => call),
          was!.map(({ id: _, ...call }) => call),
        );
      }
      ok(candidatesFor(after, nameOf(sample[0]!)).some((call) => isLocked(call, "C") && !isLocked(call, "A")));
      yield* Effect.sleep(RETENTION_MS);
      const late = callStore([OUR_NODE]);
      yield* (yield* openRecords(store, late)).expire;
      same([late.calls.size, (yield* store.scan("vcrReceived")).length], [0, 0]);
    }),
  ));

/** Of an originating side that knows one domain and learns nothing. */
const OPTIONS = {
  nodeId: nodeIdFrom(1n),
  requiredBits: 12,
  roundMs: ROUND_MS,
  isPrivate: () => false,
  domainOf: () => "a.example",
  learned: () => Effect.void,
} as const;

test("records: a sent call that was acknowledged is validated after a restart, once, and then no more", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const lookedUp: Array<string> = [];
      let told = 0;
      const serve = (
        body: (take: (vcr: Vcr) => Effect.Effect<boolean, StoreFailed>) => Effect.Effect<void, StoreFailed>,
      ) =>
        Effect.scoped(
          Effect.gen(function* () {
            const originating = yield* openOriginating(
              {
                ...OPTIONS,
                waitBetweenMs: [1_000_000, 2_000_000],
                watch: ({ type }) => Effect.sync(() => void (type === "vcr" && told++)),
              },
              {
                lookUp: (number) =>
                  Effect.sync(() => {
                    lookedUp.push(number);
                    return [];
                  }),
                resolve: () => Effect.die("nobody claims it"),
              },
              yield* openRecords(store, callStore([OUR_NODE])),
            );
            yield* body(originating.take);
          }),
        );
      yield* serve((take) => Effect.asVoid(Effect.forEach(sample, take)));
      same(lookedUp, []); // the process ended before any was due
      same(told, sample.length);
      yield* serve(() => Effect.sleep(3_000_000));
      same(told, sample.length); // whoever explains them has heard of them
      same([...lookedUp].sort(), sample.map(({ called }) => called).sort());
      yield* serve(() => Effect.sleep(3_000_000));
      same([lookedUp.length, (yield* store.scan("vcrSent")).length], [sample.length, 0]);
    }),
  ));

test("records: a sent call that is uploaded again, at the same time, later or after a restart, waits once", () =>
  virtually(
    Effect.gen(function* () {
      const fast = memoryStore();
      const store: StoreShape = { ...fast, write: (changes) => Effect.andThen(Effect.sleep(40), fast.write(changes)) };
      let told = 0;
      const options = {
        ...OPTIONS,
        waitBetweenMs: [1_000_000, 2_000_000],
        watch: ({ type }: { readonly type: string }) => Effect.sync(() => void (type === "vcr" && told++)),
      } as const;
      const handlers = { lookUp: () => Effect.succeed([]), resolve: () => Effect.die("nobody claims it") };
      const different = new Map(sample.map((vcr) => [hexOf(recordKey(vcr, unixMs(0))), vcr])).size;
      for (let life = 0; life < 3; life++)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const records = yield* openRecords(store, callStore([OUR_NODE]));
            const { take, pending } = yield* openOriginating(options, handlers, records);
            const taken = yield* Effect.forEach([...sample, ...sample], take, { concurrency: "unbounded" });
            taken.push(...(yield* Effect.forEach(sample, take)));
            same([taken.every((is) => is), pending(), told], [true, different, different]);
            same((yield* fast.scan("vcrSent")).length, different);
          }),
        );
    }),
  ));

test("records: what the disk does not take is refused to whoever uploads it meanwhile too, and may come again", () =>
  virtually(
    Effect.gen(function* () {
      const fast = memoryStore();
      let isFull = true;
      const full = new StoreFailed({ reason: "full", why: "no room" });
      const store: StoreShape = {
        ...fast,
        write: (changes) =>
          Effect.andThen(
            Effect.sleep(40),
            Effect.suspend(() => (isFull ? Effect.fail(full) : fast.write(changes))),
          ),
      };
      const options = {
        ...OPTIONS,
        waitBetweenMs: [1_000_000, 2_000_000],
        watch: () => Effect.void,
      } as const;
      const handlers = { lookUp: () => Effect.succeed([]), resolve: () => Effect.die("nobody claims it") };
      const { take, pending } = yield* openOriginating(
        options,
        handlers,
        yield* openRecords(store, callStore([OUR_NODE])),
      );
      const twice = yield* Effect.all([take(sample[0]!), take(sample[0]!)].map(Effect.result), { concurrency: 2 });
      same([twice[0]!._tag, twice[1]!._tag === "Success" && twice[1]!.success, pending()], ["Failure", false, 0]);
      isFull = false;
      same([yield* take(sample[0]!), pending()], [true, 1]);
    }),
  ));

test("records: that claimants were asked about a call outlives a restart, as long as its record may come again", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const records = yield* openRecords(store, callStore([OUR_NODE]));
      const [asked, unreachable] = sample.slice(0, 2).map((vcr, i) => ({ vcr, dueMs: unixMs(i) })) as [
        { vcr: Vcr; dueMs: ReturnType<typeof unixMs> },
        { vcr: Vcr; dueMs: ReturnType<typeof unixMs> },
      ];
      for (const waiting of [asked, unreachable]) {
        yield* records.sent(waiting);
        yield* records.asking(waiting);
      }
      yield* records.unasked(unreachable);
      const again = yield* openRecords(store, callStore([OUR_NODE]));
      same([again.waiting, again.asked.map(({ startMs }) => startMs)], [[], [asked.vcr.startMs]]);
      yield* Effect.sleep(SENT_LIFETIME_MS - 1);
      yield* again.expire;
      same((yield* openRecords(store, callStore([OUR_NODE]))).asked.length, 1);
      yield* Effect.sleep(1);
      yield* again.expire;
      same((yield* store.scan("vcrAsked")).length, 0);
    }),
  ));

test("records: more calls due at once than are looked up at once are all validated, however slow the disk", () =>
  virtually(
    Effect.gen(function* () {
      const fast = memoryStore();
      const slow: StoreShape = { ...fast, write: (changes) => Effect.andThen(Effect.sleep(40), fast.write(changes)) };
      let [underWay, most, lookedUp] = [0, 0, 0];
      const originating = yield* openOriginating(
        {
          ...OPTIONS,
          waitBetweenMs: [60_000, 60_000],
          watch: () => Effect.void,
        },
        {
          lookUp: () =>
            Effect.gen(function* () {
              underWay += 1;
              most = Math.max(most, underWay);
              yield* Effect.sleep(10);
              underWay -= 1;
              lookedUp += 1;
              return [];
            }),
          resolve: () => Effect.die("nobody claims it"),
        },
        yield* openRecords(slow, callStore([OUR_NODE])),
      );
      const all = Array.from({ length: 4 * LOOK_UPS_MAX }, (_, i) => ({
        ...sample[0]!,
        called: e164(`+1${1_000 + i}`),
      }));
      yield* Effect.forEach(all, originating.take, { concurrency: all.length });
      yield* Effect.sleep(120_000);
      same([lookedUp, most], [all.length, LOOK_UPS_MAX]);
      same([originating.pending(), yield* originating.underWay, (yield* fast.scan("vcrSent")).length], [0, 0, 0]);
    }),
  ));

test("records: what was due while the process was away waits for the call agents", () =>
  virtually(
    Effect.gen(function* () {
      const store = memoryStore();
      const records = yield* openRecords(store, callStore([OUR_NODE]));
      const nowMs = yield* Clock.currentTimeMillis;
      yield* records.sent({ vcr: sample[0]!, dueMs: unixMs(nowMs + 1_000) });
      yield* Effect.sleep(86_400_000);
      const { waiting } = yield* openRecords(store, callStore([OUR_NODE]));
      same(
        waiting.map(({ dueMs }) => dueMs),
        [nowMs + 86_400_000 + 300_000],
      );
      same((yield* openRecords(store, callStore([OUR_NODE]))).waiting.length, 1);
    }),
  ));

test("records: what the disk does not take is refused, and does not wait", () =>
  virtually(
    Effect.gen(function* () {
      const full: StoreShape = {
        ...memoryStore(),
        write: (_: ReadonlyArray<Change>) => Effect.fail(new StoreFailed({ reason: "full", why: "no room" })),
      };
      const calls = callStore([OUR_NODE]);
      const records = yield* openRecords(full, calls);
      const kept = insertCall(calls, sample[0]!, unixMs(0));
      same((yield* Effect.flip(records.received(kept))).reason, "full");
      same((yield* Effect.flip(records.sent({ vcr: sample[0]!, dueMs: unixMs(1) }))).reason, "full");
      yield* records.done({ vcr: sample[0]!, dueMs: unixMs(1) }); // is told in the log
      ok(callNamed(calls, kept.id) !== undefined);
    }),
  ));

test("records: the same over a file, opened again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-records-"));
  try {
    const once = <A>(use: (store: StoreShape) => Effect.Effect<A, StoreFailed>) =>
      Effect.runPromise(
        Effect.scoped(Effect.flatMap(openSqlite({ file: join(folder, "store.db") }), use)).pipe(
          Effect.provide(Logger.layer([])),
        ),
      );
    const nowMs = Date.now();
    await once((store) =>
      Effect.gen(function* () {
        const calls = callStore([OUR_NODE]);
        const records = yield* openRecords(store, calls);
        for (const vcr of sample) {
          yield* records.received(insertCall(calls, vcr, unixMs(nowMs)));
          yield* records.sent({ vcr, dueMs: unixMs(nowMs + 3_600_000) });
        }
      }),
    );
    const calls = callStore([OUR_NODE]);
    const { waiting } = await once((store) => openRecords(store, calls));
    same([calls.calls.size, waiting.length], [sample.length, sample.length]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
