/**
 * Enrols a node: the overlay's document, then a certificate for a key of its own.
 *
 *   step --> fetchDocument, makeRequest, post, check --> Https, Keys (a fiber) --> the result --> mailbox
 * Requirements: RFC 6940 §11.2, §11.3; ViPR overview §4; docs/protocol/enrolment.md.
 */
import { Clock, Deferred, Effect, FiberSet } from "effect";
import {
  CONFIGURATION_PATH,
  formContentType,
  mediaType,
  readEnrolmentUrl,
  readReloadUri,
  readToken,
  writeEnrolment,
} from "../../codecs/enrol/mod.ts";
import { type OverlayConfiguration, readDocument } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { hexOf, nodeIdText, utf8 } from "../../codecs/shared/mod.ts";
import {
  type EnrolClientAction,
  type EnrolClientEvent,
  type EnrolOutcome,
  enrolClient,
} from "../../machines/enrol/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import {
  type Credentials,
  Entropy,
  Https,
  type HttpsAnswer,
  type HttpsFailed,
  type KeyAlgorithm,
  Keys,
  type PrivateKey,
} from "../ports/mod.ts";
import { verifySigned } from "../reload/mod.ts";
import { EnrolmentFailed, EnrolmentRefused } from "./errors.ts";

const DOCUMENT_BYTES_MAX = 1_048_576;
const CERTIFICATE_BYTES_MAX = 16_384;
const BOUNDARY_BYTES = 16;
const MAILBOX_MAX = 16;
const ATTEMPTS_MAX = 4;
const RETRY_BETWEEN_MS = [500, 2_000] as const;
const DEADLINE_MS = 60_000;

export interface ConfigurationServer {
  readonly host: string;
  readonly port: number;
  /** The server's certificate must match it (RFC 2818), as the document must. */
  readonly overlayName: string;
  /** DER: the authorities that are trusted for HTTPS. */
  readonly roots: ReadonlyArray<Uint8Array>;
  /**
   * The first document is trusted because of the server that sends it, §11.2. A signature in it must verify with the signers
   * that the document names; `required`: there must be one, since nodes will demand one of every later document.
   */
  readonly signature?: "ifPresent" | "required";
}

export interface EnrolWith extends ConfigurationServer {
  readonly user: string;
  readonly password: string;
  /** Default 1. */
  readonly nodeIds?: number;
  /** Of the new key. Default ECDSA P-256. */
  readonly algorithm?: KeyAlgorithm;
}

export interface Enrolled {
  /** The new key, its certificate, and the roots of the document. */
  readonly credentials: Credentials;
  readonly nodeIds: ReadonlyArray<NodeId>;
  readonly overlay: OverlayConfiguration;
  /** The configuration document as it was received. */
  readonly document: string;
}

/** The overlay's configuration document, as text and as values. §11.2. */
export const fetchDocument = Effect.fn("enrol.fetchDocument")(function* (from: ConfigurationServer) {
  const keys = yield* Keys;
  const answer = yield* Effect.mapError(
    askDocument(yield* Https, from),
    ({ why }) => new EnrolmentFailed({ reason: "unreachable", why }),
  );
  const read = yield* documentOf(keys, answer, from);
  if (read.type === "documentBad") return yield* new EnrolmentFailed({ reason: "document", why: read.why });
  return { overlay: read.document, document: read.text };
});

/** The same, as values only. */
export const fetchOverlay = (from: ConfigurationServer) => Effect.map(fetchDocument(from), ({ overlay }) => overlay);

const askDocument = (https: Https["Service"], { host, port, overlayName, roots }: ConfigurationServer) =>
  https.request({
    host,
    port,
    serverName: overlayName,
    roots,
    method: "GET",
    path: CONFIGURATION_PATH,
    headers: { accept: mediaType.overlay },
    bodyBytesMax: DOCUMENT_BYTES_MAX,
  });

const documentOf = Effect.fnUntraced(function* (
  keys: Keys["Service"],
  { status, body }: HttpsAnswer,
  { overlayName, signature = "ifPresent" }: ConfigurationServer,
) {
  const bad = (why: string) => ({ type: "documentBad" as const, why });
  if (status !== 200) return bad(`no document: status ${status}`);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  const read = readDocument(text, overlayName);
  if (!read.ok) return bad(`${read.error.at}: ${read.error.why}`);
  const { overlay, signatures } = read.value;
  if (signatures.length > 0 || signature === "required") {
    const { name, configurationSigners: signers, badNodes, rootCertificates: roots } = overlay;
    const trust = { overlay: name, signers, badNodes, roots };
    const verdict = yield* Effect.provideService(verifySigned(read.value, trust), Keys, keys);
    if ("refused" in verdict) return bad(`the document's signature: ${verdict.refused}`);
  }
  return { type: "documentRead" as const, document: overlay, text };
});

/** Fetches the document, makes a key, and has it certified. §11.3. */
export const enrol = Effect.fn("enrol.enrol")(function* (options: EnrolWith) {
  const [https, keys, entropy] = [yield* Https, yield* Keys, yield* Entropy];
  const key = yield* options.algorithm === "rsa" ? keys.generateRsa : keys.generate;
  const box = yield* mailbox<EnrolClientEvent>(MAILBOX_MAX);
  const run = yield* FiberSet.makeRuntime<never>();
  const outcome = yield* Deferred.make<EnrolOutcome>();
  let document = "";

  const post = Effect.fnUntraced(function* (url: string, csr: Uint8Array) {
    const place = readEnrolmentUrl(url)!; // the machine orders only URLs that this reads
    const boundary = `vipr-${hexOf(yield* entropy.bytes(BOUNDARY_BYTES))}`;
    const { user, password, nodeIds = 1 } = options;
    return yield* https.request({
      ...place,
      serverName: options.overlayName,
      roots: options.roots,
      method: "POST",
      headers: { accept: mediaType.certificate, "content-type": formContentType(boundary) },
      body: writeEnrolment({ csr, user, password, nodeIds }, boundary),
      bodyBytesMax: CERTIFICATE_BYTES_MAX,
    });
  });
  const tell = (event: Effect.Effect<EnrolClientEvent, HttpsFailed>) =>
    Effect.sync(() => {
      const result = Effect.catch(event, ({ why }) => Effect.succeed({ type: "unreachable" as const, why }));
      run(Effect.flatMap(result, box.tell));
    });
  const perform = (action: OwnOrder<EnrolClientAction>): Effect.Effect<void> => {
    switch (action.type) {
      case "fetchDocument":
        return tell(
          Effect.flatMap(askDocument(https, options), (answer) =>
            Effect.tap(documentOf(keys, answer, options), (read) =>
              Effect.sync(() => {
                if (read.type === "documentRead") document = read.text;
              }),
            ),
          ),
        );
      case "makeRequest":
        return tell(Effect.map(keys.certificateRequest(key), (csr) => ({ type: "requestMade", csr })));
      case "post":
        return tell(Effect.map(post(action.url, action.csr), eventOf));
      case "check":
        return tell(check(keys, key, options.overlayName, action.certificate, action.roots));
      case "report":
        return Effect.asVoid(Deferred.succeed(outcome, action.outcome));
    }
  };
  const input = {
    overlay: options.overlayName,
    nodeIds: options.nodeIds ?? 1,
    attemptsMax: ATTEMPTS_MAX,
    retryBetweenMs: RETRY_BETWEEN_MS,
    deadlineMs: DEADLINE_MS,
  };
  const { between } = entropy;
  yield* drive(enrolClient, input, box, performing(box, { unexpected: "enrol.unexpected", between }, perform));
  const end = yield* Deferred.await(outcome);
  if (end.type === "refused") return yield* new EnrolmentRefused({ token: end.token });
  if (end.type === "failed") return yield* new EnrolmentFailed({ reason: end.reason, why: end.why });
  yield* Effect.logInfo("enrol.enrolled", end.nodeIds.map(nodeIdText).join(" "));
  const credentials: Credentials = { key, certificates: [end.certificate], roots: end.document.rootCertificates };
  return { credentials, nodeIds: end.nodeIds, overlay: end.document, document } satisfies Enrolled as Enrolled;
}, Effect.scoped);

const eventOf = ({ status, contentType, body }: HttpsAnswer): EnrolClientEvent => {
  if (status === 403) return { type: "refused", token: readToken(new TextDecoder().decode(body)) };
  if (status === 503) return { type: "unreachable", why: "the server is busy" };
  if (status !== 200) return { type: "answeredBadly", why: `status ${status}` };
  return contentType.split(";", 1)[0]!.trim().toLowerCase() === mediaType.certificate
    ? { type: "certified", certificate: body }
    : { type: "answeredBadly", why: `not ${mediaType.certificate}` };
};

/** "The client MUST check that the returned certificate chains back to one of the certificates received"; and it must be for our key. */
const check = Effect.fnUntraced(function* (
  keys: Keys["Service"],
  key: PrivateKey,
  overlay: string,
  certificate: Uint8Array,
  roots: ReadonlyArray<Uint8Array>,
) {
  const bad = (why: string): EnrolClientEvent => ({ type: "bad", why });
  const chain = yield* Effect.result(keys.verifyChain([certificate], roots, yield* Clock.currentTimeMillis));
  if (chain._tag === "Failure") return bad(chain.failure.why);
  const proof = utf8("this key is certified here");
  if (!(yield* keys.verify(certificate, proof, yield* keys.sign(key, proof)))) return bad("certifies another key");
  const nodeIds = chain.success.uris.flatMap((uri) => {
    const named = readReloadUri(uri);
    return named?.overlay === overlay.toLowerCase() ? [named.nodeId] : [];
  });
  return nodeIds.length === 0
    ? bad("holds no Node-ID of this overlay")
    : ({ type: "good", nodeIds } as EnrolClientEvent);
});
