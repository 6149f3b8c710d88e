/** What is read in one pass, beside the plain way that says what it should be: lines of SDP, sizes of keys. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { keyBytesOf, keySizeOf } from "../../codecs/sip/crypto.ts";
import { parseSdp } from "../../codecs/sip/sdp.ts";
import { runs, test } from "../kit/harness.ts";

const HEAD = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-"];
const piece = fc.constantFrom(
  "a=x",
  "a=",
  "a",
  "A=x",
  "=",
  "t=0 0",
  "\r",
  "\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\0",
  "é=x",
  "",
);
const text = fc
  .tuple(fc.constantFrom("\r\n", "\n"), fc.array(piece, { maxLength: 12 }))
  .map(([eol, pieces]) => `${HEAD.join(eol)}${pieces.length > 0 ? eol : ""}${pieces.join("")}`);

test("sdp: lines are those between CR LF or LF, the empty ones at the end left out", () =>
  fc.assert(
    fc.property(text, (given) => {
      const raw = given.replace(/(?:\r?\n)+$/, "").split(/\r?\n/);
      const isGood = raw.every((line) => /^[a-z]=[^\r\0]*$/.test(line));
      const read = parseSdp(given);
      same(read.ok, isGood);
      if (read.ok)
        same(
          read.value.lines.map(({ letter, value }) => `${letter}=${value}`),
          raw.slice(HEAD.length),
        );
    }),
    { numRuns: 10 * runs },
  ));

const digit = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const key = fc
  .tuple(fc.array(digit, { minLength: 1, maxLength: 48 }), fc.constantFrom("", "=", "=="))
  .map(([digits, padding]) => digits.join("") + padding);

test("crypto: the size of a key is that of its bytes, where it is base64", () =>
  fc.assert(
    fc.property(key, (given) => same(keySizeOf(given), keyBytesOf(given)?.length)),
    { numRuns: 10 * runs, examples: [["AQ=="], ["AR=="], ["AQ="], ["AAE="], ["AAF="], ["AAAA="], ["AAAA=="], ["A"]] },
  ));
