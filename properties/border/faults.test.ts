/**
 * Messages that public reports, other test suites and real exchanges have shown, through a border element whole and in both
 * directions: as bytes by a stream, each with what is right. RFC 3261, RFC 4475. A: what cannot, or can hardly, be read. B:
 * dialogs and transactions.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { headerOf, listOf, printSip, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { test } from "../kit/harness.ts";
import { back, follow, request, response, WAYS, type Way } from "./dialog.ts";
import { type Sent, shown, World } from "./world.ts";

const textOf = (message: SipRequest | SipResponse): string => new TextDecoder().decode(printSip(message));
const latin1 = (text: string) => Uint8Array.from([...text].map((char) => char.charCodeAt(0)));
/** Each field, as it was sent on. */
const sentOn = (sent: ReadonlyArray<Sent>, name: string) => headerOf(sent.at(-1)!.message, name);

/** `sent`: to the caller's side and to the other; by a way, where they differ. */
interface Row {
  readonly fault: string;
  readonly what: string;
  readonly change: (text: string) => string;
  readonly sent: ReadonlyArray<string> | Readonly<Record<Way["name"], ReadonlyArray<string>>>;
  readonly refused?: string;
  readonly holds?: (sent: ReadonlyArray<Sent>) => void;
}
const ON = ["INVITE callee"];
/** A stranger is told nothing of what it cannot write; our own call agents are. */
const BAD = { in: [], out: ["400 caller"] };
const field = (name: string, value: string) => (text: string) =>
  text.replace(new RegExp(`\r\n${name}: [^\r]*`), `\r\n${value}`);
const named = (text: string) => field("From", `From: ${text} <sip:+14085550001@a.example>;tag=alice`);

const invites: ReadonlyArray<Row> = [
  {
    fault: "A2",
    what: "a field name in any case, a number with zeros before it",
    change: field("Max-Forwards", "MaX-fOrWaRdS: 0068"),
    sent: ON,
    holds: (sent) => same(sentOn(sent, "Max-Forwards"), "67"),
  },
  {
    fault: "A2",
    what: "Max-Forwards 00",
    change: field("Max-Forwards", "Max-Forwards: 00"),
    sent: ["483 caller"],
    refused: "tooManyHops",
  },
  {
    fault: "A3",
    what: "white space around the slashes and colons of Via. §20.42",
    change: field("Via", "Via: SIP / 2.0 / TLS first.example.com: 4000;ttl=16;branch=z9hG4bKkdjuw"),
    sent: ON,
  },
  { fault: "A4", what: "To with a scheme that nobody dials", change: field("To", "To: <urn:service:sos>"), sent: ON },
  {
    fault: "A4",
    what: "From with a scheme of no known kind",
    change: field("From", "From: <unksm2:x>;tag=1"),
    sent: ON,
  },
  { fault: "A4", what: "Contact with such a scheme", change: field("Contact", "Contact: <unksm2:x>"), sent: ON },
  {
    fault: "A5",
    what: "a Request-URI whose host is no IPv6 reference",
    change: (text) => text.replace(/^(INVITE sip:[^@]*@)\S+/, "$1[:::::]"),
    // Outside it is the number that was granted; inside the Route leads, and where it leads to is not ours to say.
    sent: { in: [], out: ON },
  },
  {
    fault: "A9",
    what: "a body of an unknown type. §8.2.3",
    change: field("Content-Type", "Content-Type: application/unknown"),
    sent: ["415 caller"],
    refused: "unsupportedType",
    holds: (sent) => same(sentOn(sent, "Accept"), "application/sdp"),
  },
  {
    fault: "A10",
    what: "a comma in a name without quotes",
    change: named("Doe, John"),
    sent: BAD,
    refused: "unreadable",
  },
  {
    fault: "A10",
    what: "an umlaut in a name without quotes",
    change: named("J\u00fcrgen"),
    sent: BAD,
    refused: "unreadable",
  },
  {
    fault: "A10",
    what: "a semicolon with nothing behind it",
    change: (text) => text.replace(/\r\n(From: [^\r]*)/, "\r\n$1;"),
    sent: BAD,
    refused: "unreadable",
  },
  {
    fault: "A10",
    what: "an underscore in a host",
    change: field("From", "From: <sip:+14085550001@a_b.example>;tag=alice"),
    sent: ON,
  },
  {
    fault: "A11",
    what: "a ticket that is folded between its parts",
    change: (text) => text.replace(/(X-Cisco-ViPR-Ticket: .{40})/, "$1\r\n "),
    sent: ON,
  },
  {
    fault: "B5",
    what: "Proxy-Require. §16.3",
    change: (text) => text.replace("\r\nMax-Forwards", "\r\nProxy-Require: foo, bar\r\nMax-Forwards"),
    sent: ["420 caller"],
    refused: "unknownExtension",
    holds: (sent) => same(sentOn(sent, "Unsupported"), "foo, bar"),
  },
  {
    fault: "B5",
    what: "Require: 100rel, which is the other end's affair",
    change: (text) => text.replace("\r\nMax-Forwards", "\r\nRequire: 100rel\r\nMax-Forwards"),
    sent: ON,
    holds: (sent) => same(sentOn(sent, "Require"), "100rel"),
  },
  {
    fault: "B10",
    what: "an offer that only sends",
    change: (text) =>
      text
        .replace(/Content-Length: (\d+)/, (_, n) => `Content-Length: ${Number(n) + 12}`)
        .replace(/$/, "a=sendonly\r\n")
        .replace("a=sendonly\r\n\r\n", "a=sendonly\r\n"),
    sent: ON,
    holds: (sent) => ok(sent.at(-1)!.text.includes("a=sendonly")),
  },
];
for (const way of WAYS) {
  const { caller, callee } = way.hosts;
  const told = (sent: Row["sent"]) =>
    ("in" in sent ? sent[way.name] : (sent as ReadonlyArray<string>)).map((text) =>
      text.replace("caller", caller).replace("callee", callee),
    );
  for (const { fault, what, change, sent, refused, holds } of invites)
    test(`border, a call ${way.name}, ${fault}: ${what}`, () => {
      const world = new World();
      // Another call of the same stream goes on, whatever this one is.
      const other = way.invite({ callId: "other", branch: "z9hG4bK-other" });
      const text = change(way.invite());
      ok(text !== way.invite());
      const all = world.stream(way.caller, `${text}${other}`);
      same(all.isClosed, false);
      const [here, there] = [all.filter((one) => !isOf(one, "other")), all.filter((one) => isOf(one, "other"))];
      same([shown(here).toSorted(), shown(there)], [told(sent).toSorted(), told(ON)]);
      if (refused !== undefined) same(world.refused, [refused]);
      holds?.(here);
    });
}
const isOf = ({ text }: Sent, callId: string) => text.includes(`\r\nCall-ID: ${callId}\r\n`);

/** Answers, as the called side's bytes. */
const answers: ReadonlyArray<{
  readonly fault: string;
  readonly what: string;
  readonly change: (text: string) => string | Uint8Array;
  readonly holds: (sent: ReadonlyArray<Sent>, caller: string) => void;
}> = [
  ...["SIP/2.0 4294967301 better not", "SIP/2.0 2001 OK", "SIP/2.0 200OK"].map((line) => ({
    fault: "A1",
    what: `${line} is no response. RFC 4475 §3.1.2.19`,
    change: (text: string) => text.replace("SIP/2.0 200 Word", line),
    holds: (sent: ReadonlyArray<Sent>) => same(sent.length, 0),
  })),
  {
    fault: "A10",
    what: "a reason in Latin-1 is no response, and the stream goes on",
    change: (text) => latin1(text.replace("200 Word", "200 n\u00e9")),
    holds: (sent) => same(sent.length, 0),
  },
  {
    fault: "B4",
    what: "a 200 without Contact has none on the other side either, where the call falls back",
    change: (text) => text.replace(/Contact: .*\r\n/, ""),
    holds: (sent, caller) => same([shown(sent), sentOn(sent, "Contact")], [[`200 ${caller}`], undefined]),
  },
  {
    fault: "A5",
    what: "a Contact that is no address is none",
    change: (text) => text.replace(/Contact: .*/, "Contact: <sip:a@[1]>"),
    holds: (sent, caller) => same(shown(sent), [`200 ${caller}`]),
  },
];
for (const way of WAYS)
  for (const { fault, what, change, holds } of answers)
    test(`border, a call ${way.name}, ${fault}: ${what}`, () => {
      const world = new World();
      const invite = request(world.stream(way.caller, way.invite()));
      const good = textOf(way.answered(invite, 200, way.offer));
      const sent = world.stream(way.callee, change(good));
      same(sent.isClosed, false);
      holds(sent, way.hosts.caller);
      if (sent.length > 0) return;
      same([world.refused, shown(world.stream(way.callee, good))], [["unreadable"], [`200 ${way.hosts.caller}`]]);
    });

/** Up: what both ends have seen. `change`: what the called side's 200 says else. */
const up = (world: World, way: Way, words = {}, change = (text: string) => text) => {
  const invite = request(world.stream(way.caller, way.invite(words)));
  const told = way.answered(invite, 200, way.offer);
  const sent = world.stream(way.callee, change(textOf(told)));
  return { invite, told, up: response(sent) };
};

for (const way of WAYS) {
  const { caller, callee } = way.hosts;
  for (const user of ["q%3Bcall%3D7", "%FC"])
    test(`border, a call ${way.name}, A6: a Contact of ${user} is called as it is written. §12.2.1.1`, () => {
      const world = new World();
      const target = `sip:${user}@192.0.2.4`;
      const call = up(world, way, {}, (text) => text.replace(/Contact: .*/, `Contact: <${target}>`));
      const bye = world.stream(way.caller, follow(way.made, "BYE", call.invite, call.up));
      // What stands beyond the border is dialled by those there; ours is written into our token.
      same(shown(bye).length, 1);
      same(request(bye).uri, target);
    });

  test(`border, a call ${way.name}, A7: a record without lr is a strict router, before us and behind us. §12.2.1.1, §16.6`, () => {
    const world = new World();
    const strict = (text: string) => text.replace(/(Record-Route: <sip:(?:oACME|192\.0\.2\.11)[^>]*);lr>/g, "$1>");
    const call = up(world, way, {}, strict);
    const bye = world.stream(way.caller, follow(way.made, "BYE", call.invite, call.up));
    const [, target] = /<([^>]*)>/.exec(headerOf(call.told, "Contact")!)!;
    same([request(bye).uri.includes(";lr"), listOf(request(bye), "Route").at(-1)], [false, `<${target}>`]);
    // A strict router before us has put our record into the Request-URI, and the target behind the Routes.
    const other = new World();
    const loose = up(other, way);
    const text = follow(way.made, "BYE", loose.invite, loose.up);
    const [, uri] = /^BYE (\S+)/.exec(text)!;
    const [, first] = /\r\nRoute: <([^>]*)>/.exec(text)!;
    const swapped = text
      .replace(`BYE ${uri} `, `BYE ${first} `)
      .replace(`\r\nRoute: <${first}>`, "")
      .replace("\r\nContent-Length", `\r\nRoute: <${uri}>\r\nContent-Length`);
    const passed = other.stream(way.caller, swapped);
    same(
      [shown(passed).length, request(passed).uri],
      [1, request(other.stream(way.caller, text.replaceAll("z9hG4bK-BYE", "z9hG4bK-2"))).uri],
    );
    same(other.refused, []);
  });

  test(`border, a call ${way.name}, A8: clients of RFC 2543, whose Via has no branch: two calls are two. §17.2.3`, () => {
    const world = new World();
    const old = (callId: string) =>
      way.invite({ callId, via: way.name === "in" ? "SIP/2.0/TLS 198.51.100.7:5061" : "SIP/2.0/TCP 192.0.2.11:5060" });
    const on = [`INVITE ${callee}`];
    same(shown(world.stream(way.caller, old("a"))), on);
    same(shown(world.stream(way.caller, old("a"))), [`100 ${caller}`]);
    const sent = world.stream(way.caller, old("b"));
    same(shown(sent), on);
    const invite = request(sent);
    const answered = world.stream(way.callee, textOf(way.answered(invite, 200, way.offer)));
    same(shown(answered), [`200 ${caller}`]);
    const ack = follow(way.made, "ACK", invite, response(answered), { cseq: 1, via: "SIP/2.0/TLS 198.51.100.7:5061" });
    same(shown(world.stream(way.caller, ack)), [`ACK ${callee}`]);
  });

  test(`border, a call ${way.name}, B1: BYE before the answer ends what rings. §15.1.2`, () => {
    const world = new World();
    const invite = request(world.stream(way.caller, way.invite()));
    const ringing = response(world.stream(way.callee, textOf(way.answered(invite, 180, ""))));
    const bye = world.stream(way.caller, follow(way.made, "BYE", invite, ringing));
    same(shown(bye), [`BYE ${callee}`]);
    same(shown(world.stream(way.callee, textOf(way.answered(request(bye), 200, "")))), [`200 ${caller}`]);
    same(shown(world.stream(way.callee, textOf(way.answered(invite, 487, "")))), [`ACK ${callee}`, `487 ${caller}`]);
    same([world.core.size.calls, world.refused], [0, []]);
  });

  test(`border, a call ${way.name}, B2, B3: every 2xx passes, of each end and as often as it comes. §16.7, §13.3.1.4`, () => {
    const world = new World();
    const { invite, told } = up(world, way);
    for (const tag of ["a", "a", "b"]) {
      const headers = told.headers.map(({ name, value }) =>
        name === "To" ? { name, value: value.replace(/;tag=.*/, `;tag=${tag}`) } : { name, value },
      );
      same(shown(world.stream(way.callee, textOf({ ...told, headers }))), [`200 ${caller}`]);
    }
    same([invite.method, world.core.size.calls], ["INVITE", 1]);
  });

  test(`border, a call ${way.name}, B9: of 500, then 477, the first counts`, () => {
    const world = new World();
    const invite = request(world.stream(way.caller, way.invite()));
    const final = (status: number) => shown(world.stream(way.callee, textOf(way.answered(invite, status, ""))));
    same([final(500), final(477)], [[`ACK ${callee}`, `500 ${caller}`], []]);
    same(world.count("strayResponses"), 1);
  });

  test(`border, a call ${way.name}, B6, B8: CANCEL for nothing, INVITE with a tag of no dialog; a lower CSeq is the end's affair`, () => {
    const world = new World({ onReject: "403" });
    const cancel = world.stream(way.caller, way.made("CANCEL"));
    same([shown(cancel), /;tag=/.test(sentOn(cancel, "To")!)], [[`481 ${caller}`], true]);
    const lost = way.invite({ to: "<sip:+49305550001@nord.example>;tag=x", lines: [] });
    same(shown(world.stream(way.caller, lost)), [`481 ${caller}`]);
    const call = up(world, way);
    const [low] = world.stream(way.caller, follow(way.made, "BYE", call.invite, call.up, { cseq: 0 }));
    same([low!.to.host, headerOf(low!.message, "CSeq")], [callee, "0 BYE"]);
    const foo = world.stream(
      way.caller,
      follow(way.made, way.name === "in" ? "FOO" : "REGISTER", call.invite, call.up),
    );
    same([shown(foo), sentOn(foo, "Allow")?.includes("INVITE")], [[`405 ${caller}`], true]);
  });

  test(`border, a call ${way.name}: 100rel, UPDATE, INFO, MESSAGE and session timers pass either way`, () => {
    for (const method of ["PRACK", "UPDATE", "INFO", "MESSAGE", "NOTIFY", "OPTIONS"]) {
      const world = new World();
      const call = up(world, way);
      const lines = ["RAck: 7 1 INVITE", "Session-Expires: 1800;refresher=uac", "Supported: timer"];
      const mine = follow(way.made, method, call.invite, call.up).replace(
        "\r\nContent-L",
        `\r\n${lines.join("\r\n")}\r\nContent-L`,
      );
      const there = world.stream(way.caller, mine);
      same(
        [shown(there), ...["RAck", "Session-Expires", "Supported"].map((name) => sentOn(there, name))],
        [[`${method} ${callee}`], "7 1 INVITE", "1800;refresher=uac", "timer"],
      );
      const theirs = back(way.others, method, call.invite, call.told, { branch: "z9hG4bK-theirs" });
      same(shown(world.stream(way.callee, theirs)), [`${method} ${caller}`]);
      same(world.refused, []);
    }
  });
}

test("border, B7: OPTIONS to our inside address is 200 with Allow, Accept and Supported; outside nobody answers. §11", () => {
  const world = new World();
  const [, out] = WAYS;
  const sent = world.stream(out.caller, out.made("OPTIONS", { uri: "sip:192.0.2.5:5070", lines: [] }));
  same(shown(sent), ["200 192.0.2.11"]);
  for (const name of ["Allow", "Accept", "Supported"]) ok(sentOn(sent, name) !== undefined, name);
  same(shown(world.stream(WAYS[0].caller, WAYS[0].made("OPTIONS", { uri: "sip:nord.example" }))), []);
});
