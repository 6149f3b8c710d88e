/**
 * Keys over node:crypto, which all three runtimes have, and certificates over @peculiar/x509.
 * Signing is synchronous and takes some 50 us; a promise would cost more, and would make virtual time guess.
 */
import "reflect-metadata";
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate as NodeCertificate,
  pbkdf2,
  sign,
  verify,
  webcrypto,
} from "node:crypto";
import * as x509 from "@peculiar/x509";
import { Effect, Layer } from "effect";
import { CertificateError, type CertificateFacts, Keys, type PrivateKey } from "../actors/ports/mod.ts";
import { readReloadUri } from "../codecs/enrol/mod.ts";
import { outside } from "./outside.ts";
import { subtleFor } from "./webcrypto.ts";

const CERTIFICATES_KEPT_MAX = 4_096;
const CHAIN_MAX = 4;
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** The secret behind a handle: nobody outside runtime/ can reach into this map. */
const secrets = new WeakMap<PrivateKey, KeyObject>();
let keyCount = 0;

/** For runtime/ only: TLS sockets want the key itself. */
export const pemOf = (key: PrivateKey): string => secretOf(key).export({ type: "pkcs8", format: "pem" }) as string;

const remember = (secret: KeyObject): PrivateKey => {
  const key: PrivateKey = Object.freeze({ id: `key-${++keyCount}` });
  secrets.set(key, secret);
  return key;
};

const secretOf = (key: PrivateKey): KeyObject => {
  const secret = secrets.get(key);
  if (secret === undefined) throw new Error(`${key.id} is not a key of this process`);
  return secret;
};

/** Both halves as WebCrypto wants them. */
export const cryptoKeysOf = async (key: PrivateKey): Promise<webcrypto.CryptoKeyPair> => {
  const secret = secretOf(key);
  const subtle = await subtleFor(ECDSA);
  const pkcs8 = secret.export({ type: "pkcs8", format: "der" });
  const privateKey = await subtle.importKey("pkcs8", pkcs8, ECDSA, true, ["sign"]);
  const { d: _, key_ops: __, ...publicJwk } = await subtle.exportKey("jwk", privateKey);
  const publicKey = await subtle.importKey("jwk", publicJwk, ECDSA, true, ["verify"]);
  return { privateKey, publicKey };
};

interface Known {
  readonly node: NodeCertificate;
  readonly publicKey: KeyObject;
  readonly facts: CertificateFacts;
}

/** Certificates already read, by hash: a link shows the same one with every message. Oldest goes first. */
const known = new Map<string, Known>();

const read = (der: Uint8Array): Known => {
  const hash = createHash("sha256").update(der).digest("base64");
  const found = known.get(hash);
  if (found !== undefined) return found;
  const node = new NodeCertificate(der);
  const fresh = { node, publicKey: node.publicKey, facts: factsOf(der) };
  if (known.size >= CERTIFICATES_KEPT_MAX) known.delete(known.keys().next().value!);
  known.set(hash, fresh);
  return fresh;
};

const factsOf = (der: Uint8Array): CertificateFacts => {
  const certificate = new x509.X509Certificate(der.slice());
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
  if (chain.length === 0) return yield* new CertificateError({ why: "no certificate" });
  if (chain.length > CHAIN_MAX) return yield* new CertificateError({ why: `chain over ${CHAIN_MAX} certificates` });
  const links = yield* attempt("unreadable certificate", () => chain.map(read));
  const anchors = yield* attempt("unreadable root", () => roots.map(read));
  for (const [i, link] of links.entries()) {
    if (atMs < link.facts.notBeforeMs || atMs > link.facts.notAfterMs)
      return yield* new CertificateError({ why: `certificate ${i} is not valid now` });
    if (i > 0 && !link.node.ca) return yield* new CertificateError({ why: `certificate ${i} may not issue` });
    if (anchors.some((root) => isIssuedBy(link, root))) return links[0]!.facts;
    const issuer = links[i + 1];
    if (issuer === undefined || !isIssuedBy(link, issuer))
      return yield* new CertificateError({ why: `certificate ${i} does not lead to a root` });
  }
  return yield* new CertificateError({ why: "chain does not lead to a root" });
});

const isIssuedBy = (link: Known, issuer: Known): boolean =>
  link.node.issuer === issuer.node.subject && issuer.node.ca && link.node.verify(issuer.publicKey);

const certificateRequest = (key: PrivateKey) =>
  outside(async () => {
    const keys = await cryptoKeysOf(key);
    const request = await x509.Pkcs10CertificateRequestGenerator.create(
      { name: [], keys, signingAlgorithm: ECDSA },
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

export const keysLayer: Layer.Layer<Keys> = Layer.succeed(Keys, {
  generate: Effect.sync(() => remember(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)),
  certificateRequest,
  sign: (key, bytes) => Effect.sync(() => new Uint8Array(sign("sha256", bytes, secretOf(key)))),
  verify: (certificate, bytes, signature) =>
    Effect.sync(() => {
      try {
        return verify("sha256", bytes, read(certificate).publicKey, signature);
      } catch {
        return false; // an unreadable certificate or signature proves nothing
      }
    }),
  inspect,
  verifyChain,
  derive,
});
