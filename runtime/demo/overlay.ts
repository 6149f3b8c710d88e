/** The overlay of the demonstration: an authority, an enrolment server over HTTPS, and the first node. */
import { Clock, Effect, Ref } from "effect";
import { enrol, serveEnrolment } from "../../actors/enrol/mod.ts";
import {
  Authority,
  type AuthorityShape,
  type Credentials,
  Entropy,
  type IssueRequest,
  Keys,
} from "../../actors/ports/mod.ts";
import { type OverlayNode, signDocument, startNode } from "../../actors/reload/mod.ts";
import { type OverlayConfiguration, sequenceAfter, viprOverlay, writeOverlay } from "../../codecs/overlay/mod.ts";
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

/** The overlay's, and one as anybody trusts. */
const openAuthorities = Effect.gen(function* () {
  const nowMs = yield* Clock.currentTimeMillis;
  const keys = yield* Keys;
  const root = yield* makeAuthority({ name: "ViPR overlay root", nowMs });
  const world = yield* makeAuthority({ name: "Public authority of the demonstration", nowMs });
  type Names = Pick<IssueRequest, "uris" | "dnsNames" | "emails">;
  const issued = (authority: AuthorityShape, names: Names, notAfterMs: number = nowMs + YEAR_MS) =>
    credentialsFor(authority, names, nowMs, notAfterMs).pipe(Effect.provideService(Keys, keys));
  return {
    root,
    world,
    /** A domain's certificate as a public authority would issue it, RFC 5922 §4. */
    domainCredentials: (domain: string, notAfterMs?: number) =>
      issued(world, { uris: [`sip:${domain}`], dnsNames: [domain], emails: [] }, notAfterMs),
    /** The overlay's, for names and a time that enrolment does not give. */
    memberCredentials: (names: Pick<IssueRequest, "uris" | "emails">, notAfterMs?: number) =>
      issued(root, { uris: names.uris, dnsNames: [], emails: names.emails }, notAfterMs),
  };
});

/** `users` may enrol, each with a password of its own, for one node; the operator's node is the first of the ring. */
export const openOverlay = Effect.fn("demo.overlay")(function* (users: ReadonlyArray<string>) {
  const { root, world, domainCredentials, memberCredentials } = yield* openAuthorities;
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
  const configure = configuring(document, root.credentials, operator);
  return {
    operator,
    certificate: first.credentials.certificates[0]!,
    enrolment,
    enrolledWith,
    domainCredentials,
    memberCredentials,
    configure,
  };
});

/** The next sequence, signed by the authority: it comes into force at the operator's node, and goes through the overlay. */
const configuring = (document: Ref.Ref<OverlayConfiguration>, authority: Credentials, operator: OverlayNode) =>
  Effect.fn("demo.configure")(function* (changes: Partial<OverlayConfiguration>) {
    const now = yield* Ref.get(document);
    const next = { ...now, ...changes, sequence: sequenceAfter(now.sequence) };
    yield* operator.configuration.offer(yield* signDocument(writeOverlay(next), DHT_NAME, authority));
    yield* Ref.set(document, next);
  });

const credentialsFor = Effect.fnUntraced(function* (
  authority: AuthorityShape,
  names: Pick<IssueRequest, "uris" | "dnsNames" | "emails">,
  nowMs: number,
  notAfterMs: number,
) {
  const keys = yield* Keys;
  const key = yield* keys.generate;
  const certificate = yield* Effect.orDie(
    authority.issue({
      csr: yield* keys.certificateRequest(key),
      ...names,
      notBeforeMs: nowMs - HOUR_MS,
      notAfterMs,
    }),
  );
  return { key, certificates: [certificate], roots: [authority.root] } satisfies Credentials as Credentials;
});
