/** The way of a node's own look-ups, as its operator sees it. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { claimsOf, publishNumber } from "../../actors/reload/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { LOOK_UPS_KEPT_MAX } from "../../machines/node/mod.ts";
import { isBetween } from "../../machines/reload/mod.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";

testOverlay(
  "look-ups: who is responsible signed the answer, and both neighbours of the way are linked ones",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(23);
    for (let i = 0; i < 6; i++) yield* overlay.join();
    yield* Effect.sleep(30_000);
    const [asker, owner] = overlay.members;
    const numbers = Array.from({ length: 12 }, (_, i) => e164(`+1408555${1_000 + i}`));
    for (const number of numbers) yield* publishNumber(owner!, number, vserviceId(1n));
    for (const number of numbers) same((yield* claimsOf(asker!, number)).length, 1);
    const { lookUps, linked } = yield* asker!.status;
    same(lookUps.length, numbers.length);
    const ids = overlay.members.map(({ nodeId }) => nodeId).sort((a, b) => (a < b ? -1 : 1));
    for (const { resource, firstHop, lastHop, responsible, hops, outcome } of lookUps) {
      same(outcome, "answer");
      const at = ids.indexOf(responsible!);
      ok(isBetween(ids.at(at - 1)!, resource, ids[at]!), "the signer is responsible");
      if (responsible === asker!.nodeId) {
        same([firstHop, lastHop, hops], [undefined, asker!.nodeId, 0]);
        continue;
      }
      ok(firstHop !== undefined && linked.includes(firstHop));
      ok(lastHop !== undefined && linked.includes(lastHop));
      // Back goes the way it came: over one link from the neighbour itself, over more from behind it.
      same(lastHop, firstHop);
      same(hops === 1, responsible === firstHop);
    }
    ok(lookUps.some(({ hops }) => hops === 1));
  }),
);

testOverlay(
  "look-ups: the newest are kept",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(24);
    yield* overlay.join();
    const [asker, other] = overlay.members;
    yield* Effect.sleep(10_000);
    for (let i = 0; i < LOOK_UPS_KEPT_MAX + 3; i++) yield* claimsOf(asker!, e164(`+1408555${1_000 + i}`));
    const { lookUps } = yield* asker!.status;
    same(lookUps.length, LOOK_UPS_KEPT_MAX);
    ok(lookUps.every(({ begunMs, endedMs }) => endedMs >= begunMs));
    ok(lookUps.some(({ responsible }) => responsible === other!.nodeId));
  }),
);
