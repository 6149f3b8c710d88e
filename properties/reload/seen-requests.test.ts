/** Requests that come again: the same answer within 15 seconds, silence after, and a bounded memory. RFC 6940 §6.2.1. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { type BodyType, nodeIdFrom, type Packet, toNode } from "../../codecs/reload/mod.ts";
import {
  answerSeen,
  makeSeenRequests,
  OF_SIGNER_MAX,
  REPLAY_MS,
  REQUEST_MS,
  SEEN_MAX,
  seeRequest,
} from "../../machines/node/seen-requests.ts";
import type { ReplyTo } from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";

const reply = (transactionId: bigint, from = 3n): ReplyTo => ({
  transactionId,
  to: [toNode(nodeIdFrom(9n)), toNode(nodeIdFrom(from))],
  maxResponseLength: 0,
  options: [],
});

/** An answer; only whether it is the same counts here. */
const sent = { transactionId: 1n } as Packet;

test("RFC 6940 §6.2.1: a repeated Store is answered again, along its own way, and is no second Store", () => {
  const seenRequests = makeSeenRequests();
  assert.equal(seeRequest(seenRequests, nodeIdFrom(3n), "storeReq", reply(1n), 0).is, "fresh");
  assert.equal(seeRequest(seenRequests, nodeIdFrom(3n), "storeReq", reply(1n), 10).is, "fresh"); // not answered yet: nothing to say again
  answerSeen(seenRequests, reply(1n), sent);
  const again = seeRequest(
    seenRequests,
    nodeIdFrom(3n),
    "storeReq",
    { ...reply(1n), to: [toNode(nodeIdFrom(5n)), toNode(nodeIdFrom(3n))] },
    REQUEST_MS - 1,
  );
  assert.deepEqual(again, { is: "old", again: sent });
  assert.equal(seeRequest(seenRequests, nodeIdFrom(4n), "storeReq", reply(1n, 4n), 20).is, "fresh"); // another's, by chance
});

test("a recorded request that is sent again later gets no answer, from whatever link it comes", () => {
  const seenRequests = makeSeenRequests();
  seeRequest(seenRequests, nodeIdFrom(3n), "leaveReq", reply(1n), 0);
  answerSeen(seenRequests, reply(1n), sent);
  for (const atMs of [REQUEST_MS, REPLAY_MS - 1]) {
    const replayed = seeRequest(
      seenRequests,
      nodeIdFrom(3n),
      "leaveReq",
      { ...reply(1n), to: [toNode(nodeIdFrom(66n))] },
      atMs,
    );
    assert.deepEqual(replayed, { is: "old", again: undefined });
  }
  assert.equal(seeRequest(seenRequests, nodeIdFrom(3n), "leaveReq", reply(1n), REPLAY_MS).is, "fresh");
});

test("questions are asked as often as one likes", () => {
  const seenRequests = makeSeenRequests();
  const questions: ReadonlyArray<BodyType> = ["fetchReq", "statReq", "findReq", "probeReq", "pingReq", "routeQueryReq"];
  for (const type of questions) {
    assert.equal(seeRequest(seenRequests, nodeIdFrom(3n), type, reply(1n), 0).is, "fresh");
    assert.equal(seeRequest(seenRequests, nodeIdFrom(3n), type, reply(1n), 1).is, "fresh");
  }
  assert.equal(seenRequests.size, 0);
});

test("no more is remembered than the limits say, and one signer's requests push out only its own", () => {
  const seenRequests = makeSeenRequests();
  seeRequest(seenRequests, nodeIdFrom(1n), "storeReq", reply(77n, 1n), 0);
  answerSeen(seenRequests, reply(77n, 1n), sent);
  for (let i = 0; i < 3 * OF_SIGNER_MAX; i++)
    seeRequest(seenRequests, nodeIdFrom(2n), "storeReq", reply(BigInt(i), 2n), 1);
  assert.equal(seenRequests.size, OF_SIGNER_MAX + 1);
  assert.equal(seeRequest(seenRequests, nodeIdFrom(1n), "storeReq", reply(77n, 1n), 2).is, "old");
  for (let i = 0; i < SEEN_MAX + 2_000; i++)
    seeRequest(
      seenRequests,
      nodeIdFrom(BigInt(100 + (i % 400))),
      "storeReq",
      reply(BigInt(i), BigInt(100 + (i % 400))),
      3,
    );
  assert.ok(seenRequests.size <= SEEN_MAX, `${seenRequests.size}`);
});

test("against a list of all that was asked: never an answer for a fresh one, never a second service after an answer", () => {
  const event = fc.record({
    signer: fc.bigInt({ min: 1n, max: 3n }),
    transactionId: fc.bigInt({ min: 1n, max: 5n }),
    answer: fc.boolean(),
    afterMs: fc.integer({ min: 0, max: 12_000 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const seenRequests = makeSeenRequests();
      const first = new Map<string, { atMs: number; answered: boolean }>();
      let atMs = 0;
      for (const { signer, transactionId, answer, afterMs } of events) {
        atMs += afterMs;
        const name = `${signer} ${transactionId}`;
        const known = first.get(name);
        const age = known === undefined ? REPLAY_MS : atMs - known.atMs;
        const verdict = seeRequest(seenRequests, nodeIdFrom(signer), "storeReq", reply(transactionId, signer), atMs);
        if (age >= REPLAY_MS) {
          assert.equal(verdict.is, "fresh");
          first.set(name, { atMs, answered: false });
        } else if (known!.answered) {
          assert.equal(verdict.is, "old");
          assert.equal(verdict.is === "old" && verdict.again !== undefined, age < REQUEST_MS);
        } else assert.equal(verdict.is, age < REQUEST_MS ? "fresh" : "old");
        const entry = first.get(name)!;
        if (answer && verdict.is === "fresh" && !entry.answered) {
          answerSeen(seenRequests, reply(transactionId, signer), sent);
          entry.answered = true;
        }
      }
    }),
    { numRuns: runs },
  );
});
