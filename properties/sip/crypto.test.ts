/** The a=crypto attribute by its grammar, and what of it secures. RFC 4568. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { base64Of } from "../../codecs/shared/mod.ts";
import {
  type CryptoAttribute,
  type CryptoKey,
  choosableOf,
  chosenOf,
  keyBytesOf,
  parseCrypto,
  printCrypto,
  type SdpMedia,
  type SessionParam,
  SUITES,
  securingOf,
  sharesKey,
} from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`crypto: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });

const keys: fc.Arbitrary<CryptoKey> = plain<CryptoKey>({
  keySalt: fc.uint8Array({ minLength: 1, maxLength: 50 }).chain((bytes) => {
    const text = base64Of(bytes);
    return fc.constantFrom(text, text.replace(/=+$/, ""));
  }),
  lifetime: maybe(
    fc.oneof(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.nat(48).map((power) => 2 ** power),
    ),
  ),
  mki: maybe(plain({ value: fc.bigInt({ min: 1n, max: 255n }), bytes: fc.integer({ min: 1, max: 128 }) })),
});
const session: fc.Arbitrary<SessionParam> = fc.oneof(
  plain({ type: fc.constant("kdr" as const), power: fc.nat(24) }),
  plain({
    type: fc.constantFrom("unencryptedSrtp" as const, "unencryptedSrtcp" as const, "unauthenticatedSrtp" as const),
  }),
  plain({ type: fc.constant("fecOrder" as const), order: fc.constantFrom("FEC_SRTP" as const, "SRTP_FEC" as const) }),
  plain({ type: fc.constant("fecKey" as const), keys: fc.array(keys, { minLength: 1, maxLength: 3 }) }),
  plain({ type: fc.constant("wsh" as const), packets: fc.integer({ min: 64, max: 999_999 }) }),
  plain({ type: fc.constant("other" as const), text: fc.constantFrom("X", "Y=1", "z"), isMandatory: fc.boolean() }),
);
const attributes: fc.Arbitrary<CryptoAttribute> = plain<CryptoAttribute>({
  tag: fc.nat(999_999_999),
  suite: fc.constantFrom(...Object.keys(SUITES), "F8_128_HMAC_SHA1_80", "X_1"),
  keys: fc.array(keys, { minLength: 1, maxLength: 16 }),
  session: fc.array(session, { maxLength: 16 }),
});

law(
  "what is written is read back",
  fc.property(attributes, (attribute) => same(parseCrypto(printCrypto(attribute)), { ok: true, value: attribute })),
);
const pieces = fc
  .array(
    fc.constantFrom(
      ..."crypto:,1,9, ,\t,AES_CM_128_HMAC_SHA1_80,inline:,AAAA,=,|,2^,20,;,:,4,KDR=,WSH=,FEC_KEY=,UNENCRYPTED_SRTP,-".split(
        ",",
      ),
    ),
    { maxLength: 20 },
  )
  .map((all) => `crypto:1 AES_CM_128_HMAC_SHA1_80 ${all.join("")}`);
law(
  "any text gives an attribute or the part that is wrong",
  fc.property(fc.oneof(fc.string(), pieces), (text) => {
    const read = parseCrypto(text);
    if (read.ok) same(parseCrypto(printCrypto(read.value)), read);
    else ok(read.error.at.startsWith("crypto"));
  }),
);
law(
  "a key is the same with its padding and without",
  fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const text = base64Of(bytes);
    same([keyBytesOf(text), keyBytesOf(text.replace(/=+$/, ""))], [bytes, bytes]);
  }),
);

const KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const mediaOf = (...lines: ReadonlyArray<string>): SdpMedia => ({
  kind: "audio",
  port: 4_000,
  ports: undefined,
  protocol: "RTP/SAVP",
  formats: ["0"],
  lines: lines.map((value) => ({ letter: "a", value })),
});
const GOOD = `crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`;

const good: ReadonlyArray<readonly [string, string]> = [
  ["a lifetime and an MKI, RFC 4568 §6.1", `${GOOD}|2^20|1:4`],
  ["an MKI alone, RFC 4568 §6.1", `${GOOD}|1066:4`],
  ["a lifetime in digits", `${GOOD}|1048576`],
  ["two keys by their MKIs, RFC 4568 §9", `${GOOD}|2^20|1:4;inline:${OTHER}|2^20|2:4 FEC_ORDER=FEC_SRTP`],
  ["keys derived once, said twice", `${GOOD} KDR=0`],
  ["a window and a FEC key", `${GOOD} WSH=128 FEC_KEY=inline:${OTHER}`],
  ["an optional parameter that nobody knows, RFC 4568 §6.3.7", `${GOOD} -SOMETHING=1`],
  ["words in lower case", `crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:${KEY} wsh=64`],
  ["a long key without its padding", `crypto:1 AES_256_CM_HMAC_SHA1_80 inline:${"A".repeat(62)}`],
  ["a long key with its padding", `crypto:1 AES_256_CM_HMAC_SHA1_32 inline:${"A".repeat(62)}==`],
];
for (const [what, line] of good)
  test(`crypto: ${what}: secures, and is ours to choose`, () => same(choosableOf(mediaOf(line)).length, 1));

const notOurs: ReadonlyArray<readonly [string, string]> = [
  ["keys derived anew, RFC 4568 §6.3.1", `${GOOD} KDR=10`],
  ["AES-GCM, RFC 7714 §14.2", `crypto:1 AEAD_AES_128_GCM inline:${"A".repeat(38)}==`],
];
for (const [what, line] of notOurs)
  test(`crypto: ${what}: secures, and is not ours to choose`, () =>
    same([securingOf(mediaOf(line)).length, choosableOf(mediaOf(line)).length], [1, 0]));

const bad: ReadonlyArray<readonly [string, string]> = [
  ["two keys without MKIs, RFC 4568 §6.1", `${GOOD};inline:${OTHER}`],
  ["two keys of one MKI", `${GOOD}|1:4;inline:${OTHER}|1:4`],
  ["MKIs of two lengths, RFC 4568 §6.1", `${GOOD}|1:4;inline:${OTHER}|2:2`],
  ["an MKI beyond its length", `${GOOD}|256:1`],
  ["an MKI of 129 bytes", `${GOOD}|1:129`],
  ["an MKI that begins with 0", `${GOOD}|01:4`],
  ["a lifetime beyond 2^48", `${GOOD}|2^49`],
  ["a lifetime of 0", `${GOOD}|0`],
  ["a lifetime that begins with 0", `${GOOD}|020`],
  ["a window below 64, RFC 4568 §6.3.6", `${GOOD} WSH=63`],
  ["a derivation rate beyond 24", `${GOOD} KDR=25`],
  ["an order of FEC that is none", `${GOOD} FEC_ORDER=X`],
  ["a key method that is not inline", "crypto:1 AES_CM_128_HMAC_SHA1_80 uri:x"],
  ["a key of 29 bytes", `crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(39)}`],
  ["a key whose last digit has bits too many", `crypto:1 AES_256_CM_HMAC_SHA1_80 inline:${"A".repeat(61)}B`],
];
for (const [what, line] of bad) test(`crypto: ${what}: does not secure`, () => same(securingOf(mediaOf(line)), []));

test("crypto: of two lines with one tag neither secures, RFC 4568 §4.1", () =>
  same(securingOf(mediaOf(GOOD, GOOD.replace(KEY, OTHER))), []));
test("crypto: the offer's order is taken, tags of 80 bits before those of 32. RFC 4568 §5.1.2", () => {
  const lines = ["AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80"].map(
    (suite, i) => `crypto:${i + 5} ${suite} inline:${"A".repeat(suite.includes("256") ? 62 : 40)}`,
  );
  same(
    choosableOf(mediaOf(...lines)).map(({ tag }) => tag),
    [6, 7, 5],
  );
});
test("crypto: an answer that brings the offer's own key shares it. RFC 4568 §7.1.2", () => {
  const [one] = securingOf(mediaOf(GOOD));
  const [other] = securingOf(mediaOf(GOOD.replace(KEY, OTHER)));
  same([sharesKey(one!, one!), sharesKey(one!, other!)], [true, false]);
});
test("crypto: a profile with feedback is secured as one without, and answered by itself. RFC 5124", () => {
  const offered = { ...mediaOf(GOOD), protocol: "RTP/SAVPF" };
  const taken = mediaOf(GOOD.replace(KEY, OTHER));
  same([chosenOf(offered, { ...taken, protocol: "RTP/SAVPF" })?.tag, chosenOf(offered, taken)], [1, undefined]);
});
