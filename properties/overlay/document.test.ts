/** The overlay configuration document, written, read, and read when it is wrong. RFC 6940 §11.1. */

import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import {
  isLaterSequence,
  kindElement,
  type OverlayConfiguration,
  overlayDefaults,
  readDocument,
  readKindBlock,
  readOverlay,
  sequenceAfter,
  signedKindBlock,
  unsupportedIn,
  viprOverlay,
  viprRegistrationKind,
  withSignature,
  writeOverlay,
} from "../../codecs/overlay/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { anyNodeId } from "../kit/node-ids.ts";

const integer = (min: number, max: number) => fc.integer({ min, max });
const nodeIds = fc.array(anyNodeId(), { maxLength: 2 });
const signedBlock = signedKindBlock(kindElement({ ...viprRegistrationKind, kind: 0xf0000200 }), Uint8Array.of(1, 2, 3));
const signedKind = { ...viprRegistrationKind, kind: 0xf0000200, signedBlock };
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
    badNodes: nodeIds,
    configurationSigners: nodeIds,
    kindSigners: nodeIds,
    turnDensity: integer(0, 255),
    clientsPermitted: fc.boolean(),
    linkProtocols: fc.constantFrom(["TLS"], ["TLS", "SCTP"]),
    kinds: fc.constantFrom([], [viprRegistrationKind], [signedKind, { ...viprRegistrationKind, maxNodeMultiple: 3 }]),
    numberHash: fc.constantFrom("sha1" as const, "scrypt" as const),
    quota: integer(1, 1_000_000),
    storesPerSecond: integer(1, 1_000),
    fetchesPerSecond: integer(1, 1_000),
    maxValidationDelayS: integer(0, 604_800),
    roundIntervalS: integer(1, 3_600),
  })
  .chain((given) =>
    fc
      .constantFrom({}, { sharedSecret: "a <secret> & more" }, { selfSigned: "sha256" as const })
      .map((more) => viprOverlay({ ...given, ...more })),
  );

// RFC 6940 §11.1
test("an overlay document written is read back", () => {
  fc.assert(
    fc.property(configurations, (overlay) => {
      assert.deepEqual(readOverlay(writeOverlay(overlay), overlay.name), { ok: true, value: overlay });
    }),
    { numRuns: runs },
  );
});

// RFC 6940 §11.1
test("any text gives a configuration, or an error with its place", () => {
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

test("overlay: a prefix, a Kind's name or model that every object answers to is none", () => {
  const kind = (attributes: string, model: string) =>
    document(`<r:required-kinds><r:kind-block><r:kind ${attributes}><r:data-model>${model}</r:data-model>
      <r:access-control>NODE-MATCH</r:access-control><r:max-count>3</r:max-count><r:max-size>40</r:max-size>
      </r:kind><r:kind-signature>AAAA</r:kind-signature></r:kind-block></r:required-kinds>`);
  const faultOf = (text: string) => {
    const read = readOverlay(text);
    return read.ok ? "ok" : `${read.error.at}: ${read.error.why}`;
  };
  assert.equal(faultOf(kind('id="7"', "SINGLE")), "ok");
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    assert.match(faultOf(document(`<${name}:quota>5</${name}:quota>`)), /^document: .*(prefix|Restricted|SECURITY)/);
    assert.match(faultOf(kind('id="7"', name)), /kind\.data-model/);
    assert.match(faultOf(kind(`name="${name}"`, "SINGLE")), /kind\.name/);
  }
});

// RFC 6940 §6.3.2
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
  const signedBlock = read.value.kinds[0]?.signedBlock ?? "";
  assert.ok(signedBlock.startsWith("<r:kind-block>") && signedBlock.endsWith("</r:kind-block>"));
  assert.deepEqual(read.value, {
    ...overlayDefaults,
    name: "ring.example",
    sequence: 7,
    rootCertificates: [Uint8Array.of(1, 2, 3, 4)],
    bootstrapNodes: [{ host: "2001:DB8::1", port: 6084 }],
    noIce: true,
    chordPingIntervalS: 30,
    quota: 500,
    // The model of a registered Kind is the registry's, whatever the document has.
    kinds: [
      { kind: 0xf0000100, model: "dictionary", accessControl: "VIPR-MATCH", maxCount: 3, maxSize: 40, signedBlock },
    ],
  });
});

test("XML 1.0 §4.1: references to characters are read in text and attributes, not in CDATA, and nothing else is one", () => {
  const urls = (inside: string) => {
    const read = readOverlay(document(`<r:enrollment-server>${inside}</r:enrollment-server>`));
    return read.ok ? read.value.enrollmentServers : read.error.why;
  };
  const url = "https://a.example/?x=1&y=2";
  for (const written of ["&amp;", "&#38;", "&#x26;", "&#0038;"])
    assert.deepEqual(urls(`https://a.example/?x=1${written}y=2`), [url]);
  assert.deepEqual(urls(`<![CDATA[${url}]]>`), [url]);
  // Once: what a reference gives is not read again.
  assert.deepEqual(urls("https://a.example/?x=1&#38;#38;y=2"), ["https://a.example/?x=1&#38;y=2"]);
  assert.deepEqual(urls("<![CDATA[https://a.example/?x=1&#38;y=2]]>"), ["https://a.example/?x=1&#38;y=2"]);
  for (const wrong of [
    "&#0;",
    "&#xd800;",
    "&#x110000;",
    "&#99999999999;",
    "&nbsp;",
    "&copy;",
    "&constructor;",
    "&#;",
    "&#x;",
  ])
    assert.match(urls(`https://a.example/${wrong}`) as string, /no reference to a character/, wrong);
  const root = readOverlay(document("<r:root-cert>AQID&#13;&#10;BA==</r:root-cert>"));
  assert.deepEqual(root.ok && root.value.rootCertificates, [Uint8Array.of(1, 2, 3, 4)]);
  const host = readOverlay(document('<r:bootstrap-node address="2001:db8&#58;:1"/>'));
  assert.deepEqual(host.ok && host.value.bootstrapNodes, [{ host: "2001:db8::1", port: 6084 }]);
});

// RFC 6940 §6.3.2, §7.3
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
  assert.equal(fault("<v:number-hash>md5</v:number-hash>"), "number-hash");
  assert.equal(fault("<r:self-signed-permitted>true</r:self-signed-permitted>"), "self-signed-permitted.digest");
  assert.equal(fault("<r:configuration-signer>me</r:configuration-signer>"), "configuration-signer");
  assert.equal(fault("<r:required-kinds><r:kind-block/></r:required-kinds>"), "kind-block");
  const bad = (text: string) => {
    const read = readOverlay(text);
    return read.ok ? "read" : read.error.at;
  };
  assert.equal(bad("<overlay/>"), "overlay");
  assert.equal(bad(`<!DOCTYPE x [<!ENTITY a "b">]>${document("")}`), "document");
  assert.equal(readOverlay(document(""), "another.example").ok, false);
});

// RFC 6940 §14.16
test("RFC 6940 §11.1: the RFC's own example, whole", () => {
  const text = readFileSync("properties/vectors/rfc6940-overlay.xml", "utf8");
  const read = readDocument(text, "overlay.example.org");
  assert.ok(read.ok);
  const { overlay, signatures, kinds } = read.value;
  const { rootCertificates, kinds: _, ...plain } = overlay;
  assert.deepEqual(plain, {
    name: "overlay.example.org",
    sequence: 22,
    expirationMs: Date.UTC(2002, 9, 10, 7),
    topologyPlugin: "CHORD-RELOAD",
    nodeIdLength: 16,
    enrollmentServers: ["https://example.org", "https://example.net"],
    bootstrapNodes: [
      { host: "192.0.0.1", port: 6084 },
      { host: "192.0.2.2", port: 6084 },
      { host: "2001:DB8::1", port: 6084 },
    ],
    turnDensity: 20,
    clientsPermitted: false,
    noIce: false,
    sharedSecret: "password",
    maxMessageSize: 4000,
    initialTtl: 30,
    reliabilityTimerMs: 3000,
    linkProtocols: ["TLS"],
    chordUpdateIntervalS: 400,
    chordPingIntervalS: 30,
    chordReactive: true,
    configurationSigners: [0x47112162e84c69ban],
    kindSigners: [0x47112162e84c69ban, 0x6eba45d31a900c06n],
    badNodes: [0x6ebc45d31a900c06n, 0x6ebc45d31a900ca6n],
    mandatoryExtensions: ["urn:ietf:params:xml:ns:p2p:config-ext1"],
    quota: 10_000,
    storesPerSecond: 10,
    fetchesPerSecond: 10,
    maxValidationDelayS: 86_400,
    roundIntervalS: 10,
    numberHash: "sha1",
  });
  assert.deepEqual([rootCertificates.length, signatures, kinds.length], [2, [utf8("This is not right!\n")], 2]);
  assert.deepEqual(unsupportedIn(overlay), [
    "mandatory-extension urn:ietf:params:xml:ns:p2p:config-ext1",
    "no-ice false: this node has no ICE",
    "shared-secret",
  ]);
  assert.ok(readOverlay(text, "other.example.net").ok);
});

test("RFC 6940 §11.1: a signature covers from the first < of the element to its last >, and its own is put after it", () => {
  const decoys = [
    "<!-- </configuration> <configuration/> -->",
    "<![CDATA[</configuration>]]>",
    "<other:x a='>' b=\"</r:configuration>\"/>",
    "<?instruction </r:configuration> ?>",
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(decoys), fc.uint8Array({ minLength: 1, maxLength: 80 }), (inside, block) => {
      const text = document(inside.join("\n"));
      const read = readDocument(text, "ring.example");
      assert.ok(read.ok);
      const exact = new TextDecoder().decode(read.value.bytes);
      assert.equal(exact, text.slice(text.indexOf("<r:configuration"), text.lastIndexOf("</r:configuration>") + 18));
      const again = readDocument(withSignature(text, "ring.example", block), "ring.example");
      assert.ok(again.ok);
      assert.deepEqual([again.value.bytes, again.value.signatures], [read.value.bytes, [block]]);
    }),
    { numRuns: runs },
  );
});

test("of several configurations the one named is read, each with the signatures behind it; a name twice is refused", () => {
  const two = writeOverlay(viprOverlay({ name: "b.example", sequence: 2 }));
  const inner = two.slice(two.indexOf("<configuration"), two.indexOf("</overlay>"));
  const one = writeOverlay(viprOverlay({ name: "a.example", sequence: 1 }));
  const both = one.replace("</overlay>", () => `${inner}</overlay>`);
  const signed = withSignature(withSignature(both, "b.example", Uint8Array.of(2)), "a.example", Uint8Array.of(1));
  for (const [name, block, sequence] of [
    ["a.example", 1, 1],
    ["b.example", 2, 2],
  ] as const) {
    const read = readDocument(signed, name);
    assert.ok(read.ok);
    assert.deepEqual([read.value.signatures, read.value.overlay.sequence], [[Uint8Array.of(block)], sequence]);
  }
  assert.equal(readOverlay(both.replace('"a.example"', '"b.example"'), "b.example").ok, false);
});

test("RFC 6940 §6.5.4.1: a kind-block by itself, with the bytes its kind-signature covers", () => {
  const read = readKindBlock(signedBlock);
  assert.ok(read.ok);
  assert.deepEqual(read.value.configuration, signedKind);
  assert.deepEqual(read.value.signed, {
    kind: 0xf0000200,
    bytes: utf8(kindElement({ ...viprRegistrationKind, kind: 0xf0000200 })),
    signatures: [Uint8Array.of(1, 2, 3)],
  });
  for (const wrong of ["", "<kind-block/>", `${signedBlock}${signedBlock}`, "<kind-block>", "rubbish"])
    assert.equal(readKindBlock(wrong).ok, false, wrong);
});

test("RFC 6940 §6.3.2.1: sequences are greater or less by modulo arithmetic, and 65535 is none of them", () => {
  const sequence = integer(0, 65_534);
  fc.assert(
    fc.property(sequence, sequence, (one, other) => {
      assert.equal(isLaterSequence(one, other) || isLaterSequence(other, one), one !== other);
      assert.ok(!(isLaterSequence(one, other) && isLaterSequence(other, one)));
      assert.ok(isLaterSequence(sequenceAfter(one), one));
    }),
    { numRuns: runs },
  );
  assert.equal(sequenceAfter(65_534), 0);
});

const FOUR = { "data-model": "SINGLE", "access-control": "NODE-MATCH", "max-count": "3", "max-size": "40" };
test("RFC 6940 §11.1: the bounds of numbers, times in UTC, both digests, a Kind's values: each with its place", () => {
  const said = (inside: string, attributes?: string) => {
    const read = readOverlay(document(inside, attributes));
    return read.ok ? "read" : read.error.at.replace("overlay.configuration.", "");
  };
  for (const [name, wrong, right] of [
    ["overlay-reliability-timer", ["199", "-3000", "3 s"], ["200", "3000"]],
    ["node-id-length", ["15", "21"], ["16", "20"]],
    ["initial-ttl", ["0", "256"], ["1", "255"]],
  ] as const) {
    for (const value of wrong) assert.equal(said(`<r:${name}>${value}</r:${name}>`), name, value);
    for (const value of right) assert.equal(said(`<r:${name}>${value}</r:${name}>`), "read", value);
  }
  const expiring = (time: string) => said("", `instance-name="a.example" expiration="${time}"`);
  for (const time of ["2030-01-02T03:04:05Z", "2030-01-02T03:04:05.5Z"]) assert.equal(expiring(time), "read");
  for (const time of ["2030-01-02T03:04:05+02:00", "2030-01-02", "2030-13-02T03:04:05Z", "1893553445"])
    assert.equal(expiring(time), "expiration", time);
  const signing = (digest: string) =>
    said(`<r:self-signed-permitted digest="${digest}">true</r:self-signed-permitted>`);
  assert.deepEqual(["sha1", "sha256", "md5"].map(signing), ["read", "read", "self-signed-permitted.digest"]);
  const kind = (values: Readonly<Record<string, string>>) =>
    said(
      `<r:required-kinds><r:kind-block><r:kind id="7">${Object.entries(values)
        .map(([name, value]) => `<r:${name}>${value}</r:${name}>`)
        .join("")}</r:kind><r:kind-signature>AAAA</r:kind-signature></r:kind-block></r:required-kinds>`,
    );
  assert.equal(kind(FOUR), "read");
  for (const name of Object.keys(FOUR))
    assert.equal(kind(Object.fromEntries(Object.entries(FOUR).filter(([other]) => other !== name))), `kind.${name}`);
  for (const value of ["0", "-1"])
    assert.equal(kind({ ...FOUR, "max-node-multiple": value }), "kind.max-node-multiple");
  assert.equal(kind({ ...FOUR, "max-node-multiple": "1" }), "read");
});

test("RFC 6940 §11.1: what we write is UTF-8 and says so, and has each Kind's four values", () => {
  const text = writeOverlay(viprOverlay({ name: "a.example", sequence: 1 }));
  assert.match(text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n/);
  assert.equal(new TextDecoder("utf-8", { fatal: true }).decode(utf8(text)), text);
  const kinds = text.split("<kind ").length - 1;
  assert.ok(kinds > 0);
  for (const name of Object.keys(FOUR)) assert.equal(text.split(`<${name}>`).length - 1, kinds, name);
  assert.ok(!text.includes("self-signed-permitted"));
});
