/**
 * A certificate authority of our own: issues node certificates for the enrolment server (RFC 6940 §11.3) and, for
 * demonstrations and tests, domain certificates as a public authority would (RFC 5922 §4). ECDSA P-256, SHA-256.
 */
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { Effect } from "effect";
import { type AuthorityShape, CertificateError, type IssueRequest } from "../actors/ports/mod.ts";
import { outside } from "./outside.ts";
import { subtleFor } from "./webcrypto.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const ROOT_YEARS_MS = 10 * 365 * 24 * HOUR_MS;
const SERIAL_BYTES = 16;

export interface AuthorityOptions {
  readonly name: string;
  /** The root is valid from one hour before. */
  readonly nowMs: number;
}

/** A fresh root with a fresh key. */
export const makeAuthority = ({ name, nowMs }: AuthorityOptions): Effect.Effect<AuthorityShape> =>
  outside(async () => {
    x509.cryptoProvider.set(webcrypto as never);
    const subtle = await subtleFor(ECDSA);
    const keys = (await subtle.generateKey(ECDSA, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
    const root = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      notBefore: new Date(nowMs - HOUR_MS),
      notAfter: new Date(nowMs + ROOT_YEARS_MS),
      signingAlgorithm: ECDSA,
      keys: keys as never,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
      ],
    });
    return {
      root: new Uint8Array(root.rawData),
      issue: (request) =>
        Effect.flatten(
          outside(() =>
            issue(root, keys, request).then(Effect.succeed, (cause: Error) =>
              Effect.fail(new CertificateError({ why: `bad_CSR: ${cause.message}` })),
            ),
          ),
        ),
    };
  });

/** Proof of possession first: a request not signed by its own key is refused. */
const issue = async (root: x509.X509Certificate, keys: webcrypto.CryptoKeyPair, request: IssueRequest) => {
  const csr = new x509.Pkcs10CertificateRequest(request.csr.slice());
  if (!(await csr.verify(webcrypto as never))) throw new Error("the request is not signed by its own key");
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: request.commonName === undefined ? [] : `CN=${request.commonName}`,
    issuer: root.subject,
    notBefore: new Date(request.notBeforeMs),
    notAfter: new Date(request.notAfterMs),
    signingAlgorithm: ECDSA,
    publicKey: csr.publicKey,
    signingKey: keys.privateKey as never,
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
      await x509.AuthorityKeyIdentifierExtension.create(root, false),
      await x509.SubjectKeyIdentifierExtension.create(csr.publicKey),
    ],
  });
  return new Uint8Array(certificate.rawData);
};

/** Positive and at most 20 octets, RFC 5280 §4.1.2.2. */
const serial = (): string => {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
};
