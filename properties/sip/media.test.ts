/** Secured media: which offers may pass and which answers keep a call secured. RFC 4568; ViPR overview §9.4. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { utf8 } from "../../codecs/shared/mod.ts";
import {
  answerTo,
  isSecured,
  isSecuredAnswer,
  offerOf,
  parseSdp,
  printSdp,
  type Sdp,
  type SipResponse,
  OFFERED_SUITES as SUITES,
  withHeader,
} from "../../codecs/sip/mod.ts";
import { mediaFaultOf, mediaVerdictOf } from "../../machines/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { sdp } from "./arbitrary.ts";
import { answerOf, invite } from "./samples.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`media: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const KEY = "A".repeat(40);
const OURS = { address: "192.0.2.2", port: 4_000, key: "B".repeat(40), session: "2" };
const sdpOf = (...lines: ReadonlyArray<string>): Sdp => {
  const read = parseSdp(["v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", ...lines].join("\r\n"));
  ok(read.ok, read.ok ? "" : read.error.why);
  return read.value;
};
const AUDIO = "m=audio 49170 RTP/SAVP 0 8";
const GOOD = `a=crypto:1 ${SUITES[0]} inline:${KEY}`;

const weak: ReadonlyArray<string> = [
  `a=crypto:2 ${SUITES[0]} inline:${KEY} UNENCRYPTED_SRTP`,
  `a=crypto:2 ${SUITES[0]} inline:${KEY} UNENCRYPTED_SRTCP`,
  `a=crypto:2 ${SUITES[0]} inline:${KEY} UNAUTHENTICATED_SRTP`,
  `a=crypto:2 ${SUITES[1]} inline:${KEY}|2^20|1:4 KDR=3 unencrypted_srtp`,
  `a=crypto:2 ${SUITES[0]} inline:${KEY}\tUNENCRYPTED_SRTP`,
  `a=crypto:2\t${SUITES[0]}\tinline:${KEY}  WSH=64  UNAUTHENTICATED_SRTP `,
  `a=crypto:2 NULL_HMAC_SHA1_80 inline:${KEY}`,
  `a=crypto:2 AES_CM_128_NULL_HMAC inline:${KEY}`,
  "a=crypto:2 AES_CM_128_NULL_AUTH inline:x",
  `a= crypto:1 ${SUITES[0]} inline:${KEY} UNENCRYPTED_SRTP`,
  `a=crypto :1 ${SUITES[0]} inline:${KEY} UNENCRYPTED_SRTP`,
  `a=crypto: 2 NULL_HMAC_SHA1_80 inline:${KEY}`,
  `a=crypto:2 ${SUITES[0]} inline:${KEY} UNENCRYPTED_SRTP,UNENCRYPTED_SRTCP`,
];
for (const line of weak)
  test(`media: ${line.slice(2).replace(KEY, "...")} is no security, alone or beside a good line. RFC 4568 §6.3`, () => {
    const [alone, beside] = [sdpOf(AUDIO, line), sdpOf(AUDIO, GOOD, line)];
    same([isSecured(alone), isSecured(beside)], [false, false]);
    same(answerTo(alone, OURS), undefined);
    same(answerTo(beside, OURS)!.media[0]!.lines[0]!.value, `crypto:1 ${SUITES[0]} inline:${OURS.key}`);
    const offer = sdpOf(AUDIO, GOOD, `a=crypto:2 ${SUITES[0]} inline:${KEY}`);
    same(isSecuredAnswer(offer, alone), false);
    same(isSecuredAnswer(offer, beside), false);
  });

const read: ReadonlyArray<readonly [string, Sdp]> = [
  ["m=audio 49170/2", sdpOf("m=audio 49170/2 RTP/SAVP 0 8", GOOD)],
  ["a space behind the formats", sdpOf(`${AUDIO} `, GOOD)],
  ["a second stream in the clear", sdpOf(AUDIO, GOOD, "m=image 49172 udptl t38")],
  ["a first stream in the clear", sdpOf("m=audio 49172 RTP/AVP 8", AUDIO, GOOD)],
  ["more than 256 lines", sdpOf(...Array.from({ length: 300 }, (_, i) => `a=x:${i}`), AUDIO, GOOD)],
  ["two keys in one line", sdpOf(AUDIO, `${GOOD}|2^20|1:4;inline:${KEY}|2^20|2:4`)],
];
for (const [what, offer] of read)
  test(`media: an offer with ${what} is taken, and what is not secured in it is refused by port 0. RFC 3264 §6`, () => {
    const answer = answerTo(offer, OURS);
    ok(answer !== undefined && isSecured(offer) && isSecuredAnswer(offer, answer));
    same(
      answer.media.map(({ kind, port, ports }) => [kind, port, ports]),
      offer.media.map(({ kind, protocol }) => [kind, protocol === "RTP/SAVP" ? OURS.port : 0, undefined]),
    );
  });

const offered = sdpOf(AUDIO, GOOD, `a=crypto:2 AES_256_CM_HMAC_SHA1_80 inline:${"A".repeat(62)}==`);
const answers: ReadonlyArray<readonly [string, boolean, Sdp]> = [
  ["the first key", true, sdpOf(AUDIO, GOOD)],
  [
    "the second key, in a suite that others have",
    true,
    sdpOf(AUDIO, offered.media[0]!.lines[1]!.value.replace(/^/, "a=")),
  ],
  ["RTP/AVP without a key", false, sdpOf("m=audio 4000 RTP/AVP 8")],
  ["RTP/AVP with a key", false, sdpOf("m=audio 4000 RTP/AVP 8", GOOD)],
  ["RTP/SAVP without a key", false, sdpOf(AUDIO)],
  ["port 0", false, sdpOf("m=audio 0 RTP/SAVP 8", GOOD)],
  ["no stream", false, sdpOf()],
  ["a stream more", false, sdpOf(AUDIO, GOOD, "m=audio 0 RTP/AVP 8")],
  ["a stream of another kind", false, sdpOf("m=video 4000 RTP/SAVP 8", GOOD)],
  ["a tag that was not offered", false, sdpOf(AUDIO, `a=crypto:3 ${SUITES[0]} inline:${KEY}`)],
  ["a suite that was not offered", false, sdpOf(AUDIO, `a=crypto:1 ${SUITES[1]} inline:${KEY}`)],
  ["two keys", false, sdpOf(AUDIO, GOOD, offered.media[0]!.lines[1]!.value.replace(/^/, "a="))],
  ["a key that cannot be read beside a good one", false, sdpOf(AUDIO, GOOD, "a=crypto:9 X inline:y")],
  ["a key of another length", false, sdpOf(AUDIO, `a=crypto:1 ${SUITES[0]} inline:AAAA`)],
  ["a session parameter that nobody knows. RFC 4568 §6.3.7", false, sdpOf(AUDIO, `${GOOD} SOMETHING`)],
];
for (const [what, isGood, answer] of answers)
  test(`media: an answer with ${what} ${isGood ? "keeps" : "does not keep"} the call secured. RFC 4568 §5.1.3`, () =>
    same(isSecuredAnswer(offered, answer), isGood));
test("media: an answer cannot take a stream that was offered in the clear, or refused", () => {
  const two = sdpOf(AUDIO, GOOD, "m=image 49172 udptl t38", "m=audio 0 RTP/SAVP 8", GOOD);
  same(isSecuredAnswer(two, sdpOf(AUDIO, GOOD, "m=image 0 udptl t38", "m=audio 0 RTP/SAVP 8")), true);
  same(isSecuredAnswer(two, sdpOf(AUDIO, GOOD, "m=image 4002 udptl t38", "m=audio 0 RTP/SAVP 8")), false);
  same(isSecuredAnswer(two, sdpOf(AUDIO, GOOD, "m=image 0 udptl t38", "m=audio 4002 RTP/SAVP 8", GOOD)), false);
});

law(
  "our own answer keeps secured whatever we can answer, and no key of it is what the offer called weak",
  fc.property(sdp, fc.subarray([GOOD, ...weak]), fc.nat(3), (other, lines, at) => {
    const media = [...other.media];
    media.splice(at, 0, sdpOf(AUDIO, ...lines).media[0]!);
    const offer = { ...other, lines: [], media };
    const answer = answerTo(offer, OURS);
    same(answer !== undefined, lines.includes(GOOD));
    if (answer !== undefined) ok(isSecuredAnswer(offer, answer));
  }),
);
law(
  "no answer is taken for secured that is not, stream by stream, as secured as its offer",
  fc.property(sdp, sdp, fc.subarray([GOOD, ...weak]), (offer, answer, lines) => {
    const isTaken = isSecuredAnswer(
      { ...offer, media: [...offer.media, ...offered.media] },
      { ...answer, media: [...answer.media, ...sdpOf(AUDIO, ...lines).media] },
    );
    if (!isTaken) return;
    same(lines, [GOOD]);
    ok(answer.media.every(({ port }) => port === 0));
  }),
);

const answered = (status: number, body: Sdp | undefined, more: Readonly<Record<string, string>> = {}): SipResponse => {
  const type = body === undefined ? undefined : "application/sdp";
  let response = withHeader(answerOf(status), "Content-Type", type);
  for (const [name, value] of Object.entries(more)) response = withHeader(response, name, value);
  return { ...response, body: body === undefined ? new Uint8Array() : utf8(printSdp(body)) };
};
const secured = answerTo(offerOf({ ...OURS, key: KEY }), OURS)!;
const clear = sdpOf("m=audio 4000 RTP/AVP 8");
const verdicts: ReadonlyArray<readonly [string, SipResponse, boolean, string]> = [
  ["200 with a secured answer", answered(200, secured), false, "passes"],
  ["200 with an answer in the clear", answered(200, clear), false, "unsecured"],
  ["200 without SDP", answered(200, undefined), false, "unsecured"],
  ["200 without SDP, answered reliably before. RFC 3262 §5", answered(200, undefined), true, "passes"],
  ["200 in the clear, answered reliably before", answered(200, clear), true, "unsecured"],
  ["200 with a body of another type", answered(200, secured, { "Content-Type": "text/plain" }), false, "unsecured"],
  ["183 without SDP", answered(183, undefined), false, "passes"],
  ["183 in the clear", answered(183, clear), false, "early"],
  ["183 with a secured answer", answered(183, secured), false, "passes"],
  ["488 with a body", answered(488, clear), false, "passes"],
];
for (const [what, response, isAnswered, expected] of verdicts)
  test(`media: ${what}: ${expected}`, () => same(mediaVerdictOf(invite, response, isAnswered).type, expected));
const bare = { ...withHeader(invite, "Content-Type", undefined), body: new Uint8Array() };
const late: ReadonlyArray<readonly [string, SipResponse, boolean, string]> = [
  ["200 with a secured offer", answered(200, secured), false, "passes"],
  ["200 with an offer in the clear", answered(200, clear), false, "unsecured"],
  ["200 without an offer", answered(200, undefined), false, "unsecured"],
  ["200 without an offer, after a reliable one", answered(200, undefined), true, "passes"],
  ["a reliable 183 with a secured offer", answered(183, secured, { RSeq: "1" }), false, "passes"],
  ["a reliable 183 with an offer in the clear", answered(183, clear, { RSeq: "1" }), false, "early"],
  ["183 with what may not be an offer", answered(183, secured), false, "early"],
  ["180 without SDP", answered(180, undefined), false, "passes"],
  ["488 with a body", answered(488, clear), false, "passes"],
];
for (const [what, response, isAnswered, expected] of late)
  test(`media: to an INVITE without an offer, ${what}: ${expected}. RFC 3261 §13.2.1`, () =>
    same(mediaVerdictOf(bare, response, isAnswered).type, expected));
test("media: a reliable provisional response answers for good, a plain one does not. RFC 3262 §5", () => {
  const isAnswer = (response: SipResponse) => mediaVerdictOf(invite, response, false);
  same(isAnswer(answered(183, secured, { RSeq: "1" })), { type: "passes", isAnswer: true });
  same(isAnswer(answered(183, secured)), { type: "passes", isAnswer: false });
});
test("media: INVITE, UPDATE and PRACK may offer, and what they offer is secured. RFC 3311", () => {
  const update = withHeader({ ...invite, method: "UPDATE" }, "CSeq", "2 UPDATE");
  const inClear = { ...update, body: utf8(printSdp(clear)) };
  same([mediaFaultOf(update), mediaFaultOf(inClear)], [undefined, "notSecured"]);
  const bare = { ...withHeader(update, "Content-Type", undefined), body: new Uint8Array() };
  same([mediaFaultOf(bare), mediaFaultOf({ ...bare, method: "INVITE" })], [undefined, undefined]);
  same(mediaFaultOf({ ...inClear, method: "INFO" }), undefined);
});
