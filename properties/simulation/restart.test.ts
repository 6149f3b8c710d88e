/** Nodes that crash and start again from their disks: with the values that they store for others, and their own entries. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import type { StoreShape } from "../../actors/ports/mod.ts";
import { claimsOf, publishNumber, withdrawNumber } from "../../actors/reload/mod.ts";
import { kindId, resourceOfNumber } from "../../codecs/reload/mod.ts";
import { bigOf, e164, vserviceId } from "../../codecs/shared/mod.ts";
import { restoredFrom } from "../../machines/reload/mod.ts";
import { chanceOf } from "../../runtime/memory/chance.ts";
import { memoryStore } from "../../runtime/memory.ts";
import { type Member, type Overlay, overlayOf, testOverlay } from "../reload/ring-of-nodes.ts";

const numbers = Array.from({ length: 12 }, (_, i) => e164(`+1408555${String(1000 + i)}`));
const CRASH = { limits: { leaveMs: 0, holdDownMs: 2_000 } };

/** Starts a crashed node again, with its certificate and its disk. */
const restart = Effect.fnUntraced(function* (ring: Overlay, crashed: MemberOnDisk) {
  const { node, credentials, store } = crashed;
  const bootstrapNodes = ring.members
    .filter(({ nodeId }) => nodeId !== node.nodeId)
    .map(({ host, port }) => ({ host, port }));
  return yield* ring.join({
    credentials,
    store,
    overlay: { ...ring.configuration, bootstrapNodes },
    first: bootstrapNodes.length === 0,
    ...CRASH,
  });
});
interface MemberOnDisk {
  readonly node: Member;
  readonly credentials: Effect.Success<ReturnType<Overlay["issue"]>>;
  readonly store: StoreShape;
}

const withDisks = Effect.fnUntraced(function* (count: number, seed: number) {
  const chance = chanceOf(seed);
  const ring = yield* overlayOf(seed, {}, CRASH);
  yield* ring.members[0]!.end; // the nodes of this test have certificates that it knows
  ring.members.length = 0;
  const all: Array<MemberOnDisk> = [];
  for (let i = 0; i < count; i++) {
    const credentials = yield* ring.issue(bigOf(chance.bytes(16)));
    const store = memoryStore();
    const node = yield* ring.join({ credentials, store, first: i === 0, ...CRASH });
    all.push({ node, credentials, store });
  }
  return { ring, all };
});

const crash = Effect.fnUntraced(function* (ring: Overlay, crashed: MemberOnDisk) {
  yield* crashed.node.end;
  ring.members.splice(ring.members.indexOf(crashed.node), 1);
});

/** The resources of registrations on a disk. */
const storedOn = (store: StoreShape, nowMs: number) =>
  Effect.map(store.scan("values"), (rows) =>
    rows.flatMap(({ key, value }) => {
      const item = restoredFrom(key, value, nowMs);
      return item?.type === "entry" && item.kind === kindId.viprRegistration ? [bigOf(item.resource)] : [];
    }),
  );

/** Each number is found from each node. */
const checkFound = Effect.fnUntraced(function* (ring: Overlay, wanted: ReadonlyArray<string>) {
  for (const number of wanted)
    for (const member of ring.members) {
      const claims = yield* claimsOf(member, e164(number));
      same(claims.length, 1, `${number} at ${member.nodeId}`);
    }
});

testOverlay(
  "the power fails for all nodes at once: what was acknowledged is found when they are back",
  Effect.gen(function* () {
    const { ring, all } = yield* withDisks(4, 5);
    for (const [i, number] of numbers.entries())
      yield* publishNumber(all[i % all.length]!.node, number, vserviceId(3n));
    yield* withdrawNumber(all[0]!.node, numbers[0]!, vserviceId(3n));
    yield* Effect.sleep(1_000);
    for (const member of all) yield* crash(ring, member);
    const back: Array<Member> = [];
    for (const member of all.toReversed()) back.push(yield* restart(ring, member));
    yield* Effect.sleep(10_000);
    yield* checkFound(ring, numbers.slice(1));
    for (const member of ring.members) same(yield* claimsOf(member, numbers[0]!), [], "removed is removed");
    // Each knows its own entries in the overlay, and continues with later storage times.
    for (const [i, { node }] of all.entries()) {
      const now = ring.members.find(({ nodeId }) => nodeId === node.nodeId)!;
      same((yield* now.status).quotaUsed, numbers.filter((_, n) => n > 0 && n % all.length === i).length);
    }
    yield* publishNumber(
      ring.members.find(({ nodeId }) => nodeId === all[1]!.node.nodeId)!,
      numbers[1]!,
      vserviceId(3n),
    );
    ok(back.length === all.length);
  }),
);

testOverlay(
  "a node that was away comes back to its place: nothing is lost, nothing removed returns, three copies are kept",
  Effect.gen(function* () {
    const { ring, all } = yield* withDisks(6, 11);
    const [first, ...others] = all;
    for (const number of numbers) yield* publishNumber(first!.node, number, vserviceId(3n));
    yield* Effect.sleep(1_000);
    const away = others[2]!;
    yield* crash(ring, away);
    yield* Effect.sleep(30_000);
    yield* withdrawNumber(first!.node, numbers[0]!, vserviceId(3n));
    yield* publishNumber(first!.node, numbers[1]!, vserviceId(3n));
    const back = yield* restart(ring, away);
    same(back.nodeId, away.node.nodeId);
    yield* Effect.sleep(120_000);
    yield* checkFound(ring, numbers.slice(1));
    for (const member of ring.members) same(yield* claimsOf(member, numbers[0]!), []);
    const copies = new Map<bigint, number>();
    const nowMs = Number((yield* back.ping(back.nodeId)).atMs);
    for (const { store } of all)
      for (const resource of yield* storedOn(store, nowMs)) copies.set(resource, (copies.get(resource) ?? 0) + 1);
    for (const number of numbers) same(copies.get(bigOf(resourceOfNumber(number))), 3, number);
  }),
);

testOverlay(
  "a node whose part of the ring has gone to others removes its values only after they have them",
  Effect.gen(function* () {
    const { ring, all } = yield* withDisks(1, 3);
    for (const number of numbers) yield* publishNumber(all[0]!.node, number, vserviceId(3n));
    yield* crash(ring, all[0]!);
    // Six others make a ring of their own, empty.
    for (let i = 0; i < 6; i++) yield* ring.join({ first: i === 0, ...CRASH });
    const back = yield* restart(ring, all[0]!);
    yield* Effect.sleep(1_000);
    const nowMs = (yield* back.ping(back.nodeId)).atMs;
    const early = new Set(yield* storedOn(all[0]!.store, nowMs));
    yield* Effect.sleep(200_000);
    yield* checkFound(ring, numbers);
    const late = (yield* storedOn(all[0]!.store, nowMs)).length;
    ok(early.size >= late && late < numbers.length, `${early.size} stored at first, ${late} at last`);
  }),
);
