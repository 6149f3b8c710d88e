/**
 * A certificate authority of our own: issues node certificates for the enrolment server (RFC 6940 §11.3) and, for
 * demonstrations and tests, domain certificates as a public authority would (RFC 5922 §4). ECDSA P-256 or RSA, SHA-256;
 * a root, or an intermediate under one. authority-file.ts keeps it on disk. DECISIONS.md D-059.
 */
import { generateKeyPairSync, randomBytes, webcrypto } from "node:crypto";
import type { X509Certificate } from "@peculiar/x509";
import { Effect } from "effect";
import {
  type AuthorityShape,
  CertificateError,
  type Credentials,
  type IssueRequest,
  type KeyAlgorithm,
  type PrivateKey,
} from "../actors/ports/mod.ts";
import { type CertifiedKey, readCertificate, readRequest } from "../codecs/x509/mod.ts";
import { cryptoKeysOf, keyOfPem } from "./keys.ts";
import { outside } from "./outside.ts";
import { type X509, x509Library } from "./x509-library.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
/** An authority's own; what it certifies may be shorter. */
const AUTHORITY_RSA_BITS = 3_072;
const HOUR_MS = 3_600_000;
const ROOT_YEARS_MS = 10 * 365 * 24 * HOUR_MS;
const SERIAL_BYTES = 16;

export interface AuthorityOptions {
  readonly name: string;
  /** Its certificate is valid from one hour before, for ten years. */
  readonly nowMs: number;
  /** Default ECDSA P-256. */
  readonly algorithm?: KeyAlgorithm;
  /** Makes an intermediate, certified by this root. */
  readonly under?: OwnAuthority;
}

/** An authority whose key is in this process. */
export interface OwnAuthority extends AuthorityShape {
  /** To sign with as the authority itself: its key, its certificate and those above it. */
  readonly credentials: Credentials;
}

/** A fresh key with its certificate. */
export const makeAuthority = ({
  name,
  nowMs,
  algorithm = "ecdsa",
  under,
}: AuthorityOptions): Effect.Effect<OwnAuthority> =>
  outside(async () => {
    const x509 = await x509Library();
    const key = freshKey(algorithm);
    const keys = await cryptoKeysOf(key);
    const issuer = under === undefined ? undefined : certificateOf(x509, under.credentials.certificates[0]!);
    const signer = under === undefined ? key : under.credentials.key;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: issuer?.subject ?? `CN=${name}`,
      notBefore: new Date(nowMs - HOUR_MS),
      notAfter: new Date(nowMs + ROOT_YEARS_MS),
      signingAlgorithm: signing(signer),
      publicKey: keys.publicKey as never,
      signingKey: (await cryptoKeysOf(signer)).privateKey as never,
      extensions: [
        new x509.BasicConstraintsExtension(true, issuer === undefined ? 1 : 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
        ...(issuer === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(issuer, false)]),
      ],
    });
    return authorityOf(key, [new Uint8Array(certificate.rawData), ...(under?.credentials.certificates ?? [])]);
  });

/** The authority with this key, whose certificate stands first and its root last. */
export const authorityOf = (key: PrivateKey, certificates: ReadonlyArray<Uint8Array>): OwnAuthority => {
  const root = certificates.at(-1)!;
  let own: X509Certificate | undefined;
  /** Read once, when the first certificate is issued. */
  const issuerBy = (x509: X509): X509Certificate => {
    own ??= certificateOf(x509, certificates[0]!);
    return own;
  };
  return {
    root,
    intermediates: certificates.slice(0, -1),
    credentials: { key, certificates, roots: [root] },
    issue: (request) =>
      Effect.flatten(
        outside(() =>
          issue(issuerBy, key, request).then(
            (issued) => (issued instanceof CertificateError ? Effect.fail(issued) : Effect.succeed(issued)),
            (cause: Error) => Effect.fail(badRequest(cause.message)),
          ),
        ),
      ),
  };
};

const freshKey = (algorithm: KeyAlgorithm): PrivateKey => {
  const { privateKey } =
    algorithm === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: AUTHORITY_RSA_BITS })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return keyOfPem(privateKey.export({ type: "pkcs8", format: "pem" }) as string)!;
};

const signing = ({ algorithm }: PrivateKey) => (algorithm === "rsa" ? RSA : ECDSA);
const certificateOf = (x509: X509, der: Uint8Array): X509Certificate => new x509.X509Certificate(der.slice());

const badRequest = (why: string, reason: CertificateError["reason"] = "badRequest") =>
  new CertificateError({ reason, why: `bad_CSR: ${why}` });

/** Its form, its key and proof of possession first: a request not signed by its own key is refused. */
const issue = async (issuerBy: (x509: X509) => X509Certificate, key: PrivateKey, request: IssueRequest) => {
  const read = readRequest(request.csr);
  if (!read.ok) return badRequest(`${read.error.at}: ${read.error.why}`);
  const against = weakness(read.value.key);
  if (against !== undefined) return badRequest(against, "key");
  const x509 = await x509Library();
  const issuer = issuerBy(x509);
  const csr = new x509.Pkcs10CertificateRequest(request.csr.slice());
  if (!(await csr.verify(webcrypto as never))) return badRequest("the request is not signed by its own key");
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: request.commonName === undefined ? [] : `CN=${request.commonName}`,
    issuer: issuer.subject,
    notBefore: new Date(request.notBeforeMs),
    notAfter: new Date(request.notAfterMs),
    signingAlgorithm: signing(key),
    publicKey: csr.publicKey,
    signingKey: (await cryptoKeysOf(key)).privateKey as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      // An empty subject makes the names critical, RFC 5280 §4.2.1.6.
      new x509.SubjectAlternativeNameExtension(
        [
          ...request.uris.map((value) => ({ type: "url" as const, value })),
          ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
          ...request.emails.map((value) => ({ type: "email" as const, value })),
        ],
        request.commonName === undefined,
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer, false),
      await x509.SubjectKeyIdentifierExtension.create(csr.publicKey),
    ],
  });
  const issued = new Uint8Array(certificate.rawData);
  const again = readCertificate(issued); // too many names make one that nobody would take
  return again.ok ? issued : badRequest(`${again.error.at}: ${again.error.why}`, again.error.reason);
};

/** Why a key is not certified: nodes sign by ECDSA P-256 and RSA of 2048 to 4096 bits, RFC 6940 §6.3.4. */
const weakness = (key: CertifiedKey): string | undefined => {
  if (key.type === "other") return key.why;
  return key.type === "ec" && key.curve !== "P-256" ? "an elliptic curve other than P-256" : undefined;
};

/** Positive and at most 20 octets, RFC 5280 §4.1.2.2. */
const serial = (): string => {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
};
