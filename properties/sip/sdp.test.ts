/** Session descriptions and their secured audio. RFC 4566, RFC 3264, RFC 4568. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  answerTo,
  choosableOf,
  isSecured,
  type MediaEnd,
  offerOf,
  parseSdp,
  printSdp,
  OFFERED_SUITES as SUITES,
} from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { sdp } from "./arbitrary.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`sdp: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

law(
  "what is written is read back, unread lines in their place",
  fc.property(sdp, (sdp) => same(parseSdp(printSdp(sdp)), { ok: true, value: sdp })),
);
const pieces = fc
  .array(
    fc.constantFrom(
      "v=0",
      "o=- 1 1 IN IP4 h",
      "s=-",
      "m=audio 1 RTP/SAVP 8",
      "a=crypto:1 X inline:",
      "t=0 0",
      "",
      "=",
      "m=",
    ),
  )
  .map((lines) => lines.join("\r\n"));
law(
  "any text gives a description or an error",
  fc.property(fc.oneof(fc.string(), pieces), (text) => {
    const read = parseSdp(text);
    if (!read.ok) return;
    same(parseSdp(printSdp(read.value)), read);
    isSecured(read.value);
    answerTo(read.value, ours);
  }),
);

const theirs: MediaEnd = { address: "192.0.2.1", port: 4_000, key: "A".repeat(40), session: "1" };
const ours: MediaEnd = { address: "2001:db8::1", port: 5_000, key: "B".repeat(40), session: "2" };

law(
  "an answer takes one medium of the offer, under the offer's tag and our key, and refuses the others. RFC 3264 §6",
  fc.property(sdp, fc.nat(3), (given, at) => {
    const media = [...given.media.slice(0, at), ...offerOf(theirs).media, ...given.media.slice(at)];
    const answer = answerTo({ ...given, media }, ours)!;
    same(answer.media.length, media.length);
    const taken = answer.media.filter(({ port }) => port !== 0);
    same(taken.length, 1);
    same(
      choosableOf(taken[0]!).map(({ keys, suite }) => [keys[0]!.keySalt, suite]),
      [[ours.key, SUITES[0]]],
    );
    ok(answer.media.every(({ kind }, i) => kind === media[i]!.kind));
  }),
);

test("sdp: our offer is secured, with both suites, the longer tag first. RFC 4568 §6.2", () => {
  const offer = offerOf(theirs);
  same(isSecured(offer), true);
  same(
    choosableOf(offer.media[0]!).map(({ tag, suite }) => [tag, suite]),
    [
      [1, "AES_CM_128_HMAC_SHA1_80"],
      [2, "AES_CM_128_HMAC_SHA1_32"],
    ],
  );
});

const media = (protocol: string, ...lines: ReadonlyArray<string>) => {
  const text = `v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4000 ${protocol} 8\r\n${lines.join("\r\n")}`;
  const read = parseSdp(text);
  ok(read.ok);
  return read.value;
};
const KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
test("sdp: the example of RFC 4568 §9.1, with its lifetime and key number", () => {
  const [line] = choosableOf(
    media("RTP/SAVP", `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4 FEC_ORDER=FEC_SRTP`).media[0]!,
  );
  same(line, {
    tag: 1,
    suite: SUITES[0],
    keys: [{ keySalt: KEY, lifetime: 2 ** 20, mki: { value: 1n, bytes: 4 } }],
    session: [{ type: "fecOrder", order: "FEC_SRTP" }],
  });
});
test("sdp: the shorter tag alone is answered with the shorter tag", () => {
  const answer = answerTo(media("RTP/SAVP", `a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`), ours)!;
  same(answer.media[0]!.lines, [{ letter: "a", value: `crypto:7 AES_CM_128_HMAC_SHA1_32 inline:${ours.key}` }]);
});
for (const [what, given] of [
  ["media in the clear", media("RTP/AVP", `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`)],
  ["a secured profile without a key", media("RTP/SAVP")],
  ["a suite that we do not know", media("RTP/SAVP", `a=crypto:1 F8_128_HMAC_SHA1_80 inline:${KEY}`)],
  ["a key of another length", media("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA")],
  ["a description without media", { ...media("RTP/SAVP"), media: [] }],
] as const)
  test(`sdp: ${what} is not secured, and gets no answer`, () => {
    same([isSecured(given), answerTo(given, ours)], [false, undefined]);
  });
