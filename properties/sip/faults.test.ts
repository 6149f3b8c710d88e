/** Messages that were handled wrongly once, each with the right value; and what passes through byte for byte. RFC 3261. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { utf8 } from "../../codecs/shared/mod.ts";
import {
  cutSip,
  dialogOfCallee,
  emptySipRemainder,
  hopsOf,
  parseSip,
  printSip,
  requestIn,
  requestUriOf,
  responseTo,
  routesIn,
  type SipRequest,
  sessionIn,
  ticketOf,
  topViaOf,
  withHeader,
} from "../../codecs/sip/mod.ts";
import { toStrictRouter } from "../../machines/proxy/mod.ts";
import { faultOf } from "../../machines/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { invite } from "./samples.ts";

const by = { transport: "TLS", host: "nord.example", port: 5_061 } as const;
const textOf = (...changed: ReadonlyArray<string>): Uint8Array => {
  const names = changed.map((line) => line.split(":")[0]!.toLowerCase());
  const usual = ["Via: SIP/2.0/TCP h;branch=z9hG4bK1", "From: <sip:a@h>;tag=1", "To: <sip:b@h>", "Call-ID: c"];
  const rest = [...usual, "CSeq: 1 INVITE"].filter((line) => !names.includes(line.split(":")[0]!.toLowerCase()));
  return utf8(["INVITE sip:b@h SIP/2.0", ...rest, ...changed, "Content-Length: 0", "", ""].join("\r\n"));
};
const HEAD = new TextDecoder().decode(textOf()).replace(/Content-Length.*/s, "");
const read = (bytes: Uint8Array): SipRequest => {
  const found = parseSip(bytes);
  ok(found.ok && found.value.type === "request");
  return found.value;
};

for (const line of ["SIP/2.0 4294967301 better not", "SIP/2.0 2001 OK", "SIP/2.0 200OK"])
  test(`sip fault A1: ${line} is no response`, () => {
    const bytes = utf8(new TextDecoder().decode(textOf()).replace("INVITE sip:b@h SIP/2.0", line));
    same([cutSip(emptySipRemainder, bytes, 9_999).messages, parseSip(bytes).ok], [[], false]);
  });
test("sip fault A2: leading zeros in Max-Forwards count for nothing", () => {
  same(hopsOf(read(textOf("MaX-fOrWaRdS: 0068"))), 68);
  same(faultOf(read(textOf("Max-Forwards: 00")))?.status, 483);
});
test("sip fault A3: white space within a Via", () => {
  const via = topViaOf(read(textOf("Via: SIP / 2.0 / TLS first.example.com: 4000;ttl=16;branch=z9hG4bKx")));
  same([via?.transport, via?.host, via?.port], ["TLS", "first.example.com", 4_000]);
});
test("sip fault A4: URIs of any scheme where nobody dials them", () => {
  read(textOf("To: <urn:service:sos>", "From: <unksm2:x>;tag=1", "Contact: <mailto:a@h>"));
});
for (const uri of ["sip:[:::::]", "sip:[1]"])
  test(`sip fault A5: ${uri} has no host`, () => same(requestUriOf({ ...invite, uri }).ok, false));
for (const [contact, target] of [
  ["<sip:q%3Bcall%3D7@192.0.2.4>", "sip:q%3Bcall%3D7@192.0.2.4"],
  ["<sip:a@h?hdr=1>", "sip:a@h"],
  ["<sip:%FC@h>", "sip:%FC@h"],
] as const)
  test(`sip fault A6: the target of ${contact} is ${target}`, () => {
    const called = read(textOf(`Contact: ${contact}`));
    same(dialogOfCallee(called, responseTo(called, 200, { toTag: "t" }))?.target, target);
  });
test("sip fault A7: a strict router gets its own address, and the target at the end. §12.2.1.1, §16.6", () => {
  const called = read(textOf("Contact: <sip:a@h>", "Record-Route: <sip:strict.example>, <sip:loose.example;lr>"));
  const bye = requestIn(dialogOfCallee(called, responseTo(called, 200, { toTag: "t" }))!, "BYE", by, "z9hG4bKb");
  const routes = ["<sip:loose.example;lr>", "<sip:a@h>"];
  const routesOf = ({ headers }: SipRequest) => headers.filter(({ name }) => name === "Route").map((h) => h.value);
  same([bye.uri, routesOf(bye)], ["sip:strict.example", routes]);
  const sent = toStrictRouter(read(textOf("Route: <sip:strict.example>")));
  same([sent.uri, routesOf(sent)], ["sip:strict.example", ["<sip:b@h>"]]);
});
for (const line of [
  "From: A, B <sip:a@h>;tag=1",
  "To: <sip:b@h>;",
  "To: <sip:b@h>;tag",
  "To: sip:b@h ; tag",
  "Via: SIP/2.0/TCP h_h;branch=z9hG4bK1",
])
  test(`sip fault A10: ${line} is told of, and the stream goes on`, () => {
    const cut = cutSip(emptySipRemainder, new Uint8Array([...textOf(line), ...textOf()]), 9_999);
    same([cut.unreadable.length, cut.messages.length, cut.error], [1, 1, undefined]);
    ok(cut.unreadable[0]?.request !== undefined);
  });
for (const blank of [" ", "\t", "\v", "\f", "\u00a0", "\ufeff", "\u2028"])
  test(`sip: ${JSON.stringify(blank)} is nothing within a URI, and around a value only if it is a space or a tab`, () => {
    same(requestUriOf({ ...invite, uri: `sip:h;${blank}lr` }).ok, false);
    same(routesIn(read(textOf(`Route: <sip:h;${blank}x>`))).ok, false);
    const isSpace = blank === " " || blank === "\t";
    const cut = cutSip(emptySipRemainder, utf8(`${HEAD}Content-Length:${blank}0${blank}\r\n\r\n`), 9_999);
    same([cut.messages.length, cut.error === undefined], isSpace ? [1, true] : [0, false]);
  });
test("sip fault A11: what folds our ticket is no part of it", () =>
  same(ticketOf(read(textOf("X-Cisco-ViPR-Ticket: AAAA\r\n BBBB"))), "AAAABBBB"));

test("sip: one message is read once", () => {
  const came = read(printSip(invite));
  const sent = withHeader(came, "Max-Forwards", "6");
  const [uri, session] = [requestUriOf(came), sessionIn(came)];
  ok(requestUriOf(came) === uri && sessionIn(came) === session);
  ok(topViaOf(came) !== undefined && topViaOf(came) === topViaOf(withHeader(came, "X", "y")));
  ok(sent.headers.includes(came.headers.find(({ name }) => name === "From")!));
});

const spaces = fc.constantFrom("", " ", "\t ", "\r\n  ");
const words = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((text) => !/[\r\n\0]/.test(text) && text.trim() === text);
const line = fc.tuple(fc.constantFrom("X-a", "x-B", "s", "AlLoW"), spaces, words).map(([n, s, v]) => `${n}:${s}${v}`);
test("sip: lines that nobody touches are printed byte for byte", () =>
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const sent = new TextDecoder().decode(
        printSip(withHeader(read(textOf("Max-Forwards: 7", ...lines)), "Max-Forwards", "6")),
      );
      ok(sent.includes(["", "Max-Forwards: 6", ...lines, ""].join("\r\n")));
      ok(sent.includes("\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"));
    }),
    { numRuns: runs },
  ));
