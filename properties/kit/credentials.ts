/** Keys and certificates of parties that laws and tests invent. */
import { Clock, Effect } from "effect";
import { type Credentials, Keys } from "../../actors/ports/mod.ts";
import type { makeAuthority } from "../../runtime/authority.ts";

/** A key and a certificate under a root; `roots` are whom it trusts. */
export const credentialsUnder = Effect.fn("test.credentials")(function* (
  name: string,
  authority: Effect.Success<ReturnType<typeof makeAuthority>>,
  uris: ReadonlyArray<string> = [],
  /** How long it has been valid. */
  sinceMs = 60_000,
) {
  const keys = yield* Keys;
  const nowMs = yield* Clock.currentTimeMillis;
  const key = yield* keys.generate;
  const leaf = yield* authority.issue({
    csr: yield* keys.certificateRequest(key),
    uris,
    dnsNames: [name],
    emails: [],
    notBeforeMs: nowMs - sinceMs,
    notAfterMs: nowMs + 3_600_000,
  });
  return { key, certificates: [leaf], roots: [authority.root] } satisfies Credentials;
});
