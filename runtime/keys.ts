/**
 * Keys over node:crypto, which all three runtimes have, and certificates over @peculiar/x509.
 * Signing is synchronous and takes some 50 us; a promise would cost more, and would make virtual time guess.
 * DECISIONS.md D-007.
 */
import "reflect-metadata";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate as NodeCertificate,
  pbkdf2,
  scrypt,
  scryptSync,
  sign,
  verify,
  webcrypto,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import { Effect, Layer } from "effect";
import {
  CertificateError,
  type CertificateFacts,
  type KeyAlgorithm,
  Keys,
  type PrivateKey,
} from "../actors/ports/mod.ts";
import { readReloadUri } from "../codecs/enrol/mod.ts";
import type { Stretching } from "../codecs/reload/mod.ts";
import { outside } from "./outside.ts";
import { subtleFor } from "./webcrypto.ts";

const CERTIFICATES_KEPT_MAX = 4_096;
const CHAIN_MAX = 4;
/** Issuers looked at for one leaf, of those a message carries. */
const ISSUERS_MAX = 96;
/** Certificates of one name tried as issuer. */
const NAMESAKES_MAX = 4;
const RSA_BITS_MIN = 2_048;
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: RSA_BITS_MIN,
  publicExponent: Uint8Array.of(1, 0, 1),
} as const;

/** The secret behind a handle: nobody outside runtime/ can reach into this map. */
const secrets = new WeakMap<PrivateKey, KeyObject>();
let keyCount = 0;

/** For runtime/ only: TLS sockets want the key itself. */
export const pemOf = (key: PrivateKey): string => secretOf(key).export({ type: "pkcs8", format: "pem" }) as string;

/** For runtime/ only: a key kept on disk. Undefined for anything that is no private key which may sign here. */
export const keyOfPem = (pem: string): PrivateKey | undefined => {
  try {
    const secret = createPrivateKey(pem);
    return algorithmOf(secret) === undefined ? undefined : remember(secret);
  } catch {
    return undefined;
  }
};

const remember = (secret: KeyObject): PrivateKey => {
  const algorithm = algorithmOf(secret) ?? "ecdsa";
  const key: PrivateKey = Object.freeze({ id: `key-${++keyCount}`, algorithm });
  secrets.set(key, secret);
  return key;
};

/** What a key may sign with here: undefined for other curves, and for RSA that is too short. */
const algorithmOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyAlgorithm | undefined => {
  if (asymmetricKeyType === "ec") return asymmetricKeyDetails?.namedCurve === "prime256v1" ? "ecdsa" : undefined;
  if (asymmetricKeyType !== "rsa") return undefined;
  return (asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN ? "rsa" : undefined;
};

const secretOf = (key: PrivateKey): KeyObject => {
  const secret = secrets.get(key);
  if (secret === undefined) throw new Error(`${key.id} is not a key of this process`);
  return secret;
};

/** Both halves as WebCrypto wants them. */
export const cryptoKeysOf = async (key: PrivateKey): Promise<webcrypto.CryptoKeyPair> => {
  const secret = secretOf(key);
  const algorithm = key.algorithm === "rsa" ? RSA : ECDSA;
  const subtle = await subtleFor(algorithm);
  const pkcs8 = secret.export({ type: "pkcs8", format: "der" });
  const privateKey = await subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  const spki = createPublicKey(secret).export({ type: "spki", format: "der" });
  const publicKey = await subtle.importKey("spki", spki, algorithm, true, ["verify"]);
  return { privateKey, publicKey };
};

interface Known {
  readonly node: NodeCertificate;
  readonly publicKey: KeyObject;
  readonly algorithm: KeyAlgorithm | undefined;
  readonly facts: CertificateFacts;
  /** Issuers that may stand between it and a leaf; undefined for one that may issue nothing. */
  readonly issuersBelow: number | undefined;
}

/** Certificates already read, by hash: a link shows the same one with every message. Oldest goes first. */
const known = new Map<string, Known>();
/** The same by the array they came in, which its holder never writes again: whoever keeps one pays for its hash once. */
const knownArrays = new WeakMap<Uint8Array, Known>();

const read = (der: Uint8Array): Known => {
  const seen = knownArrays.get(der);
  if (seen !== undefined) return seen;
  const hash = createHash("sha256").update(der).digest("base64");
  const found = known.get(hash) ?? parsed(der);
  if (!known.has(hash)) {
    if (known.size >= CERTIFICATES_KEPT_MAX) known.delete(known.keys().next().value!);
    known.set(hash, found);
  }
  knownArrays.set(der, found);
  return found;
};

const parsed = (der: Uint8Array): Known => {
  const node = new NodeCertificate(der);
  const { publicKey } = node;
  const certificate = new x509.X509Certificate(der.slice());
  return {
    node,
    publicKey,
    algorithm: algorithmOf(publicKey),
    facts: factsOf(certificate),
    issuersBelow: issuersBelow(certificate),
  };
};

/** "pathLenConstraint ... gives the maximum number of non-self-issued intermediate certificates that may follow", RFC 5280 §4.2.1.9. */
const issuersBelow = (certificate: x509.X509Certificate): number | undefined => {
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension);
  const usages = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? x509.KeyUsageFlags.keyCertSign;
  if (constraints?.ca !== true || (usages & x509.KeyUsageFlags.keyCertSign) === 0) return undefined;
  return constraints.pathLength ?? CHAIN_MAX;
};

const factsOf = (certificate: x509.X509Certificate): CertificateFacts => {
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const of = (type: string) => names.filter((name) => name.type === type).map((name) => name.value);
  return {
    nodeIds: of("url").flatMap((uri) => {
      const named = readReloadUri(uri);
      return named === undefined ? [] : [named.nodeId];
    }),
    uris: of("url"),
    dnsNames: of("dns").map((name) => name.toLowerCase()),
    emails: of("email"),
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
  };
};

const attempt = <A>(what: string, make: () => A): Effect.Effect<A, CertificateError> =>
  Effect.try({ try: make, catch: (cause) => new CertificateError({ why: `${what}: ${(cause as Error).message}` }) });

const inspect = (certificate: Uint8Array) => attempt("unreadable certificate", () => read(certificate).facts);

const verifyChain = Effect.fnUntraced(function* (
  chain: ReadonlyArray<Uint8Array>,
  roots: ReadonlyArray<Uint8Array>,
  atMs: number,
) {
  const [leaf, ...others] = chain;
  if (leaf === undefined) return yield* new CertificateError({ why: "no certificate" });
  if (others.length > ISSUERS_MAX) return yield* new CertificateError({ why: `over ${ISSUERS_MAX} issuers` });
  const anchors = yield* attempt("unreadable root", () => roots.map(read));
  let link = yield* attempt("unreadable certificate", () => read(leaf));
  const { facts } = link;
  const issuers: Array<Uint8Array> = [];
  // Names first: only a certificate that claims to be the issuer has its signature checked.
  const named = others.flatMap(namesOf);
  for (let depth = 1; depth <= CHAIN_MAX; depth++) {
    if (atMs < link.facts.notBeforeMs || atMs > link.facts.notAfterMs)
      return yield* new CertificateError({ why: `${depth === 1 ? "certificate" : "issuer"} is not valid now` });
    const below = link;
    if (anchors.some((root) => isIssuedBy(below, root, issuers.length))) return { ...facts, issuers };
    const candidates = named.filter(({ subject, issuer }) => subject === below.node.issuer && subject !== issuer);
    const issuer = candidates.slice(0, NAMESAKES_MAX).find(({ known }) => isIssuedBy(below, known, issuers.length));
    if (issuer === undefined) return yield* new CertificateError({ why: "certificate does not lead to a root" });
    issuers.push(issuer.der);
    link = issuer.known;
  }
  return yield* new CertificateError({ why: `chain over ${CHAIN_MAX} certificates` });
});

interface NamedCertificate {
  readonly der: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
  readonly known: Known;
}
/** Nothing for what is no certificate: a message's bucket may hold what it likes. */
const namesOf = (der: Uint8Array): ReadonlyArray<NamedCertificate> => {
  try {
    const known = read(der);
    return [{ der, subject: known.node.subject, issuer: known.node.issuer, known }];
  } catch {
    return [];
  }
};

/**
 * `between`: issuers from there to the leaf, none of them self-issued. A root's own constraint counts as an intermediate's.
 * Deno throws on some certificates whose fields it read before; what cannot be verified is not verified.
 */
const isIssuedBy = (link: Known, issuer: Known, between: number): boolean => {
  if (link.node.issuer !== issuer.node.subject || between > (issuer.issuersBelow ?? -1)) return false;
  try {
    return link.node.verify(issuer.publicKey);
  } catch {
    return false;
  }
};

const certificateRequest = (key: PrivateKey) =>
  outside(async () => {
    const keys = await cryptoKeysOf(key);
    const request = await x509.Pkcs10CertificateRequestGenerator.create(
      { name: [], keys, signingAlgorithm: key.algorithm === "rsa" ? RSA : ECDSA },
      webcrypto as never,
    );
    return new Uint8Array(request.rawData);
  });

const derive = (password: string, salt: Uint8Array, rounds: number, size: number) =>
  Effect.callback<Uint8Array>((resume) => {
    pbkdf2(password, salt, rounds, size, "sha256", (error, key) =>
      resume(error === null ? Effect.succeed(new Uint8Array(key)) : Effect.die(error)),
    );
  });

const SCRYPT_BYTES = 128; // times N and r: what it holds, and a little more
const stretch = (password: Uint8Array, salt: Uint8Array, { N, r, p, size }: Stretching) =>
  Effect.callback<Uint8Array>((resume) => {
    scrypt(
      password,
      salt,
      size,
      { N, r, p, maxmem: 2 * SCRYPT_BYTES * N * r },
      (error, key) => resume(error ? Effect.die(error) : Effect.succeed(new Uint8Array(key))), // no error is null, or undefined on Bun
    );
  });
/** The same in place, for virtual time. */
export const stretchSync = (password: Uint8Array, salt: Uint8Array, { N, r, p, size }: Stretching): Uint8Array =>
  new Uint8Array(scryptSync(password, salt, size, { N, r, p, maxmem: 2 * SCRYPT_BYTES * N * r }));

export const keysLayer: Layer.Layer<Keys> = Layer.succeed(Keys, {
  generate: Effect.sync(() => remember(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)),
  generateRsa: outside(
    () =>
      new Promise<PrivateKey>((resolve, reject) =>
        generateKeyPair("rsa", { modulusLength: RSA_BITS_MIN }, (error, _, secret) =>
          error === null ? resolve(remember(secret)) : reject(error),
        ),
      ),
  ),
  certificateRequest,
  sign: (key, bytes) => Effect.sync(() => new Uint8Array(sign("sha256", bytes, secretOf(key)))),
  verify: (certificate, bytes, signature, algorithm) =>
    Effect.sync(() => {
      try {
        const { publicKey, algorithm: theirs } = read(certificate);
        if (theirs === undefined || theirs !== (algorithm ?? theirs)) return false;
        return verify("sha256", bytes, publicKey, signature);
      } catch {
        return false; // an unreadable certificate or signature proves nothing
      }
    }),
  inspect,
  verifyChain,
  derive,
  stretch,
});
