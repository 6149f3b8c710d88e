/** One message a datagram, the place of Content-Length, and calls as they are stored. RFC 3261 §18.3 and §20.14. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import {
  decodeCall,
  encodeCall,
  parseSip,
  printSip,
  readDatagram,
  type StoredCall,
  textsOf,
} from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { invite } from "./samples.ts";

const HEAD = [
  "BYE sip:a@192.0.2.1 SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKa",
  "From: <sip:b@192.0.2.2>;tag=1",
  "To: <sip:a@192.0.2.1>;tag=2",
  "Call-ID: x",
  "CSeq: 2 BYE",
];
const textOf = (lines: ReadonlyArray<string>, body = "") => utf8([...lines, "", body].join("\r\n"));
const bodyOf = (bytes: Uint8Array): string | undefined => {
  const found = readDatagram(bytes);
  return found !== undefined && "type" in found ? new TextDecoder().decode(found.body) : undefined;
};

// RFC 3261 §18.1.1, §18.3
test("datagram: without Content-Length the body goes on to its end; what stands behind a body is discarded", () => {
  same(bodyOf(textOf(HEAD, "hello")), "hello");
  same(bodyOf(textOf([...HEAD, "Content-Length: 3"], "hello")), "hel");
  same(bodyOf(concat(utf8("\r\n\r\n"), textOf([...HEAD, "Content-Length: 0"]))), "");
});

// RFC 3261 §18.3
test("datagram: a body that is cut short is answered with 400; what keeps a way open, and rubbish, with nothing", () => {
  const found = readDatagram(textOf([...HEAD, "Content-Length: 30"], "hello"));
  same([found !== undefined && "error" in found, found !== undefined && "request" in found], [true, true]);
  for (const bytes of [utf8("\r\n\r\n"), utf8("\r\n"), new Uint8Array(), utf8("hello"), new Uint8Array(40)])
    same(readDatagram(bytes), undefined);
});

test("datagram: any bytes give a message, a fault or nothing", () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(300), (bytes, at) => {
      const whole = textOf([...HEAD, "Content-Length: 0"]);
      readDatagram(bytes);
      readDatagram(concat(whole.subarray(0, at), bytes, whole.subarray(at)));
    }),
    { numRuns: runs },
  ));

// RFC 3261 §16.6
test("Content-Length stays where and as it was written, as long as the body is the one that came", () => {
  for (const line of ["Content-Length:   5", "l: 5", "CONTENT-LENGTH : 005", "Content-Length:\r\n 5"]) {
    for (const [before, after] of [
      [HEAD, ["X-Last: 1"]],
      [HEAD.slice(0, 3), HEAD.slice(3)],
      [HEAD, []],
    ] as const) {
      const bytes = textOf([...before, line, ...after], "hello");
      const read = parseSip(bytes);
      same(read.ok && printSip(read.value), bytes);
      const other = read.ok && printSip({ ...read.value, body: utf8("hello, world") });
      same(new TextDecoder().decode(other as Uint8Array).includes("Content-Length: 12\r\n"), true);
      same(new TextDecoder().decode(other as Uint8Array).includes(line), false);
    }
  }
});

test("a stored call is read back; other bytes are none", () => {
  const call: StoredCall = {
    ...textsOf(invite),
    direction: "sent",
    startMs: 1_700_000_000_000,
    trunk: "one",
    callId: "x",
    tag: "anna",
    answeredBy: ["a", "b"],
  };
  same(decodeCall(encodeCall(call)), call);
  same(decodeCall(new Uint8Array([2, 1, 0])), undefined);
  same(decodeCall(encodeCall(call).slice(0, -1)), undefined);
});
