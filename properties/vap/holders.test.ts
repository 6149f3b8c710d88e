/** Whose a VService is: no other user gets it by whatever he publishes, nor by a restart; a removed user's becomes free. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { type Holders, openHolders, VSERVICES_MAX, VSERVICES_OF_USER_MAX } from "../../actors/vap/mod.ts";
import { decodeHolder, encodeHolder, holderKey } from "../../codecs/vap/mod.ts";
import { memoryStore } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect);
const everybody = () => true;
const of = (vservice: bigint, instance = 1n) => ({ vservice, instance });
/** As a publication does that is accepted. */
const publish = async (holders: Holders, vservice: bigint, username: string): Promise<boolean> => {
  if (holders.isAnothers(vservice, username) || !holders.hold(of(vservice), username)) return false;
  await run(holders.keep(vservice));
  return true;
};

test("a holder is read back from its row; any other bytes are none", () =>
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string(), fc.nat(), fc.uint8Array(), (...given) => {
      const [vservice, username, sinceMs, junk] = given;
      fc.pre(username.isWellFormed());
      const [key, value] = [holderKey(vservice), encodeHolder({ username, sinceMs })];
      same(decodeHolder(key, value), { vservice, username, sinceMs });
      same(
        decodeHolder(junk, value)?.vservice === vservice,
        junk.length === 8 && holderKey(vservice).every((b, i) => b === junk[i]),
      );
      decodeHolder(key, junk);
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
      let holders = await run(openHolders(store, everybody));
      const model = new Map<bigint, string>();
      for (const { type, vservice, username } of steps) {
        if (type === "restart") holders = await run(openHolders(store, everybody));
        else if (type === "publish") {
          const isFree = (model.get(vservice) ?? username) === username;
          same(await publish(holders, vservice, username), isFree);
          if (isFree) model.set(vservice, username);
        } else if (model.get(vservice) === username) holders.release(of(vservice));
        for (const [id, user] of model)
          same(
            ["ann", "bob"].filter((name) => !holders.isAnothers(id, name)),
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
  const holders = await run(openHolders(full, everybody));
  for (let id = 1n; id <= BigInt(VSERVICES_OF_USER_MAX); id++) {
    await publish(holders, id, "ann");
    holders.release(of(id));
  }
  isFull = true;
  ok(holders.hold(of(5_000n), "ann")); // 1 is evicted for it
  await run(Effect.ignore(holders.keep(5_000n)));
  isFull = false;
  ok(await publish(holders, 1n, "ann"));
  holders.release(of(5_000n));
  ok(await publish(holders, 5_001n, "ann"));
  same((await run(openHolders(store, everybody))).isAnothers(1n, "bob"), true);
});

test("when all room is taken, an idle VService of who has most makes place for who has few", async () => {
  const holders = await run(openHolders(undefined, everybody));
  for (let id = 0n; id < BigInt(VSERVICES_MAX); id++) {
    ok(await publish(holders, id, `user ${id / BigInt(VSERVICES_OF_USER_MAX)}`));
    holders.release(of(id));
  }
  for (let i = 0n; i < 20n; i++) ok(await publish(holders, 20_000n + i, "newcomer"));
  const left = Array.from({ length: 10 }, (_, user) =>
    Array.from({ length: VSERVICES_OF_USER_MAX }, (_, i) => BigInt(user * VSERVICES_OF_USER_MAX + i)).filter((id) =>
      holders.isHeld(id),
    ),
  );
  same(
    left.map(({ length }) => length),
    Array.from({ length: 10 }, () => VSERVICES_OF_USER_MAX - 2),
  );
});

test("who publishes many VServices loses the oldest of his own, and takes nobody else's", async () => {
  const store = memoryStore();
  const holders = await run(openHolders(store, everybody));
  await publish(holders, 7n, "victim");
  holders.release(of(7n)); // its connection broke
  const ids = Array.from({ length: VSERVICES_MAX + 1 }, (_, i) => 1_000n + BigInt(i));
  for (const id of ids) {
    ok(await publish(holders, id, "thief"));
    holders.release(of(id));
  }
  same([holders.isAnothers(7n, "thief"), await publish(holders, 7n, "thief")], [true, false]);
  same(ids.filter((id) => holders.isHeld(id)).length, VSERVICES_OF_USER_MAX);
  same([holders.isHeld(ids[0]!), holders.isHeld(ids.at(-1)!)], [false, true]);
  const again = await run(openHolders(store, everybody));
  same(ids.filter((id) => again.isHeld(id)).length, VSERVICES_OF_USER_MAX); // the evicted left the disk
  // What is published now is not evicted, and then there is no room.
  for (const id of ids.slice(-VSERVICES_OF_USER_MAX)) await publish(holders, id, "thief");
  same(await publish(holders, 5n, "thief"), false);
  ok(await publish(holders, 5n, "victim"));
});

test("a user who was removed holds nothing once its instances are withdrawn, and who comes next holds from then on", async () => {
  const store = memoryStore();
  const users = new Set(["ann", "bob"]);
  const isUser = (name: string) => users.has(name);
  const holders = await run(openHolders(store, isUser));
  await publish(holders, 7n, "ann");
  const sinceMs = holders.sinceMs(7n)!;
  users.delete("ann");
  same(holders.isAnothers(7n, "bob"), true); // its instance would be granted together with bob's
  holders.release(of(7n));
  same([holders.isAnothers(7n, "bob"), holders.hold(of(7n), "bob")], [false, true]);
  same(holders.sinceMs(7n), undefined); // until it is on disk
  await new Promise((resolve) => setTimeout(resolve, 2));
  await run(holders.keep(7n));
  ok(holders.sinceMs(7n)! > sinceMs);
  users.add("ann");
  same(holders.isAnothers(7n, "ann"), true);
  const again = await run(openHolders(store, isUser));
  same([again.isAnothers(7n, "ann"), again.sinceMs(7n)], [true, holders.sinceMs(7n)]);
});

test("what the disk does not take is not acknowledged; a refused publication leaves nothing behind", async () => {
  const store = memoryStore();
  const full: StoreShape = { ...store, write: () => Effect.fail(new StoreFailed({ reason: "full", why: "no room" })) };
  const holders = await run(openHolders(full, everybody));
  ok(holders.hold(of(7n), "ann"));
  same((await run(Effect.flip(holders.keep(7n)))).why, "no room");
  holders.release(of(7n));
  await run(holders.forget(7n));
  same(holders.isHeld(7n), false);
  const kept = await run(openHolders(store, everybody));
  await publish(kept, 7n, "ann");
  await run(kept.forget(7n));
  same(kept.isHeld(7n), true); // published
  kept.release(of(7n));
  await run(kept.forget(7n));
  same((await run(openHolders(store, everybody))).isHeld(7n), false);
});
