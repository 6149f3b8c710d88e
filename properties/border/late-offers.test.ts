/** Offers that come with the answer, and answers with ACK or PRACK, through a border element whole. RFC 3261 §13.2.1, RFC 3262 §5. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { headerOf, parseSdp, printSdp, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { descriptionIn } from "../../machines/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { back, bobs, byBob, follow, request, response, WAYS, type Way } from "./dialog.ts";
import { ACME, ACME_ROUTE, AGENT, clearSdp, outer, type Sent, securedSdp, shown, World } from "./world.ts";

const sdpOf = (text: string) => {
  const read = parseSdp(text);
  if (!read.ok) throw new Error(read.error.why);
  return read.value;
};
const bodyOf = ({ body }: SipRequest | SipResponse): string => new TextDecoder().decode(body);
const textsTo = (sent: ReadonlyArray<Sent>, host: string) => sent.filter(({ to }) => to.host === host);

/** INVITE without an offer, and what answers it. */
const begun = (world: World, way: Way, status = 200, body: string = way.offer) => {
  const invite = request(world.from(way.caller, way.invite({ body: "" })));
  const told = way.answered(invite, status, body);
  const sent = world.from(way.callee, told);
  return { invite, told, sent };
};
const acked = (world: World, way: Way, invite: SipRequest, up: SipResponse, body: string = way.answer, words = {}) =>
  world.from(way.caller, follow(way.made, "ACK", invite, up, { cseq: 1, body, ...words }));

for (const way of WAYS) {
  const { caller, callee } = way.hosts;
  test(`border: an offer that comes with the answer, a call ${way.name}: it goes back, and its answer on with the ACK, each time`, () => {
    const world = new World();
    const { invite, told, sent } = begun(world, way);
    same([shown(sent), bodyOf(invite)], [[`200 ${caller}`], ""]);
    same(bodyOf(response(sent)), way.offer);
    for (let i = 0; i < 2; i++) {
      const ack = acked(world, way, invite, response(sent));
      same([shown(ack), bodyOf(request(ack))], [[`ACK ${callee}`], way.answer]);
      same(bodyOf(response(world.from(way.callee, told))), way.offer);
    }
    same([world.refused, world.core.size.calls], [[], 1]);
  });

  test(`border: a late offer in the clear, a call ${way.name}: refused in the ACK, BYE, and 488 to the caller`, () => {
    const bodies = [clearSdp("10.1.2.3"), "", way.offer.replace("RTP/SAVP", "RTP/AVP"), `${way.offer}x`];
    for (const body of bodies) {
      const world = new World();
      const { sent } = begun(world, way, 200, body);
      same(shown(sent), [`ACK ${callee}`, `BYE ${callee}`, `488 ${caller}`], body);
      const ack = sent[0]!.message;
      const refusal = descriptionIn(ack);
      if (body !== "" && !body.endsWith("x"))
        same(refusal.type === "sdp" && refusal.sdp.media.map(({ port }) => port), [0]);
      same([world.refused, world.core.size.calls], [["offerNotSecured"], 0]);
    }
  });

  test(`border: an answer in the clear with the ACK, a call ${way.name}: both sides are hung up`, () => {
    const takesOther = way.answer.replace("crypto:1 AES_CM_128_HMAC_SHA1_80", "crypto:2 AES_CM_128_HMAC_SHA1_32");
    for (const body of [clearSdp("10.1.2.3"), "", takesOther, `${way.answer}m=audio 4002 RTP/AVP 8\r\n`]) {
      const world = new World();
      const { invite, sent } = begun(world, way);
      const ended = acked(world, way, invite, response(sent), body);
      same(shown(ended), [`ACK ${callee}`, `BYE ${callee}`, `BYE ${caller}`], body);
      same(/m=audio 0 RTP\/SAVP 8/.test(ended[0]!.text), true);
      same([world.refused, world.core.size.calls], [["answerNotSecured"], 0]);
      // What comes again is as nothing.
      same(shown(acked(world, way, invite, response(sent), body)), []);
      same(world.core.size.transactions, 4);
      world.pass(64_000);
      same(world.core.size.transactions, 0);
    }
  });

  test(`border: a reliable 183 offers and PRACK answers, a call ${way.name}; the 200 says no more. RFC 3262 §5`, () => {
    const world = new World();
    const invite = request(world.from(way.caller, way.invite({ body: "" })));
    const told = way.answered(invite, 183, way.offer);
    const reliable = { ...told, headers: [...told.headers, { name: "RSeq", value: "7" }] };
    const up = world.from(way.callee, reliable);
    same([shown(up), bodyOf(response(up))], [[`183 ${caller}`], way.offer]);
    const prack = (body: string, rack = "7 1 INVITE") =>
      ((made: string) => made.replace("\r\nCSeq", `\r\nRAck: ${rack}\r\nCSeq`))(
        follow(way.made, "PRACK", invite, response(up), { body, branch: `z9hG4bK-${body.length}` }),
      );
    const passed = world.from(way.caller, prack(way.answer));
    same([shown(passed), bodyOf(request(passed))], [[`PRACK ${callee}`], way.answer]);
    const ok200 = {
      ...way.answered(request(passed), 200, ""),
      headers: way.answered(request(passed), 200, "").headers,
    };
    same(shown(world.from(way.callee, ok200)), [`200 ${caller}`]);
    const final = world.from(way.callee, way.answered(invite, 200, ""));
    same(shown(final), [`200 ${caller}`]);
    same(bodyOf(request(acked(world, way, invite, response(final), ""))), "");
    same([world.refused, world.core.size.calls], [[], 1]);
  });

  test(`border: a PRACK in the clear, a call ${way.name}: 488, and the INVITE is cancelled`, () => {
    const world = new World();
    const invite = request(world.from(way.caller, way.invite({ body: "" })));
    const told = way.answered(invite, 183, way.offer);
    const up = world.from(way.callee, { ...told, headers: [...told.headers, { name: "RSeq", value: "7" }] });
    const text = follow(way.made, "PRACK", invite, response(up), { body: clearSdp("10.1.2.3") });
    const sent = world.from(way.caller, text.replace("\r\nCSeq", "\r\nRAck: 7 1 INVITE\r\nCSeq"));
    same(shown(sent).toSorted(), [`488 ${caller}`, `CANCEL ${callee}`]);
    same(shown(world.from(way.callee, way.answered(invite, 487, ""))), [`ACK ${callee}`, `487 ${caller}`]);
    same([world.refused, world.core.size.calls], [["answerNotSecured"], 0]);
  });

  test(`border: a reliable 183 whose offer is in the clear, a call ${way.name}: CANCEL; one that is not reliable offers nothing`, () => {
    const world = new World();
    const invite = request(world.from(way.caller, way.invite({ body: "" })));
    const plain = world.from(way.callee, way.answered(invite, 183, way.offer));
    same([shown(plain), bodyOf(response(plain))], [[`183 ${caller}`], ""]);
    const told = way.answered(invite, 183, clearSdp("10.1.2.3"));
    const sent = world.from(way.callee, { ...told, headers: [...told.headers, { name: "RSeq", value: "7" }] });
    same(shown(sent), [`CANCEL ${callee}`]);
    same(shown(world.from(way.callee, way.answered(invite, 487, ""))), [`ACK ${callee}`, `487 ${caller}`]);
    same([world.refused, world.core.size.calls], [["offerNotSecured"], 0]);
  });

  test(`border: what offers nothing brings no description across, nor does its answer, a call ${way.name}`, () => {
    for (const method of ["UPDATE", "OPTIONS", "MESSAGE", "INFO"]) {
      const world = new World();
      const first = begun(world, way);
      const up = response(first.sent);
      acked(world, way, first.invite, up);
      const body = method === "UPDATE" ? "" : way.answer;
      const went = request(world.from(way.caller, follow(way.made, method, first.invite, up, { body, cseq: 3 })));
      const back = world.from(way.callee, way.answered(went, 200, way.offer));
      same([went.method, bodyOf(went), shown(back), bodyOf(response(back))], [method, "", [`200 ${caller}`], ""]);
    }
  });

  test(`border: a re-INVITE without an offer, in a call ${way.name}, from either end: as in the first INVITE`, () => {
    for (const from of ["caller", "callee"] as const) {
      const world = new World();
      const first = begun(world, way);
      const up = response(first.sent);
      acked(world, way, first.invite, up);
      const reinvite =
        from === "caller"
          ? follow(way.made, "INVITE", first.invite, up, { body: "", cseq: 3, branch: "z9hG4bK-re" })
          : back(way.others, "INVITE", first.invite, first.told, { body: "", cseq: 3, branch: "z9hG4bK-re" });
      const sides = from === "caller" ? [way.caller, way.callee] : [way.callee, way.caller];
      const hosts = from === "caller" ? [caller, callee] : [callee, caller];
      const went = world.from(sides[0]!, reinvite);
      same(shown(went), [`INVITE ${hosts[1]}`]);
      same(bodyOf(request(went)), "");
      // In a call the one who answers may be either.
      const [offer, answer] = from === "caller" ? [way.offer, way.answer] : [bobs(way.answer), way.offer];
      const told = way.answered(request(went), 200, offer);
      const back2 = world.from(sides[1]!, told);
      same([shown(back2), bodyOf(response(back2))], [[`200 ${hosts[0]}`], offer]);
      const ack = reinvite.replace("INVITE ", "ACK ").replace("3 INVITE", "3 ACK").replace("z9hG4bK-re", "z9hG4bK-ack");
      const bad = clearSdp("10.1.2.3");
      const withBody = (body: string) =>
        ack.replace("Content-Length: 0", `Content-Type: application/sdp\r\nContent-Length: ${body.length}`) + body;
      same(bodyOf(request(world.from(sides[0]!, withBody(answer)))), answer);
      same([world.refused, world.core.size.calls], [[], 1]);
      const again = reinvite.replace("3 INVITE", "4 INVITE").replace("z9hG4bK-re", "z9hG4bK-re2");
      const went2 = request(world.from(sides[0]!, again));
      world.from(sides[1]!, way.answered(went2, 200, offer));
      const ended = world.from(
        sides[0]!,
        withBody(bad).replace("3 ACK", "4 ACK").replace("z9hG4bK-ack", "z9hG4bK-ack2"),
      );
      same(shown(ended), [`ACK ${hosts[1]}`, `BYE ${hosts[1]}`, `BYE ${hosts[0]}`]);
      same([world.refused, world.core.size.calls], [["answerNotSecured"], 0]);
    }
  });
}

const [INSIDE_SDP, OUTSIDE_SDP] = [sdpOf(clearSdp("192.0.2.5")), sdpOf(bobs(securedSdp("203.0.113.5")))];

test("border with a relay: the offer of a 200 is the relay's offer, the answer of the ACK its answer, in their order", () => {
  const world = new World({ hasRelay: true });
  const invite = request(world.from(ACME, outer("INVITE", { body: "", lines: [ACME_ROUTE] })));
  same(world.questions.length, 0);
  same(shown(world.from(AGENT, byBob(invite, 200, "bob", clearSdp("10.1.2.3")))), []);
  const [{ kind, question }] = world.questions as [(typeof world.questions)[number]];
  same([kind, question.toward, question.from, question.to], ["offer", "outside", "bob", "alice"]);
  const up = response(world.describe(OUTSIDE_SDP));
  same(bodyOf(up), printSdp(OUTSIDE_SDP));
  same(shown(acked(world, WAYS[0], invite, up)), []);
  const asked = world.questions.at(-1)!;
  same(
    [asked.kind, asked.question.toward, asked.question.from, asked.question.to],
    ["answer", "inside", "bob", "alice"],
  );
  same(asked.question.call, question.call);
  // A BYE that follows at once goes behind the ACK.
  same(shown(world.from(ACME, follow(outer, "BYE", invite, up))), []);
  const sent = world.describe(INSIDE_SDP);
  same(shown(sent), ["ACK 192.0.2.11", "BYE 192.0.2.11"]);
  same([bodyOf(sent[0]!.message), world.refused], [printSdp(INSIDE_SDP), []]);
});

test("border with a relay: what it refuses late ends the call, and a second end that answers is hung up", () => {
  const refusal = { refused: "notSecured", isOurs: false };
  const offered = new World({ hasRelay: true });
  const ringing = request(offered.from(ACME, outer("INVITE", { body: "" })));
  offered.from(AGENT, byBob(ringing, 200, "bob", clearSdp("10.1.2.3")));
  same(shown(offered.describe(refusal)), ["ACK 192.0.2.11", "BYE 192.0.2.11", "488 198.51.100.7"]);
  const world = new World({ hasRelay: true });
  const invite = request(world.from(ACME, outer("INVITE", { body: "", lines: [ACME_ROUTE] })));
  world.from(AGENT, byBob(invite, 200, "bob", clearSdp("10.1.2.3")));
  const up = response(world.describe(OUTSIDE_SDP));
  const second = world.from(AGENT, byBob(invite, 200, "eve", clearSdp("10.1.2.4")));
  same(
    [shown(second), headerOf(second[1]!.message, "To")?.endsWith("tag=eve")],
    [["ACK 192.0.2.11", "BYE 192.0.2.11"], true],
  );
  acked(world, WAYS[0], invite, up);
  same(shown(world.describe(refusal)), ["ACK 192.0.2.11", "BYE 192.0.2.11", "BYE 198.51.100.7"]);
  same([world.refused, offered.refused, world.core.size.calls], [["media", "media"], ["media"], 0]);
  same(world.orders.filter(({ type }) => type === "endMedia").length, 1);
});

const descriptions = fc.constantFrom("secured", "clear", "none", "garbage", "refused", "weak", "mixed");
const written = (kind: string, host: string): string => {
  const secured = securedSdp(host);
  switch (kind) {
    case "secured":
      return secured;
    case "clear":
      return clearSdp(host);
    case "none":
      return "";
    case "garbage":
      return "v=1\r\nfoo";
    case "refused":
      return secured.replace("audio 4000", "audio 0");
    case "weak":
      return secured.replace(/(inline:\S+)/, "$1 UNENCRYPTED_SRTP");
    default:
      return `${secured}m=video 4002 RTP/AVP 31\r\n`;
  }
};
test("border: whatever a late offer and its answer say, a call is up only where both are secured, and nothing else crosses", () =>
  fc.assert(
    fc.property(fc.constantFrom(...WAYS), descriptions, descriptions, (way, offer, answer) => {
      const world = new World();
      const first = begun(world, way, 200, bobs(written(offer, "203.0.113.9")));
      const isOffered = offer === "secured" || offer === "mixed";
      same(world.core.size.calls, isOffered ? 1 : 0);
      const sent = [...first.sent];
      const text = written(answer, "203.0.113.8");
      const body = offer === "mixed" && text !== "" ? `${text}m=video 0 RTP/AVP 31\r\n` : text;
      if (isOffered) sent.push(...acked(world, way, first.invite, response(first.sent), body));
      const isUp = isOffered && answer === "secured";
      same(world.core.size.calls, isUp ? 1 : 0);
      if (!isUp)
        ok(
          textsTo(sent, way.hosts.callee).some(({ message }) => message.type === "request" && message.method === "BYE"),
        );
      same(world.refused.length, isUp ? 0 : 1);
      for (const { message } of sent) {
        const found = descriptionIn(message);
        if (found.type !== "sdp") continue;
        const used = found.sdp.media.filter(({ port }) => port !== 0);
        ok(
          used.every(
            ({ protocol, lines }) => protocol === "RTP/SAVP" && !lines.some(({ value }) => value.includes("UNENC")),
          ),
        );
      }
    }),
    { numRuns: runs },
  ));
