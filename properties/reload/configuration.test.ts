/** Which configuration document is in force, and to which nodes it is sent: the machine's laws and rules. RFC 6940 §6.3.2.1, §6.5.4. */

import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  isLaterSequence,
  type OverlayConfiguration,
  sequenceAfter,
  VIPR_NAMESPACE,
  viprOverlay,
  viprRegistrationKind,
} from "../../codecs/overlay/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import {
  type ConfigurationAction,
  type ConfigurationEvent,
  NOTIFIED_MAX,
  type Offered,
  reloadConfiguration,
} from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { anyNodeId } from "../kit/node-ids.ts";

const SELF = nodeIdFrom(7n);
const HOUR_MS = 3_600_000;
const overlay = (sequence: number, more: Partial<OverlayConfiguration> = {}): OverlayConfiguration =>
  viprOverlay({ name: "ring.example", sequence, ...more });
const document = (sequence: number, more: Partial<OverlayConfiguration> = {}): Offered => ({
  type: "document",
  overlay: overlay(sequence, more),
});
const kind = (id: number, by: bigint): Offered => ({
  type: "kinds",
  kinds: [{ kind: { ...viprRegistrationKind, kind: id }, by: nodeIdFrom(by) }],
});

const expiry = fc.constantFrom({}, { expirationMs: HOUR_MS }, { expirationMs: 3 * HOUR_MS });
const offered: fc.Arbitrary<Offered> = fc.oneof(
  fc.tuple(fc.nat(6), expiry).map(([sequence, more]) => document(sequence, more)),
  fc.constantFrom(
    document(3, { name: "other.example" }),
    document(4, { badNodes: [SELF] }),
    document(5, { mandatoryExtensions: ["urn:example:unknown"] }),
    { type: "unreadable" as const, why: "as the test wants it" },
    { type: "forged" as const, why: "as the test wants it", sequence: 9 },
    { type: "forged" as const, why: "as the test wants it", sequence: undefined },
  ),
  fc
    .tuple(fc.constantFrom(0xf0000100, 0xf0000200, 0xf0000201), fc.constantFrom(1n, 2n))
    .map(([id, by]) => kind(id, by)),
);
const atMs = fc.integer({ min: 0, max: 4 * HOUR_MS });
const event: fc.Arbitrary<ConfigurationEvent> = fc.oneof(
  fc.record({ type: fc.constant("offered" as const), id: fc.nat(9), offered, atMs }, { noNullPrototype: true }),
  fc.record(
    { type: fc.constant("heard" as const), node: anyNodeId(1n, 9n), sequence: fc.nat(7) },
    { noNullPrototype: true },
  ),
  anyNodeId(1n, 9n).map((node) => ({ type: "pushOver" as const, node })),
  fc.tuple(fc.constantFrom("refresh" as const, "expire" as const), atMs).map(([timer, atMs]) => ({
    type: "timerFired" as const,
    timer,
    atMs,
  })),
);
machineLaws(reloadConfiguration, {
  inputs: expiry.map((more) => ({ self: SELF, overlay: overlay(2, more), startedMs: 0 })),
  events: () => event,
});

const play = (events: ReadonlyArray<ConfigurationEvent>, ours = overlay(2)) => {
  let { snapshot, actions } = reloadConfiguration.start({ self: SELF, overlay: ours, startedMs: 0 });
  const all: Array<ConfigurationAction> = [...actions];
  for (const event of events) {
    ({ snapshot, actions } = reloadConfiguration.step(snapshot, event));
    all.push(...actions);
  }
  return all;
};
const offer = (offered: Offered, id = 1): ConfigurationEvent => ({ type: "offered", id, offered, atMs: 0 });
const types = (actions: ReadonlyArray<ConfigurationAction>) => actions.map(({ type }) => type);
const refusal = (offered: Offered) => play([offer(offered)]).map((order) => "error" in order && order.error);

test("RFC 6940 §6.5.4.2: a newer document is answered, comes into force, and goes to the neighbours", () => {
  const actions = play([offer(document(3))]);
  same(types(actions), ["adopt", "answer", "pushToNeighbours"]);
  same(actions[0], { type: "adopt", id: 1, overlay: overlay(3) });
});

test("RFC 6940 §6.5.4.2: an older one, a forged one, another overlay's, an expired one: each has its error", () => {
  same(refusal(document(2)), ["configTooOld"]);
  same(refusal(document(1)), ["configTooOld"]);
  same(refusal({ type: "forged", why: "unsigned", sequence: 3 }), ["forbidden"]);
  same(refusal({ type: "forged", why: "unsigned", sequence: 2 }), ["configTooOld"]);
  same(refusal({ type: "forged", why: "unsigned", sequence: undefined }), ["forbidden"]);
  same(refusal({ type: "unreadable", why: "no XML" }), ["invalidMessage"]);
  same(refusal(document(3, { name: "other.example" })), ["forbidden"]);
  same(refusal(document(3, { expirationMs: 0 })), ["forbidden"]);
});

test("RFC 6940 §6.3.2.1: the sequence in force never goes back, whatever is offered in whatever order", () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_534 }), fc.array(fc.integer({ min: -40, max: 40 })), (first, steps) => {
      let now = first;
      const events = steps.map((step) => offer(document((((first + step) % 65_535) + 65_535) % 65_535)));
      for (const action of play(events, overlay(first)))
        if (action.type === "adopt") {
          ok(isLaterSequence(action.overlay.sequence, now));
          now = action.overlay.sequence;
        }
    }),
    { numRuns: runs },
  ));

test("RFC 6940 §11.1: a node that cannot meet the new requirements, or is a bad node, leaves with the reason", () => {
  for (const [more, why] of [
    [{ mandatoryExtensions: [VIPR_NAMESPACE, "urn:example:unknown"] }, "mandatory-extension urn:example:unknown"],
    [{ badNodes: [SELF] }, "lists this node as bad"],
    [{ topologyPlugin: "KADEMLIA" }, "topology-plugin KADEMLIA"],
  ] as const) {
    const actions = play([offer(document(3, more)), offer(document(4))]);
    same(types(actions), ["adopt", "answer", "pushToNeighbours", "leave"]);
    const last = actions.at(-1)!;
    ok(last.type === "leave" && last.why.includes(why));
  }
});

// RFC 6940 §6.3.2.1
test("RFC 6940 §6.5.4: a node that is behind is sent the document once, again only if that failed or was long ago; a node that is ahead is asked once", () => {
  const heard = (node: bigint, sequence: number): ConfigurationEvent => ({
    type: "heard",
    node: nodeIdFrom(node),
    sequence,
  });
  const [older, newer] = [1, 3];
  same(play([heard(9n, 2), heard(SELF, older)]), []);
  same(play([heard(9n, older), heard(9n, older), heard(8n, older)]), [
    { type: "push", to: 9n },
    { type: "push", to: 8n },
  ]);
  same(types(play([heard(9n, older), { type: "pushOver", node: nodeIdFrom(9n) }, heard(9n, older)])), ["push", "push"]);
  same(play([heard(9n, newer), heard(9n, newer), heard(9n, newer + 1)]), [
    { type: "ask", node: 9n },
    { type: "ask", node: 9n },
  ]);
  const after = play([heard(9n, older), offer(document(3)), heard(9n, older), heard(9n, 2)]);
  same(after.filter(({ type }) => type === "push").length, 2);
});

test("a node remembers the nodes that it has notified, up to a limit", () => {
  let { snapshot } = reloadConfiguration.start({ self: SELF, overlay: overlay(2), startedMs: 0 });
  for (let i = 0; i < NOTIFIED_MAX + 50; i++)
    for (const sequence of [1, 3])
      ({ snapshot } = reloadConfiguration.step(snapshot, {
        type: "heard",
        node: nodeIdFrom(BigInt(i + 100)),
        sequence,
      }));
  same(
    [Object.keys(snapshot.context.pushed).length, Object.keys(snapshot.context.asked).length],
    [NOTIFIED_MAX, NOTIFIED_MAX],
  );
});

test("RFC 6940 §11.1: an expiring document is fetched anew before its time; an expired one ends the node's part", () => {
  const ours = overlay(2, { expirationMs: 9 * HOUR_MS });
  const [expire, refresh] = play([], ours);
  same(expire, { type: "startTimer", timer: "expire", betweenMs: [9 * HOUR_MS, 9 * HOUR_MS] });
  same(refresh, { type: "startTimer", timer: "refresh", betweenMs: [6 * HOUR_MS, 9 * HOUR_MS] });
  const fired = (timer: "refresh" | "expire", atMs: number): ConfigurationEvent => ({
    type: "timerFired",
    timer,
    atMs,
  });
  same(types(play([fired("refresh", 7 * HOUR_MS)], ours).slice(2)), ["refresh", "startTimer"]);
  same(types(play([fired("expire", 8 * HOUR_MS)], ours).slice(2)), ["startTimer"]);
  same(types(play([fired("expire", 9 * HOUR_MS)], ours).slice(2)), ["stopTimer", "leave"]);
  const renewed = play([offer(document(3, { expirationMs: 20 * HOUR_MS })), fired("expire", 9 * HOUR_MS)], ours);
  ok(!types(renewed).includes("leave"));
});

test("RFC 6940 §6.5.4.2: a Kind is added or changed by its signer only", () => {
  const NEW = 0xf0000200;
  const added = play([offer(kind(NEW, 1n)), offer(kind(NEW, 1n)), offer(kind(NEW, 2n))]);
  same(types(added), ["adopt", "answer", "adopt", "answer", "refuse"]);
  // A Kind of the document is the document's: it has no signer of its own.
  same(refusal(kind(0xf0000100, 1n)), ["forbidden"]);
  const adopted = added[0]!;
  ok(adopted.type === "adopt" && adopted.overlay.kinds.some(({ kind }) => kind === NEW));
  ok(adopted.type === "adopt" && adopted.overlay.sequence === 2);
});

test("RFC 6940 §6.3.2.1: after 65534 comes 0", () => {
  same(sequenceAfter(65_534), 0);
  same(types(play([offer(document(0))], overlay(65_534))), ["adopt", "answer", "pushToNeighbours"]);
});
