/** For which server a certificate is: by subjectAltName and by nothing else. RFC 9110 §4.3.4, RFC 9525 §6. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { type Certificate, readCertificate } from "../../codecs/x509/mod.ts";
import { serverNameFault } from "../../machines/x509/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { ecHolder, ext, general, nameOf, writeCertificate } from "../kit/x509.ts";

const SERVER = "server.example";
const holder = ecHolder();

const certificateOf = (common: string, names: ReadonlyArray<Uint8Array> | undefined): Certificate => {
  const read = readCertificate(
    writeCertificate(
      {
        issuer: nameOf("root"),
        subject: nameOf(common),
        keyInfo: holder.keyInfo,
        notBeforeMs: Date.UTC(2026, 0, 1),
        notAfterMs: Date.UTC(2027, 0, 1),
        extensions: names === undefined ? undefined : [ext.names(names, false)],
      },
      holder,
    ),
  );
  ok(read.ok);
  return read.value;
};
const isFor = (server: string, common: string, ...names: ReadonlyArray<Uint8Array>): boolean =>
  serverNameFault(certificateOf(common, names.length === 0 ? undefined : names), server) === undefined;

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,6}[a-z0-9])?$/);
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const otherForms = fc.constantFrom(
  general.email(`a@${SERVER}`),
  general.uri(`https://${SERVER}/`),
  general.ip(127, 0, 0, 1),
  general.directory(nameOf(SERVER)),
  general.registered("1.2.3.4"),
  general.other("1.3.6.1.5.5.7.8.7", `_https.${SERVER}`), // an SRV-ID
);

test("RFC 9110 §4.3.4: a common name proves no server, whatever other names stand beside it", () => {
  const another = host.map((name) => general.dns(`another-${name}`));
  fc.assert(
    fc.property(host, fc.array(fc.oneof(otherForms, another), { maxLength: 4 }), (server, names) => {
      ok(!isFor(server, server, ...names));
    }),
    { numRuns: Math.min(runs, 200) }, // each makes a signature
  );
});

test("RFC 9525 §6.3: a host is proved by its dNSName in any case, or by a wildcard for its first label", () =>
  fc.assert(
    fc.property(host, label, fc.array(otherForms, { maxLength: 2 }), (parent, first, more) => {
      const server = `${first}.${parent}`;
      ok(isFor(server.toUpperCase(), "another", ...more, general.dns(server)));
      ok(isFor(server, "another", ...more, general.dns(server.toUpperCase())));
      same(isFor(server, "another", general.dns(`*.${parent}`)), parent.includes("."));
      ok(!isFor(`x.${server}`, "another", general.dns(server), general.dns(`*.${parent}`)));
    }),
    { numRuns: Math.min(runs, 100) },
  ));

const ADDRESS = [0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 1] as const;
for (const [what, server, name, expected] of [
  ["part of a label", "ab.server.example", general.dns("a*.server.example"), false],
  ["the second label", "a.server.example", general.dns("a.*.example"), false],
  ["two labels", "a.b.server.example", general.dns("*.server.example"), false],
  ["no label", SERVER, general.dns(`*.${SERVER}`), false],
  ["an empty label", `.${SERVER}`, general.dns(`*.${SERVER}`), false],
  ["every name below a top domain", SERVER, general.dns("*.example"), false],
  ["every name", "localhost", general.dns("*"), false],
] as const)
  test(`RFC 9525 §6.3: a wildcard does not stand for ${what}`, () => same(isFor(server, server, name), expected));

test("RFC 9525 §6.4: an address is proved by its iPAddress, not by a text", () => {
  ok(isFor("127.0.0.1", "another", general.ip(127, 0, 0, 1)));
  ok(isFor("2001:DB8::1", "another", general.ip(...ADDRESS)));
  ok(!isFor("127.0.0.1", "127.0.0.1", general.dns("127.0.0.1")));
  ok(!isFor("127.0.0.1", "127.0.0.1", general.ip(127, 0, 0, 2), general.uri("https://127.0.0.1/")));
  ok(!isFor("127.0.0.1", "127.0.0.1"));
});

test("a refusal says what the certificate is for, and not at any length", () => {
  const whyOf = (...names: ReadonlyArray<Uint8Array>) =>
    serverNameFault(certificateOf(SERVER, names.length === 0 ? undefined : names), SERVER);
  same(whyOf(), {
    reason: "serverName",
    why: `certificate is not for ${SERVER}: no host name in its subjectAltName, and a common name does not count`,
  });
  const many = Array.from({ length: 9 }, (_, i) => general.dns(`h${i}.example`));
  same(
    whyOf(...many)?.why.split(": ")[1],
    "its subjectAltName has h0.example, h1.example, h2.example, h3.example, ...",
  );
  ok(whyOf(general.dns("x".repeat(9_000)))!.why.length < 500);
});
