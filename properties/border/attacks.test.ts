/** Whoever tries to get in without a right: each is refused, counted by its reason, and told no more than it may know. */
import { ok, deepStrictEqual as same } from "node:assert";
import { ntpFromMs, unixMs } from "../../codecs/shared/mod.ts";
import { headerOf, listOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import type { BorderSource } from "../../machines/border/mod.ts";
import { keptSeal } from "../../machines/ticket/mod.ts";
import { test } from "../kit/harness.ts";
import { answer, read } from "../proxy/world.ts";
import {
  ACME,
  ACME_ROUTE,
  AGENT,
  clearSdp,
  inner,
  KEY,
  MALLORY,
  outer,
  START_MS,
  securedSdp,
  shown,
  ticketFor,
  type Words,
  World,
} from "./world.ts";

interface Attack {
  readonly title: string;
  readonly by?: BorderSource;
  readonly method?: string;
  readonly words?: Words;
  readonly why: string;
  /** What it is answered with; 0: nothing. */
  readonly status: number;
}

const line = (text: string) => securedSdp("198.51.100.7").replace(/a=crypto.*\r\n/, `${text}\r\n`);
const day = (days: number) => ntpFromMs(unixMs(START_MS + days * 86_400_000));

const attacks: ReadonlyArray<Attack> = [
  { title: "no ticket", words: { ticket: "" }, why: "missing", status: 0 },
  { title: "garbage for a ticket", words: { ticket: "bm90IGEgdGlja2V0" }, why: "malformed", status: 0 },
  { title: "no base64 for a ticket", words: { ticket: "<script>" }, why: "malformed", status: 0 },
  { title: "a ticket that is cut", words: { ticket: ticketFor().slice(0, -24) }, why: "malformed", status: 0 },
  {
    title: "a forged ticket",
    words: { ticket: ticketFor({}, keptSeal(new Uint8Array(32).fill(8))) },
    why: "badIntegrity",
    status: 0,
  },
  {
    title: "a ticket of yesterday",
    words: { ticket: ticketFor({ validity: { notBefore: day(-9), notAfter: day(-1) } }) },
    why: "expired",
    status: 0,
  },
  {
    title: "a ticket of tomorrow",
    words: { ticket: ticketFor({ validity: { notBefore: day(1), notAfter: day(9) } }) },
    why: "notYetValid",
    status: 0,
  },
  {
    title: "a ticket of an epoch that was voided",
    words: { ticket: ticketFor({ epoch: 2 }) },
    why: "unknownEpoch",
    status: 0,
  },
  { title: "another number", words: { uri: "sip:+49305550002@nord.example" }, why: "wrongNumber", status: 0 },
  {
    title: "the right number in To, another in the Request-URI",
    words: { uri: "sip:+49305550002@nord.example", to: "<sip:+49305550001@nord.example>" },
    why: "wrongNumber",
    status: 0,
  },
  {
    title: "another domain's ticket",
    words: { ticket: ticketFor({ grantedTo: "sakura.example" as never }) },
    why: "wrongDomain",
    status: 0,
  },
  { title: "the right ticket over another certificate", by: MALLORY, why: "wrongDomain", status: 0 },
  { title: "a digit less", words: { uri: "sip:+4930555000@nord.example" }, why: "wrongNumber", status: 0 },
  { title: "no number", words: { uri: "sip:operator@nord.example" }, why: "wrongNumber", status: 0 },
  { title: "the number without +", words: { uri: "sip:49305550001@nord.example" }, why: "wrongNumber", status: 0 },
  { title: "the number with 00", words: { uri: "sip:0049305550001@nord.example" }, why: "wrongNumber", status: 0 },
  {
    title: "another number behind a dial string",
    words: { uri: "sip:+49305550001,,900@nord.example" },
    why: "wrongNumber",
    status: 0,
  },
  { title: "RTP in the clear", words: { body: clearSdp("198.51.100.7") }, why: "notSecured", status: 488 },
  {
    title: "a key that switches encryption off",
    words: { body: line(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNENCRYPTED_SRTP`) },
    why: "notSecured",
    status: 488,
  },
  ...["UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP", "unencrypted_srtp", "KDR=1 UNENCRYPTED_SRTP"].map((params) => ({
    title: `a key with ${params}`,
    words: { body: line(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} ${params}`) },
    why: "notSecured",
    status: 488,
  })),
  // RFC 4568 has no NULL cipher and RFC 3711 has: names that somebody might give it, and suites that nobody knows.
  ...["NULL_HMAC_SHA1_80", "NULL_CIPHER_HMAC_SHA1_32", "AES_CM_128_NULL_AUTH", "null_null", "FOO_256_BAR_80"].map(
    (suite) => ({
      title: `a key of ${suite} alone`,
      words: { body: line(`a=crypto:1 ${suite} inline:${KEY}`) },
      why: "notSecured",
      status: 488,
    }),
  ),
  {
    title: "a key that is too short for its suite",
    words: { body: line("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUFBQUFBQUE=") },
    why: "notSecured",
    status: 488,
  },
  {
    title: "a NULL suite in another stream, beside a good one",
    words: {
      body: `${securedSdp("198.51.100.7")}m=video 4002 RTP/SAVP 31\r\na=crypto:1 NULL_HMAC_SHA1_80 inline:${KEY}\r\n`,
    },
    why: "notSecured",
    status: 488,
  },
  {
    title: "a NULL suite beside a good one",
    words: { body: securedSdp("198.51.100.7", `a=crypto:2 NULL_HMAC_SHA1_80 inline:${KEY}`) },
    why: "notSecured",
    status: 488,
  },
  { title: "a body of another kind", words: { type: "application/x-unknown" }, why: "unsupportedType", status: 415 },
  { title: "hops used up", words: { hops: "0" }, why: "tooManyHops", status: 483 },
  {
    title: "an extension that we cannot follow",
    words: { lines: ["Proxy-Require: foo"] },
    why: "unknownExtension",
    status: 420,
  },
  {
    title: "a call in the place of another",
    words: { lines: ["Replaces: call-9;to-tag=1;from-tag=2"] },
    why: "replaces",
    status: 403,
  },
  {
    title: "a call that joins another",
    words: { lines: ["Join: call-9;to-tag=1;from-tag=2"] },
    why: "replaces",
    status: 403,
  },
  { title: "OPTIONS of a scanner", method: "OPTIONS", why: "notAnInvite", status: 0 },
  { title: "REGISTER", method: "REGISTER", why: "notAnInvite", status: 0 },
  { title: "MESSAGE outside a call", method: "MESSAGE", why: "notAnInvite", status: 0 },
  {
    title: "REFER outside a call",
    method: "REFER",
    words: { lines: ["Refer-To: <sip:+1900555@x.example>"] },
    why: "notAnInvite",
    status: 0,
  },
  { title: "SUBSCRIBE outside a call", method: "SUBSCRIBE", why: "notAnInvite", status: 0 },
  {
    title: "BYE for a call that is none",
    method: "BYE",
    words: { to: "<sip:+49305550001@nord.example>;tag=x" },
    why: "unknownDialog",
    status: 0,
  },
  {
    title: "INVITE within a call that is none",
    words: { to: "<sip:+49305550001@nord.example>;tag=x" },
    why: "unknownDialog",
    status: 0,
  },
  {
    title: "a body beyond what a call needs",
    words: { body: `${securedSdp("198.51.100.7")}${"a=x:".padEnd(40_000, "y")}\r\n` },
    why: "bodyTooLong",
    status: 413,
  },
];

for (const { title, by = ACME, method = "INVITE", words = {}, why, status } of attacks)
  test(`border: ${title}: ${why}, ${status === 0 ? "and no answer" : status}`, () => {
    const world = new World();
    same(shown(world.from(by, outer(method, words))), status === 0 ? [] : [`${status} ${by.host}`]);
    same(world.refused, [why]);
    same([world.count("admitted"), world.core.size.calls, world.core.size.transactions], [0, 0, 0]);
    // Where the operator has chosen so, it is told that there is a door, and not why it is closed.
    const told = new World({ onReject: "403" });
    const sent = told.from(by, outer(method, words));
    if (status === 0 && why !== "notAnInvite") ok(/^(403|481) /.test(shown(sent)[0]!), shown(sent)[0]);
  });

test("border: ten ways to write the number that was granted are one number, and so is a telephone URI", () => {
  const written = [
    "sip:+49305550001@nord.example",
    "sip:+49-30-555-0001@nord.example",
    "sip:+49.30.555.0001@nord.example",
    "sip:+49(30)5550001@nord.example",
    "sip:%2B49305550001@nord.example",
    "sip:+49305550001;phone-context=x@nord.example",
    "sip:+49305550001@192.0.2.5:5061;user=phone",
    "sip:+49305550001@elsewhere.example",
    "sips:+49305550001@nord.example",
    "tel:+49305550001",
    "tel:+49-30-555-0001",
  ];
  for (const uri of written) {
    const world = new World();
    same([shown(world.from(ACME, outer("INVITE", { uri }))).at(-1), world.refused], ["INVITE 192.0.2.11", []], uri);
  }
});

/** Not this host, not of a private network, not of a group, and no name, which might lead there. */
const INSIDE_ADDRESSES = [
  ...["IN IP4 10.0.0.7", "IN IP4 127.0.0.1", "IN IP4 169.254.0.1", "IN IP4 192.168.1.1", "IN IP4 224.0.0.1"],
  ...["IN IP6 ::1", "IN IP6 fe80::1", "IN IP6 fd00::1", "IN IP6 ::ffff:10.0.0.1", "IN IP4 pbx.nord.example"],
];
test("border: media that would go to the inside network, or to this machine, are refused, offered or answered", () => {
  const at = (net: string) => securedSdp("198.51.100.7").replace("c=IN IP4 198.51.100.7", `c=${net}`);
  for (const net of INSIDE_ADDRESSES) {
    const offered = new World();
    same(shown(offered.from(ACME, outer("INVITE", { body: at(net) }))), ["488 198.51.100.7"], net);
    const answered = new World();
    const sent = answered.from(AGENT, inner("INVITE")).at(-1)!.message;
    const told = answer(sent, 200, { contact: "<sip:c@acme.example>", body: at(net) });
    same(shown(answered.from(ACME, told)), ["ACK 198.51.100.7", "BYE 198.51.100.7", "488 192.0.2.11"], net);
    const late = new World();
    const bare = late.from(AGENT, inner("INVITE", { body: "" })).at(-1)!.message;
    const offer = answer(bare, 200, { contact: "<sip:c@acme.example>", body: at(net) });
    same(shown(late.from(ACME, offer)), ["ACK 198.51.100.7", "BYE 198.51.100.7", "488 192.0.2.11"], net);
    for (const world of [offered, answered, late]) same([world.refused, world.core.size.calls], [["mediaAddress"], 0]);
    const shared = new World({ privateOutside: true });
    same(shown(shared.from(ACME, outer("INVITE", { body: at(net) }))).at(-1), "INVITE 192.0.2.11");
  }
  // With a relay it is the relay that looks, and says so.
  const relayed = new World({ hasRelay: true });
  relayed.from(ACME, outer("INVITE", { body: at("IN IP4 10.0.0.7") }));
  same(shown(relayed.describe({ refused: "badAddress", isOurs: false })), ["488 198.51.100.7"]);
  same(relayed.refused, ["mediaAddress"]);
});

test("border: whoever names our own network as the way back has us connect to nothing there", () => {
  const hosts = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.9.9",
    "[::1]",
    "[fe80::1]",
    "[::ffff:192.168.0.1]",
    "0.0.0.0",
    "127.1",
  ];
  for (const host of hosts) {
    const record = `Record-Route: <sip:oACME@acme.example:5061;maddr=${host};transport=tls;lr>`;
    const world = new World();
    same(shown(world.from(ACME, outer("INVITE", { lines: [record] }))), ["403 198.51.100.7"], host);
    const contact = `<sip:c@${host}:5061;transport=tls>`;
    same(shown(world.from(ACME, outer("INVITE", { contact, branch: "z9hG4bK-c" }))), ["403 198.51.100.7"], host);
    // A Contact beyond a record is where the peer leads, and not we.
    const beyond = outer("INVITE", { contact, lines: [ACME_ROUTE], branch: "z9hG4bK-b" });
    same(shown(world.from(ACME, beyond)).at(-1), "INVITE 192.0.2.11");
    const route = inner("INVITE", { lines: [record.replace("Record-Route", "Route")] });
    same(shown(world.from(AGENT, route)), ["403 192.0.2.11"], host);
    same(world.refused, ["insideAddress", "insideAddress", "insideAddress"]);
    const shared = new World({ privateOutside: true });
    same(shown(shared.from(AGENT, route)).at(-1)?.startsWith("INVITE "), true);
  }
  // Within a call: the called side's record in its 200.
  const world = new World();
  const invite = world.from(AGENT, inner("INVITE")).at(-1)!.message as SipRequest;
  const told = answer(invite, 200, { contact: "<sip:c@10.0.0.1;transport=tls>", body: securedSdp("198.51.100.7") });
  const heard = world.from(ACME, told).at(-1)!.message as SipResponse;
  const ours = `Route: ${listOf(heard, "Record-Route")[0]}`;
  for (const method of ["INVITE", "ACK", "BYE"]) {
    const to = headerOf(heard, "To")!;
    const sent = world.from(
      AGENT,
      inner(method, { uri: "sip:c@10.0.0.1;transport=tls", to, cseq: 2, lines: [ours], branch: `z9hG4bK-${method}-2` }),
    );
    same(shown(sent), method === "ACK" ? [] : ["403 192.0.2.11"]);
  }
  same([world.refused, world.core.size.calls], [["insideAddress", "insideAddress"], 0]);
});

test("border: two tickets in one message are no message, and the calls beside it go on", () => {
  const twice = outer("INVITE").replace(/(X-Cisco-ViPR-Ticket: .*\r\n)/, "$1$1");
  let why = "";
  try {
    read(twice);
  } catch (error) {
    why = String(error);
  }
  ok(why.includes("comes twice"), why);
});

/** A call that is up, and what whoever called was told. */
const up = (world: World) => {
  const invite = world.from(ACME, outer("INVITE")).at(-1)!.message as SipRequest;
  const told = answer(invite, 200, { contact: "<sip:bob@10.1.2.3:5062>", body: securedSdp("10.1.2.3") });
  return world.from(AGENT, told).at(-1)!.message as SipResponse;
};
const within = (method: string, told: SipResponse, words: Words = {}): string =>
  outer(method, {
    uri: headerOf(told, "Contact")!.replace(/^<|>$/g, ""),
    to: headerOf(told, "To")!,
    cseq: 2,
    branch: `z9hG4bK-${method}-2`,
    ...words,
    lines: [`Route: ${headerOf(told, "Record-Route")}`, ...(words.lines ?? [])],
  });

test("border: within a call REFER to the number that was called passes, to any other it does not", () => {
  const cases: ReadonlyArray<readonly [string, boolean]> = [
    ["<sip:+49305550001@nord.example>", true],
    ["<sip:+49305550001@elsewhere.example>", true],
    ["<sip:+19005551234@nord.example>", false],
    ["<sip:+49305550001@nord.example?Replaces=call-9%3Bto-tag%3D1>", false],
    ["<tel:+19005551234>", false],
    ["<sip:201@10.1.2.3>", false],
    ["garbage", false],
  ];
  for (const [to, passes] of cases) {
    const world = new World();
    const sent = shown(world.from(ACME, within("REFER", up(world), { lines: [`Refer-To: ${to}`] })));
    same(sent, passes ? ["REFER 10.1.2.3"] : ["403 198.51.100.7"], to);
    same(world.refused, passes ? [] : ["referElsewhere"], to);
  }
});

// ViPR overview §5.1
test("border: what the two ends of a call say to each other passes; what opens something else does not", () => {
  for (const method of ["OPTIONS", "INFO", "MESSAGE", "NOTIFY", "SUBSCRIBE", "UPDATE", "PRACK", "BYE"]) {
    const world = new World();
    same(shown(world.from(ACME, within(method, up(world)))), [`${method} 10.1.2.3`]);
  }
  for (const method of ["REGISTER", "PUBLISH", "FOO"]) {
    const world = new World();
    const told = up(world);
    same(shown(world.from(ACME, within(method, told))), ["405 198.51.100.7"]);
    same(world.refused, ["method"]);
  }
});

test("border: within a call neither a re-INVITE nor anything else takes another call's place, and no other domain speaks", () => {
  for (const method of ["INVITE", "UPDATE", "REFER"])
    for (const field of ["Replaces: call-9;to-tag=1;from-tag=2", "Join: call-9;to-tag=1;from-tag=2"]) {
      const world = new World();
      const lines = [field, "Refer-To: <sip:+49305550001@nord.example>"];
      same(shown(world.from(ACME, within(method, up(world), { lines }))), ["403 198.51.100.7"]);
      same(world.refused, ["replaces"]);
    }
  for (const method of ["INVITE", "REFER", "BYE", "UPDATE", "INFO"]) {
    const world = new World();
    same(shown(world.from(MALLORY, within(method, up(world)))), []);
    same([world.refused, world.core.size.calls], [["otherDomain"], 1]);
  }
});

test("border: a re-INVITE that drops security is 488 from either side, and the call stays as it was", () => {
  const world = new World();
  const told = up(world);
  same(shown(world.from(ACME, within("INVITE", told, { body: clearSdp("198.51.100.7") }))), ["488 198.51.100.7"]);
  const invite = inner("UPDATE", { lines: [], body: clearSdp("10.1.2.3"), to: "<sip:x@y.example>;tag=1" });
  same(shown(world.from(AGENT, invite)), ["481 192.0.2.11"]);
  same([world.refused, world.core.size.calls], [["notSecured"], 1]);
});

test("border: an answer in the clear ends the call on both sides, whoever called", () => {
  const world = new World();
  const invite = world.from(ACME, outer("INVITE")).at(-1)!.message;
  const clear = answer(invite, 200, { contact: "<sip:bob@10.1.2.3:5062>", body: clearSdp("10.1.2.3") });
  same(shown(world.from(AGENT, clear)), ["ACK 192.0.2.11", "BYE 192.0.2.11", "488 198.51.100.7"]);
  const out = new World();
  const sent = out.from(AGENT, inner("INVITE")).at(-1)!.message;
  const told = answer(sent, 200, { contact: "<sip:c@acme.example>", body: clearSdp("198.51.100.7") });
  same(shown(out.from(ACME, told)), ["ACK 198.51.100.7", "BYE 198.51.100.7", "488 192.0.2.11"]);
  for (const one of [world, out]) same([one.refused, one.core.size.calls], [["answerNotSecured"], 0]);
});

test("border: streams in the clear beside the secured one are refused by port 0, and the rest is taken", () => {
  const world = new World();
  const body = `${securedSdp("198.51.100.7")}m=image 4002 udptl t38\r\n`;
  const sent = world.from(ACME, outer("INVITE", { body })).at(-1)!;
  ok(sent.text.includes("m=image 0 udptl t38") && sent.text.includes("m=audio 4000 RTP/SAVP"), sent.text);
});

test("border: a Route that leads through the inside is not followed", () => {
  const world = new World();
  const sent = world.from(
    ACME,
    outer("INVITE", { lines: ["Route: <sip:x7@nord.example;lr>", "Route: <sip:10.0.0.1;lr>"] }),
  );
  same(shown(sent), ["INVITE 192.0.2.11"]);
  ok(!sent.at(-1)!.text.includes("10.0.0.1"));
});

test("border: a domain has so many calls at once and a second, and its neighbours theirs", () => {
  const limits = { callsOfDomain: 3, callsPerSecond: 1 };
  const ring = (world: World, i: number) =>
    shown(world.from(ACME, outer("INVITE", { callId: `call-${i}`, branch: `z9hG4bK-${i}` }))).at(-1);
  const atOnce = new World({ limits });
  const fates = [1, 2, 3, 4].map((i) => ring(atOnce, i));
  same(fates, [...Array(3).fill("INVITE 192.0.2.11"), "503 198.51.100.7"]);
  same(atOnce.refused, ["tooManyCalls"]);
  const rate = new World({ limits: { callsPerSecond: 1 } });
  for (let i = 0; i < 5; i++) same(ring(rate, i), "INVITE 192.0.2.11");
  same([ring(rate, 5), rate.refused], ["503 198.51.100.7", ["callRate"]]);
  rate.pass(1_100);
  same(ring(rate, 6), "INVITE 192.0.2.11");
});

test("border: inside, only call agents are heard", () => {
  const world = new World();
  const stranger = { ...AGENT, host: "192.0.2.99" };
  same(shown(world.from(stranger, inner("INVITE"))), ["403 192.0.2.99"]);
  same(shown(world.from(AGENT, inner("OPTIONS", { uri: "sip:192.0.2.5:5070", lines: [] }))), ["200 192.0.2.11"]);
  same(shown(world.from(AGENT, inner("REGISTER", { lines: [] }))), ["405 192.0.2.11"]);
  same(shown(world.from(AGENT, inner("INVITE", { lines: [] }))), ["404 192.0.2.11"]);
  same(world.refused, ["stranger"]);
});
