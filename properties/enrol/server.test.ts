/** The enrolment server's machine: its laws, and who gets which Node-IDs. RFC 6940 §11.3. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import {
  ENROLMENTS_UNDER_WAY_MAX,
  type EnrolServerAction,
  type EnrolServerEvent,
  enrolServer,
  isPassword,
  NODE_ID_BYTES,
  passwordDigest,
} from "../../machines/enrol/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";

const INPUT = { overlay: "vipr.example", nodeIdsPerUserMax: 3 };
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
  },
  { noNullPrototype: true },
);
const others: fc.Arbitrary<EnrolServerEvent> = fc.oneof(
  fc.record({ type: fc.constant("drawn" as const), id, random: bytes(3 * NODE_ID_BYTES) }, { noNullPrototype: true }),
  fc.record({ type: fc.constant("issued" as const), id, certificate: bytes(3) }, { noNullPrototype: true }),
  fc.record({ type: fc.constant("notIssued" as const), id }, { noNullPrototype: true }),
);

machineLaws(enrolServer, { inputs: fc.constant(INPUT), events: () => fc.oneof(asked, others) });

type Ask = Partial<Omit<Extract<EnrolServerEvent, { type: "asked" }>, "type">>;

/** Plays the machine as its actor would: draws come in the order asked, certificates too, unless a test says otherwise. */
const opened = () => {
  let { snapshot } = enrolServer.start(INPUT);
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
      ...given,
    });
  const draw = (id: string, size: number) =>
    tell({ type: "drawn", id, random: Uint8Array.from({ length: size }, () => ++drawn & 255) });
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

test("enrolServer: the same user gets the same Node-IDs again, more are added to them, and nobody shares (§11.3)", () => {
  const { enrol } = opened();
  const first = enrol({}) as Array<bigint>;
  same(enrol({}), first);
  const three = enrol({ nodeIds: 3 }) as Array<bigint>;
  same(three.slice(0, 1), first);
  same(enrol({ nodeIds: 2 }), three.slice(0, 2));
  const bobs = enrol({ user: "bob", nodeIds: 3 }) as Array<bigint>;
  same(new Set([...three, ...bobs]).size, 6);
});

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
  same(ask({ id: "late" }), [{ type: "putOff", id: "late" }]);
  tell({ type: "drawn", id: "a0", random: new Uint8Array(16) });
  tell({ type: "issued", id: "a0", certificate: new Uint8Array() });
  same(ask({ id: "a1" })[0]!.type, "putOff"); // under way already
  same(ask({ id: "now" })[0]!.type, "draw");
});

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
