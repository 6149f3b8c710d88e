/** A border element's core: calls in and out, what it shows of them, and what it keeps. RFC 3261 §12 and §16; RFC 6026. */
import { ok, deepStrictEqual as same } from "node:assert";
import { headerOf, listOf } from "../../codecs/sip/mod.ts";
import { test } from "../kit/harness.ts";
import { answer } from "../proxy/world.ts";
import { back, byAlice, byBob, follow, INSIDE, request, response } from "./dialog.ts";
import { ACME, ACME_ROUTE, AGENT, clearSdp, inner, keyOf, MALLORY, outer, shown, World } from "./world.ts";

/** Everything that the inside has written and nobody outside may read. */
const SECRETS = /10\.1\.2\.3|192\.0\.2\.11|Asterisk|urn:uuid|X-Asterisk|P-Asserted/;

/** A call from acme, up: what both sides have seen. */
const callIn = (world: World) => {
  const came = outer("INVITE", { lines: [ACME_ROUTE] });
  const invite = request(world.from(ACME, came));
  const told = byBob(invite, 200);
  const up = response(world.from(AGENT, told));
  return { invite, told, up };
};
/** ... to acme. */
const callOut = (world: World, words: object = {}) => {
  const invite = request(world.from(AGENT, inner("INVITE", words)));
  const told = byAlice(invite, 200);
  const up = response(world.from(ACME, told));
  return { invite, told, up };
};

test("border: a call from outside goes to the call agent, and its answer shows nothing of the inside", () => {
  const world = new World();
  const sent = world.from(ACME, outer("INVITE", { lines: [ACME_ROUTE, "P-Asserted-Identity: <sip:+1900@x>"] }));
  same(shown(sent), ["INVITE 192.0.2.11"]);
  const invite = request(sent);
  ok(!/Ticket|P-Asserted/.test(sent.at(-1)!.text));
  same(listOf(invite, "Via").length, 1);
  same(listOf(invite, "Record-Route").length, 2);
  same(headerOf(invite, "Max-Forwards"), "68");
  const up = world.from(AGENT, byBob(invite, 200));
  same(shown(up), ["200 198.51.100.7"]);
  ok(!SECRETS.test(up[0]!.text.replace(/^o=.*$|^c=.*$/gm, "")), up[0]!.text);
  same(listOf(response(up), "Record-Route")[1], ACME_ROUTE.slice("Record-Route: ".length));
  same([world.count("admitted"), world.count("answered"), world.core.size.calls], [1, 1, 1]);
});

test("border: within a call from outside both ends reach each other by what they were shown", () => {
  const world = new World();
  const { invite, told, up } = callIn(world);
  const ack = world.from(ACME, follow(outer, "ACK", invite, up, { cseq: 1 }));
  same(shown(ack), ["ACK 192.0.2.11"]);
  same(request(ack).uri, "sip:bob@10.1.2.3:5062");
  same(listOf(request(ack), "Route"), [INSIDE]);
  const moved = world.from(AGENT, back(inner, "INVITE", invite, told, { contact: "<sip:bob@10.1.2.4:5062>" }));
  same(shown(moved), ["INVITE 198.51.100.7"]);
  same(request(moved).uri, "sip:c@acme.example:5061;maddr=198.51.100.7;transport=tls");
  same(listOf(request(moved), "Route"), [ACME_ROUTE.slice("Record-Route: ".length)]);
  ok(!SECRETS.test(moved.at(-1)!.text.replace(/^o=.*$|^c=.*$/gm, "")));
  const agreed = response(world.from(ACME, byAlice(request(moved), 200)));
  same(agreed.status, 200);
  // Where the phone is now is where the BYE goes, and by the way of before. RFC 3261 §12.2.2.
  const contact = headerOf(request(moved), "Contact")!.replace(/^<|>$/g, "");
  const bye = world.from(ACME, follow(outer, "BYE", invite, up, { uri: contact }));
  same([request(bye).uri, listOf(request(bye), "Route")], ["sip:bob@10.1.2.4:5062", [INSIDE]]);
  same(world.core.size.calls, 1);
  same(shown(world.from(AGENT, answer(request(bye), 200))), ["200 198.51.100.7"]);
  same([world.core.size.calls, world.refused], [0, []]);
});

test("border: a call to outside shows our border element alone, and both ends reach each other", () => {
  const world = new World();
  const sent = world.from(AGENT, inner("INVITE"));
  same(shown(sent), ["INVITE 198.51.100.7"]);
  same(sent.at(-1)!.to.domain, "acme.example");
  ok(!SECRETS.test(sent.at(-1)!.text.replace(/^o=.*$|^c=.*$|^Call-ID.*$/gm, "")), sent.at(-1)!.text);
  const invite = request(sent);
  ok(headerOf(invite, "X-Cisco-ViPR-Ticket") !== undefined);
  same(headerOf(invite, "From"), `"Bob" <sip:+49305550001@nord.example>;tag=bob`);
  same(headerOf(invite, "Contact"), "<sip:c@nord.example:5061;maddr=203.0.113.5;transport=tls>;isfocus");
  const told = byAlice(invite, 200);
  const up = response(world.from(ACME, told));
  same(headerOf(up, "From"), `"Bob" <sip:+49305550001@10.1.2.3>;tag=bob`);
  same(listOf(up, "Via").length, 2);
  same(listOf(up, "Record-Route").length, 3);
  same(listOf(up, "Record-Route").at(-1), INSIDE);
  const ack = world.from(AGENT, follow(inner, "ACK", invite, up, { cseq: 1 }));
  same(shown(ack), ["ACK 198.51.100.7"]);
  same(listOf(request(ack), "Route"), [ACME_ROUTE.slice("Record-Route: ".length)]);
  const bye = world.from(ACME, back(outer, "BYE", invite, told));
  same([shown(bye), request(bye).uri], [["BYE 192.0.2.11"], "sip:bob@10.1.2.3:5062"]);
  same(listOf(request(bye), "Route"), [INSIDE]);
  world.from(AGENT, answer(request(bye), 200));
  same([world.core.size.calls, world.refused], [0, []]);
});

test("border: a call goes on over a restart, and over a change of key while the old one is kept", () => {
  const before = new World();
  const { invite, told, up } = callIn(before);
  for (const keys of [[keyOf(1)], [keyOf(1), keyOf(2)]]) {
    const world = new World({ keys });
    same(shown(world.from(ACME, follow(outer, "BYE", invite, up))), ["BYE 192.0.2.11"]);
    same(shown(world.from(AGENT, back(inner, "BYE", invite, told))), ["BYE 198.51.100.7"]);
    same(world.refused, []);
  }
  for (const keys of [[keyOf(2)], [keyOf(1, 9)]]) {
    const world = new World({ keys });
    same(shown(world.from(ACME, follow(outer, "BYE", invite, up))), []);
    same(shown(world.from(AGENT, back(inner, "BYE", invite, told))), ["481 192.0.2.11"]);
    same(world.refused, ["unknownDialog"]);
  }
});

// docs/protocol/sip.md
test("border: another domain's certificate, another Call-ID, a token that was touched: not within the call", () => {
  const world = new World();
  const { invite, up } = callIn(world);
  const bye = follow(outer, "BYE", invite, up);
  same(shown(world.from(MALLORY, bye)), []);
  same(shown(world.from(ACME, bye.replace("Call-ID: call-1", "Call-ID: call-9"))), []);
  same(shown(world.from(ACME, bye.replace(/Route: <sip:o(....)/, "Route: <sip:oAAAA"))), []);
  same(shown(world.from(MALLORY, follow(outer, "INVITE", invite, up))), []);
  same(world.refused, ["otherDomain", "unknownDialog", "unknownDialog", "otherDomain"]);
  same(world.core.size.calls, 1);
});

test("border: Call-IDs of the inside under another name, if that is wanted, and the same name each time", () => {
  const world = new World({ hidesCallIds: true });
  const { invite, told, up } = callOut(world);
  const hidden = headerOf(invite, "Call-ID")!;
  ok(!hidden.includes("192.0.2.11") && hidden.length < 100, hidden);
  same(headerOf(up, "Call-ID"), "call-2@192.0.2.11");
  const bye = world.from(ACME, back(outer, "BYE", invite, told, { callId: hidden }));
  same(headerOf(request(bye), "Call-ID"), "call-2@192.0.2.11");
  const more = follow(inner, "INFO", invite, up);
  same(headerOf(request(world.from(AGENT, more)), "Call-ID"), hidden);
  // One of the other side's stays as it is.
  same(headerOf(callIn(new World({ hidesCallIds: true })).invite, "Call-ID"), "call-1");
});

test("border: CANCEL, forks, a retransmitted 2xx, and an INVITE that comes again", () => {
  const world = new World();
  const came = outer("INVITE");
  const invite = request(world.from(ACME, came));
  same(shown(world.from(ACME, came)), ["100 198.51.100.7"]);
  same(shown(world.from(AGENT, byBob(invite, 180, "bob", ""))), ["180 198.51.100.7"]);
  same(shown(world.from(AGENT, byBob(invite, 200, "bob"))), ["200 198.51.100.7"]);
  same(shown(world.from(AGENT, byBob(invite, 200, "bob"))), ["200 198.51.100.7"]);
  // Every 2xx passes upstream, RFC 3261 §16.7 step 5; one in the clear does not, and is hung up.
  same(shown(world.from(AGENT, byBob(invite, 200, "eve"))), ["200 198.51.100.7"]);
  same(shown(world.from(AGENT, byBob(invite, 200, "mal", clearSdp("10.1.2.3")))), ["ACK 192.0.2.11", "BYE 192.0.2.11"]);
  same(world.refused, ["answerNotSecured"]);
  const other = new World();
  const ringing = request(other.from(ACME, came));
  other.from(AGENT, byBob(ringing, 180, "bob", ""));
  same(shown(other.from(ACME, outer("CANCEL", { branch: "z9hG4bK-INVITE" }))), [
    "200 198.51.100.7",
    "CANCEL 192.0.2.11",
  ]);
  same(shown(other.from(AGENT, byBob(ringing, 487, "bob", ""))), ["ACK 192.0.2.11", "487 198.51.100.7"]);
  same(other.core.size.calls, 0);
});

test("border: a peer that is silent for the whole time of a transaction has its stream given up", () => {
  const world = new World();
  world.from(AGENT, inner("INVITE"));
  world.pass(31_000);
  same(world.orders.filter(({ type }) => type === "silent").length, 0);
  same(shown(world.pass(2_000)), ["408 192.0.2.11"]);
  const [silent] = world.orders.filter((order) => order.type === "silent");
  same([silent?.to.host, silent?.to.domain], ["198.51.100.7", "acme.example"]);
});

test("border: every transaction and every call is over in time, whoever falls silent", () => {
  const world = new World();
  world.from(ACME, outer("INVITE"));
  callOut(world);
  world.from(ACME, outer("INVITE", { callId: "call-3", branch: "z9hG4bK-3" }));
  world.pass(400_000);
  same([world.core.size.transactions, world.core.size.calls, world.core.size.bytes], [0, 1, 0]);
  world.core.expire(world.nowMs + 25 * 3_600_000);
  same(world.core.size.calls, 0);
});
