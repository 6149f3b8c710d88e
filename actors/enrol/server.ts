/**
 * The enrolment server: serves the configuration document, and issues certificates with Node-IDs to its users. RFC 6940 §11.
 *
 *   GET  /.well-known/reload-config --> document
 *   POST /enroll --> form read -------> request-handler.ts --> certificate | why not
 *
 * DECISIONS.md D-034.
 * Requirements: RFC 6940 §11.3.
 */
import { Effect } from "effect";
import {
  CONFIGURATION_PATH,
  ENROLMENT_PATH,
  FORM_BYTES_MAX,
  mediaType,
  readEnrolment,
  readEnrolmentUrl,
} from "../../codecs/enrol/mod.ts";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { neighbourhoodOf } from "../../codecs/reload/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { seldomSaid } from "../kit/mod.ts";
import {
  Authority,
  type Credentials,
  Https,
  type HttpsAnswer,
  type HttpsRequest,
  type StoreShape,
} from "../ports/mod.ts";
import { openDocument } from "./document.ts";
import {
  type EnrolmentHandlerCounters,
  type EnrolmentHandlerOptions,
  type EnrolmentOutcome,
  openEnrolmentHandler,
} from "./request-handler.ts";

export const NODE_IDS_PER_USER_MAX = 1;
/** Of the answer to HEAD the port sends the header alone, RFC 9110 §9.3.2. */
const DOCUMENT_METHODS = ["GET", "HEAD"];
export const CERTIFICATE_LIFETIME_MS = 365 * 24 * 3_600_000;
/** Unreadable forms of one network, in the log. */
const SAID_EVERY_MS = 60_000;

export interface EnrolmentServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The server's own: its certificate must hold the overlay's name as a dNSName. */
  readonly credentials: Credentials;
  /**
   * The document that is served; an effect is run for each request. If it names no enrolment server, this one is added, as
   * is the root of our authority.
   */
  readonly overlay: OverlayConfiguration | Effect.Effect<OverlayConfiguration>;
  /** The signed document, served as it is instead of one written from `overlay`; run for each request. */
  readonly document?: Effect.Effect<string>;
  /** Passwords by user, held as digests; or a function that checks one, and takes as long for an unknown user. */
  readonly users: EnrolmentHandlerOptions["users"];
  readonly nodeIdsPerUserMax?: number;
  readonly certificateLifetimeMs?: number;
  /** Holds the Node-IDs of users across restarts; without it they are drawn anew. */
  readonly store?: StoreShape;
  /** Signs the document: a configuration-signer that the document names, or the authority itself where it names none. */
  readonly signer?: Credentials;
}

export interface EnrolmentCounters extends Readonly<EnrolmentHandlerCounters> {
  readonly documents: number;
  /** Requests whose body is no valid form. */
  readonly badRequests: number;
}

export interface EnrolmentServer {
  readonly host: string;
  readonly port: number;
  readonly counters: Effect.Effect<EnrolmentCounters>;
}

/** Serves until the scope closes. */
export const serveEnrolment = Effect.fn("enrol.serve")(function* (options: EnrolmentServerOptions) {
  const [https, authority] = [yield* Https, yield* Authority];
  const overlay = Effect.isEffect(options.overlay) ? options.overlay : Effect.succeed(options.overlay);
  const { name, enrollmentServers } = yield* overlay;
  const handler = yield* openEnrolmentHandler({
    overlayName: name,
    users: options.users,
    nodeIdsPerUserMax: options.nodeIdsPerUserMax ?? NODE_IDS_PER_USER_MAX,
    certificateLifetimeMs: options.certificateLifetimeMs ?? CERTIFICATE_LIFETIME_MS,
    store: options.store,
  });
  const path = enrollmentServers.flatMap((url) => readEnrolmentUrl(url)?.path ?? [])[0] ?? ENROLMENT_PATH;
  let place = { host: options.host, port: options.port };
  const at = () => ({ ...place, path });
  const text = options.document ?? (yield* openDocument({ overlay, authority, at, signer: options.signer }));
  const count = { documents: 0, badRequests: 0 };
  const said = seldomSaid({ everyMs: SAID_EVERY_MS });

  const document = Effect.map(text, (written): HttpsAnswer => {
    count.documents += 1;
    return { status: 200, contentType: mediaType.overlay, body: utf8(written) };
  });
  const enrol = Effect.fnUntraced(function* ({ contentType, body, accept, peer }: HttpsRequest) {
    if (!isAccepted(accept)) return textOf(406, mediaType.certificate);
    const read = readEnrolment(contentType, body);
    if (read.ok) return answerTo(yield* handler.enrol(read.value, neighbourhoodOf(peer.host)));
    const { at, why } = read.error;
    if (at === "csr")
      return answerTo(yield* handler.refuse("bad_CSR", { user: "", address: neighbourhoodOf(peer.host) }));
    count.badRequests += 1;
    yield* said(neighbourhoodOf(peer.host), (more) => Effect.logInfo("enrol.badForm", `${at}: ${why}`, ...more));
    return textOf(400, `${at}: ${why}`);
  });
  const handle = (request: HttpsRequest): Effect.Effect<HttpsAnswer> => {
    const allowed =
      request.path === CONFIGURATION_PATH ? DOCUMENT_METHODS : request.path === path ? ["POST"] : undefined;
    if (allowed === undefined) return Effect.succeed(textOf(404, "nothing here"));
    if (!allowed.includes(request.method)) {
      const allow = allowed.join(", ");
      return Effect.succeed({ ...textOf(405, allow), headers: { allow } });
    }
    return allowed === DOCUMENT_METHODS ? document : enrol(request);
  };
  place = yield* https.serve({ ...place, tls: options.credentials, bodyBytesMax: FORM_BYTES_MAX }, handle);
  const counters = Effect.sync(() => {
    const { issued, refused, putOff } = handler.counters;
    return { ...count, issued, refused: { ...refused }, putOff: { ...putOff } };
  });
  return { ...place, counters } satisfies EnrolmentServer as EnrolmentServer;
});

const answerTo = (outcome: EnrolmentOutcome): HttpsAnswer => {
  switch (outcome.type) {
    case "certified":
      return { status: 200, contentType: mediaType.certificate, body: outcome.certificate };
    case "refused":
      return textOf(403, outcome.token);
    case "busy":
      return textOf(503, "busy");
  }
};

const textOf = (status: number, text: string): HttpsAnswer => ({
  status,
  contentType: mediaType.text,
  body: utf8(text),
});

/** "The Accept header MUST contain the type "application/pkix-cert"": a wildcard contains it too. */
const isAccepted = (accept: string): boolean =>
  accept === "" || accept.split(",").some((type) => ACCEPTED.test(type.trim()));
const ACCEPTED = /^(application\/pkix-cert|application\/\*|\*\/\*)\s*(;.*)?$/i;
