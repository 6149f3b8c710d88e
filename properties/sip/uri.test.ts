/** Addresses: what is written is read back; which number a URI means. RFC 3261 §19.1, RFC 3966. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  numberOf,
  parseCSeq,
  parseHostPort,
  parseNameAddr,
  parseUri,
  parseVia,
  printHostPort,
  printNameAddr,
  printUri,
  printVia,
} from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { nameAddr, uri, via } from "./arbitrary.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`sip uri: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

law(
  "a URI written is read back",
  fc.property(uri, (uri) => same(parseUri(printUri(uri)), { ok: true, value: uri })),
);
law(
  "an address written is read back",
  fc.property(nameAddr, (address) => same(parseNameAddr("To", printNameAddr(address)), { ok: true, value: address })),
);
law(
  "a host and its port written are read back",
  fc.property(via, ({ host, port }) =>
    same(parseHostPort("Via", printHostPort(host, port)), { ok: true, value: { host, port } }),
  ),
);
law(
  "a CSeq is read below 2^31 and no further, RFC 3261 §8.1.1.5, and any text gives one or an error",
  fc.property(fc.nat(2 ** 32), fc.constantFrom("INVITE", "x-own.1"), fc.string(), (number, method, text) => {
    const read = parseCSeq(`${number} ${method}`);
    if (number < 2 ** 31) same(read, { ok: true, value: { number, method } });
    else same(read.ok, false);
    for (const { ok: isRead } of [parseCSeq(text), parseHostPort("Via", text)]) same(typeof isRead, "boolean");
  }),
);
law(
  "a Via written is read back",
  fc.property(via, (via) => same(parseVia(printVia(via)), { ok: true, value: via })),
);
const pieces = fc.oneof(
  fc.string(),
  fc
    .array(
      fc.constantFrom(
        "sip:",
        "tel:",
        "@",
        ":",
        ";",
        "=",
        "<",
        ">",
        '"',
        "\\",
        "%",
        "%41",
        "a",
        "+1",
        "[",
        "]",
        "?",
        ",",
      ),
    )
    .map((parts) => parts.join("")),
);
law(
  "any text gives an address or an error, and what it reads is written and read the same",
  fc.property(pieces, (text) => {
    const uri = parseUri(text);
    if (uri.ok) same(parseUri(printUri(uri.value)), uri);
    const address = parseNameAddr("To", text);
    if (address.ok) same(parseNameAddr("To", printNameAddr(address.value)), address);
    parseVia(text);
  }),
);

const NUMBERS: ReadonlyArray<readonly [string, string | undefined]> = [
  ["sip:+14085555432@acme.example", "+14085555432"],
  ["sip:+1-408-555.5432@acme.example;user=phone", "+14085555432"],
  ["sip:+14085555432;isub=1@acme.example", "+14085555432"],
  ["sip:%2B14085555432@acme.example", "+14085555432"],
  ["tel:+1(408)555-5432;phone-context=x", "+14085555432"],
  ["sip:14085555432@acme.example", undefined],
  ["sip:alice@acme.example", undefined],
  ["sip:+0408@acme.example", undefined],
  ["sip:+1234567890123456@acme.example", undefined],
  ["tel:5432;phone-context=acme.example", undefined],
  ["sip:acme.example", undefined],
];
for (const [text, number] of NUMBERS)
  test(`sip uri: the number of ${text}`, () => {
    const uri = parseUri(text);
    ok(uri.ok);
    same(numberOf(uri.value), number);
  });

for (const text of [
  "sip:",
  "sip:@h",
  "sip:a@",
  "sip:a@h:0",
  "sip:a@h:65536",
  "sip:a@h;maddr=x;MADDR=y",
  "sip:a%4@h",
  "sip:a%ff@h",
  "sip:a@h h",
  "mailto:a@h",
  "tel:",
  "sip:a@[::1",
])
  test(`sip uri: ${text} is none`, () => same(parseUri(text).ok, false));

test("sip uri: without brackets the parameters are the field's. RFC 3261 §20", () => {
  const bare = parseNameAddr("From", "sip:a@h;tag=1");
  ok(bare.ok);
  ok(bare.value.uri.type === "sip");
  same([bare.value.uri.params, bare.value.params], [[], [{ name: "tag", value: "1" }]]);
});
