/** Several servers that share a store: each call is validated by the one that holds its part, once, and by no other. */
import { deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect";
import fc from "fast-check";
import { PARTITIONS, partitionOf, type SharedRow, type StoreShape } from "../../actors/ports/mod.ts";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { e164, hexOf, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { encodeRecord, recordKey } from "../../codecs/validation/mod.ts";
import { callStore, ROUND_MS } from "../../machines/validation/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { HOUR_MS, sentCall } from "../validation/arbitrary.ts";

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(
      Effect.provide(body, Layer.mergeAll(memoryLayer({ seed: 3 }), arithmeticLayer, Logger.layer([]))),
    ) as Effect.Effect<A, E>,
  );

const WAIT_MS = [10_000, 20_000] as const;
const SERVERS = 3;

/** Call N of one of a few VServices, each to a number of its own. */
const callOf = (n: number): Vcr => {
  const startMs = HOUR_MS + n * 60_000;
  const times = { startMs: unixMs(startMs), stopMs: unixMs(startMs + 30_000) };
  return { ...sentCall, called: e164(`+1408555${1_000 + n}`), ...times, vservice: vserviceId(BigInt(n % 5)) };
};

/** A store of several members, as PostgreSQL is one: what each shares the others are given. */
const sharedStore = () => {
  const store = memoryStore();
  const feeds = Array.from({ length: SERVERS }, (): Array<SharedRow> => []);
  const of = (self: number): StoreShape => ({
    ...store,
    write: (changes) =>
      Effect.tap(store.write(changes), () =>
        Effect.sync(() => {
          for (const change of changes)
            if (change.type === "put" && change.isShared === true)
              feeds.forEach((feed, other) => {
                if (other !== self) feed.push({ ...change, dueMs: change.dueMs, by: BigInt(self) });
              });
        }),
      ),
  });
  return { store, of, taken: (self: number) => feeds[self]!.splice(0) };
};

const openServer = Effect.fnUntraced(function* (
  shared: ReturnType<typeof sharedStore>,
  self: number,
  isSure: () => boolean,
  seen: (number: string) => void,
) {
  const held = new Set<number>();
  const records = yield* openRecords(shared.of(self), callStore([nodeIdFrom(5n)]), 0, { held: () => held });
  const originating = yield* openOriginating(
    {
      nodeId: nodeIdFrom(1n),
      requiredBits: 12,
      roundMs: ROUND_MS,
      isPrivate: () => false,
      domainOf: () => "a.example",
      learned: () => Effect.void,
      waitBetweenMs: WAIT_MS,
      watch: () => Effect.void,
    },
    {
      lookUp: (number) =>
        Effect.sync(() => {
          seen(number);
          return [];
        }),
      resolve: () => Effect.die("nobody claims it"),
    },
    records,
    { cluster: { isSure } },
  );
  return {
    take: originating.take,
    pending: originating.pending,
    acquire: (parts: ReadonlySet<number>) =>
      Effect.andThen(
        Effect.sync(() => parts.forEach((part) => held.add(part))),
        originating.work.acquire(parts),
      ),
    release: (parts: ReadonlySet<number>) =>
      Effect.andThen(
        Effect.sync(() => parts.forEach((part) => held.delete(part))),
        originating.work.release(parts),
      ),
    follow: Effect.suspend(() => Effect.forEach(shared.taken(self), originating.follow, { discard: true })),
  };
});
const ALL: ReadonlySet<number> = new Set(Array(PARTITIONS).keys());

test("cluster: however calls are uploaded and parts move, each call is looked up once, by who holds its part", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.record({ call: fc.nat(9), at: fc.nat(SERVERS - 1) }, { noNullPrototype: true }),
          fc.record({ part: fc.nat(4), to: fc.nat(SERVERS - 1) }, { noNullPrototype: true }),
          fc.constant("follow" as const),
        ),
        { minLength: 12, maxLength: 40 },
      ),
      (steps) =>
        virtually(
          Effect.gen(function* () {
            const shared = sharedStore();
            const seen: Array<string> = [];
            const owner = new Map<number, number>([...ALL].map((part) => [part, 0]));
            const servers = yield* Effect.forEach([0, 1, 2], (self) =>
              openServer(
                shared,
                self,
                () => true,
                (number) => void seen.push(number),
              ),
            );
            yield* servers[0]!.acquire(ALL);
            const uploaded = new Set<string>();
            const follow = Effect.forEach(servers, (server) => server.follow, { discard: true });
            for (const step of steps) {
              if (step === "follow") yield* follow;
              else if ("call" in step) {
                same(yield* servers[step.at]!.take(callOf(step.call)), true);
                uploaded.add(callOf(step.call).called);
              } else {
                const parts = new Set([step.part]);
                yield* servers[owner.get(step.part)!]!.release(parts);
                yield* servers[step.to]!.acquire(parts);
                owner.set(step.part, step.to);
              }
            }
            yield* follow;
            same((yield* shared.store.scan("vcrSent")).length, uploaded.size);
            yield* Effect.sleep(WAIT_MS[1] + 1_000);
            same(seen.toSorted(), [...uploaded].toSorted());
            same(
              [(yield* shared.store.scan("vcrSent")).length, servers.map(({ pending }) => pending())],
              [0, [0, 0, 0]],
            );
          }),
        ),
    ),
    { numRuns: Math.min(runs, 60) },
  ));

test("cluster: as long as it is not sure that its parts are its own, a server begins nothing; then it does", () =>
  virtually(
    Effect.gen(function* () {
      const shared = sharedStore();
      const seen: Array<string> = [];
      let isSure = false;
      const server = yield* openServer(
        shared,
        0,
        () => isSure,
        (number) => void seen.push(number),
      );
      yield* server.acquire(ALL);
      yield* server.take(callOf(1));
      yield* Effect.sleep(2 * WAIT_MS[1]);
      same(seen, []);
      isSure = true;
      yield* Effect.sleep(1_000);
      same(seen, [callOf(1).called]);
    }),
  ));

test("cluster: a server that dies leaves its calls to who takes its part; those due meanwhile are late, and validated", () =>
  virtually(
    Effect.gen(function* () {
      const shared = sharedStore();
      const seen: Array<string> = [];
      const scope = yield* Scope.make();
      const first = yield* Scope.provide(
        openServer(
          shared,
          0,
          () => true,
          () => undefined,
        ),
        scope,
      );
      yield* first.acquire(ALL);
      yield* Effect.forEach([1, 2, 3], (n) => first.take(callOf(n)));
      yield* Scope.close(scope, Exit.void);
      yield* Effect.sleep(WAIT_MS[1]);
      const second = yield* openServer(
        shared,
        1,
        () => true,
        (number) => void seen.push(number),
      );
      const { vservice } = callOf(2);
      yield* second.acquire(new Set([partitionOf(vservice)]));
      yield* Effect.sleep(1_000);
      same(seen, [callOf(2).called]);
      yield* second.acquire(ALL);
      yield* Effect.sleep(1_000);
      same(
        seen.toSorted(),
        [1, 2, 3].map((n) => callOf(n).called),
      );
    }),
  ));

test("cluster: of one record in two rows the later one is removed, and so is one of a call that was asked about", () =>
  virtually(
    Effect.gen(function* () {
      const shared = sharedStore();
      const server = yield* openServer(
        shared,
        0,
        () => true,
        () => undefined,
      );
      const nowMs = yield* Clock.currentTimeMillis;
      const [vcr, asked] = [callOf(1), callOf(2)];
      const rowOf = (of: Vcr, table: string, atMs: number) =>
        ({
          type: "put",
          table,
          key: recordKey(of, unixMs(atMs)),
          value: encodeRecord({ vcr: of }),
          isShared: true,
        }) as const;
      const other = shared.of(1);
      yield* other.write([rowOf(vcr, "vcrSent", nowMs + 1_000_000), rowOf(asked, "vcrAsked", nowMs + 1_000_000_000)]);
      yield* server.acquire(ALL);
      yield* other.write([rowOf(vcr, "vcrSent", nowMs + 1_500_000), rowOf(asked, "vcrSent", nowMs + 1_500_000)]);
      yield* server.follow;
      same(
        (yield* shared.store.scan("vcrSent")).map(({ key }) => hexOf(key)),
        [hexOf(recordKey(vcr, unixMs(nowMs + 1_000_000)))],
      );
      same(server.pending(), 1);
    }),
  ));
