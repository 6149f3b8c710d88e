/** Certificates for tests: roots, intermediates and leaves by any key, as strange as a test wants them. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { Effect } from "effect";
import { Keys, type PrivateKey } from "../../actors/ports/mod.ts";
import { cryptoKeysOf } from "../../runtime/keys.ts";
import { outside } from "../../runtime/outside.ts";

export interface Issuer {
  readonly certificate: Uint8Array;
  readonly name: string;
  readonly key: PrivateKey;
}
export interface ToIssue {
  readonly name?: string;
  readonly uris?: ReadonlyArray<string>;
  readonly isAuthority?: boolean;
  /** Of an authority: issuers that may stand below it. Default: any number. */
  readonly pathLength?: number;
  /** Default: none said, which allows all. */
  readonly usages?: x509.KeyUsageFlags;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A certificate of `key`, signed by the issuer, or by itself when there is none. */
export const certified = Effect.fnUntraced(function* (key: PrivateKey, by: Issuer | undefined, what: ToIssue) {
  return yield* outside(async () => {
    x509.cryptoProvider.set(webcrypto as never);
    const [own, issuing] = [await cryptoKeysOf(key), await cryptoKeysOf((by ?? { key }).key)];
    const names = (what.uris ?? []).map((value) => ({ type: "url" as const, value }));
    const subject = what.name === undefined ? "" : `CN=${what.name}`;
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: by === undefined ? subject : `CN=${by.name}`,
      notBefore: new Date(what.notBeforeMs),
      notAfter: new Date(what.notAfterMs),
      publicKey: own.publicKey as never,
      signingKey: issuing.privateKey as never,
      signingAlgorithm: { name: issuing.privateKey.algorithm.name, hash: "SHA-256" } as never,
      extensions: [
        new x509.BasicConstraintsExtension(what.isAuthority ?? false, what.pathLength, true),
        ...(what.usages === undefined ? [] : [new x509.KeyUsagesExtension(what.usages, true)]),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names, subject === "")]),
      ],
    });
    return new Uint8Array(certificate.rawData);
  });
});

/** An authority, under another or on its own. */
export const authorityNamed = Effect.fnUntraced(function* (
  name: string,
  by: Issuer | undefined,
  nowMs: number,
  more: Pick<ToIssue, "pathLength" | "usages"> = {},
) {
  const key = yield* (yield* Keys).generate;
  const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 86_400_000 };
  const certificate = yield* certified(key, by, { name, isAuthority: true, ...lasting, ...more });
  return { certificate, name, key } satisfies Issuer;
});
