/** Names in reports: none of them leaves, and all else stays. RFC 3550 §6.5, §6.6. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { parseRtcp, printRtcp, type RtcpPacket, withoutNames } from "../../codecs/rtp/mod.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`rtp names: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const ssrc = fc.nat(2 ** 32 - 1);
const text = fc.string({ maxLength: 20 });
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const chunk = plain({ ssrc, items: fc.array(plain({ code: fc.integer({ min: 1, max: 8 }), text }), { maxLength: 4 }) });
const packet = fc.oneof(
  plain({ type: fc.constant("sourceDescription"), chunks: fc.array(chunk, { maxLength: 4 }) }),
  plain({
    type: fc.constant("goodbye"),
    sources: fc.array(ssrc, { maxLength: 3 }),
    reason: fc.option(text, { nil: undefined }),
  }),
  plain({
    type: fc.constant("receiverReport"),
    ssrc,
    blocks: fc.constant([]),
    more: fc.constant(new Uint8Array()),
  }),
  plain({
    type: fc.constant("other"),
    packetType: fc.constant(204),
    count: fc.nat(31),
    body: fc.constant(Uint8Array.of(1, 2, 3, 4)),
  }),
) as fc.Arbitrary<RtcpPacket>;

const expected = (came: RtcpPacket): RtcpPacket => {
  if (came.type === "goodbye") return { ...came, reason: undefined };
  if (came.type !== "sourceDescription") return came;
  const chunks = came.chunks.map((chunk) => {
    const own = { code: 1, text: `${chunk.ssrc.toString(16)}@anonymous.invalid` };
    return { ssrc: chunk.ssrc, items: chunk.items.some(({ code }) => code === 1) ? [own] : [] };
  });
  return { ...came, chunks };
};

law(
  "no name leaves, each source keeps one of its own, and everything else stays as it was",
  fc.property(fc.array(packet, { minLength: 1, maxLength: 5 }), (packets) => {
    same(parseRtcp(withoutNames(printRtcp(packets))), packets.map(expected));
    const once = withoutNames(printRtcp(packets));
    same(withoutNames(once), once);
  }),
);
law(
  "what cannot be read stays as it came",
  fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    if (parseRtcp(bytes) === undefined) same(withoutNames(bytes), bytes);
  }),
);
test("rtp names: a telephone's report with its host and its program", () => {
  const named = printRtcp([
    { type: "receiverReport", ssrc: 7, blocks: [], more: new Uint8Array() },
    {
      type: "sourceDescription",
      chunks: [
        {
          ssrc: 7,
          items: [
            { code: 1, text: "anna@10.0.0.7" },
            { code: 6, text: "baresip 1.0" },
          ],
        },
      ],
    },
  ]);
  const sent = withoutNames(named);
  same(/anna|10\.0\.0\.7|baresip/.test(String.fromCharCode(...sent)), false);
  same(String.fromCharCode(...sent).includes("7@anonymous.invalid"), true);
});
