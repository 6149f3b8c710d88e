/** What one server of a cluster has written and another one reads: owners, published VServices, received calls, routes. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Layer, Logger } from "effect";
import type { Change, SharedRow } from "../../actors/ports/mod.ts";
import { OWNER_IDLE_MS, openKeptRoutes, openOwners } from "../../actors/vap/mod.ts";
import { openPublished } from "../../actors/vipr/published.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { nodeIdFrom, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { recordKey } from "../../codecs/validation/mod.ts";
import { ATTEMPTS_MAX, callStore, failCall, findStored, insertCall } from "../../machines/validation/mod.ts";
import { memoryLayer, memoryStore, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { sentCall } from "../validation/arbitrary.ts";

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(Effect.provide(body, Layer.mergeAll(memoryLayer({ seed: 3 }), Logger.layer([])))) as Effect.Effect<
      A,
      E
    >,
  );
const V = vserviceId(7n);

/** A store that notes what is shared. */
const sharing = (by = 2n) => {
  const store = memoryStore();
  const rows: Array<SharedRow> = [];
  const noted = (changes: ReadonlyArray<Change>) => {
    for (const one of changes) if (one.type === "put" && one.isShared) rows.push({ ...one, dueMs: one.dueMs, by });
  };
  const write: typeof store.write = (changes) =>
    Effect.tap(store.write(changes), () => Effect.sync(() => noted(changes)));
  return { store: { ...store, write }, rows };
};

test("cluster: of two users who publish one VService at two servers in one moment the earlier owns it, at both", () =>
  virtually(
    Effect.gen(function* () {
      const [one, two] = [sharing(), sharing()];
      const [a, b] = [yield* openOwners(one.store, () => true), yield* openOwners(two.store, () => true)];
      const of = { vservice: V, instance: 1n };
      ok(a.acquire(of, "ann"));
      yield* a.persist(V);
      yield* Effect.sleep(5);
      ok(b.acquire(of, "bob"));
      yield* b.persist(V);
      two.rows.forEach(a.follow);
      one.rows.forEach(b.follow);
      same([a.ownerOf(V), b.ownerOf(V)], ["ann", "ann"]);
      ok(b.isOwnedByAnother(V, "bob"));
    }),
  ));

test("cluster: an owner whose VService is published at one server is idle at no other", () =>
  virtually(
    Effect.gen(function* () {
      const [here, there] = [sharing(), sharing()];
      const a = yield* openOwners(here.store, () => true);
      a.acquire({ vservice: V, instance: 1n }, "ann");
      yield* a.persist(V);
      const b = yield* openOwners(there.store, () => true);
      here.rows.forEach(b.follow);
      yield* Effect.sleep(OWNER_IDLE_MS / 2);
      yield* a.sweep;
      here.rows.forEach(b.follow);
      yield* Effect.sleep(OWNER_IDLE_MS / 2 + 1);
      yield* b.sweep;
      same(b.ownerOf(V), "ann");
      yield* Effect.sleep(OWNER_IDLE_MS / 2);
      yield* b.sweep;
      same(b.ownerOf(V), undefined);
    }),
  ));

const routes = [{ sipUris: ["sip:x@a.example:5061;maddr=192.0.2.1;transport=tls"] }];
const document = { id: "x", dhtName: "vipr.test", didCount: 1, domain: "a.example", routes };

test("cluster: what is published at another server counts here, and for a while after that one is gone", () =>
  virtually(
    Effect.gen(function* () {
      const { store, rows } = sharing();
      const seen: Array<string> = [];
      const servicesOf = (name: string) => ({
        publish: (_: unknown, __: unknown, at = "") => void seen.push(`${name} +${at}`),
        withdraw: (_: unknown, at = "") => void seen.push(`${name} -${at}`),
      });
      let members = [1n, 2n];
      const opened = (self: bigint, name: string) =>
        openPublished({
          store,
          cluster: { self, members: () => members.map((id) => ({ id, address: undefined, isSelf: id === self })) },
          services: servicesOf(name),
          graceMs: 60_000,
        });
      const [a, b] = [yield* opened(1n, "a"), yield* opened(2n, "b")];
      const identity = { service: 101, subservice: 4, vservice: V, instance: 1n };
      yield* b.publish(identity, document);
      rows.forEach(a.follow);
      same(seen, ["a +2"]);
      yield* opened(3n, "late");
      same(seen, ["a +2", "late +2"]);
      members = [1n, 3n];
      yield* Effect.sleep(59_000);
      same(seen.length, 2);
      yield* Effect.sleep(3_000);
      same(
        seen.slice(2).toSorted(),
        ["a -2", "b -2", "late -2"].filter((one) => one !== "b -2"),
      );
      same(yield* store.scan("vservicePublished"), []);
    }),
  ));

test("cluster: a received call is one call at every server, with the attempts of all of them, and one row in the end", () =>
  virtually(
    Effect.gen(function* () {
      const [one, two] = [sharing(), sharing()];
      const [callsA, callsB] = [callStore([nodeIdFrom(1n)]), callStore([nodeIdFrom(2n)])];
      const held = { held: () => new Set(Array(32).keys()) };
      const a = yield* openRecords(one.store, callsA, 0, held);
      const b = yield* openRecords(two.store, callsB, 0, held);
      const vcr = { ...sentCall, direction: "received" as const, vservice: V };
      const nowMs = yield* Clock.currentTimeMillis;
      const [atA, atB] = [insertCall(callsA, vcr, unixMs(nowMs)), insertCall(callsB, vcr, unixMs(nowMs + 50))];
      yield* a.received(atA);
      yield* b.received(atB);
      // Both are in the one store that they have in common.
      yield* one.store.write([
        { type: "put", table: "vcrReceived", key: recordKey(vcr, atB.keepUntilMs), value: two.rows[0]!.value },
      ]);
      for (let i = 0; i < ATTEMPTS_MAX; i++) yield* a.charged([failCall(callsA, atA.id, "A")]);
      yield* Effect.forEach(one.rows, b.followReceived);
      yield* Effect.forEach(two.rows, a.followReceived);
      const [seenA, seenB] = [findStored(callsA, vcr)!, findStored(callsB, vcr)!];
      same([seenB.attempts, seenB.keepUntilMs, callsB.calls.size], [seenA.attempts, seenA.keepUntilMs, 1]);
      same(seenA.attempts, { caller: ATTEMPTS_MAX, times: 0 });
      same((yield* one.store.scan("vcrReceived")).length, 1);
    }),
  ));

test("cluster: a route that another server keeps is told here as well, and taken here it is taken", () =>
  virtually(
    Effect.gen(function* () {
      const { store, rows } = sharing();
      const [a, b] = [yield* openKeptRoutes(store), yield* openKeptRoutes(store)];
      const info = { number: sentCall.called, ticket: "t", routes };
      yield* a.keep(V, info);
      const [route] = rows.map(b.follow);
      same([route?.number, (yield* b.of(V, 0, 10)).length], [sentCall.called, 1]);
      ok(yield* b.taken(V, info.number, route!.content));
      same(yield* store.scan("keptRoutes"), []);
    }),
  ));
