/** The overlay configuration document, written, read, and read when it is wrong. RFC 6940 §11.1. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  type OverlayConfiguration,
  overlayDefaults,
  readOverlay,
  viprOverlay,
  writeOverlay,
} from "../../codecs/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";

const integer = (min: number, max: number) => fc.integer({ min, max });
const configurations: fc.Arbitrary<OverlayConfiguration> = fc
  .record({
    name: fc.stringMatching(/^[a-z][a-z0-9.-]{0,40}$/),
    sequence: integer(0, 65_534),
    expirationMs: integer(0, 4_000_000_000_000),
    rootCertificates: fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 2 }),
    enrollmentServers: fc.array(fc.constantFrom("https://a.example/enrol?x=1&y=2", "https://b.example"), {
      maxLength: 2,
    }),
    bootstrapNodes: fc.array(
      fc.record({ host: fc.oneof(fc.ipV4(), fc.ipV6()), port: integer(1, 65_535) }, { noNullPrototype: true }),
      {
        maxLength: 3,
      },
    ),
    noIce: fc.boolean(),
    chordReactive: fc.boolean(),
    maxMessageSize: integer(512, 0xff_ffff),
    initialTtl: integer(1, 255),
    reliabilityTimerMs: integer(200, 600_000),
    badNodes: fc.array(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), { maxLength: 2 }),
    quota: integer(1, 1_000_000),
    storesPerSecond: integer(1, 1_000),
    fetchesPerSecond: integer(1, 1_000),
    maxValidationDelayS: integer(0, 604_800),
    roundIntervalS: integer(1, 3_600),
  })
  .map((given) => viprOverlay(given));

test("an overlay document written is read back", () => {
  fc.assert(
    fc.property(configurations, (overlay) => {
      assert.deepEqual(readOverlay(writeOverlay(overlay), overlay.name), { ok: true, value: overlay });
    }),
    { numRuns: runs },
  );
});

test("any text gives a configuration or an error that says where", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), configurations.map(writeOverlay)),
      fc.nat(),
      fc.string({ maxLength: 4 }),
      (text, at, noise) => {
        const cut = at % (text.length + 1);
        const read = readOverlay(text.slice(0, cut) + noise + text.slice(cut + 1));
        if (!read.ok) assert.equal(read.error._tag, "BadOverlayDocument");
      },
    ),
    { numRuns: runs },
  );
});

const document = (inside: string, attributes = 'instance-name="ring.example" sequence="7"') => `<?xml version="1.0"?>
  <r:overlay xmlns:r="urn:ietf:params:xml:ns:p2p:config-base" xmlns:c="urn:ietf:params:xml:ns:p2p:config-chord"
    xmlns:v="urn:vipr:overlay:1" xmlns:other="urn:example:other">
    <r:configuration ${attributes} other:note="passed over">${inside}</r:configuration>
    <r:signature>AAAA</r:signature>
  </r:overlay>`;

test("RFC 6940 §11.1: prefixes, white space, foreign elements and defaults", () => {
  const read = readOverlay(
    document(`
      <r:topology-plugin> CHORD-RELOAD </r:topology-plugin> <other:quota>99</other:quota>
      <r:root-cert> AQID
         BA== </r:root-cert>
      <r:bootstrap-node address="2001:DB8::1"/> <r:no-ice> 1 </r:no-ice>
      <c:chord-ping-interval> 30 </c:chord-ping-interval> <v:quota>500</v:quota>
      <r:required-kinds><r:kind-block><r:kind id="4026532096"><r:data-model>SINGLE</r:data-model>
        <r:access-control>VIPR-MATCH</r:access-control><r:max-count>3</r:max-count><r:max-size>40</r:max-size>
      </r:kind><r:kind-signature>AAAA</r:kind-signature></r:kind-block></r:required-kinds>`),
  );
  assert.ok(read.ok);
  assert.deepEqual(read.value, {
    ...overlayDefaults,
    name: "ring.example",
    sequence: 7,
    rootCertificates: [Uint8Array.of(1, 2, 3, 4)],
    bootstrapNodes: [{ host: "2001:DB8::1", port: 6084 }],
    noIce: true,
    chordPingIntervalS: 30,
    quota: 500,
    // The model of a Kind that is registered is the registry's, whatever the document says.
    kinds: [{ kind: 0xf0000100, model: "dictionary", accessControl: "VIPR-MATCH", maxCount: 3, maxSize: 40 }],
  });
});

test("what is wrong in a document is named with its place", () => {
  const fault = (inside: string, attributes?: string) => {
    const read = readOverlay(document(inside, attributes));
    return read.ok ? "read" : read.error.at.replace("overlay.configuration.", "");
  };
  assert.equal(fault("<r:initial-ttl>256</r:initial-ttl>"), "initial-ttl");
  assert.equal(fault("<r:no-ice>perhaps</r:no-ice>"), "no-ice");
  assert.equal(fault("<r:root-cert>A</r:root-cert>"), "root-cert");
  assert.equal(fault("<r:bad-node>xyz</r:bad-node>"), "bad-node");
  assert.equal(fault("", 'instance-name="two words"'), "instance-name");
  assert.equal(fault("", 'instance-name="a.example" expiration="yesterday"'), "expiration");
  assert.equal(
    fault("<r:required-kinds><r:kind-block><r:kind name='X'/></r:kind-block></r:required-kinds>"),
    "kind.name",
  );
  const bad = (text: string) => {
    const read = readOverlay(text);
    return read.ok ? "read" : read.error.at;
  };
  assert.equal(bad("<overlay/>"), "overlay");
  assert.equal(bad(`<!DOCTYPE x [<!ENTITY a "b">]>${document("")}`), "document");
  assert.equal(readOverlay(document(""), "another.example").ok, false);
});
