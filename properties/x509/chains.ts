/**
 * The table of chains: each row says what is done to a good chain of root, issuing authority and node, and what becomes of
 * it. RFC 5280 §4.1, §4.2, §6.1. The leaf names the Node-ID 7 of "ring.example".
 */

import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import type { CertificateReason } from "../../machines/x509/mod.ts";
import {
  der,
  ecHolder,
  ext,
  extension,
  general,
  type Holder,
  integer,
  nameOf,
  oid,
  purpose,
  rsaHolder,
  sequence,
  signing,
  type ToWrite,
  usage,
  writeCertificate,
} from "../kit/x509.ts";

export const OVERLAY = "ring.example";
export const VICTIM = nodeIdFrom(7n);
export const URI = `reload://0110${nodeIdText(VICTIM)}@${OVERLAY}/`;
const HOUR_MS = 3_600_000;
const POLICY = "1.3.6.1.4.1.55555.7";
const OTHER_POLICY = "1.3.6.1.4.1.55555.8";

/** What stands in one certificate, apart from who signs it. */
export type Changes = Partial<ToWrite> & {
  /** Who signs it, and whose key it certifies. */
  readonly by?: Holder;
  readonly holder?: Holder;
  /** Validity, from now; default an hour before and after. */
  readonly beginsMs?: number;
  readonly endsMs?: number;
};
export interface Row {
  readonly name: string;
  readonly verdict: "good" | CertificateReason;
  readonly root?: Changes;
  /** The issuing authority, or further ones, from the root down. */
  readonly issuers?: ReadonlyArray<Changes>;
  readonly leaf?: Changes;
}

export interface Chain {
  readonly root: Uint8Array;
  /** Leaf first, root left out. */
  readonly shown: ReadonlyArray<Uint8Array>;
  readonly leafHolder: Holder;
}

/** Made once: what the rows share. */
export const holders = {
  root: ecHolder(),
  issuing: ecHolder(),
  second: ecHolder(),
  third: ecHolder(),
  fourth: ecHolder(),
  leaf: ecHolder(),
  stranger: ecHolder(),
  p384: ecHolder("P-384"),
  rsa2048: rsaHolder(2_048),
  rsa4096: rsaHolder(4_096),
  rsa1024: rsaHolder(1_024),
};
const authorityExtensions = [ext.ca(), ext.usage(usage.keyCertSign | usage.cRLSign)];
const leafNames = [general.uri(URI), general.email(`bob@${OVERLAY}`)];
const leafExtensions = [
  ext.noCa(),
  ext.usage(usage.digitalSignature),
  ext.purposes(purpose.server, purpose.client),
  ext.names(leafNames),
];
/** Those of a good leaf, one replaced by its place in the list, or more behind them. */
const leafWith = (more: ReadonlyArray<Uint8Array>, without?: number): Changes => ({
  extensions: [...leafExtensions.filter((_, i) => i !== without), ...more],
});
const authorityWith = (more: ReadonlyArray<Uint8Array>, without?: number): Changes => ({
  extensions: [...authorityExtensions.filter((_, i) => i !== without), ...more],
});
const [NO_CA, USAGE, PURPOSES, NAMES] = [0, 1, 2, 3];

/** The chain of a row; `leafKey` certifies another's key, as enrolment does. */
export const chainOf = (row: Row, nowMs: number, leafKey?: Uint8Array): Chain => {
  const lasting = ({ beginsMs = -HOUR_MS, endsMs = HOUR_MS }: Changes = {}) => ({
    notBeforeMs: nowMs + beginsMs,
    notAfterMs: nowMs + endsMs,
  });
  const rootName = nameOf("root of the table");
  const rootHolder = row.root?.holder ?? holders.root;
  const root = writeCertificate(
    {
      issuer: rootName,
      subject: rootName,
      keyInfo: rootHolder.keyInfo,
      extensions: authorityExtensions,
      ...lasting(row.root),
      ...row.root,
    },
    row.root?.by ?? rootHolder,
  );
  let above = { name: row.root?.subject ?? rootName, holder: rootHolder };
  const shown: Array<Uint8Array> = [];
  const own = [holders.issuing, holders.second, holders.third, holders.fourth];
  for (const [i, changes] of (row.issuers ?? [{}]).entries()) {
    const holder = changes.holder ?? own[i]!;
    const name = changes.subject ?? nameOf(`authority ${i}`);
    const what = { issuer: above.name, keyInfo: holder.keyInfo, extensions: authorityExtensions, ...lasting(changes) };
    shown.unshift(writeCertificate({ ...what, ...changes, subject: name }, changes.by ?? above.holder));
    above = { name, holder };
  }
  const leafHolder = row.leaf?.holder ?? holders.leaf;
  const keyInfo = leafKey ?? leafHolder.keyInfo;
  const what = {
    issuer: above.name,
    subject: nameOf(undefined),
    keyInfo,
    extensions: leafExtensions,
    ...lasting(row.leaf),
  };
  shown.unshift(writeCertificate({ ...what, ...row.leaf }, row.leaf?.by ?? above.holder));
  return { root, shown, leafHolder };
};

const flipped = (signature: Uint8Array): Uint8Array => signature.with(-1, signature.at(-1)! ^ 1);
/** r with a zero byte before it that it does not need. */
const padded = (signature: Uint8Array): Uint8Array => {
  const size = signature[3]!;
  const r = signature.subarray(4, 4 + size);
  const rest = signature.subarray(4 + size);
  return der(0x30, der(0x02, Uint8Array.of(0, ...(r[0] === 0 ? r : [0, ...r]))), rest);
};
const caUsage = (bits: number) => [ext.ca(), ext.usage(bits)];
const host = (name: string) => general.uri(name);

export const good: ReadonlyArray<Row> = [
  { name: "root, issuing authority, node", verdict: "good" },
  { name: "a node right below the root", verdict: "good", issuers: [] },
  { name: "three authorities below the root", verdict: "good", issuers: [{}, {}, {}] },
  {
    name: "path lengths that are just enough",
    verdict: "good",
    root: { extensions: [ext.ca(1)] },
    issuers: [{ extensions: caUsage(usage.keyCertSign).with(0, ext.ca(0)) }],
  },
  {
    name: "RSA of 2048 bits throughout",
    verdict: "good",
    root: { holder: holders.rsa2048 },
    issuers: [{ holder: holders.rsa2048 }],
    leaf: { holder: holders.rsa2048 },
  },
  {
    name: "an issuer of RSA 4096 with SHA-512",
    verdict: "good",
    issuers: [{ holder: holders.rsa4096 }],
    leaf: { signing: signing.rsa512 },
  },
  { name: "an issuer of P-384", verdict: "good", issuers: [{ holder: holders.p384 }] },
  {
    name: "a root that signed itself with SHA-1",
    verdict: "good",
    root: { holder: holders.rsa2048, signing: signing.rsaSha1 },
  },
  {
    name: "an unknown extension that is not critical",
    verdict: "good",
    issuers: [authorityWith([ext.unknown(false)])],
    leaf: leafWith([ext.unknown(false)]),
  },
  {
    name: "URI permitted by a domain",
    verdict: "good",
    issuers: [authorityWith([ext.constraints([host(".example")], [])])],
  },
  {
    name: "URI excluded elsewhere",
    verdict: "good",
    issuers: [authorityWith([ext.constraints([], [host("other.example"), host(".ring.example")])])],
  },
  {
    name: "e-mail permitted by its host, and another excluded",
    verdict: "good",
    issuers: [authorityWith([ext.constraints([general.email(OVERLAY)], [general.email("other.example")])])],
  },
  {
    name: "DNS constraints where there is no DNS name",
    verdict: "good",
    issuers: [authorityWith([ext.constraints([general.dns("other.example")], [general.dns("ring.example")])])],
  },
  {
    name: "a subject within a permitted DN",
    verdict: "good",
    issuers: [authorityWith([ext.constraints([general.directory(nameOf(undefined, [["2.5.4.10", "Ring"]]))], [])])],
    leaf: { subject: nameOf("node", [["2.5.4.10", "Ring"]]) },
  },
  {
    name: "an address within a permitted network",
    verdict: "good",
    issuers: [authorityWith([ext.constraints([general.ip(192, 0, 2, 0, 255, 255, 255, 0)], [])])],
    leaf: leafWith([ext.names([...leafNames, general.ip(192, 0, 2, 9)])], NAMES),
  },
  {
    name: "policies without anybody who asks",
    verdict: "good",
    issuers: [authorityWith([ext.policies(POLICY)])],
    leaf: leafWith([ext.policies(OTHER_POLICY)]),
  },
  { name: "no key usage said", verdict: "good", issuers: [authorityWith([], 1)], leaf: leafWith([], USAGE) },
  { name: "no purposes said", verdict: "good", leaf: leafWith([], PURPOSES) },
  {
    name: "an issuer with purposes of TLS",
    verdict: "good",
    issuers: [authorityWith([ext.purposes(purpose.server, purpose.client)])],
  },
  { name: "a subject beside the names", verdict: "good", leaf: { subject: nameOf("node") } },
  {
    name: "key identifiers that agree",
    verdict: "good",
    issuers: [authorityWith([ext.subjectKey(Uint8Array.of(1, 2))])],
    leaf: leafWith([ext.authorityKey(Uint8Array.of(1, 2))]),
  },
];

export const faults: ReadonlyArray<Row> = [
  // Critical extensions, §4.2.
  {
    name: "sub-CA with an unknown critical extension",
    verdict: "criticalExtension",
    issuers: [authorityWith([ext.unknown(true)])],
  },
  {
    name: "leaf with an unknown critical extension",
    verdict: "criticalExtension",
    leaf: leafWith([ext.unknown(true)]),
  },
  {
    name: "root with an unknown critical extension",
    verdict: "criticalExtension",
    root: authorityWith([ext.unknown(true)]),
  },
  // Name constraints, §4.2.1.10.
  {
    name: "URI excluded by its host",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [host(OVERLAY)])])],
  },
  {
    name: "URI excluded by its domain",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [host(".example")])])],
  },
  {
    name: "URI excluded, not critical",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [host(OVERLAY)], false)])],
  },
  {
    name: "URI not among the permitted",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([host("other.example")], [])])],
  },
  {
    name: "URI without an authority under a URI constraint",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([host(".example")], [])])],
    leaf: leafWith([ext.names([...leafNames, general.uri("sip:ring.example")])], NAMES),
  },
  {
    name: "URI with an address under a URI constraint",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [host("other.example")])])],
    leaf: leafWith([ext.names([...leafNames, general.uri("https://192.0.2.1/")])], NAMES),
  },
  {
    name: "e-mail excluded by its host",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.email(OVERLAY)])])],
  },
  {
    name: "e-mail excluded as a mailbox",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.email(`bob@${OVERLAY}`)])])],
  },
  {
    name: "e-mail of the subject excluded",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.email("else.example")])])],
    leaf: { subject: nameOf("node", [["1.2.840.113549.1.9.1", "bob@else.example"]]) },
  },
  {
    name: "DN excluded",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.directory(nameOf(undefined, [["2.5.4.10", "Ring"]]))])])],
    leaf: { subject: nameOf("node", [["2.5.4.10", "Ring"]]) },
  },
  {
    name: "DN excluded, written with another case",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.directory(nameOf(undefined, [["2.5.4.10", "Ring"]]))])])],
    leaf: { subject: nameOf("node", [["2.5.4.10", "RING "]]) },
  },
  {
    name: "DN not permitted",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([general.directory(nameOf("somebody"))], [])])],
    leaf: { subject: nameOf("node") },
  },
  {
    name: "DNS name excluded",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.dns("example")])])],
    leaf: leafWith([ext.names([...leafNames, general.dns("a.example")])], NAMES),
  },
  {
    name: "DNS wildcard that holds an excluded name",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.dns("b.a.example")])])],
    leaf: leafWith([ext.names([...leafNames, general.dns("*.a.example")])], NAMES),
  },
  {
    name: "DNS wildcard that stands for more than the permitted host",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([general.dns("b.a.example")], [])])],
    leaf: leafWith([ext.names([...leafNames, general.dns("*.a.example")])], NAMES),
  },
  ...["", "ring.example.", "*.example", "https://ring.example/", "ring.example:443", "."].map(
    (base): Row => ({
      name: `URI excluded by "${base}", which is every host or none that can be read`,
      verdict: "nameConstraints",
      issuers: [authorityWith([ext.constraints([], [host(base)])])],
    }),
  ),
  {
    name: "e-mail excluded by a host with an @ before it",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.email(`@${OVERLAY}`)])])],
  },
  {
    name: "address outside the permitted network",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([general.ip(192, 0, 2, 0, 255, 255, 255, 0)], [])])],
    leaf: leafWith([ext.names([...leafNames, general.ip(192, 0, 3, 9)])], NAMES),
  },
  {
    name: "a name form that is constrained and not compared",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [general.registered("1.2.3")])])],
    leaf: leafWith([ext.names([...leafNames, general.registered("1.2.4")])], NAMES),
  },
  {
    name: "constraints of an authority two above",
    verdict: "nameConstraints",
    issuers: [authorityWith([ext.constraints([], [host(OVERLAY)])]), {}],
  },
  {
    name: "constraints of the root",
    verdict: "nameConstraints",
    root: authorityWith([ext.constraints([], [host(OVERLAY)])]),
  },
  // Policies, §4.2.1.4, §4.2.1.11, §6.1.
  {
    name: "a policy required, none held",
    verdict: "policy",
    issuers: [authorityWith([ext.policies(POLICY), ext.explicitPolicy(0, false)])],
  },
  {
    name: "a policy required, another held",
    verdict: "policy",
    issuers: [authorityWith([ext.policies(POLICY), ext.explicitPolicy(0, false)])],
    leaf: leafWith([ext.policies(OTHER_POLICY)]),
  },
  {
    name: "a policy required after one more certificate",
    verdict: "policy",
    issuers: [authorityWith([ext.explicitPolicy(1, false)])],
  },
  {
    name: "policies mapped",
    verdict: "policy",
    issuers: [authorityWith([ext.policies(POLICY), ext.mappings(POLICY, OTHER_POLICY)])],
  },
  {
    name: "anyPolicy inhibited where a policy is required",
    verdict: "policy",
    issuers: [authorityWith([ext.policies("2.5.29.32.0"), ext.explicitPolicy(0, false), ext.inhibitAny(0, false)])],
    leaf: leafWith([ext.policies("2.5.29.32.0")]),
  },
  // Authorities, §4.2.1.9, §4.2.1.3.
  { name: "an issuer without basicConstraints", verdict: "notAuthority", issuers: [authorityWith([], 0)] },
  {
    name: "an issuer that says it is none",
    verdict: "notAuthority",
    issuers: [{ extensions: [ext.noCa(), ext.usage(usage.keyCertSign)] }],
  },
  {
    name: "an issuer whose key is for signatures alone",
    verdict: "keyUsage",
    issuers: [{ extensions: caUsage(usage.digitalSignature) }],
  },
  { name: "a path length exceeded at the root", verdict: "pathLength", root: { extensions: [ext.ca(0)] } },
  { name: "a path length exceeded below", verdict: "pathLength", issuers: [{ extensions: [ext.ca(0)] }, {}] },
  { name: "four authorities below the root", verdict: "pathTooLong", issuers: [{}, {}, {}, {}] },
  {
    name: "an issuer for code alone",
    verdict: "extendedKeyUsage",
    issuers: [authorityWith([ext.purposes(purpose.codeSigning)])],
  },
  // The leaf, §4.2.1.3, §4.2.1.12, §4.1.2.6.
  {
    name: "leaf for codeSigning alone",
    verdict: "extendedKeyUsage",
    leaf: leafWith([ext.purposes(purpose.codeSigning)], PURPOSES),
  },
  // A node opens links and accepts them: it has to be for both.
  {
    name: "leaf for TLS servers alone",
    verdict: "extendedKeyUsage",
    leaf: leafWith([ext.purposes(purpose.server)], PURPOSES),
  },
  {
    name: "leaf for TLS clients alone",
    verdict: "extendedKeyUsage",
    leaf: leafWith([ext.purposes(purpose.client)], PURPOSES),
  },
  {
    name: "leaf for any purpose, and none named",
    verdict: "extendedKeyUsage",
    leaf: leafWith([ext.purposes(purpose.any)], PURPOSES),
  },
  {
    name: "leaf without digitalSignature",
    verdict: "keyUsage",
    leaf: leafWith([ext.usage(usage.keyEncipherment)], USAGE),
  },
  { name: "leaf that is an authority", verdict: "isAuthority", leaf: leafWith([ext.ca()], NO_CA) },
  {
    name: "leaf without subject, its names not critical",
    verdict: "subject",
    leaf: leafWith([ext.names(leafNames, false)], NAMES),
  },
  { name: "leaf of P-384", verdict: "key", leaf: { holder: holders.p384 } },
  // Keys and algorithms.
  { name: "sub-CA of RSA 1024", verdict: "key", issuers: [{ holder: holders.rsa1024 }] },
  { name: "leaf of RSA 1024", verdict: "key", leaf: { holder: holders.rsa1024 } },
  {
    name: "sub-CA signed with SHA-1",
    verdict: "algorithm",
    root: { holder: holders.rsa2048 },
    issuers: [{ signing: signing.rsaSha1 }],
  },
  { name: "leaf signed with ECDSA and SHA-1", verdict: "algorithm", leaf: { signing: signing.ecdsaSha1 } },
  {
    name: "RSA without its parameters",
    verdict: "algorithm",
    issuers: [{ holder: holders.rsa2048 }],
    leaf: { signing: signing.rsaWithoutNull },
  },
  // Form, §4.1, §4.2.
  { name: "an extension twice", verdict: "duplicateExtension", leaf: leafWith([ext.noCa()]) },
  {
    name: "the alternative names twice",
    verdict: "duplicateExtension",
    leaf: leafWith([ext.names([general.uri("reload://00000000000000000000000000000008@ring.example/")])]),
  },
  {
    name: "an unknown extension twice in the sub-CA",
    verdict: "duplicateExtension",
    issuers: [authorityWith([ext.unknown(false), ext.unknown(false)])],
  },
  { name: "version 1 with extensions", verdict: "version", leaf: { version: undefined } },
  { name: "version 2 with extensions", verdict: "version", leaf: { version: 1 } },
  { name: "version 4", verdict: "version", leaf: { version: 3 } },
  {
    name: "algorithms that differ inside and outside",
    verdict: "algorithmMismatch",
    leaf: { outer: signing.ecdsa384.id },
  },
  { name: "a unique identifier", verdict: "uniqueId", leaf: { uniqueIds: der(0x81, Uint8Array.of(0, 7)) } },
  { name: "bytes behind the certificate", verdict: "malformed", leaf: { tail: Uint8Array.of(0, 0) } },
  {
    name: "a default that is written (critical FALSE)",
    verdict: "malformed",
    leaf: leafWith([sequence(oid("1.3.6.1.4.1.55555.1"), der(0x01, Uint8Array.of(0)), der(0x04, der(0x05)))]),
  },
  {
    name: "a BOOLEAN of 01",
    verdict: "malformed",
    leaf: leafWith([sequence(oid("1.3.6.1.4.1.55555.1"), der(0x01, Uint8Array.of(1)), der(0x04, der(0x05)))]),
  },
  { name: "a padded serial number", verdict: "malformed", leaf: { serial: der(0x02, Uint8Array.of(0, 5)) } },
  { name: "a padded signature value", verdict: "malformed", leaf: { sign: padded } },
  { name: "an empty list of names", verdict: "malformed", leaf: leafWith([ext.names([])], NAMES) },
  {
    name: "a name with a NUL",
    verdict: "malformed",
    leaf: leafWith([ext.names([...leafNames, general.dns("a.example\0.b.example")])], NAMES),
  },
  {
    name: "a malformed extension that we read",
    verdict: "malformed",
    leaf: leafWith([extension("2.5.29.36", integer(1), false)]),
  },
  // Time and chain, §4.1.2.5, §6.1.3 (a).
  { name: "leaf that has expired", verdict: "expired", leaf: { endsMs: -60_000 } },
  { name: "leaf that is not valid yet", verdict: "notYetValid", leaf: { beginsMs: 60_000 } },
  { name: "sub-CA that has expired", verdict: "expired", issuers: [{ endsMs: -60_000 }] },
  { name: "root that has expired", verdict: "expired", root: { endsMs: -60_000 } },
  { name: "signed by another key of the issuer's name", verdict: "signature", leaf: { by: holders.stranger } },
  { name: "a sub-CA that another key signed", verdict: "signature", issuers: [{ by: holders.stranger }] },
  { name: "a signature with one bit changed", verdict: "signature", leaf: { sign: flipped } },
  { name: "an issuer's name that nobody has", verdict: "noPath", leaf: { issuer: nameOf("nobody") } },
  {
    name: "key identifiers that differ",
    verdict: "noPath",
    issuers: [authorityWith([ext.subjectKey(Uint8Array.of(1, 2))])],
    leaf: leafWith([ext.authorityKey(Uint8Array.of(1, 3))]),
  },
];

export const rows: ReadonlyArray<Row> = [...good, ...faults];
