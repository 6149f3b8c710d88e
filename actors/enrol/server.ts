/**
 * The enrolment server: gives out the overlay's document, and certificates with Node-IDs to those it knows. RFC 6940 §11.
 *
 *   GET  /.well-known/reload-config ---------------------------------> the document
 *   POST /enroll --> form --> came --> step --> check, draw, issue (a fiber each) --> asked, drawn, issued --> mailbox
 *                                                      \\--> certify | refuse | putOff --> the one who asked
 */
import { Clock, Deferred, Effect, FiberSet, Semaphore } from "effect";
import {
  CONFIGURATION_PATH,
  ENROLMENT_PATH,
  type EnrolmentRequest,
  type EnrolmentToken,
  enrolmentTokens,
  enrolmentUrl,
  FORM_BYTES_MAX,
  mediaType,
  readEnrolment,
  readEnrolmentUrl,
} from "../../codecs/enrol/mod.ts";
import { addressOf, type OverlayConfiguration, writeOverlay } from "../../codecs/reload/mod.ts";
import { equalBytes, utf8 } from "../../codecs/shared/mod.ts";
import {
  type EnrolServerAction,
  type EnrolServerEvent,
  enrolServer,
  isPassword,
  passwordDigest,
} from "../../machines/enrol/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import {
  Authority,
  type Credentials,
  Entropy,
  Https,
  type HttpsAnswer,
  type HttpsRequest,
  Keys,
  type StoreShape,
} from "../ports/mod.ts";
import { signDocument } from "../reload/mod.ts";
import { openBook } from "./book.ts";

const MAILBOX_MAX = 64;
/** Passwords looked at together: a slow hash of them may take 32 MiB each. */
const CHECKS_MAX = 2;
/** Enrolments that wait for an answer, also of those who have gone away: more are put off. */
export const ENROLMENTS_WAITING_MAX = 64;
const CLOCK_SLACK_MS = 60_000; // a node's clock may be behind ours
export const NODE_IDS_PER_USER_MAX = 1;
export const CERTIFICATE_LIFETIME_MS = 365 * 24 * 3_600_000;

export interface EnrolmentServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The server's own: its certificate must hold the overlay's name as a dNSName. */
  readonly credentials: Credentials;
  /**
   * The document given out; an effect is asked anew each time. Without an enrolment server it names this one, and our
   * authority's root is added where it is missing.
   */
  readonly overlay: OverlayConfiguration | Effect.Effect<OverlayConfiguration>;
  /** The signed document, given out as it is instead of one written from `overlay`; asked anew each time. */
  readonly document?: Effect.Effect<string>;
  /** Passwords by user, kept as digests; or who knows them, and takes as long for a user it does not know. */
  readonly users: ReadonlyMap<string, string> | ((user: string, password: string) => Effect.Effect<boolean>);
  readonly nodeIdsPerUserMax?: number;
  readonly certificateLifetimeMs?: number;
  /** Where the Node-IDs of users outlive a restart; without it they are drawn anew. */
  readonly store?: StoreShape;
  /** Signs the document: a configuration-signer that the document names, or the authority itself where it names none. */
  readonly signer?: Credentials;
}

export interface EnrolmentCounters {
  readonly documents: number;
  readonly issued: number;
  readonly refused: Readonly<Record<EnrolmentToken, number>>;
  /** No form, or no answer for lack of room. */
  readonly badRequests: number;
  /** `brake`: of too many wrong passwords; they count here and not as refused. */
  readonly putOff: Readonly<Record<"busy" | "brake" | "store", number>>;
}

export interface EnrolmentServer {
  readonly host: string;
  readonly port: number;
  readonly counters: Effect.Effect<EnrolmentCounters>;
}

/** Serves until the scope closes. */
export const serveEnrolment = Effect.fn("enrol.serve")(function* (options: EnrolmentServerOptions) {
  const [https, authority, entropy, keys] = [yield* Https, yield* Authority, yield* Entropy, yield* Keys];
  const overlay = Effect.isEffect(options.overlay) ? options.overlay : Effect.succeed(options.overlay);
  const isPasswordOf = passwordCheck(options.users);
  const checking = yield* Semaphore.make(CHECKS_MAX);
  const book = yield* openBook(options.store);
  const box = yield* mailbox<EnrolServerEvent>(MAILBOX_MAX);
  const run = yield* FiberSet.makeRuntime<never>();
  const waiting = new Map<string, Waiting>();
  const count = {
    documents: 0,
    issued: 0,
    refused: Object.fromEntries(enrolmentTokens.map((token) => [token, 0])) as Record<EnrolmentToken, number>,
    badRequests: 0,
    putOff: { busy: 0, brake: 0, store: 0 },
  };
  let asked = 0;
  let enrolmentPath = ENROLMENT_PATH;
  let place = { host: options.host, port: options.port };

  const issue = Effect.fnUntraced(function* ({ id, csr, uris, email }: OrderOf<"issue">) {
    const nowMs = yield* Clock.currentTimeMillis;
    const certificate = yield* authority.issue({
      csr,
      uris,
      emails: [email],
      dnsNames: [],
      notBeforeMs: nowMs - CLOCK_SLACK_MS,
      notAfterMs: nowMs + (options.certificateLifetimeMs ?? CERTIFICATE_LIFETIME_MS),
    });
    yield* box.tell({ type: "issued", id, certificate });
  });
  const answer = (id: string, given: HttpsAnswer) =>
    Effect.suspend(() => {
      const one = waiting.get(id);
      return one === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(one.answer, given));
    });
  /** A slow hash: only for who is not within a wait. */
  const check = Effect.fnUntraced(function* (id: string) {
    const one = waiting.get(id);
    if (one === undefined) return;
    const { user, password, nodeIds, csr } = one.form;
    const isPasswordRight = yield* checking.withPermits(1)(isPasswordOf(user, password));
    const atMs = yield* Clock.currentTimeMillis;
    yield* box.tell({ type: "asked", id, user, isPasswordRight, nodeIds, csr, address: one.address, atMs });
  });
  const refuse = Effect.fnUntraced(function* (token: EnrolmentToken) {
    count.refused[token] += 1;
    yield* Effect.logInfo("enrol.refused", token);
    return textOf(403, token);
  });
  const perform = (action: EnrolServerAction): Effect.Effect<void> => {
    switch (action.type) {
      case "check":
        return Effect.sync(() => run(check(action.id)));
      case "draw":
        return Effect.flatMap(entropy.bytes(action.bytes), (random) =>
          Effect.sync(() => run(box.tell({ type: "drawn", id: action.id, random }))),
        );
      case "keep":
        return Effect.sync(() =>
          run(
            Effect.matchEffect(book.keep(action), {
              onSuccess: () => box.tell({ type: "kept", id: action.id }),
              onFailure: ({ reason, why }) =>
                Effect.andThen(
                  Effect.logError("enrol.notKept", `${reason}: ${why}`),
                  box.tell({ type: "notKept", id: action.id }),
                ),
            }),
          ),
        );
      case "issue":
        return Effect.sync(() =>
          run(
            Effect.catch(issue(action), ({ why }) =>
              Effect.andThen(Effect.logInfo("enrol.notIssued", why), box.tell({ type: "notIssued", id: action.id })),
            ),
          ),
        );
      case "certify":
        count.issued += 1;
        return answer(action.id, { status: 200, contentType: mediaType.certificate, body: action.certificate });
      case "refuse":
        return Effect.flatMap(refuse(action.token), (given) => answer(action.id, given));
      case "putOff":
        count.putOff[action.why] += 1;
        return answer(action.id, textOf(503, "busy"));
      case "note":
        return Effect.logDebug("enrol.unexpected", action.unexpected);
    }
  };

  const written = Effect.fnUntraced(function* () {
    const given = yield* overlay;
    const ours = [...authority.intermediates, authority.root].filter(
      (mine) => !given.rootCertificates.some((root) => equalBytes(root, mine)),
    );
    const text = writeOverlay({
      ...given,
      rootCertificates: [...given.rootCertificates, ...ours],
      enrollmentServers:
        given.enrollmentServers.length > 0
          ? given.enrollmentServers
          : [enrolmentUrl({ ...place, path: enrolmentPath })],
    });
    if (options.signer === undefined) return text;
    // Signed once: nodes that compare documents see one, and nobody makes us sign without pause.
    if (signedOf.text !== text)
      signedOf = {
        text,
        signed: yield* Effect.provideService(signDocument(text, given.name, options.signer), Keys, keys),
      };
    return signedOf.signed;
  });
  let signedOf = { text: "", signed: "" };
  const document = Effect.gen(function* () {
    count.documents += 1;
    return { status: 200, contentType: mediaType.overlay, body: utf8(yield* options.document ?? written()) };
  });

  const enrol = Effect.fnUntraced(function* ({ contentType, body, accept, peer }: HttpsRequest) {
    if (!isAccepted(accept)) return textOf(406, mediaType.certificate);
    const read = readEnrolment(contentType, body);
    if (!read.ok && read.error.at === "csr") return yield* refuse("bad_CSR");
    if (!read.ok) {
      count.badRequests += 1;
      yield* Effect.logInfo("enrol.badForm", `${read.error.at}: ${read.error.why}`);
      return textOf(400, `${read.error.at}: ${read.error.why}`);
    }
    if (waiting.size >= ENROLMENTS_WAITING_MAX) {
      count.putOff.busy += 1;
      return textOf(503, "busy");
    }
    const id = String(asked++);
    const [address, to] = [neighbourhoodOf(peer.host), yield* Deferred.make<HttpsAnswer>()];
    waiting.set(id, { form: read.value, address, answer: to });
    const atMs = yield* Clock.currentTimeMillis;
    const came = box.tell({ type: "came", id, user: read.value.user, address, atMs });
    return yield* Effect.ensuring(
      Effect.andThen(came, Deferred.await(to)),
      Effect.sync(() => waiting.delete(id)),
    );
  });

  const handle = (request: HttpsRequest): Effect.Effect<HttpsAnswer> => {
    const wanted = request.path === CONFIGURATION_PATH ? "GET" : request.path === enrolmentPath ? "POST" : undefined;
    if (wanted === undefined) return Effect.succeed(textOf(404, "nothing here"));
    if (request.method !== wanted) return Effect.succeed(textOf(405, wanted));
    return wanted === "GET" ? document : enrol(request);
  };

  const { name, enrollmentServers } = yield* overlay;
  enrolmentPath = enrollmentServers.flatMap((url) => readEnrolmentUrl(url)?.path ?? [])[0] ?? ENROLMENT_PATH;
  const nodeIdsPerUserMax = options.nodeIdsPerUserMax ?? NODE_IDS_PER_USER_MAX;
  yield* Effect.forkScoped(
    drive(enrolServer, { overlay: name, nodeIdsPerUserMax, enrolled: book.enrolled }, box, perform, name),
  );
  place = yield* https.serve(
    { host: options.host, port: options.port, tls: options.credentials, bodyBytesMax: FORM_BYTES_MAX },
    handle,
  );
  const counters = Effect.sync(() => ({ ...count, refused: { ...count.refused }, putOff: { ...count.putOff } }));
  return { ...place, counters } satisfies EnrolmentServer as EnrolmentServer;
});

interface Waiting {
  readonly form: EnrolmentRequest;
  readonly address: string;
  readonly answer: Deferred.Deferred<HttpsAnswer>;
}

const passwordCheck = (users: EnrolmentServerOptions["users"]) => {
  if (typeof users === "function") return users;
  const digests = new Map([...users].map(([user, password]) => [user, passwordDigest(password)]));
  return (user: string, password: string) => Effect.sync(() => isPassword(digests.get(user), password));
};

type OrderOf<T extends EnrolServerAction["type"]> = Extract<EnrolServerAction, { readonly type: T }>;

/** Addresses that count as one guesser: an IPv6 network of 64 bits is one customer's, an IPv4 address is itself. */
const neighbourhoodOf = (host: string): string => {
  const address = addressOf({ host, port: 0 });
  if (address?.type !== "ipv6") return host;
  const addr = address.address.addr;
  return addr >> 32n === 0xffffn ? `v4 ${addr & 0xffff_ffffn}` : `v6 ${addr >> 64n}`;
};

const textOf = (status: number, text: string): HttpsAnswer => ({
  status,
  contentType: mediaType.text,
  body: utf8(text),
});

/** "The Accept header MUST contain the type "application/pkix-cert"": one that takes anything takes that too. */
const isAccepted = (accept: string): boolean =>
  accept === "" || accept.split(",").some((type) => ACCEPTED.test(type.trim()));
const ACCEPTED = /^(application\/pkix-cert|application\/\*|\*\/\*)\s*(;.*)?$/i;
