/** Messages out of a stream. RFC 3261 §18.3: however it is cut, and never more held than may be. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import { cutSip, emptySipRemainder, printSip, type SipMessage, type SipRemainder } from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { changed, changes, message, plain } from "./arbitrary.ts";

const LIMIT = 2_000;

/** All that comes out of a stream cut so, and the most that was ever held. */
const read = (bytes: Uint8Array, sizes: ReadonlyArray<number>, limit = LIMIT) => {
  const messages: Array<SipMessage> = [];
  let remainder: SipRemainder = emptySipRemainder;
  let most = 0;
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : Math.max(1, sizes[i % sizes.length]!);
    const cut = cutSip(remainder, bytes.subarray(at, at + size), limit);
    messages.push(...cut.messages.map(plain));
    if (cut.error !== undefined) return { messages, most, error: cut.error };
    remainder = cut.rest;
    most = Math.max(most, remainder.buffer.length);
    at += size;
  }
  return { messages, most, error: undefined };
};
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 10 });

test("sip cut: however a stream is cut, the same messages come out, empty lines between them or not", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(message, fc.nat(3)), { maxLength: 6 }), sizes, (sent, sizes) => {
      const bytes = concat(...sent.flatMap(([message, gaps]) => [printSip(message), utf8("\r\n".repeat(gaps))]));
      const { messages, error, most } = read(bytes, sizes);
      same([messages, error], [sent.map(([message]) => message), undefined]);
      ok(most <= 2 * LIMIT);
    }),
    { numRuns: runs },
  ));

test("sip cut: changed bytes give messages and perhaps an error, the same ones however the stream is cut", () =>
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), changes, sizes, (sent, at, sizes) => {
      const bytes = changed(concat(...sent.map(printSip)), at);
      const whole = read(bytes, []);
      const cut = read(bytes, sizes);
      same([cut.messages, cut.error?.at], [whole.messages, whole.error?.at]);
    }),
    { numRuns: runs },
  ));

test("sip cut: a CR or LF that stands alone, anywhere in a head, ends the stream: servers read such a line differently", () =>
  fc.assert(
    fc.property(message, fc.nat(), fc.constantFrom("\r", "\n"), (message, at, alone) => {
      const text = new TextDecoder("latin1").decode(printSip({ ...message, body: new Uint8Array() }));
      // Not beside another one, with which it would be the end of a line.
      const places = [...text.matchAll(/[^\r\n](?=[^\r\n])/g)].map(({ index }) => index + 1);
      const place = places[at % places.length]!;
      const { messages, error } = read(utf8(`${text.slice(0, place)}${alone}${text.slice(place)}`), []);
      same([messages, error?._tag], [[], "SipMalformed"]);
    }),
    { numRuns: runs },
  ));

const endless = (start: string) => concat(utf8(start), new Uint8Array(50_000).fill(97));
for (const [what, bytes] of [
  ["a start line without an end", endless("INVITE ")],
  ["header fields without an end", endless("INVITE sip:a@b SIP/2.0\r\nX: ")],
] as const)
  test(`sip cut: ${what} is refused at the limit, not after`, () => {
    const { error, most } = read(bytes, [100]);
    same(error?._tag, "SipTooLarge");
    ok(most <= 2 * LIMIT, `${most} bytes held`);
  });

test("sip cut: a body that would be too large is refused by what is said of it, before it comes", () => {
  const invite =
    "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nf: <sip:a@h>\r\nt: <sip:b@h>\r\ni: c\r\nCSeq: 1 INVITE\r\n";
  same(read(utf8(`${invite}l: 1500\r\n\r\n`), []).error, undefined);
  same(read(utf8(`${invite}l: 1900\r\n\r\n`), []).error?._tag, "SipTooLarge");
});

test("sip cut: one byte at a time costs no more than twice the bytes in copies", () => {
  const body = new Uint8Array(60_000).fill(97);
  const large = concat(
    utf8("MESSAGE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nf: <sip:a@h>\r\nt: <sip:b@h>\r\ni: c\r\n"),
    utf8(`CSeq: 1 MESSAGE\r\nl: ${body.length}\r\n\r\n`),
    body,
  );
  let remainder = emptySipRemainder;
  let moved = 0;
  let found = 0;
  for (const byte of concat(large, large)) {
    const before = remainder.buffer;
    const cut = cutSip(remainder, Uint8Array.of(byte), 65_536);
    if (cut.rest.buffer !== before) moved += cut.rest.to - cut.rest.from;
    found += cut.messages.length;
    remainder = cut.rest;
  }
  same(found, 2);
  ok(moved < 4 * large.length, `${moved} bytes moved for ${2 * large.length}`);
});
