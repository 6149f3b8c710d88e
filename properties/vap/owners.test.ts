/** Ownership of VServices: no other user gets one by publishing, nor by a restart; that of a removed user becomes free. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { OWNER_IDLE_MS, type Owners, openOwners, VSERVICES_MAX, VSERVICES_OF_USER_MAX } from "../../actors/vap/mod.ts";
import { type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { decodeOwner, encodeOwner, ownerKey } from "../../codecs/vap/mod.ts";
import { memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect);
const everybody = () => true;
const of = (vservice: VServiceId, instance = 1n) => ({ vservice, instance });
/** As a publication does that is accepted. */
const publish = async (owners: Owners, vservice: VServiceId, username: string): Promise<boolean> => {
  if (owners.isOwnedByAnother(vservice, username) || !owners.acquire(of(vservice), username)) return false;
  await run(owners.persist(vservice));
  return true;
};

test("an owner is read back from its row; any other bytes are none", () =>
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string(), fc.nat(), fc.uint8Array(), (...given) => {
      const [vservice, username, sinceMs, junk] = given;
      fc.pre(username.isWellFormed());
      const [key, value] = [ownerKey(vserviceId(vservice)), encodeOwner({ username, sinceMs })];
      same(decodeOwner(key, value), { vservice, username, sinceMs });
      same(
        decodeOwner(junk, value)?.vservice === vservice,
        junk.length === 8 && ownerKey(vserviceId(vservice)).every((b, i) => b === junk[i]),
      );
      decodeOwner(key, junk);
    }),
    { numRuns: runs },
  ));

const steps = fc.array(
  fc.record({
    type: fc.constantFrom("publish", "publish", "withdraw", "restart"),
    vservice: fc.bigInt({ min: 1n, max: 4n }),
    username: fc.constantFrom("ann", "bob"),
  }),
  { maxLength: 30 },
);

test("a VService is its first user's, whoever publishes and withdraws, and however often the server starts again", () =>
  fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const store = memoryStore();
      let owners = await run(openOwners(store, everybody));
      const model = new Map<bigint, string>();
      for (const { type, vservice, username } of steps) {
        if (type === "restart") owners = await run(openOwners(store, everybody));
        else if (type === "publish") {
          const isFree = (model.get(vservice) ?? username) === username;
          same(await publish(owners, vserviceId(vservice), username), isFree);
          if (isFree) model.set(vservice, username);
        } else if (model.get(vservice) === username) owners.release(of(vserviceId(vservice)));
        for (const [id, user] of model)
          same(
            ["ann", "bob"].filter((name) => !owners.isOwnedByAnother(vserviceId(id), name)),
            [user],
          );
      }
    }),
    { numRuns: runs },
  ));

test("a VService that was evicted and comes back stays on disk, whoever is published next", async () => {
  const store = memoryStore();
  let isFull = false;
  const full: StoreShape = {
    ...store,
    write: (changes) =>
      isFull ? Effect.fail(new StoreFailed({ reason: "full", why: "no room" })) : store.write(changes),
  };
  const owners = await run(openOwners(full, everybody));
  for (let id = 1n; id <= BigInt(VSERVICES_OF_USER_MAX); id++) {
    await publish(owners, vserviceId(id), "ann");
    owners.release(of(vserviceId(id)));
  }
  isFull = true;
  ok(owners.acquire(of(vserviceId(5_000n)), "ann")); // 1 is evicted for it
  await run(Effect.ignore(owners.persist(vserviceId(5_000n))));
  isFull = false;
  ok(await publish(owners, vserviceId(1n), "ann"));
  owners.release(of(vserviceId(5_000n)));
  ok(await publish(owners, vserviceId(5_001n), "ann"));
  same((await run(openOwners(store, everybody))).isOwnedByAnother(vserviceId(1n), "bob"), true);
});

test("when all room is taken, an idle VService of who has most makes place for who has few", async () => {
  const owners = await run(openOwners(undefined, everybody));
  for (let id = 0n; id < BigInt(VSERVICES_MAX); id++) {
    ok(await publish(owners, vserviceId(id), `user ${id / BigInt(VSERVICES_OF_USER_MAX)}`));
    owners.release(of(vserviceId(id)));
  }
  for (let i = 0n; i < 20n; i++) ok(await publish(owners, vserviceId(20_000n + i), "newcomer"));
  const left = Array.from({ length: 10 }, (_, user) =>
    Array.from({ length: VSERVICES_OF_USER_MAX }, (_, i) => BigInt(user * VSERVICES_OF_USER_MAX + i)).filter((id) =>
      owners.isOwned(vserviceId(id)),
    ),
  );
  same(
    left.map(({ length }) => length),
    Array.from({ length: 10 }, () => VSERVICES_OF_USER_MAX - 2),
  );
});

test("who publishes many VServices loses the oldest of his own, and takes nobody else's", async () => {
  const store = memoryStore();
  const owners = await run(openOwners(store, everybody));
  await publish(owners, vserviceId(7n), "victim");
  owners.release(of(vserviceId(7n))); // its connection broke
  const ids = Array.from({ length: VSERVICES_MAX + 1 }, (_, i) => 1_000n + BigInt(i));
  for (const id of ids) {
    ok(await publish(owners, vserviceId(id), "thief"));
    owners.release(of(vserviceId(id)));
  }
  same(
    [owners.isOwnedByAnother(vserviceId(7n), "thief"), await publish(owners, vserviceId(7n), "thief")],
    [true, false],
  );
  same(ids.filter((id) => owners.isOwned(vserviceId(id))).length, VSERVICES_OF_USER_MAX);
  same([owners.isOwned(vserviceId(ids[0]!)), owners.isOwned(vserviceId(ids.at(-1)!))], [false, true]);
  const again = await run(openOwners(store, everybody));
  same(ids.filter((id) => again.isOwned(vserviceId(id))).length, VSERVICES_OF_USER_MAX); // the evicted left the disk
  // What is published now is not evicted, and then there is no room.
  for (const id of ids.slice(-VSERVICES_OF_USER_MAX)) await publish(owners, vserviceId(id), "thief");
  same(await publish(owners, vserviceId(5n), "thief"), false);
  ok(await publish(owners, vserviceId(5n), "victim"));
});

test("a user who was removed holds nothing once its instances are withdrawn, and who comes next holds from then on", async () => {
  const store = memoryStore();
  const users = new Set(["ann", "bob"]);
  const isUser = (name: string) => users.has(name);
  const owners = await run(openOwners(store, isUser));
  await publish(owners, vserviceId(7n), "ann");
  const sinceMs = owners.sinceMs(vserviceId(7n))!;
  users.delete("ann");
  same(owners.isOwnedByAnother(vserviceId(7n), "bob"), true); // its instance would be granted together with bob's
  owners.release(of(vserviceId(7n)));
  same([owners.isOwnedByAnother(vserviceId(7n), "bob"), owners.acquire(of(vserviceId(7n)), "bob")], [false, true]);
  same(owners.sinceMs(vserviceId(7n)), undefined); // until it is on disk
  await new Promise((resolve) => setTimeout(resolve, 2));
  await run(owners.persist(vserviceId(7n)));
  ok(owners.sinceMs(vserviceId(7n))! > sinceMs);
  users.add("ann");
  same(owners.isOwnedByAnother(vserviceId(7n), "ann"), true);
  const again = await run(openOwners(store, isUser));
  same(
    [again.isOwnedByAnother(vserviceId(7n), "ann"), again.sinceMs(vserviceId(7n))],
    [true, owners.sinceMs(vserviceId(7n))],
  );
});

test("what the disk does not take is not acknowledged; a refused publication leaves nothing behind", async () => {
  const store = memoryStore();
  const full: StoreShape = { ...store, write: () => Effect.fail(new StoreFailed({ reason: "full", why: "no room" })) };
  const owners = await run(openOwners(full, everybody));
  ok(owners.acquire(of(vserviceId(7n)), "ann"));
  same((await run(Effect.flip(owners.persist(vserviceId(7n))))).why, "the server's disk is full");
  owners.release(of(vserviceId(7n)));
  await run(owners.forget(vserviceId(7n)));
  same(owners.isOwned(vserviceId(7n)), false);
  const kept = await run(openOwners(store, everybody));
  await publish(kept, vserviceId(7n), "ann");
  await run(kept.forget(vserviceId(7n)));
  same(kept.isOwned(vserviceId(7n)), true); // published
  kept.release(of(vserviceId(7n)));
  await run(kept.forget(vserviceId(7n)));
  same((await run(openOwners(store, everybody))).isOwned(vserviceId(7n)), false);
});

const DAY_MS = 86_400_000;
test("an owner that has published nothing for half a year is forgotten, over restarts; one that is published, or was since, is not", async () => {
  const store = memoryStore();
  await runVirtual(
    Effect.gen(function* () {
      const own = (owners: Owners, ids: ReadonlyArray<bigint>) => ids.filter((id) => owners.isOwned(vserviceId(id)));
      const put = (owners: Owners, id: bigint) =>
        Effect.suspend(() => {
          ok(owners.acquire(of(vserviceId(id)), "ann"));
          return owners.persist(vserviceId(id));
        });
      const first = yield* openOwners(store, everybody);
      for (const id of [1n, 2n, 3n]) yield* put(first, id);
      first.release(of(vserviceId(1n))); // never seen again
      first.release(of(vserviceId(2n)));
      // The third stays published for months, in one session.
      for (let day = 0; day < 120; day++) {
        yield* Effect.sleep(DAY_MS);
        yield* first.sweep;
      }
      yield* put(first, 2n);
      first.release(of(vserviceId(2n)));
      const second = yield* openOwners(store, everybody);
      yield* second.sweep;
      same(own(second, [1n, 2n, 3n]), [1n, 2n, 3n]);
      yield* Effect.sleep(OWNER_IDLE_MS - 120 * DAY_MS);
      yield* second.sweep;
      same(own(second, [1n, 2n, 3n]), [2n, 3n]);
      const third = yield* openOwners(store, everybody);
      same(own(third, [1n, 2n, 3n]), [2n, 3n]);
      ok(!third.isOwnedByAnother(vserviceId(1n), "bob"));
    }),
  );
});

test("owners that a version stored which did not write when they were used are counted from the first start of this one", async () => {
  const store = memoryStore();
  await runVirtual(
    Effect.gen(function* () {
      const value = encodeOwner({ username: "ann", sinceMs: 1 });
      yield* store.write([{ type: "put", table: "vserviceHolders", key: ownerKey(vserviceId(7n)), value }]);
      yield* Effect.sleep(10 * OWNER_IDLE_MS);
      const owners = yield* openOwners(store, everybody);
      yield* owners.sweep;
      ok(owners.isOwnedByAnother(vserviceId(7n), "bob"));
    }),
  );
});
