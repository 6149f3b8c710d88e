/** A new configuration in a running overlay, on virtual time: it reaches every node, and only the operator's does. RFC 6940 §6.3.2.1, §11.1. */

import * as assert from "node:assert/strict";
import { Clock, Deferred, Effect } from "effect";
import type { Credentials } from "../../actors/ports/mod.ts";
import { claimsOf, JoinFailed, publishNumber, signDocument, signKind } from "../../actors/reload/mod.ts";
import {
  type OverlayConfiguration,
  readOverlay,
  viprOverlay,
  viprRegistrationKind,
  withSignature,
  writeOverlay,
} from "../../codecs/overlay/mod.ts";
import { errorNameOf, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { bigOf, e164, vserviceId } from "../../codecs/shared/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { type Member, NAME, type Overlay, overlayOf, testOverlay } from "./ring-of-nodes.ts";

const OPERATOR = nodeIdFrom(5n << 100n);
const base = (given: Partial<OverlayConfiguration>) =>
  viprOverlay({ name: NAME, sequence: 1, storesPerSecond: 10_000, fetchesPerSecond: 10_000, ...given });

interface Operated extends Overlay {
  readonly operator: Credentials;
  /** A document with that sequence, signed by the operator. */
  readonly signed: (given: Partial<OverlayConfiguration>) => Effect.Effect<string, never, any>;
  readonly more: (sequence?: number) => Effect.Effect<Member, JoinFailed, any>;
}

/** An overlay whose nodes were started with its signed document, and whose operator may sign the next one. */
const operated = Effect.fnUntraced(function* (seed: number, size: number) {
  const given = { configurationSigners: [OPERATOR], kindSigners: [] };
  const overlay = yield* overlayOf(seed, given, {});
  const operator = yield* overlay.issue(OPERATOR);
  const signed = (more: Partial<OverlayConfiguration>) =>
    signDocument(writeOverlay(base({ ...given, ...more })), NAME, operator);
  const first = yield* signed({});
  const more = (sequence = 1) =>
    Effect.gen(function* () {
      const document = sequence === 1 ? first : yield* signed({ sequence });
      const read = readOverlay(document, NAME);
      assert.ok(read.ok);
      const [boot] = overlay.members as [Member];
      const bootstrapNodes = [{ host: boot.host, port: boot.port }];
      return yield* overlay.join({ document, overlay: { ...read.value, bootstrapNodes } });
    });
  while (overlay.members.length < size) yield* more();
  return { ...overlay, operator, signed, more } satisfies Operated as Operated;
});

const sequences = (members: ReadonlyArray<Member>) => members.map(({ configuration }) => configuration.now().sequence);

// RFC 6940 §6.3.2.1, §11.1
testOverlay(
  "the operator raises the sequence at one node: all have it within seconds, a bad node is out, a quota counts (§11.1)",
  Effect.gen(function* () {
    const overlay = yield* operated(3, 5);
    const [first, second, , , bad] = overlay.members as ReadonlyArray<Member>;
    yield* publishNumber(bad!, e164("+14085550001"), vserviceId(1n), 3_600);
    yield* publishNumber(second!, e164("+14085550002"), vserviceId(1n), 3_600);
    assert.equal((yield* claimsOf(first!, e164("+14085550001"))).length, 1);
    yield* second!.configuration.offer(
      yield* overlay.signed({ sequence: 2, quota: 77, badNodes: [bad!.nodeId], chordPingIntervalS: 60 }),
    );
    yield* Effect.sleep(5_000);
    const good = overlay.members.filter((member) => member !== bad);
    assert.deepEqual(sequences(good), [2, 2, 2, 2]);
    for (const member of good) {
      const status = yield* member.status;
      assert.equal(status.quota, 77);
      assert.ok(!status.linked.includes(bad!.nodeId));
      // What the bad node stored is not believed any more; what others stored stays.
      assert.equal((yield* claimsOf(member, e164("+14085550001"))).length, 0);
      assert.equal((yield* claimsOf(member, e164("+14085550002"))).length, 1);
    }
    // By itself it may store what it likes; no other node receives it.
    yield* Effect.ignore(publishNumber(bad!, e164("+14085550003"), vserviceId(1n), 3_600));
    assert.equal((yield* claimsOf(first!, e164("+14085550003"))).length, 0);
  }),
);

// RFC 6940 §11.1
testOverlay(
  "unsigned, forged, changed, another's, older: refused at the operator's own node, and nothing changes (§6.5.4.2)",
  Effect.gen(function* () {
    const overlay = yield* operated(4, 3);
    const [node] = overlay.members as [Member];
    const chance = chanceOf(9);
    const stranger = yield* overlay.issue(bigOf(chance.bytes(16)));
    const next = base({ sequence: 2, configurationSigners: [OPERATOR], quota: 5 });
    const plain = writeOverlay(next);
    const good = yield* overlay.signed({ sequence: 2, quota: 5 });
    const refusal = (document: string) =>
      Effect.map(Effect.flip(node.configuration.offer(document)), ({ code }) => code);
    assert.equal(yield* refusal(plain), "forbidden");
    assert.equal(yield* refusal(withSignature(plain, NAME, Uint8Array.of(1, 2, 3))), "forbidden");
    assert.equal(yield* refusal(yield* signDocument(plain, NAME, stranger)), "forbidden");
    assert.equal(yield* refusal(good.replace("<vipr:quota>5<", "<vipr:quota>9<")), "forbidden");
    assert.equal(yield* refusal(good.replace("<configuration ", "<configuration  ")), "forbidden");
    assert.equal(yield* refusal(yield* overlay.signed({ sequence: 1 })), "configTooOld");
    assert.equal(yield* refusal("rubbish"), "invalidMessage");
    assert.equal(yield* refusal(yield* overlay.signed({ sequence: 2, expirationMs: 1 })), "forbidden");
    yield* Effect.sleep(2_000);
    assert.deepEqual(sequences(overlay.members), [1, 1, 1]);
    yield* node.configuration.offer(good);
    yield* Effect.sleep(2_000);
    assert.deepEqual(sequences(overlay.members), [2, 2, 2]);
  }),
);

// RFC 6940 §6.3.2.1
testOverlay(
  "a node that joins with an old document is sent the new one by its neighbours, and joins (§6.3.2.1)",
  Effect.gen(function* () {
    const overlay = yield* operated(5, 3);
    yield* overlay.members[1]!.configuration.offer(yield* overlay.signed({ sequence: 2 }));
    yield* Effect.sleep(2_000);
    const late = yield* overlay.more(1);
    yield* Effect.sleep(2_000);
    assert.equal(late.configuration.now().sequence, 2);
    const ahead = yield* overlay.more(3);
    yield* Effect.sleep(5_000);
    assert.deepEqual(sequences(overlay.members), [3, 3, 3, 3, 3]);
    yield* publishNumber(ahead, e164("+14085550001"), vserviceId(1n), 3_600);
    assert.equal((yield* claimsOf(late, e164("+14085550001"))).length, 1);
  }),
);

// RFC 6940 §6.5.1.5, §11.1; docs/protocol/enrolment.md
testOverlay(
  "under an expired document, or one that asks for more than a node supports, joining fails with the reason (§11.1)",
  Effect.gen(function* () {
    const overlay = yield* operated(6, 1);
    for (const [given, why] of [
      [{ expirationMs: 1 }, "expired at 1970-01-01T00:00:00.001Z"],
      [{ mandatoryExtensions: ["urn:example:unknown"] }, "mandatory-extension urn:example:unknown"],
      [{ noIce: false }, "no-ice"],
    ] as const) {
      const failed = yield* Effect.flip(overlay.join({ overlay: base(given) }));
      assert.ok(failed instanceof JoinFailed && failed.why.includes(why), failed.why);
    }
  }),
);

// RFC 6940 §11.2
testOverlay(
  "a document that expires is fetched anew in time; where there is no newer one, its nodes leave (§11.1)",
  Effect.gen(function* () {
    const overlay = yield* operated(7, 2);
    const HOUR_MS = 3_600_000;
    let fetched = 0;
    const nowMs = yield* Clock.currentTimeMillis;
    const until = yield* overlay.signed({ sequence: 2, expirationMs: nowMs + HOUR_MS });
    const renewed = yield* overlay.signed({ sequence: 3, expirationMs: nowMs + 3 * HOUR_MS });
    const read = readOverlay(until, NAME);
    assert.ok(read.ok);
    const [boot] = overlay.members as [Member];
    const bootstrapNodes = [{ host: boot.host, port: boot.port }];
    const refetch = Effect.sync(() => {
      fetched++;
      return fetched === 1 ? renewed : undefined;
    });
    const renewing = yield* overlay.join({ document: until, overlay: { ...read.value, bootstrapNodes }, refetch });
    yield* Effect.sleep(HOUR_MS);
    assert.equal(fetched, 1);
    assert.deepEqual(sequences(overlay.members), [3, 3, 3]);
    yield* Effect.sleep(2 * HOUR_MS);
    assert.equal((yield* renewing.status).state, "left");
  }),
);

// RFC 6940 §7.4.1.2, §11.1
testOverlay(
  "a Kind is accepted by ConfigUpdate from its signer only (§6.5.4.2)",
  Effect.gen(function* () {
    const overlay = yield* operated(8, 2);
    const [one, two] = overlay.members as [Member, Member];
    yield* one.configuration.offer(yield* overlay.signed({ sequence: 2, kindSigners: [OPERATOR] }));
    yield* Effect.sleep(2_000);
    // The document's own Kinds carry no kind-signature, so they are discarded where Kinds must be signed.
    assert.deepEqual(two.configuration.now().kinds, []);
    const kinds = [yield* signKind(viprRegistrationKind, overlay.operator)];
    const update = Effect.fnUntraced(function* (block: string) {
      const told = yield* Deferred.make<string>();
      yield* one.configuration.serve({ type: "kind", data: [block] }, (body) =>
        Effect.asVoid(Deferred.succeed(told, body.type === "error" ? errorNameOf(body.value.code) : body.type)),
      );
      return yield* Deferred.await(told);
    });
    const stranger = yield* signKind(viprRegistrationKind, yield* overlay.issue(77n));
    assert.equal(yield* update(stranger.signedBlock!), "forbidden");
    assert.equal(yield* update("<kind-block/>"), "invalidMessage");
    assert.equal(yield* update(kinds[0]!.signedBlock!), "configUpdateAns");
    assert.deepEqual([one.configuration.now().kinds, two.configuration.now().kinds], [kinds, []]);
    // §7.4.1.2: a node that does not know a Kind is sent it by the node that stores a value of it.
    for (let i = 0; i < 8; i++) yield* publishNumber(one, e164(`+1408555000${i}`), vserviceId(1n), 3_600);
    assert.deepEqual(two.configuration.now().kinds, kinds);
    yield* one.configuration.offer(yield* overlay.signed({ sequence: 3, kindSigners: [OPERATOR], kinds }));
    yield* Effect.sleep(2_000);
    assert.deepEqual(two.configuration.now().kinds, kinds);
  }),
);
