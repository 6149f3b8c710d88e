/** The enrolment server's machine: its laws, and which user gets which Node-IDs. RFC 6940 §11.3. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import {
  addressBrake,
  BRAKE_NAMES_MAX,
  ENROLMENTS_UNDER_WAY_MAX,
  type EnrolServerAction,
  type EnrolServerEvent,
  type EnrolServerInput,
  enrolServer,
  failed,
  isPassword,
  NODE_ID_BYTES,
  noBrake,
  passwordDigest,
  userBrake,
  waitOf,
} from "../../machines/enrol/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";

const INPUT = { overlay: "vipr.example", nodeIdsPerUserMax: 3, enrolled: [] };
const id = fc.constantFrom("0", "1", "2", "3", "4");
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const asked: fc.Arbitrary<EnrolServerEvent> = fc.record(
  {
    type: fc.constant("asked" as const),
    id,
    user: fc.constantFrom("alice", "bob", "in valid", "__proto__"),
    isPasswordRight: fc.boolean(),
    nodeIds: fc.integer({ min: 0, max: 4 }),
    csr: bytes(2),
    address: fc.constantFrom("192.0.2.1", "192.0.2.2"),
    atMs: fc.integer({ min: 0, max: 100_000 }),
  },
  { noNullPrototype: true },
);
const others: fc.Arbitrary<EnrolServerEvent> = fc.oneof(
  fc.record(
    {
      type: fc.constant("came" as const),
      id,
      user: fc.constantFrom("alice", "bob"),
      address: fc.constantFrom("192.0.2.1", "192.0.2.2"),
      atMs: fc.integer({ min: 0, max: 100_000 }),
    },
    { noNullPrototype: true },
  ),
  fc.record({ type: fc.constant("drawn" as const), id, random: bytes(3 * NODE_ID_BYTES) }, { noNullPrototype: true }),
  fc.record({ type: fc.constant("issued" as const), id, certificate: bytes(3) }, { noNullPrototype: true }),
  fc.record(
    { type: fc.constantFrom("notIssued" as const, "kept" as const, "notKept" as const), id },
    { noNullPrototype: true },
  ),
);

/** One name fails as often as it may, and comes once more. */
const who = { user: "alice", address: "192.0.2.1", atMs: 1 };
const guess: EnrolServerEvent = {
  type: "asked",
  id: "0",
  ...who,
  isPasswordRight: false,
  nodeIds: 1,
  csr: new Uint8Array(),
};
const guesses = Array.from({ length: userBrake.free + 1 }, () => guess);
machineLaws(
  enrolServer,
  { inputs: fc.constant(INPUT), events: () => fc.oneof(asked, others) },
  { plays: [{ input: INPUT, events: [...guesses, { type: "came", id: "1", ...who }] }] },
);

type Ask = Partial<Omit<Extract<EnrolServerEvent, { type: "asked" }>, "type">>;

/** Plays the machine as its actor would: draws come in the order asked, certificates too, unless a test says otherwise. */
const opened = (input: EnrolServerInput = INPUT) => {
  let { snapshot } = enrolServer.start(input);
  let drawn = 0;
  let count = 0;
  const tell = (event: EnrolServerEvent): ReadonlyArray<EnrolServerAction> => {
    const next = enrolServer.step(snapshot, event);
    snapshot = next.snapshot;
    return next.actions;
  };
  const ask = (given: Ask) =>
    tell({
      type: "asked",
      id: String(count++),
      user: "alice",
      isPasswordRight: true,
      nodeIds: 1,
      csr: Uint8Array.of(1),
      address: "192.0.2.1",
      atMs: 0,
      ...given,
    });
  /** What is drawn is kept at once, unless a test says otherwise. */
  const draw = (id: string, size: number) => {
    const [order] = tell({ type: "drawn", id, random: Uint8Array.from({ length: size }, () => ++drawn & 255) });
    return order?.type === "keep" ? tell({ type: "kept", id }) : [order!];
  };
  /** The Node-IDs of the certificate, or the refusal. */
  const enrol = (given: Ask): unknown => {
    let [order] = ask(given);
    if (order?.type === "draw") [order] = draw(order.id, order.bytes);
    if (order?.type !== "issue") return order;
    tell({ type: "issued", id: order.id, certificate: Uint8Array.of(7) });
    return order.uris.map((uri) => readReloadUri(uri)!.nodeId);
  };
  return { ask, draw, enrol, tell };
};

// RFC 6940 §11.3, §13.3
test("enrolServer: the same user gets the same Node-IDs again, more are added to them, and none is shared (§11.3)", () => {
  const { enrol } = opened();
  const first = enrol({}) as Array<bigint>;
  same(enrol({}), first);
  const three = enrol({ nodeIds: 3 }) as Array<bigint>;
  same(three.slice(0, 1), first);
  same(enrol({ nodeIds: 2 }), three.slice(0, 2));
  const bobs = enrol({ user: "bob", nodeIds: 3 }) as Array<bigint>;
  same(new Set([...three, ...bobs]).size, 6);
});

// RFC 6940 §13.3
test("enrolServer: a model of users and their lists agrees, whatever is asked", () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("alice", "bob", "carol"), fc.integer({ min: 1, max: 3 })), { maxLength: 30 }),
      (questions) => {
        const { enrol } = opened();
        const model = new Map<string, Array<bigint>>();
        for (const [user, nodeIds] of questions) {
          const got = enrol({ user, nodeIds }) as Array<bigint>;
          const known = model.get(user) ?? [];
          same(got.slice(0, known.length), known.slice(0, nodeIds));
          same(got.length, nodeIds);
          if (got.length > known.length) model.set(user, got);
        }
        const all = [...model.values()].flat();
        same(new Set(all).size, all.length);
      },
    ),
    { numRuns: runs },
  ));

// RFC 6940 §11.3
test("enrolServer: each refusal has its token, and draws nothing (§11.3)", () => {
  const { ask } = opened();
  for (const [given, token] of [
    [{ isPasswordRight: false }, "failed_authentication"],
    [{ isPasswordRight: false, nodeIds: 9 }, "failed_authentication"],
    [{ nodeIds: 4 }, "Node-IDs_not_available"],
    [{ nodeIds: 0 }, "Node-IDs_not_available"],
    [{ user: "in valid" }, "username_not_available"],
    [{ user: "nul\0" }, "username_not_available"],
  ] as const)
    same(
      ask(given).map((order) => (order.type === "refuse" ? order.token : order)),
      [token],
    );
});

test("enrolServer: two requests of one user at once end with one list", () => {
  const { ask, draw, tell } = opened();
  const [one, two] = [ask({ nodeIds: 2 })[0]!, ask({ nodeIds: 3 })[0]!] as ReadonlyArray<{ id: string }>;
  const first = draw(one!.id, 32)[0] as Extract<EnrolServerAction, { type: "issue" }>;
  const second = draw(two!.id, 48)[0] as Extract<EnrolServerAction, { type: "issue" }>;
  same(second.uris.slice(0, 2), first.uris);
  same(second.uris.length, 3);
  same(tell({ type: "issued", id: one!.id, certificate: Uint8Array.of(1) })[0]!.type, "certify");
  same(tell({ type: "issued", id: one!.id, certificate: Uint8Array.of(1) })[0]!.type, "note");
  same(tell({ type: "notIssued", id: two!.id }), [{ type: "refuse", id: two!.id, token: "bad_CSR" }]);
});

test("enrolServer: beyond its room it puts off, and has room again when one is done", () => {
  const { ask, tell } = opened();
  for (let i = 0; i < ENROLMENTS_UNDER_WAY_MAX; i++) same(ask({ id: `a${i}`, user: `user${i}` })[0]!.type, "draw");
  same(ask({ id: "late" }), [{ type: "putOff", id: "late", why: "busy" }]);
  tell({ type: "drawn", id: "a0", random: new Uint8Array(16) });
  tell({ type: "kept", id: "a0" });
  tell({ type: "issued", id: "a0", certificate: new Uint8Array() });
  same(ask({ id: "a1" })[0]!.type, "putOff"); // under way already
  same(ask({ id: "now" })[0]!.type, "draw");
});

test("enrolServer: nothing is certified before its Node-IDs are on disk, and they are the same after a restart (§11.3)", () => {
  const { ask, tell, enrol } = opened();
  const [drawing] = ask({ nodeIds: 2 }) as ReadonlyArray<{ id: string }>;
  const [keep] = tell({ type: "drawn", id: drawing!.id, random: Uint8Array.from({ length: 32 }, (_, i) => i) });
  ok(keep?.type === "keep" && keep.user === "alice" && keep.nodeIds.length === 2);
  same(tell({ type: "issued", id: drawing!.id, certificate: Uint8Array.of(1) })[0]!.type, "note");
  same(tell({ type: "notKept", id: drawing!.id }), [{ type: "putOff", id: drawing!.id, why: "store" }]);
  const kept = enrol({ nodeIds: 2 });
  ok(Array.isArray(kept) && !kept.includes(keep.nodeIds[0]));
  const again = opened({ ...INPUT, enrolled: [{ user: "alice", nodeIds: kept }] });
  same(again.enrol({ nodeIds: 2 }), kept);
  same((again.enrol({ nodeIds: 3 }) as Array<bigint>).slice(0, 2), kept);
});

test("enrolServer: a user's list never loses or changes a Node-ID once certified, whatever fails in whatever order", () =>
  fc.assert(
    fc.property(
      fc.array(fc.record({ nodeIds: fc.integer({ min: 1, max: 3 }), isKept: fc.boolean(), isLate: fc.boolean() })),
      (requests) => {
        const { ask, tell } = opened();
        const certified: Array<bigint> = [];
        const late: Array<() => void> = [];
        for (const [i, { nodeIds, isKept, isLate }] of requests.entries()) {
          const take = (order: EnrolServerAction | undefined) => {
            if (order?.type !== "issue") return;
            const got = order.uris.map((uri) => readReloadUri(uri)!.nodeId);
            for (const [at, id] of got.entries()) same(certified[at] ?? id, id);
            if (got.length > certified.length) certified.splice(0, certified.length, ...got);
            tell({ type: "issued", id: order.id, certificate: Uint8Array.of(1) });
          };
          const [order] = ask({ nodeIds, id: `r${i}` });
          if (order?.type !== "draw") {
            take(order);
            continue;
          }
          tell({
            type: "drawn",
            id: order.id,
            random: Uint8Array.from({ length: order.bytes }, (_, at) => i * 48 + at),
          });
          const end = () => take(tell({ type: isKept ? "kept" : "notKept", id: order.id })[0]);
          if (isLate) late.push(end);
          else end();
        }
        for (const end of late) end();
      },
    ),
    { numRuns: runs },
  ));

test("enrolServer: a guesser is slowed by user and by address, whether the user exists or not, and learns nothing", () => {
  const HOUR_MS = 3_600_000;
  /** Passwords that were checked in an hour of trying every second. */
  const looked = (given: (i: number) => Ask) => {
    const { ask } = opened();
    let count = 0;
    for (let atMs = 0; atMs < HOUR_MS; atMs += 1_000)
      if (ask({ isPasswordRight: false, ...given(atMs / 1_000), atMs })[0]!.type === "refuse") count++;
    return count;
  };
  const oneUser = looked((i) => ({ user: "alice", address: `192.0.${i % 250}.${i % 7}` }));
  same(
    looked((i) => ({ user: "nobody", address: `192.0.${i % 250}.${i % 7}` })),
    oneUser,
  );
  ok(oneUser < 5 + 7 + 60, String(oneUser));
  const oneAddress = looked((i) => ({ user: `user${i}` }));
  ok(oneAddress < 20 + 12 + 4, String(oneAddress));
});

test("enrolServer: who has an account clears its own count with its password, and neither another user's nor the address's", () => {
  const { ask } = opened();
  const types = (given: Ask) => ask(given).map(({ type }) => type);
  const from = { address: "192.0.2.7", atMs: 1 };
  for (let i = 0; i < addressBrake.free - userBrake.free - 1; i++)
    same(types({ isPasswordRight: false, user: `user${i}`, ...from }), ["refuse"]);
  for (let i = 0; i < userBrake.free; i++) same(types({ isPasswordRight: false, user: "bob", ...from }), ["refuse"]);
  same(types({ user: "mallory", ...from }), ["draw"]);
  same(types({ user: "bob", address: "192.0.2.8", atMs: 2 }), ["putOff"]);
  same(types({ isPasswordRight: false, user: "carol", ...from }), ["refuse"]);
  same(types({ user: "mallory", id: "z", ...from }), ["putOff"]);
});

test("enrolServer: within the wait a right password is put off as a wrong one is; after it, it serves and clears the count", () => {
  const { ask, tell } = opened();
  const types = (given: Ask) => ask(given).map(({ type }) => type);
  for (let i = 0; i < userBrake.free; i++) same(types({ isPasswordRight: false, address: `a${i}` }), ["refuse"]);
  for (const isPasswordRight of [true, false])
    same(ask({ isPasswordRight, atMs: 999, id: "x" }), [{ type: "putOff", id: "x", why: "brake" }]);
  const came = (atMs: number) => tell({ type: "came", id: "y", user: "alice", address: "192.0.2.1", atMs });
  same(came(999), [{ type: "putOff", id: "y", why: "brake" }]); // before anything is hashed
  same(came(1_000), [{ type: "check", id: "y" }]);
  same(types({ atMs: 1_000 }), ["draw"]);
  same(types({ isPasswordRight: false, atMs: 1_000 }), ["refuse"]);
  // Another user, at another address, never waited.
  same(types({ user: "bob", address: "192.0.2.9", atMs: 500 }), ["draw"]);
});

test("the brake: waits double to their most, end, are forgotten in time, and remember only so many names", () => {
  let brake = noBrake;
  const waits: Array<number> = [];
  for (let i = 0; i < 14; i++) {
    waits.push(waitOf(brake, "n", userBrake, 0));
    brake = failed(brake, "n", 0);
  }
  same(waits, [0, 0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  same([waitOf(brake, "n", userBrake, 60_000), waitOf(brake, "other", userBrake, 0)], [0, 0]);
  same(waitOf(brake, "n", userBrake, -5_000), userBrake.mostMs); // a clock that went back
  same(waitOf(failed(brake, "n", 4 * 3_600_000), "n", userBrake, 4 * 3_600_000), 0);
  for (let i = 0; i < BRAKE_NAMES_MAX + 10; i++) brake = failed(brake, `name ${i}`, i);
  same([brake.size, brake.has("n"), brake.has("name 9")], [BRAKE_NAMES_MAX, false, false]);
});

// RFC 6940 §11.3
test("a password is itself and nothing else; an unknown user has none", () =>
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (known, given) => {
      same(isPassword(passwordDigest(known), given), known === given);
      ok(isPassword(passwordDigest(known), known));
      ok(!isPassword(undefined, given));
      ok(!hexOf(passwordDigest(known)).includes(known) || known.length < 8);
    }),
    { numRuns: runs },
  ));
