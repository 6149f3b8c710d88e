/**
 * Certificates written byte by byte, so that a test can make what no library would: any field wrong, signed all the same.
 * RFC 5280 §4.1. Only for tests; it checks nothing.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { bytesOfHex, concat, utf8 } from "../../codecs/shared/mod.ts";

/** One element of DER; an array's members are put after one another. */
export const der = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const contents = concat(...parts);
  const size = contents.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return concat(Uint8Array.of(tag, ...length), contents);
};
export const sequence = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => der(0x30, ...parts);
export const oid = (dotted: string): Uint8Array => {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((number) => {
    const digits = [number & 0x7f];
    for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128))
      digits.unshift((rest & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Uint8Array.from(bytes));
};
export const integer = (value: number): Uint8Array => {
  const bytes = bytesOfHex(value.toString(16).padStart(value > 0xff ? 4 : 2, "0"));
  return der(0x02, bytes[0]! >= 0x80 ? concat(Uint8Array.of(0), bytes) : bytes);
};
export const TRUE: Uint8Array = Uint8Array.of(0x01, 0x01, 0xff);
const bitString = (bytes: Uint8Array): Uint8Array => der(0x03, Uint8Array.of(0), bytes);

/** CN=…, or an empty name. Further attributes by their object identifiers. */
export const nameOf = (common: string | undefined, more: ReadonlyArray<readonly [string, string]> = []): Uint8Array =>
  sequence(
    ...[...more, ...(common === undefined ? [] : [["2.5.4.3", common] as const])].map(([type, value]) =>
      der(0x31, sequence(oid(type), der(type === "1.2.840.113549.1.9.1" ? 0x16 : 0x0c, utf8(value)))),
    ),
  );

const time = (ms: number): Uint8Array =>
  der(0x17, utf8(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));

/** GeneralNames by their forms. */
export const general = {
  uri: (value: string) => der(0x86, utf8(value)),
  dns: (value: string) => der(0x82, utf8(value)),
  email: (value: string) => der(0x81, utf8(value)),
  ip: (...bytes: ReadonlyArray<number>) => der(0x87, Uint8Array.from(bytes)),
  directory: (name: Uint8Array) => der(0xa4, name),
  registered: (dotted: string) => der(0x88, oid(dotted).subarray(2)),
  other: (dotted: string, value: string) => der(0xa0, oid(dotted), der(0xa0, der(0x0c, utf8(value)))),
};

export const extension = (id: string, value: Uint8Array, isCritical = false): Uint8Array =>
  sequence(oid(id), ...(isCritical ? [TRUE] : []), der(0x04, value));

export const usage = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const;
const keyUsageValue = (bits: number): Uint8Array => {
  let unused = 0;
  while (unused < 7 && ((bits >> unused) & 1) === 0) unused += 1;
  return der(0x03, Uint8Array.of(unused, bits));
};
const subtrees = (tag: number, names: ReadonlyArray<Uint8Array>) =>
  names.length === 0 ? [] : [der(tag, ...names.map((name) => sequence(name)))];

/** Extensions by their names, critical as RFC 5280 wants them unless said otherwise. */
export const ext = {
  ca: (pathLength?: number) =>
    extension("2.5.29.19", sequence(TRUE, ...(pathLength === undefined ? [] : [integer(pathLength)])), true),
  noCa: () => extension("2.5.29.19", sequence(), true),
  usage: (bits: number) => extension("2.5.29.15", keyUsageValue(bits), true),
  purposes: (...ids: ReadonlyArray<string>) => extension("2.5.29.37", sequence(...ids.map(oid))),
  names: (names: ReadonlyArray<Uint8Array>, isCritical = true) =>
    extension("2.5.29.17", sequence(...names), isCritical),
  constraints: (permitted: ReadonlyArray<Uint8Array>, excluded: ReadonlyArray<Uint8Array>, isCritical = true) =>
    extension("2.5.29.30", sequence(...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded)), isCritical),
  policies: (...ids: ReadonlyArray<string>) => extension("2.5.29.32", sequence(...ids.map((id) => sequence(oid(id))))),
  explicitPolicy: (skip: number, isCritical = true) =>
    extension("2.5.29.36", sequence(der(0x80, integer(skip).subarray(2))), isCritical),
  inhibitAny: (skip: number, isCritical = true) => extension("2.5.29.54", integer(skip), isCritical),
  mappings: (from: string, to: string, isCritical = false) =>
    extension("2.5.29.33", sequence(sequence(oid(from), oid(to))), isCritical),
  authorityKey: (id: Uint8Array) => extension("2.5.29.35", sequence(der(0x80, id))),
  subjectKey: (id: Uint8Array) => extension("2.5.29.14", der(0x04, id)),
  unknown: (isCritical: boolean) => extension("1.3.6.1.4.1.55555.1", der(0x05), isCritical),
};
export const purpose = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  any: "2.5.29.37.0",
} as const;

/** AlgorithmIdentifiers of signatures, and the hash that goes with each. */
export const signing = {
  ecdsa256: { id: sequence(oid("1.2.840.10045.4.3.2")), hash: "sha256" },
  ecdsa384: { id: sequence(oid("1.2.840.10045.4.3.3")), hash: "sha384" },
  ecdsaSha1: { id: sequence(oid("1.2.840.10045.4.1")), hash: "sha1" },
  rsa256: { id: sequence(oid("1.2.840.113549.1.1.11"), der(0x05)), hash: "sha256" },
  rsa512: { id: sequence(oid("1.2.840.113549.1.1.13"), der(0x05)), hash: "sha512" },
  rsaSha1: { id: sequence(oid("1.2.840.113549.1.1.5"), der(0x05)), hash: "sha1" },
  rsaWithoutNull: { id: sequence(oid("1.2.840.113549.1.1.11")), hash: "sha256" },
} as const;
export type Signing = (typeof signing)[keyof typeof signing];

export interface Holder {
  readonly secret: KeyObject;
  /** SubjectPublicKeyInfo. */
  readonly keyInfo: Uint8Array;
  readonly signing: Signing;
}
export const holderOf = (secret: KeyObject, by: Signing): Holder => ({
  secret,
  keyInfo: new Uint8Array(createPublicKey(secret).export({ type: "spki", format: "der" })),
  signing: by,
});
export const ecHolder = (curve: "P-256" | "P-384" = "P-256"): Holder =>
  holderOf(
    generateKeyPairSync("ec", { namedCurve: curve }).privateKey,
    curve === "P-256" ? signing.ecdsa256 : signing.ecdsa384,
  );
export const rsaHolder = (bits: number): Holder =>
  holderOf(generateKeyPairSync("rsa", { modulusLength: bits }).privateKey, signing.rsa256);

export interface ToWrite {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly keyInfo: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Whole extensions; undefined leaves the field out. */
  readonly extensions: ReadonlyArray<Uint8Array> | undefined;
  /** As it stands in the field: 2 is version 3; undefined leaves it out. Default 2. */
  readonly version?: number | undefined;
  readonly serial?: Uint8Array;
  /** Default: the signer's. */
  readonly signing?: Signing;
  /** The AlgorithmIdentifier outside, where it shall differ. */
  readonly outer?: Uint8Array;
  /** Behind subjectPublicKeyInfo. */
  readonly uniqueIds?: Uint8Array;
  /** Behind the certificate. */
  readonly tail?: Uint8Array;
  /** Changes the signature. */
  readonly sign?: (signature: Uint8Array) => Uint8Array;
}

let serials = 1;

export const writeCertificate = (what: ToWrite, by: Holder): Uint8Array => {
  const { id, hash } = what.signing ?? by.signing;
  const version = "version" in what ? what.version : 2;
  const signed = sequence(
    ...(version === undefined ? [] : [der(0xa0, integer(version))]),
    what.serial ?? integer(++serials),
    id,
    what.issuer,
    sequence(time(what.notBeforeMs), time(what.notAfterMs)),
    what.subject,
    what.keyInfo,
    ...(what.uniqueIds === undefined ? [] : [what.uniqueIds]),
    ...(what.extensions === undefined ? [] : [der(0xa3, sequence(...what.extensions))]),
  );
  const signature = new Uint8Array(sign(hash, signed, by.secret));
  const whole = sequence(signed, what.outer ?? id, bitString((what.sign ?? ((same) => same))(signature)));
  return what.tail === undefined ? whole : concat(whole, what.tail);
};

/** A private key in PEM that says it is `of`, and has the secret of `holder`: what a TLS peer without the key must use. P-256. */
export const writeKey = (holder: Holder, of: Holder): string => {
  const { d } = holder.secret.export({ format: "jwk" });
  const point = of.keyInfo.subarray(-65);
  const key = sequence(integer(1), der(0x04, Buffer.from(d!, "base64url")), der(0xa1, bitString(point)));
  const info = sequence(integer(0), sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), der(0x04, key));
  const lines = Buffer.from(info)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
};
