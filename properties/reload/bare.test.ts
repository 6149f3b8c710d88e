/** An overlay whose messages leave certificates out: missing ones are fetched, and nothing takes longer. RFC 6940 §6.3.4, §8. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { claimsOf, publishNumber, withdrawNumber } from "../../actors/reload/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";

const NODES = 9;
/** Few links, so that most requests go to nodes that have never seen us. */
const limits = { neighbours: 2, fingers: 1, leaveMs: 0 };
const numberOf = (i: number) => e164(`+1408555${1_000 + i}`);

for (const publishesCertificate of [true, false])
  testOverlay(
    `an overlay stores, finds and answers when requests leave certificates out that are ${publishesCertificate ? "" : "not "}to be found`,
    Effect.gen(function* () {
      const ring = yield* overlayOf(41, {}, { limits: { ...limits, carry: "answers" }, publishesCertificate });
      for (let i = 1; i < NODES; i++) yield* ring.join();
      const { members } = ring;
      const fetched = () => members.reduce((sum, { counters }) => sum + counters.certificatesFetched, 0);
      yield* Effect.sleep(60_000);
      const before = fetched();
      let slowestMs = 0;
      const timed = <A, E>(work: Effect.Effect<A, E>) =>
        Effect.gen(function* () {
          const startMs = yield* Clock.currentTimeMillis;
          const made = yield* work;
          slowestMs = Math.max(slowestMs, (yield* Clock.currentTimeMillis) - startMs);
          return made;
        });
      for (const [i, member] of members.entries())
        yield* timed(publishNumber(member, numberOf(i), vserviceId(BigInt(i)), 3_600));
      for (const [i, member] of members.entries()) {
        const at = (i + 5) % NODES;
        const found = yield* timed(claimsOf(member, numberOf(at)));
        assert.deepEqual(found, [{ nodeId: members[at]!.nodeId, vservice: BigInt(at) }]);
        assert.equal((yield* timed(member.ping(members[at]!.nodeId))).nodeId, members[at]!.nodeId);
      }
      yield* timed(withdrawNumber(members[0]!, numberOf(0), vserviceId(0n)));
      assert.deepEqual(yield* claimsOf(members[3]!, numberOf(0)), []);
      assert.ok(slowestMs < 3_000, `${slowestMs} ms: something had to be sent again`);
      for (const { counters } of members) assert.deepEqual([counters.badSignatures, counters.garbage], [0, 0]);
      const some = fetched() - before;
      assert.ok(publishesCertificate ? some > 0 && some < NODES * NODES : fetched() === 0, `${some} fetched`);
    }),
  );
