/** A stream's way through the relay, by itself: whose packets are taken, where they go, and how well they come. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { printRtcp } from "../../codecs/rtp/mod.ts";
import { keyBytesOf, type StreamEnd, SUITES } from "../../codecs/sip/mod.ts";
import {
  MediaPath,
  OTHERS_A_SECOND_MAX,
  PACKETS_A_SECOND_MAX,
  RELATCH_MS,
  type Side,
  Statistics,
  UNPROVED_MS_MAX,
} from "../../machines/media/mod.ts";
import { SrtpReceiver, SrtpSender } from "../../machines/srtp/mod.ts";
import { platformPrimitives } from "../../runtime/srtp.ts";
import { runs, test } from "../kit/harness.ts";
import { KEY_A, KEY_B, rtp, srtpOf, sure } from "./ends.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`media path: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const SUITE = "AES_CM_128_HMAC_SHA1_80";
const end = (host: string, port: number, more: Partial<StreamEnd> = {}): StreamEnd => ({
  rtp: { host, port },
  rtcp: { host, port: port + 1 },
  isHeld: false,
  sends: true,
  receives: true,
  isMuxed: false,
  clockRates: new Map([[8, 8_000]]),
  ...more,
});
const [PHONE, BORDER] = ["10.0.0.7", "203.0.113.9"];

const opened = (mode: "srtp" | "passed" = "srtp", trustsInside = false) => {
  const path = new MediaPath(trustsInside);
  path.describe("inside", end(PHONE, 4_000), false);
  path.describe("outside", end(BORDER, 5_000), false);
  const [send, receive] = [keyBytesOf(KEY_A)!, keyBytesOf(KEY_B)!];
  if (mode === "passed") path.open("passed", undefined, undefined, 0);
  else
    path.open(
      "srtp",
      new SrtpSender(platformPrimitives, SUITES[SUITE], send),
      new SrtpReceiver(platformPrimitives, SUITES[SUITE], [{ keySalt: receive }]),
      0,
    );
  let sequence = 0;
  const theirs = srtpOf(KEY_B, SUITE, KEY_A);
  return {
    path,
    /** A packet from that address at that time: where it goes, or why it does not. */
    from: (side: Side, host: string, port: number, nowMs: number) => {
      sequence++;
      const bytes = side === "outside" && mode === "srtp" ? sure(theirs.sender.rtp(rtp(sequence))) : rtp(sequence);
      const before = { ...path.figures(side).refused };
      const forward = path.receive(side, false, bytes, host, port, nowMs);
      if (forward !== undefined) return `${forward.host} ${forward.port}`;
      const after = path.figures(side).refused;
      return Object.keys(after).find((why) => after[why] !== before[why]);
    },
  };
};

test("media path: outside, whoever has the keys is taken, from anywhere; then only from there", () => {
  const { from } = opened();
  same(from("inside", PHONE, 4_000, 0), "203.0.113.9 5000");
  same(from("outside", "198.51.100.1", 7_777, 10), "10.0.0.7 4000");
  same(from("inside", PHONE, 4_000, 20), "198.51.100.1 7777");
  same(from("outside", BORDER, 5_000, 30), "stranger");
});
test("media path: what a telephone's reports say of it stays inside; what comes from outside passes as it is", () => {
  const { path } = opened();
  const named = (ssrc: number) =>
    printRtcp([
      { type: "receiverReport", ssrc, blocks: [], more: new Uint8Array() },
      { type: "sourceDescription", chunks: [{ ssrc, items: [{ code: 1, text: "anna@10.0.0.7" }] }] },
    ]);
  const theirs = srtpOf(KEY_B, SUITE, KEY_A);
  const out = path.receive("inside", true, named(9), PHONE, 4_001, 0)!;
  const sent = String.fromCharCode(...sure(theirs.receiver.rtcp(out.bytes)));
  same([out.port, sent.includes("anna"), sent.includes("9@anonymous.invalid")], [5_001, false, true]);
  const back = path.receive("outside", true, sure(theirs.sender.rtcp(named(8))), BORDER, 5_001, 10)!;
  same(String.fromCharCode(...back.bytes).includes("anna"), true);
});
test("media path: inside, the host that SDP names is taken, from any port; then only from there", () => {
  const { from } = opened();
  same(from("inside", "10.0.0.8", 4_000, 0), "stranger");
  same(from("inside", PHONE, 4_444, 0), "203.0.113.9 5000");
  same(from("inside", PHONE, 4_000, 10), "stranger");
  same(from("outside", BORDER, 5_000, 20), "10.0.0.7 4444");
});
test("media path: an end that is silent may come again from elsewhere, after RELATCH_MS", () => {
  const { from } = opened();
  from("outside", BORDER, 5_000, 0);
  same(from("outside", BORDER, 6_000, RELATCH_MS - 1), "stranger");
  same(from("outside", BORDER, 6_000, RELATCH_MS), "10.0.0.7 4000");
  from("inside", PHONE, 4_000, 0);
  same(from("inside", "10.0.0.8", 4_000, RELATCH_MS), "stranger");
  same(from("inside", PHONE, 4_002, RELATCH_MS), "203.0.113.9 6000");
});
test("media path: a telephone behind a NAT is taken from any host, if we are told so", () => {
  const { from } = opened("srtp", true);
  same(from("inside", "10.0.0.8", 4_000, 0), "203.0.113.9 5000");
  same(from("inside", PHONE, 4_000, 1), "stranger");
});
test("media path: what is passed unopened is taken from the host that SDP names, on either side", () => {
  const { from } = opened("passed");
  same(from("outside", "198.51.100.1", 5_000, 0), "stranger");
  same(from("outside", BORDER, 5_001, 0), "10.0.0.7 4000");
  same(from("inside", PHONE, 4_000, 0), "203.0.113.9 5001");
});
test("media path: nothing more goes to an address outside that proves nothing, until it does", () => {
  const { from } = opened();
  same(from("inside", PHONE, 4_000, 0), "203.0.113.9 5000");
  same(from("inside", PHONE, 4_000, UNPROVED_MS_MAX), "203.0.113.9 5000");
  same(from("inside", PHONE, 4_000, UNPROVED_MS_MAX + 1), "unproved");
  from("outside", BORDER, 5_000, UNPROVED_MS_MAX + 2);
  same(from("inside", PHONE, 4_000, UNPROVED_MS_MAX + 3), "203.0.113.9 5000");
});
test("media path: so many packets of a second pass, and no more", () => {
  const { path, from } = opened();
  for (let i = 0; i < PACKETS_A_SECOND_MAX; i++) from("inside", PHONE, 4_000, 5_000 + (i % 900));
  same(from("inside", PHONE, 4_000, 5_999), "tooOften");
  same(from("inside", PHONE, 4_000, 6_000), "203.0.113.9 5000");
  same(path.figures("inside").packets, PACKETS_A_SECOND_MAX + 1);
});
test("media path: a flood of strangers, before the first packet or after, takes nothing from the end that is expected", () => {
  for (const isKnown of [false, true]) {
    const { path, from } = opened();
    if (isKnown) same(from("outside", BORDER, 5_000, 0), "10.0.0.7 4000");
    for (let i = 0; i < 5_000; i++)
      path.receive("outside", false, new Uint8Array(60).fill(0x80), "198.51.100.1", i, 100);
    const { tooOften = 0 } = path.figures("outside").refused;
    same(tooOften, 5_000 - OTHERS_A_SECOND_MAX);
    same(from("outside", BORDER, 5_000, 200), "10.0.0.7 4000");
  }
});
test("media path: after the end nothing passes, and nothing before the answer", () => {
  const { path, from } = opened();
  path.end();
  same(from("inside", PHONE, 4_000, 0), "notReady");
  const fresh = new MediaPath();
  same(fresh.receive("inside", false, rtp(1), PHONE, 4_000, 0), undefined);
  same(fresh.figures("inside").refused, { notReady: 1 });
});
law(
  "any datagrams at any port from anywhere are forwarded or counted, and what goes inside was authentic",
  fc.property(
    fc.array(
      fc.record({
        bytes: fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc
            .uint8Array({ minLength: 12, maxLength: 80 })
            .map((bytes) => Uint8Array.from(bytes, (b, i) => (i === 0 ? 0x80 : b))),
        ),
        inside: fc.boolean(),
        atRtcpPort: fc.boolean(),
        host: fc.constantFrom(PHONE, BORDER, "198.51.100.1", "::1"),
        at: fc.nat(100_000),
      }),
      { maxLength: 40 },
    ),
    (datagrams) => {
      const { path } = opened();
      let forwarded = 0;
      for (const { bytes, inside, atRtcpPort, host, at } of datagrams) {
        const forward = path.receive(inside ? "inside" : "outside", atRtcpPort, bytes, host, 4_000, at);
        if (forward === undefined) continue;
        forwarded++;
        ok(inside, "nobody outside has a key");
      }
      const counted = (["inside", "outside"] as const).flatMap((side) => Object.values(path.figures(side).refused));
      same(
        counted.reduce((sum, one) => sum + one, forwarded),
        datagrams.length,
      );
    },
  ),
);

/** Of packets with these sequence numbers, 20 ms apart, which came so late. */
const statisticsOf = (numbers: ReadonlyArray<number>, lateMs: (i: number) => number = () => 0) => {
  const statistics = new Statistics();
  statistics.clockRates = new Map([[8, 8_000]]);
  for (const [i, number] of numbers.entries()) statistics.rtp(rtp(number), 20 * number + lateMs(i));
  return statistics.figures(undefined);
};
test("media path: what is lost is counted, over a turn of the numbers too; what comes late is not. RFC 3550 A.3", () => {
  same(statisticsOf([1, 2, 3, 5, 6, 9]).lost, 3);
  same(statisticsOf([1, 3, 2, 4]).lost, 0);
  same(statisticsOf([65_534, 65_535, 65_537, 65_538]).lost, 1);
});
test("media path: jitter is none where packets come evenly, and that of RFC 3550 A.8 where they do not", () => {
  const even = Array.from({ length: 200 }, (_, i) => i + 1);
  same(statisticsOf(even).jitterMs, 0);
  const { jitterMs } = statisticsOf(even, (i) => (i % 2 === 0 ? 0 : 10));
  ok(Math.abs(jitterMs - 10) < 0.1, `${jitterMs}`);
});
test("media path: another source, or a jump, begins anew and is no loss", () => {
  const statistics = new Statistics();
  for (const [number, ssrc] of [
    [1, 1],
    [2, 1],
    [40_000, 2],
    [40_001, 2],
    [10, 2],
  ] as const)
    statistics.rtp(rtp(number, ssrc), 0);
  same(statistics.lost, 0);
});
test("media path: what the other end reports is told of the packets that it was sent", () => {
  const { path } = opened("srtp");
  const block = {
    ssrc: 1,
    fractionLost: 64,
    cumulativeLost: 5,
    highestSequence: 9,
    jitter: 80,
    lastSenderReport: 0,
    delaySinceLast: 0,
  };
  const report = printRtcp([{ type: "receiverReport", ssrc: 2, blocks: [block], more: new Uint8Array() }]);
  path.receive("outside", false, sure(srtpOf(KEY_B, SUITE, KEY_A).sender.rtp(rtp(1))), BORDER, 5_000, 0);
  path.receive("inside", true, report, PHONE, 4_001, 10);
  const { reportedLoss, reportedJitterMs } = path.figures("outside");
  same([reportedLoss, reportedJitterMs], [64, 10]);
});
