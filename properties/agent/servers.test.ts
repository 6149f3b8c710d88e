/** Primary and backup: the backup stands in and steps back, and each call record ends at a server that is up. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Deferred, Effect, Fiber, SubscriptionRef } from "effect";
import fc from "fast-check";
import { FAILOVER_AFTER_MS, type NamedServer, openServers } from "../../actors/agent/mod.ts";
import type { VapState } from "../../actors/vap/mod.ts";
import type { Vcr } from "../../codecs/shared/mod.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { document, NUMBER, vcr } from "../vap/values.ts";

const ANSWER_MS = 20;
const inMemory = (what: string, program: Effect.Effect<void, unknown, never>) =>
  test(`servers: ${what}`, () => runVirtual(program as Effect.Effect<void>));

/** A server of which a session is up or down: it acknowledges after a while whatever it gets while it is up. */
const standIn = Effect.fnUntraced(function* (name: string) {
  const state = yield* SubscriptionRef.make<VapState>({ isUp: false, why: "connecting" });
  const taken: Array<Vcr> = [];
  const published: Array<string> = [];
  const whenUp = Effect.gen(function* () {
    while (!SubscriptionRef.getUnsafe(state).isUp) yield* Effect.sleep(ANSWER_MS);
    yield* Effect.sleep(ANSWER_MS);
  });
  const server: NamedServer = {
    name,
    client: {
      state,
      publishVService: () => Effect.as(whenUp, undefined),
      unpublishNumbers: () => Effect.void,
      publishNumbers: (numbers) =>
        Effect.map(whenUp, () => {
          published.push(...numbers);
          return numbers.map((number) => ({ number, result: { type: "done" } as const }));
        }),
      uploadVcr: (vcr) => Effect.map(whenUp, () => void taken.push(vcr)),
    },
  };
  return { server, taken, published, set: (isUp: boolean) => SubscriptionRef.set(state, { isUp, why: "" }) };
});
const both = Effect.gen(function* () {
  const [primary, backup] = [yield* standIn("primary"), yield* standIn("backup")];
  return { primary, backup, servers: yield* openServers(primary.server, backup.server) };
});
const sent: Vcr = { ...vcr, direction: "sent" };
const received: Vcr = { ...vcr, direction: "received" };

// docs/protocol/vap.md
inMemory(
  "calls sent go to the primary alone, calls received to both, when both are up",
  Effect.gen(function* () {
    const { primary, backup, servers } = yield* both;
    yield* Effect.all([primary.set(true), backup.set(true)]);
    yield* servers.uploadVcr(sent);
    yield* servers.uploadVcr(received);
    same([primary.taken, backup.taken], [[sent, received], [received]]);
  }).pipe(Effect.scoped),
);

inMemory(
  "the backup stands in when the primary has been away for some time, and no longer than it is",
  Effect.gen(function* () {
    const { primary, backup, servers } = yield* both;
    yield* backup.set(true);
    const early = yield* Effect.forkChild(servers.uploadVcr(sent));
    yield* Effect.sleep(FAILOVER_AFTER_MS - 1_000);
    same([primary.taken.length, backup.taken.length], [0, 0]);
    yield* Effect.sleep(2_000);
    yield* Fiber.join(early);
    same([primary.taken.length, backup.taken.length], [0, 1]);
    yield* primary.set(true);
    yield* Effect.sleep(10);
    yield* servers.uploadVcr(sent);
    same([primary.taken.length, backup.taken.length], [1, 1]);
    yield* primary.set(false);
    const lost = yield* Effect.forkChild(servers.uploadVcr(sent)); // given to the primary, which is away now
    yield* Effect.sleep(FAILOVER_AFTER_MS + 1_000);
    yield* Fiber.join(lost);
    same([primary.taken.length, backup.taken.length], [1, 2]);
  }).pipe(Effect.scoped),
);

inMemory(
  "a backup that is away holds up nothing; numbers are published at each server for itself",
  Effect.gen(function* () {
    const { primary, backup, servers } = yield* both;
    yield* primary.set(true);
    yield* servers.uploadVcr(received);
    same([primary.taken.length, backup.taken.length], [1, 0]);
    const seen: Array<string> = [];
    const atBoth = yield* Deferred.make<void>();
    const publishing = servers.publish(document, { count: 1, each: [NUMBER] }, ({ server, done, of }) =>
      Effect.andThen(
        Effect.sync(() => seen.push(`${server} ${done}/${of}`)),
        seen.length === 2 ? Deferred.succeed(atBoth, undefined) : Effect.void,
      ),
    );
    const published = yield* Effect.forkChild(publishing);
    yield* Effect.sleep(1_000);
    same(seen, ["primary 1/1"]);
    yield* backup.set(true);
    yield* Fiber.join(published);
    same(seen, ["primary 1/1", "backup 1/1"]);
  }).pipe(Effect.scoped),
);

test("servers: however the two come and go, each record is acknowledged by one that was up", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ ms: fc.nat(2 * FAILOVER_AFTER_MS), which: fc.boolean(), isUp: fc.boolean() }), {
        maxLength: 12,
      }),
      fc.array(fc.nat(10 * FAILOVER_AFTER_MS), { minLength: 1, maxLength: 8 }),
      (changes, uploads) =>
        runVirtual(
          Effect.gen(function* () {
            const { primary, backup, servers } = yield* both;
            const uploading = yield* Effect.forkChild(
              Effect.forEach(uploads, (ms) => Effect.andThen(Effect.sleep(ms), servers.uploadVcr(sent)), {
                concurrency: "unbounded",
              }),
            );
            for (const { ms, which, isUp } of changes) {
              yield* Effect.sleep(ms);
              yield* (which ? primary : backup).set(isUp);
            }
            yield* (changes.length % 2 === 0 ? primary : backup).set(true); // one of them is there in the end
            yield* Fiber.join(uploading);
            ok(primary.taken.length + backup.taken.length >= uploads.length);
          }).pipe(Effect.scoped),
        ),
    ),
    { numRuns: runs },
  ));
