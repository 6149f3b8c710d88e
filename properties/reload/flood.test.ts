/** One neighbour that floods takes nothing from the others: rates on virtual time, round trips on real sockets. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { FramedMessage, nodeIdFrom, Packet, toNode } from "../../codecs/reload/mod.ts";
import { concat } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { timingLaw } from "../kit/timing.ts";
import { PlainNode } from "./plain-node.ts";
import { type Member, overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { dialled, nextAnswer, outsider, ping } from "./stranger.ts";

const RATE = 200;

testOverlay(
  "a node's messages are taken at its rate after a burst, however many links it has; another's are not counted with them",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(3, {}, { limits: { leaveMs: 0 } });
    const self = nodeIdFrom(7n);
    const credentials = yield* overlay.issue(self);
    const startMs = yield* Clock.currentTimeMillis;
    const limits = { messagesPerSecond: RATE };
    const node = new PlainNode(yield* Keys, {
      self,
      credentials,
      overlay: overlay.configuration,
      nowMs: startMs,
      limits,
    });
    const [one, two] = [yield* outsider(overlay, 0x111n), yield* outsider(overlay, 0x222n)];
    for (const link of [-1, -2, -3]) node.link(link, one.credentials);
    node.link(-4, two.credentials);
    const bytes = { transactionId: 5n, destinations: [toNode(self)], body: ping } as const;
    const packet = yield* one.security.sign(bytes);
    const taken = () => node.core.counters.delivered;
    for (const link of [-1, -2, -3]) node.receive(link, ...Array.from({ length: 400 }, () => packet));
    assert.equal(taken(), 2 * RATE);
    for (let ms = 0; ms < 4_000; ms += 10) {
      assert.ok(taken() <= 2 * RATE + (ms * RATE) / 1_000 + 1);
      node.advance(10);
    }
    assert.ok(taken() >= 1_190 && taken() <= 1_200, `${taken()}`);
    node.advance(200);
    assert.equal(taken(), 1_200);
    const theirs = yield* two.security.sign(bytes);
    node.receive(-4, ...Array.from({ length: 2 * RATE }, () => theirs));
    assert.equal(taken(), 1_200 + 2 * RATE);
  }),
);

testOverlay(
  "what a flood brings is looked at no faster than the rate: true pings, forged messages, and messages for others alike",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(1, {}, { limits: { messagesPerSecond: RATE } });
    yield* overlay.join();
    const [node, other] = overlay.members as [Member, Member];
    const { credentials, sign } = yield* outsider(overlay);
    const good = yield* sign(node);
    const forged = { ...good, transactionId: 6n, viaList: [toNode(nodeIdFrom(5n))] };
    const onward = yield* sign(other);
    const counted = () => {
      const { delivered, badSignatures, forwarded } = node.counters;
      return delivered + badSignatures + forwarded;
    };
    yield* Effect.sleep(5_000);
    const before = counted();
    const stream = yield* dialled(node, credentials);
    const flood = concat(...[good, forged, onward].map((packet, i) => dataFrame(packet, i)));
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(stream.write(flood))));
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(stream.read)));
    yield* Effect.sleep(3_000);
    const seen = counted() - before;
    // Two seconds' burst, three seconds, and the answers that come back through us to a third of them.
    assert.ok(seen <= (5 * RATE * 4) / 3 + 60 && seen >= 4 * RATE, `${seen} in 3 s`);
    assert.equal((yield* node.ping(other.nodeId)).nodeId, other.nodeId);
  }),
);
const dataFrame = (packet: Packet, sequence: number): Uint8Array =>
  encode(FramedMessage, { type: "data", frame: { sequence, message: encode(Packet, packet) } });

/** Round trips of an honest stranger's pings, in milliseconds, sorted. */
const roundTrips = Effect.fnUntraced(function* (ask: Effect.Effect<unknown, unknown, never>, count: number) {
  const took: Array<number> = [];
  for (let i = 0; i < count; i++) {
    const before = performance.now();
    yield* ask;
    took.push(performance.now() - before);
  }
  return took.sort((a, b) => a - b);
});

const at = (sorted: ReadonlyArray<number>, part: number): number => sorted[Math.floor((sorted.length - 1) * part)]!;
/** A quiet machine answers a ping on loopback within some 2 ms. On another one no flood is begun: it would show nothing. */
const isQuiet = (calm: ReadonlyArray<number>): boolean => at(calm, 0.95) < 20;

/** Strangers here acknowledge nothing, and are not to be doubted for it. */
const onSockets = Effect.gen(function* () {
  const overlay = yield* overlayOf(2, {}, { limits: { leaveMs: 0, rtoMsMin: 60_000, messagesPerSecond: RATE } });
  const [node] = overlay.members as [Member];
  const honest = yield* outsider(overlay, 0x111n);
  const greedy = yield* outsider(overlay, 0x222n);
  const stream = yield* dialled(node, honest.credentials);
  const ping = dataFrame(yield* honest.sign(node), 0);
  const ask = Effect.andThen(stream.write(ping), nextAnswer(stream));
  yield* roundTrips(ask, 20);
  const calm = yield* roundTrips(ask, 60);
  if (!isQuiet(calm)) return { calm, first: calm, later: calm, delivered: node.counters.delivered };
  const frame = dataFrame(yield* greedy.sign(node), 0);
  const burst = concat(...Array.from({ length: 16 }, () => frame));
  for (let i = 0; i < 3; i++) {
    const line = yield* dialled(node, greedy.credentials);
    // Some 5 000 messages a second: the flood shares our thread, and shall not itself be what slows the others.
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.andThen(line.write(burst), Effect.sleep(10)))));
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(line.read)));
  }
  const first = yield* roundTrips(ask, 60); // its burst is being served
  yield* Effect.sleep(700); // the burst is over: 400 messages of half a millisecond each
  const later = yield* roundTrips(ask, 60);
  return { calm, first, later, delivered: node.counters.delivered };
});

/** An unbraked flood of 5 000 messages a second, at half a millisecond each, would make every answer wait for seconds. */
const WAIT_TIMES_MAX = 40;

timingLaw("real sockets: an honest neighbour is answered while another floods over three links", async () => {
  const { calm, first, later, delivered } = await Effect.runPromise(
    Effect.provide(Effect.scoped(onSockets), nodeLayer()) as Effect.Effect<Effect.Success<typeof onSockets>, unknown>,
  );
  const shown = [calm, first, later].map((sorted) => [0.5, 0.95, 1].map((part) => at(sorted, part).toFixed(1)));
  return {
    holds: at(later, 0.5) < WAIT_TIMES_MAX * Math.max(1, at(calm, 0.5)),
    isClear: isQuiet(calm),
    figures: `round trips in ms (half, 95 %, all) calm, burst, flood: ${JSON.stringify(shown)}; delivered ${delivered}`,
  };
});
