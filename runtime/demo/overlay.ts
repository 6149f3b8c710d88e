/** The overlay of the demonstration: an authority, an enrolment server over HTTPS, and the first node. */
import { Clock, Effect, Ref } from "effect";
import { enrol, serveEnrolment } from "../../actors/enrol/mod.ts";
import { Authority, type AuthorityShape, type Credentials, Entropy, Keys } from "../../actors/ports/mod.ts";
import { startNode } from "../../actors/reload/mod.ts";
import { type OverlayConfiguration, viprOverlay } from "../../codecs/overlay/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { DHT_NAME } from "../../codecs/vap/mod.ts";
import { makeAuthority } from "../authority.ts";

export const HOST = "127.0.0.1";
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** A demonstration has no week to wait: what servers keep at 10 a second is fast here. */
const STORES_PER_SECOND = 200;

/** Nodes on one machine answer at once, and repair at once. */
export const demoLimits = { reactMs: 50, leaveMs: 500 } as const;

/** One node's credentials, and the document as its enrolment brought it. */
export interface Member {
  readonly credentials: Credentials;
  readonly overlay: OverlayConfiguration;
}

/** `users` may enrol, each with a password of its own, for one node; the operator's node is the first of the ring. */
export const openOverlay = Effect.fn("demo.overlay")(function* (users: ReadonlyArray<string>) {
  const nowMs = yield* Clock.currentTimeMillis;
  const keys = yield* Keys;
  const root = yield* makeAuthority({ name: "ViPR overlay root", nowMs });
  const world = yield* makeAuthority({ name: "Public authority of the demonstration", nowMs });
  const domainCredentials = (domain: string, notAfterMs: number = nowMs + YEAR_MS) =>
    credentialsFor(world, domain, nowMs, notAfterMs).pipe(Effect.provideService(Keys, keys));
  const document = yield* Ref.make(
    viprOverlay({
      name: DHT_NAME,
      sequence: 1,
      rootCertificates: [root.root],
      storesPerSecond: STORES_PER_SECOND,
      fetchesPerSecond: STORES_PER_SECOND,
    }),
  );
  const { bytes } = yield* Entropy;
  const passwords = new Map<string, string>();
  for (const user of ["operator", ...users]) passwords.set(user, hexOf(yield* bytes(16)));
  const enrolment = yield* serveEnrolment({
    host: HOST,
    port: 0,
    credentials: yield* domainCredentials(DHT_NAME.toLowerCase()),
    overlay: Ref.get(document),
    users: passwords,
  }).pipe(Effect.provideService(Authority, root));

  const at = { host: enrolment.host, port: enrolment.port, overlayName: DHT_NAME, roots: [world.root] };
  const enrolledWith = (user: string) => enrol({ ...at, user, password: passwords.get(user) ?? "" });
  const first = yield* enrolledWith("operator");
  const operator = yield* startNode({
    credentials: first.credentials,
    overlay: first.overlay,
    listen: { host: HOST, port: 0 },
    first: true,
    limits: demoLimits,
  });
  // Whoever enrols from now on learns where to begin. The sequence stays: the first node knows itself, and nodes of one
  // overlay must be of one sequence, RFC 6940 §6.3.2.1.
  yield* Ref.update(document, (given) => ({
    ...given,
    bootstrapNodes: [{ host: operator.host, port: operator.port }],
  }));
  /** `domainCredentials`: a domain's certificate as a public authority would issue it, RFC 5922 §4. */
  return { operator, certificate: first.credentials.certificates[0]!, enrolment, enrolledWith, domainCredentials };
});

const credentialsFor = Effect.fnUntraced(function* (
  authority: AuthorityShape,
  domain: string,
  nowMs: number,
  notAfterMs: number,
) {
  const keys = yield* Keys;
  const key = yield* keys.generate;
  const certificate = yield* Effect.orDie(
    authority.issue({
      csr: yield* keys.certificateRequest(key),
      uris: [`sip:${domain}`],
      dnsNames: [domain],
      emails: [],
      notBeforeMs: nowMs - HOUR_MS,
      notAfterMs,
    }),
  );
  return { key, certificates: [certificate], roots: [authority.root] } satisfies Credentials as Credentials;
});
