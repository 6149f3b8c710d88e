/** What always holds of secured packets: they come back, once, whatever the way does; what was changed does not. RFC 3711. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { bytesOfHex } from "../../codecs/shared/mod.ts";
import { SUITES, type SuiteName } from "../../codecs/sip/mod.ts";
import { deriveKeys } from "../../machines/srtp/keys.ts";
import {
  indexOf,
  type Keyed,
  PACKET_BYTES_MAX,
  RESTART_PACKETS,
  SOURCES_MAX,
  SrtpReceiver,
  type SrtpResult,
  SrtpSender,
  WINDOW,
} from "../../machines/srtp/mod.ts";
import { RTCP_INDEX_BYTES, RTCP_TAG_BYTES } from "../../machines/srtp/sender.ts";
import { platformPrimitives } from "../../runtime/srtp.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`srtp: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const suites = fc.constantFrom(...(Object.keys(SUITES) as ReadonlyArray<SuiteName>));
const keySaltOf = (suite: SuiteName, seed: number) =>
  Uint8Array.from({ length: SUITES[suite].keyBytes + 14 }, (_, i) => (seed + 31 * i) & 255);
const ends = (suite: SuiteName, mki?: Uint8Array) => {
  const keySalt = keySaltOf(suite, 7);
  const other = { keySalt: keySaltOf(suite, 9), mki: mki?.map((byte) => byte ^ 255) };
  const keys = mki === undefined ? [{ keySalt }] : [other, { keySalt, mki }];
  return {
    sender: new SrtpSender(platformPrimitives, SUITES[suite], keySalt),
    receiver: new SrtpReceiver(platformPrimitives, SUITES[suite], keys),
  };
};
const bytesOf = (result: SrtpResult): Uint8Array => {
  ok(typeof result !== "string", String(result));
  return result;
};

/** Header with sources and an extension, and payload. */
const rtp = fc
  .record({
    sources: fc.nat(15),
    extension: fc.option(fc.nat(5), { nil: undefined }),
    marker: fc.boolean(),
    type: fc.nat(127).filter((type) => type < 64 || type > 95),
    sequence: fc.nat(65_535),
    ssrc: fc.constantFrom(1, 2, 0xffff_ffff),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  .map(({ sources, extension, marker, type, sequence, ssrc, payload }) => {
    const words = extension === undefined ? 0 : extension + 1;
    const out = new Uint8Array(12 + 4 * sources + 4 * words + payload.length);
    out.set([0x80 | (words > 0 ? 16 : 0) | sources, (marker ? 128 : 0) | type, sequence >> 8, sequence & 255]);
    new DataView(out.buffer).setUint32(8, ssrc);
    if (words > 0) out[12 + 4 * sources + 3] = words - 1;
    out.set(payload, out.length - payload.length);
    return out;
  });
const rtcp = fc.uint8Array({ minLength: 4, maxLength: 200 }).map((rest) => {
  const out = new Uint8Array(4 + rest.length);
  out.set([0x80, 200, 0, 1]);
  out.set(rest, 4);
  return out;
});
const mkis = fc.option(fc.uint8Array({ minLength: 1, maxLength: 8 }), { nil: undefined });
/** As a sender with an MKI would write it: the project sends none. */
const withMki = (packet: Uint8Array, tagBytes: number, mki: Uint8Array | undefined): Uint8Array => {
  const at = packet.length - tagBytes;
  return Uint8Array.from([...packet.subarray(0, at), ...(mki ?? []), ...packet.subarray(at)]);
};

law(
  "a report that says it is not encrypted is refused, authentic or not",
  fc.property(suites, rtcp, (suite, report) => {
    const { sender, receiver } = ends(suite);
    const sent = bytesOf(sender.rtcp(report));
    const indexAt = sent.length - RTCP_TAG_BYTES - RTCP_INDEX_BYTES;
    // As a sender of UNENCRYPTED_SRTCP would write it, by the right key: RFC 3711 §3.4.
    const clear = Uint8Array.from([...report, ...sent.subarray(indexAt)]);
    clear[indexAt]! &= 0x7f;
    const { mac } = deriveKeys(platformPrimitives, SUITES[suite], keySaltOf(suite, 7)).rtcp;
    clear.set(
      mac.of(clear.subarray(0, indexAt + RTCP_INDEX_BYTES)).subarray(0, RTCP_TAG_BYTES),
      sent.length - RTCP_TAG_BYTES,
    );
    same(receiver.rtcp(clear), "notAuthentic");
  }),
);
law(
  "what is secured is opened again, whatever its header, by the key that its MKI names",
  fc.property(suites, rtp, rtcp, mkis, (suite, packet, report, mki) => {
    const { sender, receiver } = ends(suite, mki);
    const before = packet.slice();
    const sent = withMki(bytesOf(sender.rtp(packet)), SUITES[suite].tagBytes, mki);
    same(packet, before);
    same(Uint8Array.from(bytesOf(receiver.rtp(sent))), before);
    const reported = withMki(bytesOf(sender.rtcp(report)), 10, mki);
    same(Uint8Array.from(bytesOf(receiver.rtcp(reported))), report);
  }),
);

law(
  "no byte can be changed, left out or added on the way, and what is refused stays as it came and hinders nothing",
  fc.property(suites, rtp, rtcp, fc.nat(), fc.integer({ min: 1, max: 255 }), (suite, packet, report, at, by) => {
    const { sender, receiver } = ends(suite);
    for (const [whole, open] of [
      [bytesOf(sender.rtp(packet)), (bytes: Uint8Array) => receiver.rtp(bytes)],
      [bytesOf(sender.rtcp(report)), (bytes: Uint8Array) => receiver.rtcp(bytes)],
    ] as const) {
      const changed = whole.slice();
      changed[at % whole.length]! ^= by;
      const arrived = changed.slice();
      ok(typeof open(arrived) === "string");
      same(arrived, changed);
      ok(typeof open(whole.slice(0, -1)) === "string");
      ok(typeof open(Uint8Array.from([...whole, 0])) === "string");
      bytesOf(open(whole.slice()));
      same(open(whole.slice()), "replayed");
    }
  }),
);

law(
  "any bytes are opened or refused",
  fc.property(suites, fc.uint8Array({ maxLength: 120 }), fc.boolean(), (suite, bytes, isLike) => {
    if (isLike && bytes.length > 1) bytes.set([0x80, 200]);
    const { sender, receiver } = ends(suite);
    for (const end of [sender, receiver]) for (const kind of ["rtp", "rtcp"] as const) end[kind](bytes.slice());
  }),
);

law(
  "over a turn of the sequence number, with loss, repetition and disorder within the window, each that arrives comes once",
  fc.property(
    fc.integer({ min: 65_536 - 200, max: 65_535 }),
    fc.array(fc.record({ lost: fc.boolean(), late: fc.nat(WINDOW / 2), again: fc.boolean() }), { maxLength: 300 }),
    (first, ways) => {
      const { sender, receiver } = ends("AES_CM_128_HMAC_SHA1_80");
      const on = ways.flatMap(({ lost, late, again }, i) => {
        const sequence = (first + i) & 0xffff;
        const packet = bytesOfHex("800000000000000000000005aabb");
        packet.set([sequence >> 8, sequence & 255], 2);
        const bytes = bytesOf(sender.rtp(packet));
        const at = i + late;
        return lost
          ? []
          : again
            ? [
                { i, at, bytes },
                { i, at: at + 1, bytes: bytes.slice() },
              ]
            : [{ i, at, bytes }];
      });
      on.sort((a, b) => a.at - b.at);
      const came = on.filter(({ bytes }) => typeof receiver.rtp(bytes) !== "string").map(({ i }) => i);
      const expected = new Set(on.map(({ i }) => i));
      same(
        came.sort((a, b) => a - b),
        [...expected].sort((a, b) => a - b),
      );
    },
  ),
);

law(
  "an index is the one nearest to the highest that has the sequence number",
  fc.property(fc.nat(2 ** 47), fc.nat(65_535), (highest, sequence) => {
    const index = indexOf(highest, sequence);
    same(((index % 65_536) + 65_536) % 65_536, sequence);
    ok(Math.abs(index - highest) <= 0x8000);
  }),
);

const packetOf = (ssrc: number, sequence: number): Uint8Array => {
  const packet = bytesOfHex("800000000000000000000000aabbcc");
  packet.set([sequence >> 8, sequence & 255], 2);
  new DataView(packet.buffer).setUint32(8, ssrc);
  return packet;
};
const SUITE = "AES_CM_128_HMAC_SHA1_80";

test("srtp: one who joins late, when the sequence number has turned over, is understood. RFC 4568 §6.4", () => {
  const { sender, receiver } = ends(SUITE);
  for (const sequence of [65_534, 65_535]) sender.rtp(packetOf(1, sequence));
  bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(1, 0)))));
  bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(1, 1)))));
});
test("srtp: another source has another count; a source beyond the limit is refused, at either end", () => {
  const { sender, receiver } = ends(SUITE);
  for (let ssrc = 0; ssrc < SOURCES_MAX; ssrc++) bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(ssrc, 5)))));
  same(sender.rtp(packetOf(SOURCES_MAX, 5)), "tooManySources");
  const other = ends(SUITE).sender;
  same(receiver.rtp(bytesOf(other.rtp(packetOf(SOURCES_MAX, 5)))), "tooManySources");
  bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(0, 6)))));
});
test("srtp: strangers' packets fill no memory: sources are remembered when authentic", () => {
  const { sender, receiver } = ends(SUITE);
  for (let ssrc = 0; ssrc < 1_000; ssrc++) {
    const forged = new Uint8Array(40);
    forged.set(packetOf(ssrc, 1));
    same(receiver.rtp(forged), "notAuthentic");
  }
  bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(9, 1)))));
});
test("srtp: no keystream is used twice: what repeats or lies far behind is not sent", () => {
  const { sender } = ends(SUITE);
  bytesOf(sender.rtp(packetOf(1, 1_000)));
  same(sender.rtp(packetOf(1, 1_000)), "replayed");
  bytesOf(sender.rtp(packetOf(1, 1_001 - WINDOW)));
  same(sender.rtp(packetOf(1, 1_000 - WINDOW)), "old");
  same(ends(SUITE).sender.rtp(packetOf(1, 0)) instanceof Uint8Array, true);
});
test("srtp: a source that begins its numbers anew under its SSRC is heard again, under numbers that go on", () => {
  const { sender, receiver } = ends(SUITE);
  bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(1, 20_000)))));
  for (let i = 1; i < RESTART_PACKETS; i++) same(sender.rtp(packetOf(1, 100 + i)), "old");
  for (const [i, sequence] of [100 + RESTART_PACKETS, 100 + RESTART_PACKETS + 1].entries()) {
    const opened = bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(1, sequence)))));
    same((opened[2]! << 8) | opened[3]!, 20_001 + i);
  }
  // A packet that only came late, or twice, begins nothing anew.
  for (let i = 0; i < 2 * RESTART_PACKETS; i++) same(sender.rtp(packetOf(1, 65_336)), "old");
});
law(
  "whatever numbers a source has, no two packets are secured under one index",
  fc.property(fc.array(fc.oneof(fc.nat(65_535), fc.nat(60)), { maxLength: 200 }), (numbers) => {
    const { sender } = ends(SUITE);
    const used = new Set<string>();
    for (const start of numbers)
      for (let i = 0; i < 20; i++) {
        const sent = sender.rtp(packetOf(1, (start + i) & 0xffff));
        if (typeof sent === "string") continue;
        // The same plaintext under the same index would be the same bytes.
        const text = sent.join();
        ok(!used.has(text));
        used.add(text);
      }
  }),
);
test("srtp: a packet in the clear is none, though its tag be right: E is 0. RFC 3711 §3.4", () => {
  const { receiver } = ends(SUITE);
  const report = bytesOfHex("81c8000bcafebabe0000000000000000");
  const { sender } = ends(SUITE);
  const sent = bytesOf(sender.rtcp(report));
  sent[report.length]! &= 0x7f;
  same(receiver.rtcp(sent), "notAuthentic");
});
test("srtp: a key is good for as many packets as its lifetime says, and for none when it has ended", () => {
  const { sender } = ends(SUITE);
  const keySalt = keySaltOf(SUITE, 7);
  const receiver = new SrtpReceiver(platformPrimitives, SUITES[SUITE], [{ keySalt, lifetime: 2 }]);
  const sent = [1, 2, 3].map((sequence) => bytesOf(sender.rtp(packetOf(1, sequence))));
  same(
    sent.map((bytes) => typeof receiver.rtp(bytes)),
    ["object", "object", "string"],
  );
  sender.end();
  same([sender.rtp(packetOf(1, 4)), sender.rtcp(packetOf(1, 4))], ["keyExpired", "keyExpired"]);
  sender.end();
});
test("srtp: keys are zeroed when they have been taken, and every cipher and MAC ends with its end", () => {
  const keys: Array<Uint8Array> = [];
  let open = 0;
  const watched = (make: (key: Uint8Array) => Keyed) => (key: Uint8Array) => {
    keys.push(key);
    open++;
    const made = make(key);
    const end = () => {
      open--;
      made.end();
    };
    return { of: made.of, end };
  };
  const primitives = {
    blockCipher: watched(platformPrimitives.blockCipher),
    hmacSha1: watched(platformPrimitives.hmacSha1),
  };
  const keySalt = keySaltOf(SUITE, 7);
  const sender = new SrtpSender(primitives, SUITES[SUITE], keySalt);
  const receiver = new SrtpReceiver(primitives, SUITES[SUITE], [{ keySalt }]);
  same([open, keys.length], [8, 10]);
  // Of each end the first is the master key, which stays the caller's.
  for (const [i, key] of keys.entries())
    same(
      key.every((byte) => byte === 0),
      i % 5 !== 0,
      `key ${i}`,
    );
  bytesOf(receiver.rtp(bytesOf(sender.rtp(packetOf(1, 1)))));
  sender.end();
  receiver.end();
  receiver.end();
  same([open, receiver.rtp(new Uint8Array(40).fill(0x80)), keySalt], [0, "keyExpired", keySaltOf(SUITE, 7)]);
});
test("srtp: a key that no MKI names opens nothing, and a packet that is too large is refused", () => {
  const { sender } = ends(SUITE);
  const { receiver } = ends(SUITE, Uint8Array.of(1, 2));
  same(receiver.rtp(withMki(bytesOf(sender.rtp(packetOf(1, 1))), 10, Uint8Array.of(3, 4))), "unknownKey");
  const large = new Uint8Array(PACKET_BYTES_MAX);
  large.set(packetOf(1, 1));
  same(
    [sender.rtp(large), sender.rtcp(Uint8Array.from(large, (b, i) => (i === 1 ? 200 : b)))],
    ["tooLarge", "tooLarge"],
  );
});
