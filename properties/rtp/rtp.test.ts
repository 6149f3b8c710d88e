/** RTP headers read in place, and RTCP. RFC 3550; RFC 5761 §4. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  isRtcp,
  parseRtcp,
  payloadAt,
  payloadTypeIn,
  printRtcp,
  ReportBlock,
  type RtcpPacket,
  RtpHeader,
  SenderInfo,
  sequenceIn,
  ssrcIn,
  timestampIn,
} from "../../codecs/rtp/mod.ts";
import { bytesOfHex, concat } from "../../codecs/shared/mod.ts";
import { decodeFirst, encode } from "../../codecs/wire/mod.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";

wireLaws(RtpHeader);
wireLaws(ReportBlock);
wireLaws(SenderInfo);

const law = (what: string, property: fc.IProperty<any>) =>
  test(`rtp: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

law(
  "a header read in place is the one that its description reads",
  fc.property(arbitraryOf(RtpHeader), (header) => {
    const bytes = encode(RtpHeader, header);
    same(
      [payloadTypeIn(bytes), sequenceIn(bytes), timestampIn(bytes), ssrcIn(bytes)],
      [header.second.payloadType, header.sequence, header.timestamp, header.ssrc],
    );
    const { sources, extension } = header.first;
    const whole = concat(bytes, new Uint8Array(4 * sources + (extension ? 4 : 0)));
    same(payloadAt(whole), whole.length);
    if (whole.length > 12) same(payloadAt(whole.subarray(0, -1)), -1);
  }),
);
law(
  "any bytes have a payload within them, or are no packet",
  fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const at = payloadAt(bytes);
    ok(at === -1 || (at >= 12 && at <= bytes.length));
    same(at >= 0 && !decodeFirst(RtpHeader, bytes).ok, false);
  }),
);

const report = arbitraryOf(ReportBlock);
const word = fc.nat(2 ** 32 - 1);
const words = fc.uint8Array({ maxLength: 12 }).map((bytes) => bytes.slice(0, bytes.length & ~3));
const text = fc.string({ unit: "binary", maxLength: 10 }).map((text) => text.toWellFormed());
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const blocks = fc.array(report, { maxLength: 31 });
const packets: fc.Arbitrary<RtcpPacket> = fc.oneof(
  plain<Extract<RtcpPacket, { type: "senderReport" }>>({
    type: fc.constant("senderReport"),
    ssrc: word,
    sender: arbitraryOf(SenderInfo),
    blocks,
    more: words,
  }),
  plain<Extract<RtcpPacket, { type: "receiverReport" }>>({
    type: fc.constant("receiverReport"),
    ssrc: word,
    blocks,
    more: words,
  }),
  plain<Extract<RtcpPacket, { type: "sourceDescription" }>>({
    type: fc.constant("sourceDescription"),
    chunks: fc.array(
      plain({ ssrc: word, items: fc.array(plain({ code: fc.integer({ min: 1, max: 255 }), text }), { maxLength: 4 }) }),
      { maxLength: 5 },
    ),
  }),
  plain<Extract<RtcpPacket, { type: "goodbye" }>>({
    type: fc.constant("goodbye"),
    sources: fc.array(word, { maxLength: 31 }),
    reason: fc.option(text, { nil: undefined }),
  }),
  plain<Extract<RtcpPacket, { type: "other" }>>({
    type: fc.constant("other"),
    packetType: fc.integer({ min: 204, max: 223 }),
    count: fc.nat(31),
    body: words,
  }),
);
law(
  "what is written of RTCP is read back, however many packets a datagram has",
  fc.property(fc.array(packets, { minLength: 1, maxLength: 5 }), (all) => {
    const bytes = printRtcp(all);
    same(parseRtcp(bytes), all);
    ok(isRtcp(bytes) || bytes.length < 8);
  }),
);
law(
  "any bytes are RTCP or not, and what is cut off or changed is read within its bounds",
  fc.property(
    fc.array(packets, { minLength: 1, maxLength: 3 }),
    fc.nat(),
    fc.nat(255),
    fc.nat(),
    (all, at, to, cut) => {
      const bytes = printRtcp(all);
      bytes[at % bytes.length] = to;
      parseRtcp(bytes.subarray(0, cut % (bytes.length + 1)));
      const read = parseRtcp(bytes);
      if (read !== undefined) same(parseRtcp(printRtcp(read)), read);
    },
  ),
);

test("rtp: padding ends the last packet only, by whole words. RFC 3550 §6.4.1", () => {
  const padded = bytesOfHex("a0c90002000000010000000 4".replace(" ", ""));
  same(parseRtcp(padded), [{ type: "receiverReport", ssrc: 1, blocks: [], more: new Uint8Array() }]);
  same(parseRtcp(concat(padded, bytesOfHex("80c9000100000001"))), undefined);
  for (const last of ["00", "03", "0c"])
    same(parseRtcp(bytesOfHex(`a0c900020000000100000 0${last}`.replace(" ", ""))), undefined);
});
test("rtp: a payload type of RTP is taken for no RTCP, with its marker or without. RFC 5761 §4", () => {
  const isTaken = (second: number) => isRtcp(Uint8Array.of(0x80, second, 0, 1, 0, 0, 0, 1));
  for (const type of [0, 8, 96, 101, 127]) same([isTaken(type), isTaken(128 | type)], [false, false]);
  for (const type of [200, 201, 202, 203, 204, 205, 206, 207]) same(isTaken(type), true);
});
