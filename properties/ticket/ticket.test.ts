/** The ticket's bytes and text. docs/protocol/ticket.md#layout. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { bytesOfHex, type E164, nodeIdFrom, ntp, ntpFromMs, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import {
  type Grant,
  isDomainName,
  readTicket,
  TICKET_CHARS_MAX,
  Ticket,
  writeTicket,
} from "../../codecs/ticket/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { sealOf } from "../../machines/ticket/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";
import { grant } from "./arbitrary.ts";

wireLaws(Ticket);

const law = (what: string, property: fc.IProperty<any>) =>
  test(`ticket: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));
const key = new Uint8Array(32).fill(7);
const seal = (covered: Uint8Array) => sealOf(key, covered);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

law(
  "what is granted is read back, and the integrity covers every byte before it",
  fc.property(grant, (grant) => {
    const text = writeTicket(grant, seal);
    ok(text.length <= TICKET_CHARS_MAX);
    const read = readTicket(text);
    ok(read.ok);
    same(read.ticket, { ...grant, integrity: seal(read.covered) });
    same(Buffer.from(text, "base64").subarray(0, -36), Buffer.from(read.covered));
  }),
);
law(
  "no bit of it can be changed without being found out",
  fc.property(grant, fc.nat(), fc.nat(7), (grant, at, bit) => {
    const bytes = new Uint8Array(Buffer.from(writeTicket(grant, seal), "base64"));
    bytes[at % bytes.length]! ^= 1 << bit;
    const read = readTicket(base64(bytes));
    ok(!read.ok || Buffer.compare(seal(read.covered), read.ticket.integrity) !== 0);
  }),
);
law(
  "any text gives a ticket or an error",
  fc.property(fc.oneof(fc.string(), fc.base64String({ maxLength: 600 })), (text) => {
    same(typeof readTicket(text).ok, "boolean");
  }),
);

const sample: Grant = {
  id: bytesOfHex("00112233445546778899aabbccddeeff"),
  salt: bytesOfHex("0f0e0d0c0b0a09080706050403020100"),
  validity: { notBefore: ntpFromMs(unixMs(1_301_616_000_000)), notAfter: ntpFromMs(unixMs(1_306_800_000_000)) },
  number: "+14085555432",
  grantingNode: nodeIdFrom(0x8e60f5fab753037f64ab6c53947fd532n),
  grantingDomain: "acme.example",
  grantedTo: "nord.example",
  epoch: 3,
  vservice: vserviceId(0x7eeb6a7036478351n),
};
test("ticket: one known ticket, field by field", () => {
  const wire = [
    "01",
    "0001001000112233445546778899aabbccddeeff",
    "000200100f0e0d0c0b0a09080706050403020100",
    "00030010d13f940000000000d18eae0000000000",
    `0004000c${Buffer.from("+14085555432").toString("hex")}`,
    "000500108e60f5fab753037f64ab6c53947fd532",
    `0006000c${Buffer.from("acme.example").toString("hex")}`,
    `0007000c${Buffer.from("nord.example").toString("hex")}`,
    "0008000103",
    "000900087eeb6a7036478351",
  ].join("");
  const read = readTicket(writeTicket(sample, seal));
  ok(read.ok);
  same(Buffer.from(read.covered).toString("hex"), wire);
});

const whole = encode(Ticket, { ...sample, integrity: new Uint8Array(32) });
const salt = whole.indexOf(0x0f) - 4; // where the second field begins
const refused: ReadonlyArray<readonly [string, string]> = [
  ["an empty text", ""],
  ["white space", ` ${base64(whole)}`],
  ["missing padding", base64(whole).replace(/=+$/, "")],
  [
    "the URL alphabet",
    base64(new Uint8Array([...whole, 0xfb, 0xff]))
      .replaceAll("+", "-")
      .replaceAll("/", "_"),
  ],
  ["trailing bytes", base64(new Uint8Array([...whole, 0]))],
  ["a version to come", base64(new Uint8Array([2, ...whole.subarray(1)]))],
  [
    "a field that comes twice",
    base64(new Uint8Array([...whole.subarray(0, salt), ...whole.subarray(1, salt), ...whole.subarray(salt)])),
  ],
  [
    "fields in another order",
    base64(
      new Uint8Array([1, ...whole.subarray(salt, salt + 20), ...whole.subarray(1, salt), ...whole.subarray(salt + 20)]),
    ),
  ],
  ["more than a ticket can be", "A".repeat(TICKET_CHARS_MAX + 4)],
];
for (const [what, text] of refused) test(`ticket: ${what} is refused`, () => same(readTicket(text).ok, false));
for (const [what, changes] of [
  ["a number that is none", { number: "14085555432" as E164 }],
  ["a domain in capitals", { grantedTo: "Nord.example" }],
  ["a validity that ends before it begins", { validity: { notBefore: ntp(2n), notAfter: ntp(1n) } }],
] as const)
  test(`ticket: ${what} is refused`, () => same(readTicket(writeTicket({ ...sample, ...changes }, seal)).ok, false));
test("ticket: epoch 0 is none", () => {
  const bytes = whole.slice();
  bytes[whole.length - 36 - 12 - 1] = 0;
  same(decode(Ticket, bytes).ok, false);
});

test("ticket: domain names are lower case, in labels of at most 63, without a dot at the end", () => {
  const good = ["acme.example", "a", "xn--bcher-kva.example", `${"a".repeat(63)}.b`, "1.2"];
  const bad = [
    "",
    "Acme.example",
    "acme.example.",
    ".a",
    "a..b",
    "-a.b",
    "a-.b",
    `${"a".repeat(64)}.b`,
    "bücher.example",
    "a b",
    "*.a",
  ];
  same([good.map(isDomainName), bad.map(isDomainName)], [good.map(() => true), bad.map(() => false)]);
});
