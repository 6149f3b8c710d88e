/**
 * A member of an overlay as a process, be it a bare node or a ViPR server: it joins, serves its operator's port, keeps what
 * it has learned, renews its certificate. What joins is given: `stand`.
 *
 *   folder, store, identity, document --> stand --+-- no place in the ring --> a pause, again
 *                                                 +-- settled --> watched every few seconds --+-- out of the ring --> the end
 *                                                 |                                           +-- interrupted: farewell
 *                                                 +-- certificate renewed --> farewell, stand with the new one
 *
 * DECISIONS.md D-077.
 */
import { Clock, Data, Deferred, Duration, Effect, Schedule, type Scope } from "effect";
import { addressText, isoOf, reportOf } from "../../actors/admin/mod.ts";
import { withCaptures } from "../../actors/capture/mod.ts";
import { doubling, type RetryMs } from "../../actors/kit/mod.ts";
import { Entropy, Keys, type StoreShape } from "../../actors/ports/mod.ts";
import type { JoinFailed, NodeOptions, OverlayNode } from "../../actors/reload/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import type { Family } from "../metrics/text.ts";
import type { Ports } from "../node.ts";
import type { PageProgram } from "../page/programs.ts";
import type { StoreMembership } from "../store/postgres.ts";
import { listenStopped, type Stopped, stopped, storeStopped } from "./exit.ts";
import { type Folder, isAuthoritys, mustBeWritable, openFolder, STORE_FILE } from "./folder.ts";
import { atHangUp, surviveHangUp } from "./hangup.ts";
import {
  type Document,
  fetchDocument,
  type Identity,
  type IdentityOptions,
  keepDocument,
  openDocument,
  openIdentity,
  renewed,
  trusting,
} from "./identity.ts";
import { knownKeeper, readKnown } from "./known.ts";
import { answerOf, type MemberAdmin, type MemberAnswer, openMemberAdmin } from "./member-admin.ts";
import { type ClockOffset, watchClock } from "./member-clock.ts";
import { followed, offered, outdated, readAgain } from "./member-follow.ts";
import { openStore, type StoreSettings } from "./open-store.ts";
import { say } from "./output.ts";
import { noteReady } from "./service.ts";

/** What a node learns is kept often at first, when it learns most. */
const WATCH_MS: RetryMs = [1_000, 10_000];
/** Between two looks at the authority's document: whoever finds a new one tells the whole overlay. */
const FOLLOW_BETWEEN_MS = [1_800_000, 3_600_000] as const;
const JOIN_MS = 30_000;
/** Between two tries to join. */
const JOIN_AGAIN_MS: RetryMs = [1_000, 60_000];
/** A certificate that could not be renewed is asked for again, and its end is told. */
const RENEW_AGAIN_MS = 3_600_000;
/** The longest sleep that every runtime's timers take. */
const SLEEP_MS_MAX = 86_400_000;

export interface MemberSettings extends IdentityOptions {
  readonly data: string;
  readonly listen: Endpoint;
  readonly advertise: Endpoint | undefined;
  /** Undefined: no port for the operator. */
  readonly admin: Endpoint | undefined;
  /** What its page shows. Default: this program alone. */
  readonly page?: ReadonlyArray<PageProgram>;
  /** Undefined: a file in `data`. */
  readonly store?: StoreSettings | undefined;
  /** Between two looks at the authority's document. Default half an hour to an hour. */
  readonly followBetweenMs?: readonly [min: number, max: number];
}

/** What a member is in its overlay. */
export interface Membership {
  readonly folder: Folder;
  readonly node: Omit<NodeOptions, "store"> & { readonly store: StoreShape };
  /** Of a cluster, in its store. */
  readonly membership: StoreMembership | undefined;
}
/** What stands there until its scope closes. */
export interface Standing extends Omit<MemberAnswer, "token" | "times"> {
  /** Beside the node's own. */
  readonly metrics?: Effect.Effect<ReadonlyArray<Family>>;
  /** For the operator, after the node's own line. */
  readonly said?: ReadonlyArray<string>;
  /** At SIGHUP, beside the overlay's document: fails with what could not be read. */
  readonly readAgain?: Effect.Effect<void, Stopped>;
}
export type Stand = (membership: Membership) => Effect.Effect<Standing, Stopped | JoinFailed, Ports | Scope.Scope>;

export const serveMember = Effect.fn("member.serve")(function* (
  settings: MemberSettings,
  stand: Stand,
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  yield* surviveHangUp;
  const folder = yield* openFolder(settings.data);
  if (yield* isAuthoritys(folder)) return yield* stopped("usage", `${folder.path} belongs to an authority`);
  yield* mustBeWritable(folder);
  // First of all: the store belongs to one process, and with it the whole directory.
  const { store, membership, lost } = yield* openStore(folder, settings.store);
  const admin = yield* openMemberAdmin(folder, settings.admin, settings.page);
  let identity = yield* openIdentity(folder, settings);
  while (true)
    identity = yield* Effect.raceFirst(
      untilRenewed({ settings, folder, store, membership, identity, admin, stand }),
      lost,
    );
}, withCaptures);

/** As long as there is no place in the ring, it is asked for again. */
const untilRenewed = (living: Living): Effect.Effect<Identity, Stopped, Ports> => {
  const told = Schedule.tap(doubling(JOIN_AGAIN_MS), ({ input, duration }: Schedule.Metadata<unknown, LiveFailed>) =>
    Effect.andThen(
      Effect.logWarning("node.notJoined", `${input.why}; again in ${Duration.toSeconds(duration)} s`),
      noteReady(`not joined: ${input.why}`), // it goes on by itself: a manager that restarts it helps nobody
    ),
  );
  const isNotJoined = ({ _tag }: LiveFailed) => _tag === "NotJoined";
  const again = Effect.retry(Effect.scoped(live(living)), { while: isNotJoined, schedule: told });
  return Effect.catchTag(again, "NotJoined", Effect.die); // that schedule never ends, and so none comes here
};

interface Living {
  readonly settings: MemberSettings;
  readonly folder: Folder;
  readonly store: StoreShape;
  readonly membership: StoreMembership | undefined;
  readonly identity: Identity;
  readonly admin: MemberAdmin;
  readonly stand: Stand;
}
/** No place in the ring yet: nothing that the operator must mend. */
class NotJoined extends Data.TaggedError("NotJoined")<{ readonly why: string }> {}
type LiveFailed = Stopped | NotJoined;

/** From the join to the farewell; the identity to go on with. */
const live = Effect.fnUntraced(
  function* (living: Living): Effect.fn.Return<Identity, Stopped | JoinFailed, Ports | Scope.Scope> {
    const { settings, folder, admin } = living;
    const document = yield* openDocument(folder, living.identity);
    const { overlay } = document;
    const identity = yield* trusting(folder, living.identity, overlay.rootCertificates);
    const { nodeIds } = yield* Effect.orDie((yield* Keys).inspect(identity.credentials.certificates[0]!));
    if (nodeIds.some((id) => overlay.badNodes.includes(id)))
      return yield* stopped("unsupported", "the overlay's configuration lists this node as bad");
    const startedMs = yield* Clock.currentTimeMillis;
    const roots = overlay.rootCertificates.length > 0 ? overlay.rootCertificates : identity.credentials.roots;
    const context = yield* Effect.context<Ports>();
    const standing = yield* standsAlone(living, identity, { document, roots });
    const { node, said = [], ...more } = standing;
    const times = { startedMs, certificateEndsMs: identity.notAfterMs };
    const { metrics } = more;
    let clock: ClockOffset | undefined;
    const clockSeen = (offset: ClockOffset | undefined) => {
      clock = offset;
    };
    yield* Effect.forkScoped(watchClock(node, clockSeen));
    admin.show({
      answer: answerOf({ node, token: admin.token, times, ...more }),
      report: Effect.flatMap(Clock.currentTimeMillis, (nowMs) => reportOf(node, { ...times, nowMs })),
      ends: { node: identity.notAfterMs, ...(yield* rootEnds(roots)) },
      metrics,
      clock: () => clock,
    });
    yield* Effect.addFinalizer(() => Effect.sync(() => admin.show(undefined)));
    const door = admin.at === undefined ? "" : `, admin http://${addressText(admin.at)}/ring.json`;
    say(`node ${nodeIdText(node.nodeId)} of ${overlay.name} is at ${addressText(node)}${door}`);
    for (const line of said) say(line);
    yield* noteReady(`joined ${overlay.name} as ${nodeIdText(node.nodeId)}`);
    const follow = Effect.provide(offered(node, identity), context);
    yield* atHangUp(readAgain(follow, more.readAgain ?? Effect.void));
    const following = followed(follow, settings.followBetweenMs ?? FOLLOW_BETWEEN_MS);
    const remade = Effect.as(outdated(node, overlay), identity);
    const renewing = renewal({ ...living, identity });
    return yield* Effect.raceAllFirst([watched(folder, node, document.text), following, renewing, remade]);
  },
  Effect.catchTag("JoinFailed", (failed) => Effect.fail(joinStopped(failed))),
);

/** When the overlay's roots end: the first of them. One that cannot be read is said elsewhere. */
const rootEnds = Effect.fnUntraced(function* (roots: ReadonlyArray<Uint8Array>) {
  const keys = yield* Keys;
  const read = yield* Effect.forEach(roots, (root) => Effect.option(keys.inspect(root)));
  const ends = read.flatMap((one) => (one._tag === "Some" ? [one.value.notAfterMs] : []));
  return ends.length === 0 ? {} : { root: Math.min(...ends) };
});

/** The node that was there first goes on, and says so at ERROR. */
const runsElsewhere = (user: string, host: string): Stopped =>
  stopped(
    "refused",
    `the account ${user} runs at ${host} already, from another directory: each node wants an account of its own`,
  );

interface StandsOn {
  readonly document: Document;
  readonly roots: ReadonlyArray<Uint8Array>;
}

/** What stands, unless the same account is met elsewhere before it has joined. */
const standsAlone = Effect.fnUntraced(function* (
  { settings, folder, store, membership, stand }: Living,
  { server, user, credentials }: Identity,
  { document: { text, overlay }, roots }: StandsOn,
) {
  const known = yield* readKnown(folder);
  const context = yield* Effect.context<Ports>();
  const refetch = Effect.map(Effect.option(fetchDocument(server)), (found) =>
    found._tag === "Some" ? found.value.text : undefined,
  );
  const { advertise, listen } = settings;
  const elsewhere = yield* Deferred.make<never, Stopped>();
  const node = {
    credentials: { ...credentials, roots },
    overlay,
    document: text,
    refetch: Effect.provide(refetch, context),
    listen,
    ...(advertise === undefined ? {} : { advertise }),
    known,
    limits: { joinMs: JOIN_MS },
    store,
    sameNode: (host: string) => Deferred.fail(elsewhere, runsElsewhere(user, host)), // of one that has joined nothing comes
  };
  return yield* Effect.raceFirst(Deferred.await(elsewhere), stand({ folder, node, membership }));
});

const joinStopped = ({ reason, fault, listen, why }: JoinFailed): LiveFailed => {
  switch (reason) {
    case "ring":
      return new NotJoined({ why });
    case "configuration":
      return stopped("unsupported", why);
    case "certificate":
      return stopped("damaged", `${why}: remove node.pem, and this node enrols anew`);
    case "store":
      return storeStopped(STORE_FILE, fault ?? "failed", why);
    case "port":
      return listenStopped({ reason: listen ?? "other", why }, "--listen takes another");
  }
};

/** Keeps what the node learns; fails when it is in the ring no more. What cannot be written is told, and costs no more. */
const watched = Effect.fnUntraced(function* (folder: Folder, node: OverlayNode, documentThen: string) {
  const keepKnown = knownKeeper(folder);
  let document = documentThen;
  const look = Effect.gen(function* () {
    const { state, reached } = yield* node.status;
    if (state === "left" || state === "failed")
      return yield* stopped("unsupported", "this node is out of the overlay; the log says why");
    const text = new TextDecoder().decode(node.configuration.document());
    const keeping = text === "" || text === document ? Effect.void : keepDocument(folder, text);
    document = text;
    yield* Effect.catch(Effect.andThen(keeping, keepKnown(reached)), ({ why }) => Effect.logError("node.notKept", why));
  });
  return yield* Effect.andThen(Effect.repeat(look, doubling(WATCH_MS)), Effect.never);
});

const renewal = Effect.fnUntraced(function* ({
  folder,
  identity,
  settings: { passwordFile },
}: Living): Effect.fn.Return<Identity, never, Ports> {
  const { between } = yield* Entropy;
  let dueMs = identity.renewMs;
  while (true) {
    const nowMs = yield* Clock.currentTimeMillis;
    if (nowMs < dueMs) {
      yield* Effect.sleep(Math.min(dueMs - nowMs, SLEEP_MS_MAX));
      continue;
    }
    if (passwordFile === undefined)
      yield* Effect.logWarning("node.certificate", `ends at ${isoOf(identity.notAfterMs)}; --password-file renews it`);
    else {
      const next = yield* Effect.result(renewed(folder, identity, passwordFile));
      if (next._tag === "Success") {
        yield* Effect.logInfo("node.certificate.renewed", isoOf(next.success.notAfterMs));
        return next.success;
      }
      yield* Effect.logError("node.certificate.notRenewed", next.failure.why);
    }
    // So that an authority that comes back is not asked by everybody at once; and never later than half of what is left.
    const left = Math.max(1_000, Math.floor((identity.notAfterMs - nowMs) / 2));
    dueMs = nowMs + (yield* between(Math.floor(RENEW_AGAIN_MS / 2), RENEW_AGAIN_MS));
    dueMs = Math.min(dueMs, nowMs + left);
  }
});
