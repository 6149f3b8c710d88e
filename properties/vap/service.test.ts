/** The two XML documents: read back, refused with a place, and never thrown over. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { e164 } from "../../codecs/shared/mod.ts";
import {
  CONTENT_BYTES_MAX,
  readValInfo,
  readVService,
  type ValInfo,
  type VService,
  writeValInfo,
  writeVService,
} from "../../codecs/vap/mod.ts";
import { runs, test } from "../kit/harness.ts";

const word = fc
  .string({ minLength: 1, maxLength: 30, unit: "grapheme" })
  .filter((text) => !/[\p{Cc}\ufffe\uffff]/u.test(text) && text.isWellFormed());
const domain = fc.constantFrom("a.example", "b.example", "xn--bcher-kva.example");
const routes = fc.array(
  fc.record({ sipUris: fc.array(word, { minLength: 1, maxLength: 3 }) }, { noNullPrototype: true }),
  { minLength: 1, maxLength: 3 },
);
const list = fc.record(
  {
    type: fc.constantFrom("blacklist" as const, "whitelist" as const),
    domains: fc.array(domain, { minLength: 1, maxLength: 3 }),
  },
  { noNullPrototype: true },
);
const services: fc.Arbitrary<VService> = fc.record(
  { id: word, dhtName: word, didCount: fc.nat(0xffff_ffff), domain, list, routes },
  { noNullPrototype: true, requiredKeys: ["id", "dhtName", "didCount", "domain", "routes"] },
);
const infos: fc.Arbitrary<ValInfo> = fc.record(
  { number: fc.constantFrom(e164("+14085555432"), e164("+390612345")), ticket: word, routes },
  { noNullPrototype: true },
);

test("a VService is read back", () =>
  fc.assert(
    fc.property(services, (service) =>
      assert.deepEqual(readVService(writeVService(service)), { ok: true, value: service }),
    ),
    { numRuns: runs },
  ));
test("a ValInfo is read back", () =>
  fc.assert(
    fc.property(infos, (info) => assert.deepEqual(readValInfo(writeValInfo(info)), { ok: true, value: info })),
    { numRuns: runs },
  ));

test("any bytes, and any damage, give a value or an error", () =>
  fc.assert(
    fc.property(services, fc.uint8Array({ maxLength: 80 }), fc.nat(), (service, junk, at) => {
      const bytes = writeVService(service);
      bytes.set(junk.subarray(0, bytes.length), at % bytes.length > bytes.length - junk.length ? 0 : at % bytes.length);
      for (const given of [junk, bytes, bytes.subarray(0, at % bytes.length)]) {
        for (const read of [readVService(given), readValInfo(given)])
          if (!read.ok) assert.equal(read.error._tag, "XmlError");
      }
    }),
    { numRuns: runs },
  ));

const utf8 = (text: string) => new TextEncoder().encode(text);
const example = `<?xml version="1.0" encoding="UTF-8"?>
<service-description xmlns="http://www.cisco.com/namespaces/saf-uc" schemaVersion="1.0" id="has7gg">
  <t:vservice xmlns:t="http://www.cisco.com/namespaces/viprtrunk">
    <t:DHTname>Quetzalcoatl</t:DHTname> <t:DIDCount>1000</t:DIDCount> <t:domain>Example.com</t:domain>
    <t:whitelist><t:domain>b.example</t:domain></t:whitelist>
    <t:route><t:SIPURI>sip:17ahhs7==@example.com:2371;maddr=1.2.3.4;transport=tcp</t:SIPURI></t:route>
    <other:thing xmlns:other="urn:other"/>
  </t:vservice>
</service-description>`;

test("the draft's shape is read, with prefixes, other elements and zeros at its end", () => {
  const read = readVService(utf8(`${example}\0\0`));
  assert.ok(read.ok);
  assert.deepEqual(read.value, {
    id: "has7gg",
    dhtName: "Quetzalcoatl",
    didCount: 1000,
    domain: "example.com",
    list: { type: "whitelist", domains: ["b.example"] },
    routes: [{ sipUris: ["sip:17ahhs7==@example.com:2371;maddr=1.2.3.4;transport=tcp"] }],
  });
});

test("a domain is read in its one form, the VService's as those of its list", () => {
  const read = readVService(utf8(example.replace("Example.com", " Nord.Example. ").replace("b.example", "B.example.")));
  assert.ok(read.ok);
  assert.deepEqual([read.value.domain, read.value.list?.domains], ["nord.example", ["b.example"]]);
});

test("what is wrong is told with its element", () => {
  const at = (text: string): string => {
    const read = readVService(utf8(text));
    return read.ok ? "" : read.error.at;
  };
  assert.equal(at(example.replace("1000", "many")), "DIDCount");
  assert.equal(at(example.replace("1000", "4294967296")), "DIDCount");
  assert.equal(at(example.replace("<t:domain>Example.com</t:domain>", "")), "domain");
  for (const text of [
    "nord example",
    "nord.example..",
    "&#32;nord.example",
    "nord.example\u200b",
    "192.0.2.1",
    "*.nord",
  ]) {
    assert.equal(at(example.replace("Example.com", text)), "domain", text);
    assert.equal(at(example.replace("b.example", text)), "domain", text);
  }
  assert.equal(at(example.replace(/<t:route>.*<\/t:route>/, "")), "route");
  assert.equal(at(example.replace("Quetzalcoatl", "&secret;")), "DHTname");
  assert.equal(at(`<!DOCTYPE x [<!ENTITY a "b">]>${example}`), "document");
  assert.equal(at("<a>".repeat(5_000)), "document");
  assert.equal(at(example + " ".repeat(CONTENT_BYTES_MAX)), "document");
});
