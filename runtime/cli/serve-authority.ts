/**
 * The authority as a process.
 *
 *   authority.pem   the root's key and certificate       accounts           who may enrol, by salted hashes
 *   overlay.xml     the document, signed by the root     enrolments.sqlite  who has which Node-IDs
 *
 *   open, or make --> listen --> the document with our own address --- changed? next sequence, signed, kept --> served
 */
import { Deferred, Effect, Ref, type Scope } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { serveEnrolment } from "../../actors/enrol/mod.ts";
import { Authority, type Credentials } from "../../actors/ports/mod.ts";
import { signDocument } from "../../actors/reload/mod.ts";
import { ENROLMENT_PATH, enrolmentUrl } from "../../codecs/enrol/mod.ts";
import { type OverlayConfiguration, readDocument, sequenceAfter, writeOverlay } from "../../codecs/overlay/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { Ports } from "../node.ts";
import { openSqlite } from "../store/sqlite.ts";
import { openAccounts } from "./accounts.ts";
import { listenStopped, type Stopped, stopped, storeStopped } from "./exit.ts";
import { AUTHORITY_FILE, type Folder, isNodes, mustBeWritable, openFolder } from "./folder.ts";
import { surviveHangUp } from "./hangup.ts";
import { say } from "./output.ts";
import { isSameOverlay, newOverlay, type OverlayChanges, objectionTo, objectionToNew } from "./overlay-flags.ts";
import { ownAddress } from "./own-address.ts";
import { credentialsUnder, openAuthority } from "./own-authority.ts";
import { overlayRoots } from "./roots.ts";
import { noteReady } from "./service.ts";
import { fingerprintText } from "./trust.ts";

const DOCUMENT = "overlay.xml";
const ENROLMENTS = "enrolments.sqlite";

export interface AuthoritySettings {
  readonly data: string;
  readonly name: string | undefined;
  readonly listen: Endpoint;
  readonly advertise: Endpoint | undefined;
  readonly changes: OverlayChanges;
  readonly certificateMs: number;
  readonly nodeIdsPerUser: number;
}

export const serveAuthority = Effect.fn("authority.serve")(function* (
  settings: AuthoritySettings,
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  const { listen, name, changes } = settings;
  yield* surviveHangUp;
  const folder = yield* openFolder(settings.data);
  if (yield* isNodes(folder)) return yield* stopped("usage", `${folder.path} belongs to a node`);
  yield* mustBeWritable(folder);
  const store = yield* Effect.mapError(openSqlite({ file: folder.at(ENROLMENTS) }), ({ reason, why }) =>
    storeStopped(folder.path, reason, why),
  );
  const kept = yield* readKept(folder);
  const against = kept === undefined ? objectionToNew(name, changes) : objectionTo(kept, name, changes);
  if (against !== undefined) return yield* stopped("usage", against);
  const authority = yield* openAuthority(folder, AUTHORITY_FILE, `${kept?.name ?? name!} root`);
  const rootCertificates = yield* overlayRoots(folder, authority);
  const wanted = {
    ...(kept === undefined ? newOverlay(name!, authority.root, changes) : { ...kept, ...changes }),
    rootCertificates,
  };
  const accounts = yield* openAccounts(folder);

  const overlay = yield* Ref.make(wanted);
  const document = yield* Deferred.make<string>();
  const serving = serveEnrolment({
    ...listen,
    credentials: yield* credentialsUnder(authority, wanted.name), // "the server's certificate", §11.2
    overlay: Ref.get(overlay),
    document: Deferred.await(document),
    users: accounts.isRight,
    nodeIdsPerUserMax: settings.nodeIdsPerUser,
    certificateLifetimeMs: settings.certificateMs,
    store,
  });
  const { port } = yield* serving.pipe(
    Effect.provideService(Authority, authority),
    Effect.catchTag("ListenFailed", (failed) => listenStopped(failed, "--listen takes another")),
    Effect.catchTag("StoreFailed", ({ reason, why }) => storeStopped(folder.path, reason, why)),
  );
  const at = yield* reachedAt(settings, port);
  const enrollmentServers = [enrolmentUrl({ ...at, path: ENROLMENT_PATH })];
  const next = yield* keptDocument(folder, kept, { ...wanted, enrollmentServers }, authority.credentials);
  yield* Ref.set(overlay, next.overlay);
  yield* Deferred.succeed(document, next.text);
  yield* tell(next.overlay, at, authority.root, yield* accounts.count, settings.data);
  yield* noteReady(`serves ${next.overlay.name}, configuration ${next.overlay.sequence}`);
  return yield* Effect.never;
});

const readKept = Effect.fnUntraced(function* (folder: Folder) {
  const text = yield* folder.read(DOCUMENT);
  if (text === undefined) return undefined;
  const read = readDocument(text);
  if (read.ok) return read.value.overlay;
  return yield* stopped("damaged", `${folder.at(DOCUMENT)}: ${read.error.at}: ${read.error.why}`);
});

/** An address that nodes can dial. */
const reachedAt = ({ listen, advertise }: AuthoritySettings, port: number): Effect.Effect<Endpoint, Stopped> => {
  if (advertise !== undefined)
    return Effect.succeed({ host: advertise.host, port: advertise.port === 0 ? port : advertise.port });
  const host = ownAddress(listen.host);
  return host === undefined
    ? Effect.fail(
        stopped("usage", `--listen ${listen.host} is every address: --advertise must say where nodes reach it`),
      )
    : Effect.succeed({ host, port });
};

/** The document as it stood when nothing changes; else the next one, signed by the root and kept. */
const keptDocument = Effect.fnUntraced(function* (
  folder: Folder,
  kept: OverlayConfiguration | undefined,
  wanted: OverlayConfiguration,
  signer: Credentials,
) {
  const text = yield* folder.read(DOCUMENT);
  if (kept !== undefined && text !== undefined && isSameOverlay(kept, wanted)) return { overlay: kept, text };
  const overlay = kept === undefined ? wanted : { ...wanted, sequence: sequenceAfter(kept.sequence) };
  const signed = yield* signDocument(writeOverlay(overlay), overlay.name, signer);
  yield* folder.write(DOCUMENT, signed);
  yield* Effect.logInfo("authority.configuration", { sequence: overlay.sequence });
  return { overlay, text: signed };
});

const tell = (overlay: OverlayConfiguration, at: Endpoint, root: Uint8Array, accounts: number, data: string) =>
  Effect.sync(() => {
    say(`overlay      ${overlay.name}, configuration ${overlay.sequence}`);
    say(`enrolment    https://${addressText(at)}`);
    say(`fingerprint  ${fingerprintText(root)}`);
    say(`bootstrap    ${overlay.bootstrapNodes.map(addressText).join(" ")}`);
    say(`accounts     ${accounts}${accounts > 0 ? "" : `: vipr authority add-user NAME --data ${data}`}`);
  });
