/** Calls that have a route over SIP: taken where it works, and over the trunk by any failure before the answer. */
import { deepStrictEqual as same } from "node:assert";
import { e164 } from "../../codecs/shared/mod.ts";
import { headerOf, listOf, type SipRequest, type SipResponse, ticketOf } from "../../codecs/sip/mod.ts";
import type { RouteOf } from "../../machines/proxy/mod.ts";
import { test } from "../kit/harness.ts";
import { answer, BORDER, invite, PBX, PEERS, SECURED_SDP, type Sent, shown, TRUNK, World, within } from "./world.ts";

const route: RouteOf = () => ({
  vipr: {
    called: e164("+49305550901"),
    uri: "sip:x7@nord.example:5061;maddr=192.0.2.9;transport=tls",
    ticket: "VElDS0VU",
  },
  trunks: ["one"],
});
const secured = () => invite({ body: SECURED_SDP });
const started = () => {
  const world = new World({ route });
  const sent = world.from(PBX, secured());
  const over = sent.find(({ to }) => to.host === BORDER.host)!.message as SipRequest;
  return { world, sent, over };
};
const toTrunk = (sent: ReadonlyArray<Sent>) => sent.find(({ to }) => to.host === TRUNK.host)?.message as SipRequest;
const ANSWERED = { body: SECURED_SDP, contact: "<sip:192.0.2.5:5070;transport=tcp>" };

// RFC 3261 §16.6; ViPR overview §4, §5.1
test("over SIP: number, Route and ticket as a call agent sends them, by the border element's transport", () => {
  const { sent, over } = started();
  same(shown(sent), ["INVITE 192.0.2.5"]);
  same(sent[0]!.to, { transport: "TCP", own: 1, host: BORDER.host, port: BORDER.port, stream: 0 });
  same(over.uri, "sip:+49305550901@nord.example;user=phone");
  same(listOf(over, "Route"), ["<sip:x7@nord.example:5061;maddr=192.0.2.9;transport=tls;lr>"]);
  same(ticketOf(over), "VElDS0VU");
  same(listOf(over, "Record-Route"), ["<sip:192.0.2.1:5060;transport=tcp;lr>", "<sip:192.0.2.1:5060;lr>"]);
});

test("over SIP: an answered call needs no trunk and no record", () => {
  const { world, over } = started();
  same(shown(world.from(BORDER, answer(over, 180, { contact: "" }))), ["180 192.0.2.11"]);
  const [up] = world.from(BORDER, answer(over, 200, ANSWERED));
  const response = up!.message as SipResponse;
  const [ack] = world.from(PBX, within("ACK", secured(), response));
  same([ack!.to.transport, ack!.to.host, ack!.to.port], ["TCP", BORDER.host, BORDER.port]);
  const [bye] = world.from(PBX, within("BYE", secured(), response));
  same(shown(world.from(BORDER, answer(bye!.message, 200))), ["200 192.0.2.11"]);
  same([world.saved.size, world.ended.length, world.count("viaVipr")], [0, 0, 1]);
  world.pass(100_000);
  same(world.core.size, { transactions: 0, calls: 0, bytes: 0 });
});

for (const status of [300, 302, 401, 403, 404, 480, 486, 488, 500, 503, 603])
  test(`over SIP ${status}: the trunk takes the call, and the caller hears nothing of it`, () => {
    const { world, over } = started();
    const sent = world.from(BORDER, answer(over, status));
    same(shown(sent), ["ACK 192.0.2.5", "INVITE 198.51.100.1"]);
    same([world.fellBack, ticketOf(toTrunk(sent))], [["refused"], undefined]);
    same(toTrunk(sent).uri, "sip:+49305550901@198.51.100.1");
    same(listOf(toTrunk(sent), "Route"), []);
    same(shown(world.from(TRUNK, answer(toTrunk(sent), 200))), ["200 192.0.2.11"]);
    same(world.saved.size, 1);
  });

test("over SIP, no connection: the trunk at once", () => {
  const { world, sent } = started();
  same(shown(world.unreachable(sent[0]!.to)), ["INVITE 198.51.100.1"]);
  same(world.fellBack, ["unreachable"]);
});

// RFC 3261 §16.7
test("over SIP, silence, 100 or not: the trunk after the time, and a late answer is hung up", () => {
  const { world, over } = started();
  world.from(BORDER, answer(over, 100, { contact: "" }));
  same(shown(world.pass(1_900)), ["100 192.0.2.11"]);
  same(shown(world.pass(200)), ["CANCEL 192.0.2.5", "INVITE 198.51.100.1"]);
  const late = world.from(BORDER, answer(over, 200, ANSWERED));
  same(shown(late), ["ACK 192.0.2.5", "BYE 192.0.2.5"]);
  // Again, since it did not hear our ACK.
  same(shown(world.from(BORDER, answer(over, 200, ANSWERED)))[0], "ACK 192.0.2.5");
  same(world.fellBack, ["silent"]);
});

test("over SIP, silence without any response: CANCEL waits for one. RFC 3261 §9.1", () => {
  const { world, over } = started();
  same(shown(world.pass(2_100)), ["100 192.0.2.11", "INVITE 198.51.100.1"]);
  same(shown(world.from(BORDER, answer(over, 180, { contact: "" }))), ["CANCEL 192.0.2.5"]);
  same(shown(world.from(BORDER, answer(over, 487))), ["ACK 192.0.2.5"]);
});

const PLAIN = SECURED_SDP.replace("RTP/SAVP", "RTP/AVP").replace(/a=crypto.*\r\n/, "");
for (const [what, words, reason] of [
  ["media in the clear", { ...ANSWERED, body: PLAIN }, "answerNotSecured"],
  ["no session description", { contact: ANSWERED.contact }, "answerNotSecured"],
  ["a suite that was not offered", { ...ANSWERED, body: SECURED_SDP.replace("_80", "_32") }, "answerNotSecured"],
] as const)
  test(`over SIP, an answer with ${what}: hung up, and the trunk takes the call`, () => {
    const { world, over } = started();
    const sent = world.from(BORDER, answer(over, 200, words));
    same(shown(sent), ["ACK 192.0.2.5", "BYE 192.0.2.5", "INVITE 198.51.100.1"]);
    same(world.fellBack, [reason]);
    const [ack, bye] = sent;
    same(headerOf(ack!.message, "CSeq"), "1 ACK");
    same((bye!.message as SipRequest).uri, "sip:192.0.2.5:5070;transport=tcp");
  });

test("over SIP, an answer without Contact cannot be acknowledged: the trunk takes the call. faults B4", () => {
  const { world, over } = started();
  same(shown(world.from(BORDER, answer(over, 200, { ...ANSWERED, contact: "" }))), ["INVITE 198.51.100.1"]);
  same(world.fellBack, ["noContact"]);
});

test("over SIP, early media in the clear does not pass; the secured answer does", () => {
  const { world, over } = started();
  same(shown(world.from(BORDER, answer(over, 183, { ...ANSWERED, body: PLAIN }))), []);
  same(shown(world.from(BORDER, answer(over, 183, ANSWERED))), ["183 192.0.2.11"]);
  same(shown(world.from(BORDER, answer(over, 200, ANSWERED))), ["200 192.0.2.11"]);
});

test("an offer in the clear takes the trunk at once, and it is counted why", () => {
  const world = new World({ route });
  same(shown(world.from(PBX, invite())), ["INVITE 198.51.100.1"]);
  same(world.fellBack, ["offerNotSecured"]);
});

/** A call of an exchange that leaves the offer to whoever answers, as some do with every call. */
const bare = () => invite({ body: "" });
const startedBare = () => {
  const world = new World({ route });
  const over = world.from(PBX, bare()).find(({ to }) => to.host === BORDER.host);
  return { world, over: over?.message as SipRequest };
};
const RELIABLE = ["RSeq: 7", "Require: 100rel"];

test("over SIP, an offer that comes with the answer: taken where it is secured, and the ACK has the answer", () => {
  const { world, over } = startedBare();
  same([over.body.length, ticketOf(over)], [0, "VElDS0VU"]);
  const [up] = world.from(BORDER, answer(over, 200, ANSWERED));
  same(new TextDecoder().decode(up!.message.body), SECURED_SDP);
  const ack = within("ACK", bare(), up!.message as SipResponse, { body: SECURED_SDP });
  const [sent] = world.from(PBX, ack);
  same([sent!.to.host, new TextDecoder().decode(sent!.message.body)], [BORDER.host, SECURED_SDP]);
  same([world.fellBack, world.count("viaVipr")], [[], 1]);
});

for (const [what, words] of [
  ["media in the clear", { ...ANSWERED, body: PLAIN }],
  ["no session description", { contact: ANSWERED.contact }],
] as const)
  test(`over SIP, a late offer with ${what}: refused and hung up, and the trunk takes the call, its offer late too`, () => {
    const { world, over } = startedBare();
    const sent = world.from(BORDER, answer(over, 200, words));
    same(shown(sent), ["ACK 192.0.2.5", "BYE 192.0.2.5", "INVITE 198.51.100.1"]);
    const refusal = new TextDecoder().decode(sent[0]!.message.body);
    same(/^m=audio 0 RTP\/AVP /m.test(refusal), "body" in words);
    same([world.fellBack, toTrunk(sent).body.length], [["answerNotSecured"], 0]);
  });

test("over SIP, a reliable 183 offers: then the 200 need not; one in the clear does not pass", () => {
  const { world, over } = startedBare();
  const clear = answer(over, 183, { ...ANSWERED, body: PLAIN, lines: RELIABLE });
  same(shown(world.from(BORDER, clear)), []);
  same(shown(world.from(BORDER, answer(over, 183, { ...ANSWERED, lines: RELIABLE }))), ["183 192.0.2.11"]);
  same(shown(world.from(BORDER, answer(over, 200, { contact: ANSWERED.contact }))), ["200 192.0.2.11"]);
});

test("over SIP, where the border element secures media, offer and answer of the PBX may be in the clear", () => {
  const peers = PEERS.map((peer) => (peer.side === "border" ? { ...peer, securesMedia: true } : peer));
  const world = new World({ route, peers });
  const over = world.from(PBX, invite()).find(({ to }) => to.host === BORDER.host)!.message as SipRequest;
  same(ticketOf(over), "VElDS0VU");
  same(shown(world.from(BORDER, answer(over, 183, { ...ANSWERED, body: PLAIN }))), ["183 192.0.2.11"]);
  same(shown(world.from(BORDER, answer(over, 200, { ...ANSWERED, body: PLAIN }))), ["200 192.0.2.11"]);
  same([world.fellBack, world.count("viaVipr")], [[], 1]);
});

test("a caller who gives up during the attempt stops it, and no trunk rings", () => {
  const { world, over } = started();
  world.from(BORDER, answer(over, 180, { contact: "" }));
  const cancel = { ...secured(), method: "CANCEL" };
  same(shown(world.from(PBX, { ...cancel, headers: cancel.headers.map(asCancel) })), [
    "200 192.0.2.11",
    "CANCEL 192.0.2.5",
  ]);
  same(shown(world.from(BORDER, answer(over, 487))), ["ACK 192.0.2.5", "487 192.0.2.11"]);
  same(world.fellBack, []);
});
const asCancel = ({ name, value }: { readonly name: string; readonly value: string }) =>
  name === "CSeq" ? { name, value: value.replace("INVITE", "CANCEL") } : { name, value };
