/**
 * An authority on disk: one PEM file with its private key, its certificate and those above it, root last. It is written with
 * mode 0600, and not read if others than its owner may read it.
 */
import { createPublicKey, X509Certificate } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import process from "node:process";
import { Data, Effect } from "effect";
import { equalBytes } from "../codecs/shared/mod.ts";
import { authorityOf, type OwnAuthority } from "./authority.ts";
import { pemCertificate } from "./certificates.ts";
import { keyOfPem, pemOf } from "./keys.ts";

const FILE_BYTES_MAX = 65_536;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** `why` says what is wrong with the file, and quotes nothing from it. */
export class AuthorityUnreadable extends Data.TaggedError("AuthorityUnreadable")<{
  readonly file: string;
  readonly why: string;
}> {}

export const pemOfAuthority = ({ credentials: { key, certificates } }: OwnAuthority): string =>
  [pemOf(key).trimEnd(), ...certificates.map((der) => pemCertificate(der).trimEnd()), ""].join("\n");

/** The authority, or what is wrong with the text. */
export const authorityOfPem = (pem: string): OwnAuthority | { readonly why: string } => {
  const key = keyOfPem(pem);
  if (key === undefined) return { why: "no private key of ECDSA P-256, or RSA of 2048 to 4096 bits" };
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    const chain = blocks.map((block) => new X509Certificate(block));
    const [own] = chain;
    if (own === undefined) return { why: "no certificate" };
    const ours = createPublicKey(pemOf(key)).export({ type: "spki", format: "der" });
    if (!equalBytes(ours, own.publicKey.export({ type: "spki", format: "der" })))
      return { why: "the first certificate is not of this key" };
    const broken = chain.findIndex((one, i) => !one.verify((chain[i + 1] ?? one).publicKey) || !one.ca);
    if (broken >= 0) return { why: `certificate ${broken} is not signed by the next one, or may not issue` };
    return authorityOf(
      key,
      chain.map(({ raw }) => new Uint8Array(raw)),
    );
  } catch {
    return { why: "an unreadable certificate" };
  }
};

/** Fails if the file exists: an authority's key is not overwritten. */
export const writeAuthority = (file: string, authority: OwnAuthority): Effect.Effect<void, AuthorityUnreadable> =>
  attempt(file, () => {
    const open = openSync(file, "wx", OWNER_ONLY);
    try {
      writeSync(open, pemOfAuthority(authority));
      fsyncSync(open);
    } finally {
      closeSync(open);
    }
  });

export const readAuthority = (file: string): Effect.Effect<OwnAuthority, AuthorityUnreadable> =>
  Effect.flatMap(
    attempt(file, () => {
      const { mode, size } = statSync(file);
      if (process.platform !== "win32" && (mode & OTHERS) !== 0)
        return { why: "others may read it: its mode must be 0600" };
      return size > FILE_BYTES_MAX
        ? { why: `over ${FILE_BYTES_MAX} bytes` }
        : authorityOfPem(readFileSync(file, "utf8"));
    }),
    (read) => ("why" in read ? Effect.fail(new AuthorityUnreadable({ file, why: read.why })) : Effect.succeed(read)),
  );

const attempt = <A>(file: string, make: () => A): Effect.Effect<A, AuthorityUnreadable> =>
  Effect.try({
    try: make,
    catch: (cause) => new AuthorityUnreadable({ file, why: (cause as NodeJS.ErrnoException).code ?? "unreadable" }),
  });
