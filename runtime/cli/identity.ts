/**
 * Who this node is: a key, its certificate and the overlay's document, enrolled once and kept in the data directory.
 *
 *   node.json   where it enrolled, and as whom        node.pem      key and certificate, replaced together
 *   root.pem    whom it believes over HTTPS           overlay.xml   the document, as received
 *
 * DECISIONS.md D-075.
 */
import { Clock, Effect } from "effect";
import { addressText, isoOf } from "../../actors/admin/mod.ts";
import { type ConfigurationServer, enrol } from "../../actors/enrol/mod.ts";
import { type Credentials, type Entropy, Https, Keys } from "../../actors/ports/mod.ts";
import { CONFIGURATION_PATH, mediaType } from "../../codecs/enrol/mod.ts";
import { isLaterSequence, type OverlayConfiguration, readDocument } from "../../codecs/overlay/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { pemCertificate } from "../certificates.ts";
import { keyOfPem, pemOf } from "../keys.ts";
import { type Anchor, isAnchored } from "./anchor.ts";
import { type Stopped, stopped } from "./exit.ts";
import { type Folder, NODE_FILE } from "./folder.ts";
import { passwordFrom } from "./password.ts";
import { derOfPem } from "./pem.ts";
import { findServer } from "./trust.ts";

const KEPT = NODE_FILE;
const ROOT = "root.pem";
const CREDENTIALS = "node.pem";
const DOCUMENT = "overlay.xml";
const DOCUMENT_BYTES_MAX = 1_048_576;
/** A certificate is renewed once less than this part of its life is left. */
const RENEWED_PART = 1 / 3;

/** What the operator says; on later runs all of it may be left out. */
export interface IdentityOptions {
  readonly authority: Endpoint | undefined;
  readonly anchor: Anchor | undefined;
  readonly name: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
}

interface Kept extends Endpoint {
  readonly overlay: string;
  readonly user: string;
}

export interface Identity {
  readonly server: ConfigurationServer;
  readonly user: string;
  readonly credentials: Credentials;
  readonly notAfterMs: number;
  /** When to ask for the next certificate. */
  readonly renewMs: number;
}

type Ports = Https | Keys | Entropy;

/** The identity kept, else a new one. */
export const openIdentity = Effect.fn("node.identity")(function* (
  folder: Folder,
  options: IdentityOptions,
): Effect.fn.Return<Identity, Stopped, Ports> {
  const kept = yield* readKept(folder);
  const found = kept === undefined ? undefined : yield* readCredentials(folder, kept.overlay);
  if (kept === undefined || found === undefined) return yield* firstIdentity(folder, options);
  if (options.name !== undefined && options.name !== kept.overlay)
    return yield* stopped("usage", `${folder.path} belongs to a node of the overlay ${kept.overlay}`);
  if (options.user !== undefined && options.user !== kept.user)
    return yield* stopped("usage", `${folder.path} belongs to the account ${kept.user}, not ${options.user}`);
  if (options.passwordFile !== undefined && options.passwordFile !== "-") yield* passwordFrom(options.passwordFile, ""); // a renewal in months would be too late to find it missing
  const { host, port, overlay: overlayName, user } = { ...kept, ...options.authority };
  const roots = derOfPem((yield* folder.read(ROOT)) ?? "", "CERTIFICATE");
  const identity = { ...found, server: { host, port, overlayName, roots }, user };
  if (options.anchor !== undefined && ![...roots, ...found.credentials.roots].some(isAnchored(options.anchor)))
    yield* Effect.logWarning("node.anchor", "no root of this overlay is the one that --fingerprint or --root names");
  const nowMs = yield* Clock.currentTimeMillis;
  if (found.notBeforeMs > nowMs)
    return yield* stopped(
      "clock",
      `the certificate begins at ${isoOf(found.notBeforeMs)}, and this machine's clock says ${isoOf(nowMs)}: set the clock`,
    );
  if (found.notAfterMs > nowMs) return identity;
  yield* Effect.logWarning("node.certificate.ended", isoOf(found.notAfterMs));
  if (options.passwordFile === undefined)
    return yield* stopped(
      "clock",
      `the certificate ended at ${isoOf(found.notAfterMs)}, and the clock says ${isoOf(nowMs)}: set the clock, or renew with --password-file`,
    );
  return yield* renewed(folder, identity, options.passwordFile);
});

const firstIdentity = Effect.fnUntraced(function* (
  folder: Folder,
  { authority, anchor, name, user, passwordFile }: IdentityOptions,
): Effect.fn.Return<Identity, Stopped, Ports> {
  if (authority === undefined) return yield* stopped("usage", "--authority is missing: this node has not enrolled yet");
  if (anchor === undefined)
    return yield* stopped(
      "usage",
      "--fingerprint (which vipr authority printed) or --root FILE must say whom to trust",
    );
  if (user === undefined) return yield* stopped("usage", "--user is missing: this node has not enrolled yet");
  const server = yield* findServer(authority, anchor, name);
  const password = yield* passwordFrom(passwordFile, `password of ${user}`);
  const identity = yield* enrolled(folder, server, user, password);
  yield* folder.write(ROOT, server.roots.map(pemCertificate).join(""));
  const kept: Kept = { ...authority, overlay: server.overlayName, user };
  // Last: where this file is, all others are.
  yield* folder.write(KEPT, `${JSON.stringify(kept, undefined, 2)}\n`);
  return identity;
});

/** A new key and certificate for the same user, and so for the same Node-ID. */
export const renewed = Effect.fn("node.renew")(function* (folder: Folder, identity: Identity, passwordFile: string) {
  const password = yield* passwordFrom(passwordFile, "");
  return yield* enrolled(folder, identity.server, identity.user, password);
});

const enrolled = Effect.fnUntraced(function* (
  folder: Folder,
  server: ConfigurationServer,
  user: string,
  password: string,
): Effect.fn.Return<Identity, Stopped, Ports> {
  const where = `the authority at ${addressText(server)}`;
  const { credentials } = yield* enrol({ ...server, user, password }).pipe(
    Effect.catchTag("EnrolmentRefused", ({ token }) => Effect.fail(refusal(where, user, token))),
    Effect.catchTag("EnrolmentFailed", ({ why }) =>
      isClocks(why)
        ? stopped("clock", `${where}: ${why}: is this machine's clock right?`)
        : stopped("unreachable", `${where} did not enrol this node: ${why}`),
    ),
  );
  const pem = [pemOf(credentials.key), ...credentials.certificates.map(pemCertificate)].join("");
  yield* folder.write(CREDENTIALS, pem);
  const { notBeforeMs, notAfterMs } = yield* Effect.orDie((yield* Keys).inspect(credentials.certificates[0]!));
  return { server, user, credentials, notAfterMs, renewMs: renewMsOf(notBeforeMs, notAfterMs) };
});

const isClocks = (why: string): boolean =>
  /not yet valid|not valid now|has expired|CERT_(NOT_YET_VALID|HAS_EXPIRED)/i.test(why);

const refusal = (where: string, user: string, token: string): Stopped =>
  token === "failed_authentication"
    ? stopped("refused", `${where} knows no user ${user} with this password`)
    : stopped("refused", `${where} refused to enrol ${user}: ${token}`);

export const renewMsOf = (notBeforeMs: number, notAfterMs: number): number =>
  Math.floor(notAfterMs - (notAfterMs - notBeforeMs) * RENEWED_PART);

/** With the roots of the overlay's document beside those that were known: the authority may have a new one by tomorrow. */
export const trusting = Effect.fnUntraced(function* (
  folder: Folder,
  identity: Identity,
  roots: ReadonlyArray<Uint8Array>,
): Effect.fn.Return<Identity, Stopped> {
  const { server } = identity;
  const fresh = roots.filter((root) => !server.roots.some((known) => equalBytes(known, root)));
  if (fresh.length === 0) return identity;
  const all = [...server.roots, ...fresh];
  yield* folder.write(ROOT, all.map(pemCertificate).join(""));
  return { ...identity, server: { ...server, roots: all } };
});

const readKept = Effect.fnUntraced(function* (folder: Folder): Effect.fn.Return<Kept | undefined, Stopped> {
  const text = yield* folder.read(KEPT);
  if (text === undefined) return undefined;
  try {
    const { host, port, overlay, user } = JSON.parse(text) as Kept;
    if ([host, overlay, user].every((part) => typeof part === "string") && Number.isInteger(port))
      return { host, port, overlay, user };
  } catch {
    // Said below.
  }
  return yield* stopped(
    "damaged",
    `${folder.at(KEPT)} is damaged: remove it, and this node enrols anew under the same Node-ID`,
  );
});

const readCredentials = Effect.fnUntraced(function* (folder: Folder, overlay: string) {
  const text = yield* folder.read(CREDENTIALS);
  if (text === undefined) return undefined;
  const key = keyOfPem(text);
  const certificates = derOfPem(text, "CERTIFICATE");
  const damaged = (why: string) =>
    stopped(
      "damaged",
      `${folder.at(CREDENTIALS)}: ${why}: remove it, and this node enrols anew under the same Node-ID`,
    );
  if (key === undefined || certificates.length === 0) return yield* damaged("no key and certificate");
  const keys = yield* Keys;
  const { notBeforeMs, notAfterMs } = yield* Effect.mapError(keys.inspect(certificates[0]!), ({ why }) => damaged(why));
  const document = yield* readKeptDocument(folder, overlay);
  const roots = document?.overlay.rootCertificates ?? derOfPem((yield* folder.read(ROOT)) ?? "", "CERTIFICATE");
  const credentials: Credentials = { key, certificates, roots };
  return { credentials, notBeforeMs, notAfterMs, renewMs: renewMsOf(notBeforeMs, notAfterMs) };
});

export interface Document {
  readonly text: string;
  readonly overlay: OverlayConfiguration;
}

const readKeptDocument = Effect.fnUntraced(function* (folder: Folder, overlay: string) {
  const text = yield* folder.read(DOCUMENT);
  const read = text === undefined ? undefined : readDocument(text, overlay);
  if (text === undefined || read === undefined) return undefined;
  if (read.ok) return { text, overlay: read.value.overlay } satisfies Document;
  yield* Effect.logWarning("node.document.damaged", `${folder.at(DOCUMENT)}: ${read.error.at}: ${read.error.why}`);
  return undefined;
});

/** As the authority serves it now, or why it cannot be had. */
export const fetchDocument = Effect.fn("node.fetchDocument")(function* (from: ConfigurationServer) {
  const https = yield* Https;
  const answer = yield* Effect.mapError(
    https.request({
      host: from.host,
      port: from.port,
      serverName: from.overlayName,
      roots: from.roots,
      method: "GET",
      path: CONFIGURATION_PATH,
      headers: { accept: mediaType.overlay },
      bodyBytesMax: DOCUMENT_BYTES_MAX,
    }),
    ({ why }) => why,
  );
  if (answer.status !== 200) return yield* Effect.fail(`status ${answer.status}`);
  const text = new TextDecoder().decode(answer.body);
  const read = readDocument(text, from.overlayName);
  return read.ok
    ? ({ text, overlay: read.value.overlay } satisfies Document as Document)
    : yield* Effect.fail(`${read.error.at}: ${read.error.why}`);
});

/** The newer of what is served and what is kept; without an authority the kept one serves on. */
export const openDocument = Effect.fn("node.document")(function* (
  folder: Folder,
  { server }: Identity,
): Effect.fn.Return<Document, Stopped, Ports> {
  const kept = yield* readKeptDocument(folder, server.overlayName);
  const fetched = yield* Effect.result(fetchDocument(server));
  if (fetched._tag === "Failure") {
    if (kept === undefined)
      return yield* stopped(
        "unreachable",
        `the authority at ${addressText(server)} gave no document: ${fetched.failure}`,
      );
    yield* Effect.logWarning("node.authority.unreachable", `${fetched.failure}; the kept document serves on`);
    return kept;
  }
  const served = fetched.success;
  if (kept !== undefined && isLaterSequence(kept.overlay.sequence, served.overlay.sequence)) return kept;
  if (served.text !== kept?.text) yield* keepDocument(folder, served.text);
  return served;
});

export const keepDocument = (folder: Folder, text: string): Effect.Effect<void, Stopped> =>
  folder.write(DOCUMENT, text);
