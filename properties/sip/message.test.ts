/** SIP messages: what is written is read back, and no bytes are too odd to be told so. RFC 3261 §7. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { utf8 } from "../../codecs/shared/mod.ts";
import { headerOf, listOf, parseSip, printSip, withHeader, withList } from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { changed, changes, message, plain, plainly, request } from "./arbitrary.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`sip message: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

law(
  "what is written is read back, unknown fields in their order",
  fc.property(message, (message) => same(plainly(parseSip(printSip(message))), { ok: true, value: message })),
);

const settles = (bytes: Uint8Array) => {
  const first = parseSip(bytes);
  if (!first.ok) return ok(/^Sip(Malformed|TooLarge)$/.test(first.error._tag) && first.error.at !== "");
  same(plainly(parseSip(printSip(first.value))), plainly(first));
};
law("any bytes give a message or an error with its place", fc.property(fc.uint8Array({ maxLength: 300 }), settles));
law(
  "a message with bytes changed gives one too, and what it reads is written and read the same",
  fc.property(message, changes, (message, at) => settles(changed(printSip(message), at))),
);
law(
  "no value opens a line of its own",
  fc.property(request, fc.string(), (request, text) => {
    const printed = printSip(withHeader(request, "X-Evil", `${text}\r\nX-Smuggled: 1\r\n\r\n`));
    const read = parseSip(printed);
    ok(read.ok && headerOf(read.value, "X-Smuggled") === undefined);
    same(read.value.headers.length, request.headers.length + 1);
  }),
);
law(
  "a field set is the field read, and the others stay",
  fc.property(request, fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 3 }), (request, values) => {
    same(listOf(withList(request, "Route", values), "route"), values);
    same(
      withList(request, "Route", values).headers.filter(({ name }) => name !== "Route"),
      request.headers,
    );
  }),
);

const lines = (...lines: ReadonlyArray<string>) => utf8(`${lines.join("\r\n")}\r\n\r\n`);
const NEEDED = [
  "Via: SIP/2.0/TCP h;branch=z9hG4bK1",
  "From: <sip:a@h>;tag=1",
  "To: <sip:b@h>",
  "Call-ID: c",
  "CSeq: 1 INVITE",
  "Content-Length: 0",
];
const START = "INVITE sip:b@h SIP/2.0";

test("sip message: compact names, folding and white space mean what the long form means. RFC 3261 §7.3.1 and §7.3.3", () => {
  const read = parseSip(
    lines(
      START,
      "v: SIP / 2.0 / TCP h;branch=z9hG4bK1",
      "f  : <sip:a@h>;tag=1",
      "t:\t<sip:b@h>",
      "i: c",
      "cseq: 1 INVITE",
      "s: one",
      "  two",
      "\tthree",
      "l: 0",
    ),
  );
  ok(read.ok);
  same(plain(read.value).headers.slice(1), [
    { name: "From", value: "<sip:a@h>;tag=1" },
    { name: "To", value: "<sip:b@h>" },
    { name: "Call-ID", value: "c" },
    { name: "CSeq", value: "1 INVITE" },
    { name: "Subject", value: "one two three" },
  ]);
});

const without = (name: string) => NEEDED.filter((line) => !line.startsWith(name));
const REFUSED: ReadonlyArray<readonly [string, string, Uint8Array]> = [
  ["no Via", "Via", lines(START, ...without("Via"))],
  ["a Via without a host", "Via", lines(START, ...without("Via"), "Via: SIP/2.0/TCP")],
  ["no From", "From", lines(START, ...without("From"))],
  ["two To", "To", lines(START, ...NEEDED, "t: <sip:c@h>")],
  ["no Call-ID", "Call-ID", lines(START, ...without("Call-ID"))],
  ["two Call-ID", "Call-ID", lines(START, ...NEEDED, "i: d")],
  ["another method in CSeq", "CSeq", lines("BYE sip:b@h SIP/2.0", ...NEEDED)],
  ["two tickets", "X-Cisco-ViPR-Ticket", lines(START, ...NEEDED, "X-Cisco-ViPR-Ticket: a", "x-cisco-vipr-ticket: b")],
  ["no Content-Length", "Content-Length", lines(START, ...without("Content-Length"))],
  ["two Content-Length", "Content-Length", lines(START, ...NEEDED, "l: 0")],
  ["a negative Content-Length", "Content-Length", lines(START, ...without("Content-Length"), "Content-Length: -1")],
  ["a body longer than said", "Content-Length", new Uint8Array([...lines(START, ...NEEDED), 33])],
  ["another version", "start line", lines("INVITE sip:b@h SIP/3.0", ...NEEDED)],
  ["a Request-URI with a space", "start line", lines("INVITE sip:b @h SIP/2.0", ...NEEDED)],
  ["a line that ends with LF alone", "message", utf8(`${START}\n${NEEDED.join("\r\n")}\r\n\r\n`)],
  ["a NUL", "message", lines(START, ...NEEDED, "X: a\0b")],
  [
    "bytes that are not UTF-8",
    "message",
    new Uint8Array([...utf8(`${START}\r\nX: `), 0xff, 13, 10, ...lines(...NEEDED)]),
  ],
  ["a folded line after the start line", "header fields", lines(START, " x", ...NEEDED)],
  ["a line without a name", "header fields", lines(START, ": x", ...NEEDED)],
  ["too many fields", "header fields", lines(START, ...NEEDED, ...Array.from({ length: 256 }, () => "X: 1"))],
];
for (const [what, at, bytes] of REFUSED)
  test(`sip message: ${what} is refused`, () => {
    const read = parseSip(bytes);
    same(read.ok ? "read" : read.error.at, at);
  });
