/** Inputs that a proxy between real exchanges and trunks meets, each for its kind, with the right value. RFC 3261. */
import { deepStrictEqual as same } from "node:assert";
import { headerOf, listOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { OwnAddresses, routed } from "../../machines/proxy/mod.ts";
import { test } from "../kit/harness.ts";
import { answer, invite, OWN, PBX, PEERS, read, request, shown, TRUNK, TRUNK2, World, within } from "./world.ts";

const outOf = (sent: ReturnType<World["from"]>) =>
  sent.findLast(({ message }) => message.type === "request")!.message as SipRequest;
const answered = (world: World, asked = invite()) => {
  const out = outOf(world.from(PBX, asked));
  const [up] = world.from(TRUNK, answer(out, 200));
  const response = up!.message as SipResponse;
  world.from(PBX, within("ACK", asked, response));
  return { out, asked, response };
};

test("A8: two calls whose Via has no branch are two calls. §17.2.3", () => {
  const world = new World();
  const old = (callId: string) => invite({ via: "SIP/2.0/UDP 192.0.2.11:5060", callId });
  same(shown(world.from(PBX, old("a"))), ["INVITE 198.51.100.1"]);
  same(shown(world.from(PBX, old("a"))), ["100 192.0.2.11"]);
  same(shown(world.from(PBX, old("b"))), ["INVITE 198.51.100.1"]);
});

// RFC 3261 §16.7, §18.1.2
test("B2, B9: every 2xx passes, whatever its tag; of other finals the first", () => {
  const world = new World();
  const out = outOf(world.from(PBX, invite()));
  same(shown(world.from(TRUNK, answer(out, 200, { tag: "a" }))), ["200 192.0.2.11"]);
  same(shown(world.from(TRUNK, answer(out, 200, { tag: "a" }))), ["200 192.0.2.11"]);
  same(shown(world.from(TRUNK, answer(out, 200, { tag: "b" }))), ["200 192.0.2.11"]);
  const other = outOf(world.from(PBX, invite({ callId: "2", branch: "z9hG4bK2" })));
  same(shown(world.from(TRUNK, answer(other, 500, { tag: "a" }))), ["ACK 198.51.100.1", "500 192.0.2.11"]);
  same(shown(world.from(TRUNK, answer(other, 477, { tag: "b" }))), ["ACK 198.51.100.1"]);
});

test("a forked call is one record: from the first answer to the last BYE", () => {
  const world = new World();
  const asked = invite();
  const out = outOf(world.from(PBX, asked));
  const first = world.from(TRUNK, answer(out, 200, { tag: "a" }))[0]!.message as SipResponse;
  const startMs = world.nowMs;
  world.pass(50);
  const second = world.from(TRUNK, answer(out, 200, { tag: "b" }))[0]!.message as SipResponse;
  const [extra] = world.from(PBX, within("BYE", asked, second));
  world.from(TRUNK, answer(extra!.message, 200));
  same(world.ended.length, 0);
  world.pass(10_000);
  const [bye] = world.from(PBX, within("BYE", asked, first, { branch: "z9hG4bK-last" }));
  const stopMs = world.nowMs;
  world.from(TRUNK, answer(bye!.message, 200));
  same(
    world.ended.map((report) => [report.startMs, report.stopMs]),
    [[startMs, stopMs]],
  );
});

// RFC 3261 §16.3
test("B5: Proxy-Require is 420 with Unsupported; Require is the other end's affair. §16.3", () => {
  const world = new World();
  const [refused] = world.from(PBX, invite({ lines: ["Proxy-Require: foo, bar"] }));
  same([shown([refused!]), headerOf(refused!.message, "Unsupported")], [["420 192.0.2.11"], "foo, bar"]);
  same(shown(world.from(PBX, invite({ callId: "2", lines: ["Require: 100rel"] }))), ["INVITE 198.51.100.1"]);
});

// RFC 3261 §16.1
test("B7: OPTIONS to us is 200 with Allow, Accept and Supported; to a telephone it passes. §11", () => {
  const world = new World();
  const [own] = world.from(
    TRUNK,
    request("OPTIONS", { uri: "sip:192.0.2.1:5060", via: "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKo" }),
  );
  same(shown([own!]), ["200 198.51.100.1"]);
  same(
    ["Allow", "Accept", "Supported"].map((name) => headerOf(own!.message, name) !== undefined),
    [true, true, true],
  );
  const passed = world.from(
    TRUNK,
    request("OPTIONS", { uri: "sip:201@192.0.2.1", via: "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKp" }),
  );
  same(shown(passed), ["OPTIONS 192.0.2.11"]);
});

test("B8: CANCEL for nothing is 481, and so is a request within no dialog that leads nowhere", () => {
  const world = new World();
  const [cancelled] = world.from(PBX, request("CANCEL"));
  same(shown([cancelled!]), ["481 192.0.2.11"]);
  const [lost] = world.from(PBX, request("INVITE", { to: "<sip:+49305550901@192.0.2.1>;tag=x" }));
  same(shown([lost!]), ["481 192.0.2.11"]);
  const stray = request("BYE", {
    uri: "sip:somebody@203.0.113.9",
    to: "<sip:a@192.0.2.1>;tag=x",
    via: "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKs",
    lines: ["Route: <sip:192.0.2.1:5060;lr>"],
  });
  same(shown(world.from(TRUNK, stray)), ["481 198.51.100.1"]);
});

// RFC 3261 §16.3
test("A10: what cannot be read is 400, and the next message is read", () => {
  const world = new World();
  world.core.unreadable(
    { transport: "UDP", own: 0, host: PBX.host, port: 5060, stream: 0 },
    { error: { _tag: "SipMalformed", at: "From", why: "" }, request: invite() },
  );
  same(shown(world.taken()), ["400 192.0.2.11"]);
});

// RFC 3261 §16.3, §16.6
test("Max-Forwards 0 is 483, a missing one becomes 70, of two the smaller counts. §16.3, §16.6", () => {
  const world = new World();
  const with_ = (lines: ReadonlyArray<string>, callId: string) => {
    const text = invite({ callId, branch: `z9hG4bK${callId}` });
    const headers = text.headers.filter(({ name }) => name !== "Max-Forwards");
    return { ...text, headers: [...headers, ...lines.map((value) => ({ name: "Max-Forwards", value }))] };
  };
  same(shown(world.from(PBX, with_(["0"], "a"))), ["483 192.0.2.11"]);
  same(listOf(outOf(world.from(PBX, with_([], "b"))), "Max-Forwards"), ["70"]);
  same(listOf(outOf(world.from(PBX, with_(["70", "12"], "c"))), "Max-Forwards"), ["11"]);
});

// RFC 3261 §18.2.1, §18.2.2
test("rport and received: the response goes where the request came from. RFC 3581", () => {
  const world = new World();
  const hidden = { host: PBX.host, port: 40_123 };
  const [out] = world.from(hidden, invite({ via: "SIP/2.0/UDP 10.0.0.7:5060;rport;branch=z9hG4bKn" }));
  const [trying] = world.pass(220);
  same([trying!.to.host, trying!.to.port], [PBX.host, 40_123]);
  same(headerOf(trying!.message, "Via"), "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKn;rport=40123;received=192.0.2.11");
  const [, theirs] = listOf(out!.message, "Via");
  same(theirs, "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKn;rport=40123;received=192.0.2.11");
  const other = world.from(hidden, invite({ via: "SIP/2.0/UDP 192.0.2.11:5099;branch=z9hG4bKm", callId: "m" }));
  same(shown(other), ["INVITE 198.51.100.1"]);
  const [there] = world.pass(220);
  same([there!.to.host, there!.to.port], [PBX.host, 5_099]);
});

test("over UDP an INVITE goes out again at T1, 2·T1, 4·T1, and 408 comes after 64·T1. §17.1.1.2", () => {
  const world = new World({ route: () => ({ trunks: ["one"] }) });
  world.from(PBX, invite());
  const times: Array<number> = [];
  const from = world.nowMs;
  for (let sent = world.pass(20); world.nowMs < from + 32_200; sent = world.pass(20)) {
    if (shown(sent).includes("INVITE 198.51.100.1")) times.push(Math.round((world.nowMs - from) / 100) / 10);
    if (shown(sent).includes("408 192.0.2.11")) times.push(Math.round((world.nowMs - from) / 100) / -10);
  }
  same(times, [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, -32]);
});

// RFC 3261 §16.2
test("100 when nobody has answered within 200 ms, and only then. §17.2.1", () => {
  const world = new World();
  const out = outOf(world.from(PBX, invite()));
  same(shown(world.pass(199)), []);
  same(shown(world.pass(40)), ["100 192.0.2.11"]);
  same(shown(world.pass(200)), []);
  same(shown(world.from(TRUNK, answer(out, 180))), ["180 192.0.2.11"]);
  const other = outOf(world.from(PBX, invite({ callId: "b", branch: "z9hG4bKb" })));
  same(shown(world.from(TRUNK, answer(other, 200))), ["200 192.0.2.11"]);
  // The first is sent on again, as nothing but 180 has come; of the second nothing is said any more.
  same(shown(world.pass(400)), []);
});

test("an INVITE that comes again is answered again and not sent again; after the 2xx it is absorbed", () => {
  const world = new World();
  const out = outOf(world.from(PBX, invite()));
  same(shown(world.from(PBX, invite())), ["100 192.0.2.11"]);
  world.from(TRUNK, answer(out, 180));
  same(shown(world.from(PBX, invite())), ["180 192.0.2.11"]);
  world.from(TRUNK, answer(out, 200));
  same(shown(world.from(PBX, invite())), []);
});

// RFC 3261 §16.1, §16.5, §16.9, §17.1.4, §18.4
test("failover: 503, silence, no connection, 408 lead to the next trunk; busy does not", () => {
  const two = (how: (world: World, out: SipRequest) => ReturnType<World["from"]>) => {
    const world = new World();
    const sent = how(world, outOf(world.from(PBX, invite())));
    return shown(sent).filter((text) => text.startsWith("INVITE") || /^[4-6]/.test(text));
  };
  same(
    two((world, out) => world.from(TRUNK, answer(out, 503))),
    ["INVITE 198.51.100.2"],
  );
  same(
    two((world, out) => world.from(TRUNK, answer(out, 408))),
    ["INVITE 198.51.100.2"],
  );
  same(
    two((world) => world.unreachable({ transport: "UDP", own: 0, host: TRUNK.host, port: 5060, stream: 0 })),
    ["INVITE 198.51.100.2"],
  );
  same(two((world) => world.pass(5_100)).at(-1), "INVITE 198.51.100.2");
  for (const status of [404, 486, 500, 603])
    same(
      two((world, out) => world.from(TRUNK, answer(out, status))),
      [`${status} 192.0.2.11`],
    );
});

// RFC 3261 §16.7
test("all trunks away: the best of what they said. §16.7", () => {
  const world = new World();
  const first = outOf(world.from(PBX, invite()));
  const second = outOf(world.from(TRUNK, answer(first, 503)));
  same(shown(world.from(TRUNK2, answer(second, 503, { tag: "two" }))), ["ACK 198.51.100.2", "503 192.0.2.11"]);
});

test("401, 407 and 422: the call with credentials goes to the trunk that asked", () => {
  for (const status of [401, 407, 422]) {
    const world = new World();
    const first = outOf(world.from(PBX, invite()));
    const second = outOf(world.from(TRUNK, answer(first, 503)));
    same(shown(world.from(TRUNK2, answer(second, status))), ["ACK 198.51.100.2", `${status} 192.0.2.11`]);
    const again = world.from(PBX, invite({ cseq: 2, branch: "z9hG4bK-again" }));
    same(shown(again), ["INVITE 198.51.100.2"]);
    world.from(TRUNK2, answer(outOf(again), 200));
    same(world.saved.size, 1);
  }
});

test("a BYE that is challenged ends nothing; the one with credentials does", () => {
  const world = new World();
  const { asked, response } = answered(world);
  world.pass(1_000);
  const [bye] = world.from(PBX, within("BYE", asked, response));
  world.from(TRUNK, answer(bye!.message, 407));
  same(world.ended.length, 0);
  world.pass(500);
  const stopMs = world.nowMs;
  const [again] = world.from(PBX, within("BYE", asked, response, { cseq: 3 }));
  world.from(TRUNK, answer(again!.message, 200));
  same(
    world.ended.map((report) => report.stopMs),
    [stopMs],
  );
});

test("a BYE that nobody answers, or that is answered 481, ends the call when it was sent", () => {
  for (const status of [481, undefined]) {
    const world = new World();
    const { asked, response } = answered(world);
    const stopMs = world.nowMs;
    const [bye] = world.from(PBX, within("BYE", asked, response));
    if (status === undefined)
      same(
        shown(world.pass(40_000)).filter((text) => /^[0-9]/.test(text)),
        [],
      );
    else world.from(TRUNK, answer(bye!.message, status));
    same(
      world.ended.map((report) => report.stopMs),
      [stopMs],
    );
  }
});

test("the trunk hangs up: the same record, by our own clock", () => {
  const world = new World();
  const { out, response } = answered(world);
  world.pass(7_000);
  const stopMs = world.nowMs;
  const [bye] = world.from(TRUNK, within("BYE", out, response, { isBack: true }));
  same(shown([bye!]), ["BYE 192.0.2.11"]);
  world.from(PBX, answer(bye!.message, 200));
  same(
    world.ended.map((report) => [report.direction, report.stopMs]),
    [["sent", stopMs]],
  );
});

test("a call in is a received one, from the moment that its 200 goes out", () => {
  const world = new World();
  const asked = invite({
    uri: "sip:+14085550201@192.0.2.1:5060",
    via: "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKin",
    from: "<sip:+49305550777@198.51.100.1>;tag=caller",
    to: "<sip:+14085550201@192.0.2.1>",
    contact: "<sip:t@198.51.100.1:5060>",
    lines: ["Diversion: <sip:+49305550100@198.51.100.1>;reason=unconditional"],
  });
  const out = outOf(world.from(TRUNK, asked));
  same(out.uri, "sip:+14085550201@192.0.2.11");
  world.pass(4_000);
  const startMs = world.nowMs;
  const [up] = world.from(PBX, answer(out, 200, { contact: "<sip:asterisk@192.0.2.11:5060>" }));
  const bye = within("BYE", asked, up!.message as SipResponse, { via: "SIP/2.0/UDP 198.51.100.1:5060" });
  const [onward] = world.from(TRUNK, bye);
  same(shown([onward!]), ["BYE 192.0.2.11"]);
  world.from(PBX, answer(onward!.message, 200));
  const [report] = world.ended;
  same([report!.direction, report!.trunk, report!.startMs], ["received", "one", startMs]);
  same(report!.diversion, ["<sip:+49305550100@198.51.100.1>;reason=unconditional"]);
});

test("re-INVITE right behind the ACK, and BYE over an unanswered re-INVITE, pass and end the call once", () => {
  const world = new World();
  const { asked, response } = answered(world);
  const [again] = world.from(PBX, within("INVITE", asked, response, { cseq: 2, body: "v=0\r\n" }));
  same(shown([again!]), ["INVITE 198.51.100.1"]);
  const [bye] = world.from(PBX, within("BYE", asked, response, { cseq: 3 }));
  same(shown([bye!]), ["BYE 198.51.100.1"]);
  same(shown(world.from(TRUNK, answer(bye!.message, 200))), ["200 192.0.2.11"]);
  same(world.ended.length, 1);
});

// RFC 3261 §16.4, §16.6
test("strict routers: ours in the Request-URI gives way to the last Route; a strict one next gets its own. §16.4, §16.6", () => {
  const world = new World();
  const { asked, response } = answered(world);
  const strict = request("BYE", {
    uri: "sip:192.0.2.1:5060;lr",
    to: headerOf(response, "To")!,
    cseq: 2,
    branch: "z9hG4bKstrict",
    lines: ["Route: <sip:ben@198.51.100.1:5060>"],
  });
  const [bye] = world.from(PBX, strict);
  same([(bye!.message as SipRequest).uri, listOf(bye!.message, "Route")], ["sip:ben@198.51.100.1:5060", []]);
  const onward = request("INFO", {
    uri: "sip:ben@198.51.100.1:5060",
    to: headerOf(response, "To")!,
    cseq: 3,
    branch: "z9hG4bKnext",
    lines: ["Route: <sip:192.0.2.1:5060;lr>", "Route: <sip:198.51.100.7>"],
  });
  const [info] = world.from(PBX, onward);
  same(
    [(info!.message as SipRequest).uri, listOf(info!.message, "Route"), info!.to.host],
    ["sip:198.51.100.7", ["<sip:ben@198.51.100.1:5060>"], "198.51.100.7"],
  );
  same(asked.method, "INVITE");
});

// RFC 3261 §16.4
test("a Request-URI that names us and is not what we recorded is the target, whatever Route stands behind it. §16.4", () => {
  const own = new OwnAddresses([
    { host: "192.0.2.1", port: 5_060, transport: "UDP", side: undefined },
    { host: "192.0.2.1", port: 5_060, transport: "TCP", side: undefined },
  ]);
  const targetOf = (uri: string) =>
    routed(request("BYE", { uri, to: "<sip:a@h>", cseq: 2, branch: "z9hG4bKb", lines: ["Route: <sip:ben@h>"] }), own)
      ?.request.uri;
  for (const uri of ["sip:192.0.2.1:5060;lr", "sip:192.0.2.1:5060;lr;transport=TCP"]) same(targetOf(uri), "sip:ben@h");
  for (const uri of [
    "sip:+14085550300@192.0.2.1:5060;lr",
    "sip:192.0.2.1:5060",
    "sip:192.0.2.1;lr",
    "sip:192.0.2.1:5060;lr;user=phone",
    "sip:192.0.2.1:5060;transport=tls;lr",
    "sips:192.0.2.1:5060;lr",
  ])
    same(targetOf(uri), uri);
});

// RFC 3261 §16.3
test("loops: what comes back for the same target is 482; a call that is sent back to the exchange passes", () => {
  const world = new World();
  const out = outOf(world.from(PBX, invite()));
  const back = {
    ...out,
    headers: [{ name: "Via", value: "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKback" }, ...out.headers],
  };
  same(shown(world.from(TRUNK, { ...back, uri: "sip:+14085550300@192.0.2.1" })), ["INVITE 192.0.2.11"]);
  const round = { ...back, uri: invite().uri };
  same(
    shown(
      world.from(PBX, {
        ...round,
        headers: [{ name: "Via", value: "SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKr" }, ...out.headers],
      }),
    ),
    ["482 192.0.2.11"],
  );
});

test("a loop through an exchange, which names each call anew, ends by number", () => {
  const world = new World({ limits: { sameCallMax: 5 } });
  const statuses: Array<string> = [];
  for (let i = 0; i < 7; i++)
    statuses.push(shown(world.from(PBX, invite({ callId: `loop-${i}`, branch: `z9hG4bK${i}` })))[0]!);
  same(statuses, [...Array(5).fill("INVITE 198.51.100.1"), "482 192.0.2.11", "482 192.0.2.11"]);
});

test("strangers are refused with 403, and cost no transaction", () => {
  const world = new World();
  same(shown(world.from({ host: "203.0.113.5", port: 5060 }, invite())), ["403 203.0.113.5"]);
  same(shown(world.from({ host: "203.0.113.5", port: 5060 }, request("ACK"))), []);
  same(world.core.size.transactions, 0);
});

test("limits: 503 with Retry-After, and what is under way goes on", () => {
  const world = new World({ limits: { transactionsMax: 4 } });
  const { asked, response } = answered(world);
  const [other] = world.from(PBX, invite({ callId: "b", branch: "z9hG4bKb" }));
  same(shown([other!]), ["INVITE 198.51.100.1"]);
  const [third] = world.from(PBX, invite({ callId: "c", branch: "z9hG4bKc" }));
  same([shown([third!]), headerOf(third!.message, "Retry-After")], [["503 192.0.2.11"], "5"]);
  world.pass(40_000);
  same(shown(world.from(PBX, within("BYE", asked, response))), ["BYE 198.51.100.1"]);
});

// RFC 3261 §18, §18.1.1
test("a large request goes over TCP to a trunk that takes it, and as a datagram when TCP does not open. §18.1.1", () => {
  const peers = PEERS.map((peer) => (peer.name === "one" ? { ...peer, isLargeOverTcp: true } : peer));
  const world = new World({ peers, own: OWN });
  const large = invite({ lines: [`X-Long: ${"a".repeat(1_300)}`] });
  const [tcp] = world.from(PBX, large);
  same([tcp!.to.transport, listOf(tcp!.message, "Via")[0]!.slice(0, 11)], ["TCP", "SIP/2.0/TCP"]);
  const [udp] = world.unreachable(tcp!.to);
  same([udp!.to.transport, shown([udp!])], ["UDP", ["INVITE 198.51.100.1"]]);
});

test("REGISTER passes to the trunk with our Path where the PBX takes it. RFC 3327", () => {
  const world = new World();
  const [sent] = world.from(PBX, request("REGISTER", { uri: "sip:198.51.100.2", lines: ["Supported: path"] }));
  same([shown([sent!]), listOf(sent!.message, "Path")], [["REGISTER 198.51.100.2"], ["<sip:192.0.2.1:5060;lr>"]]);
  const [plain] = world.from(PBX, request("REGISTER", { uri: "sip:198.51.100.2", cseq: 2, branch: "z9hG4bKplain" }));
  same(listOf(plain!.message, "Path"), []);
});

test("a call that was stored is found again by either end's BYE, and recorded with its start", () => {
  const first = new World();
  const { asked, response, out } = answered(first);
  const startMs = first.nowMs;
  for (const isBack of [false, true]) {
    const world = new World({ mark: "other" }, first.saved);
    world.nowMs += 9_000;
    const [bye] = world.from(isBack ? TRUNK : PBX, within("BYE", isBack ? out : asked, response, { isBack }));
    world.from(isBack ? PBX : TRUNK, answer(bye!.message, 200));
    same(
      world.ended.map((report) => [report.startMs, report.stopMs, report.trunk]),
      [[startMs, world.nowMs, "one"]],
    );
  }
  same(new World().core.restore("x", new Uint8Array([9, 9])), false);
});

test("a call whose BYE never comes is forgotten after a day", () => {
  const world = new World();
  answered(world);
  world.nowMs += 25 * 3_600_000;
  world.core.expire(world.nowMs);
  world.taken();
  same([world.core.size.calls, world.saved.size, world.ended.length], [0, 0, 0]);
});

test("a request with a tel: URI finds the trunk; its URI stays. asterisk 22d", () => {
  const world = new World();
  same(outOf(world.from(PBX, invite({ uri: "tel:+49305550901" }))).uri, "tel:+49305550901");
});

test("PRACK, UPDATE, INFO, REFER and NOTIFY pass within the call, both ways", () => {
  const world = new World();
  const { out, asked, response } = answered(world);
  for (const [i, method] of ["PRACK", "UPDATE", "INFO", "REFER", "NOTIFY"].entries()) {
    same(shown(world.from(PBX, within(method, asked, response, { cseq: 10 + i }))), [`${method} 198.51.100.1`]);
    same(shown(world.from(TRUNK, within(method, out, response, { isBack: true, cseq: 10 + i }))), [
      `${method} 192.0.2.11`,
    ]);
  }
  same(
    read(
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
    ).type,
    "response",
  );
});
