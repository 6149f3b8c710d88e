/**
 * Hosts the terminator's side of one validation, on a stream that an originator opened to us.
 *
 *   tlsSrpServer --lookUp--> named --------------------+
 *        | secured, failed                              +--> mailbox --> step
 *        +--> readDocument --> asked, malformed, lost --+
 *   findCandidates --> handlers.candidates      grant --> handlers.grant      charge --> handlers.failed, failedWithoutCall
 *
 * DECISIONS.md D-024.
 */
import { Clock, Deferred, Effect, type Scope } from "effect";
import { neighbourhoodOf } from "../../codecs/reload/mod.ts";
import { type E164, maskE164, nodeIdText, type VServiceId } from "../../codecs/shared/mod.ts";
import {
  type PvpMethod,
  type PvpUserName,
  readRequest,
  type ValErrorCode,
  type ValInfo,
  writeAnswer,
} from "../../codecs/validation/mod.ts";
import {
  forgivePeer,
  type PvpCandidate,
  type PvpFailure,
  type PvpTerminatorAction,
  type PvpTerminatorEvent,
  type PvpTerminatorOutcome,
  peerFailed,
  peerSucceeded,
  pvpTerminator,
  type Reputation,
  type Reputations,
  reputationOf,
  wayOf,
} from "../../machines/validation/mod.ts";
import { drive, type Mailbox, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import type { Arithmetic, ByteStreamShape, Entropy } from "../ports/mod.ts";
import { type Ephemerals, tlsSrpServer } from "../tls/mod.ts";
import type { PvpCounters } from "./counters.ts";
import { less, more } from "./counts.ts";
import { readDocument, writeDocument } from "./frames.ts";

export interface PvpHandlers {
  /** Received calls that the user name may mean, locked ones included. Use an index: strangers may ask. */
  readonly candidates: (name: PvpUserName) => Effect.Effect<ReadonlyArray<PvpCandidate>>;
  /**
   * A wrong password for this call by that method. Must be counted when this succeeds. The peer does not wait for it, but
   * may measure it on other streams: see `failedWithoutCall`.
   */
  readonly failed: (call: PvpCandidate, method: PvpMethod) => Effect.Effect<void>;
  /** A failure where there was no call, or a locked one: should take as long as `failed`. Default nothing. */
  readonly failedWithoutCall?: Effect.Effect<void>;
  /** The domain has proved that it knows of a call to the number; not that the name is its own. */
  readonly grant: (request: PvpGrantRequest) => Effect.Effect<PvpGrant>;
}
export interface PvpGrantRequest {
  readonly number: E164;
  readonly domain: string;
  readonly vservice: VServiceId;
}
export type PvpGrant =
  | { readonly type: "granted"; readonly valInfo: ValInfo }
  | { readonly type: "refused"; readonly code: ValErrorCode };

/** What the streams of one server share. */
export interface PvpServer {
  readonly nodeIds: ReadonlyArray<bigint>;
  readonly roundMs: number;
  readonly handlers: PvpHandlers;
  /** Salts are made from it, and what simulates unknown calls. */
  readonly seedKey: Uint8Array;
  /** Pairs of b and g^b computed ahead of the handshakes. */
  readonly ephemerals: Ephemerals;
  readonly counters: PvpCounters;
  readonly peers: Reputations;
  /** As `peers`, by address alone: a peer can choose a new Node-ID each time, but hardly a new address. */
  readonly addresses: Reputations;
  /** Open streams by address. An IPv6 /64 counts as one address, here and for the reputation. */
  readonly open: Map<string, number>;
  readonly streamsOfAddressMax: number;
  /** Attempts under way at each call: no more than it has left, or some would not be counted. */
  readonly trying: Map<number, number>;
}

const SLOW_MS = 2_000;
/** The stream's end has been sent by then: counting takes longer for a call that exists. */
const CHARGE_AFTER_MS = 5;
/** A look-up takes 10 µs more for each call that it finds, and up to a millisecond on a busy machine. */
const ANSWER_AFTER_MS = 2;

/** One stream, and what became known of it. */
interface Caller {
  readonly server: PvpServer;
  readonly below: ByteStreamShape;
  readonly box: Mailbox<PvpTerminatorEvent>;
  readonly scope: Scope.Scope;
  /** The password for the handshake; undefined: none, it is simulated. */
  readonly secretReady: Deferred.Deferred<string | undefined>;
  /** Once the handshake has succeeded. */
  readonly secured: Deferred.Deferred<ByteStreamShape>;
  candidate: PvpCandidate | undefined;
  /** In `trying`. */
  tried: number | undefined;
  /** Why the handshake was bound to fail, if it was. */
  simulated: string | undefined;
  readonly address: string;
  /** Address and Node-ID. */
  peer: string;
}

export const serveCaller = Effect.fnUntraced(function* (
  below: ByteStreamShape,
  server: PvpServer,
): Effect.fn.Return<void, never, Arithmetic | Entropy | Scope.Scope> {
  const { counters, addresses, nodeIds, roundMs, open, streamsOfAddressMax } = server;
  const address = neighbourhoodOf(below.peer.host);
  counters.streams += 1;
  if (reputationOf(addresses, address, yield* Clock.currentTimeMillis) === "refused") {
    counters.barred += 1;
    return;
  }
  if ((open.get(address) ?? 0) >= streamsOfAddressMax) {
    counters.crowded += 1;
    return;
  }
  const box = yield* mailbox<PvpTerminatorEvent>(16);
  const secretReady = yield* Deferred.make<string | undefined>();
  const secured = yield* Deferred.make<ByteStreamShape>();
  const scope = yield* Effect.scope;
  const unknown = { candidate: undefined, tried: undefined, simulated: undefined };
  const caller: Caller = { server, below, box, scope, secretReady, secured, address, peer: address, ...unknown };
  more(open, address);
  yield* Effect.addFinalizer(() => Effect.sync(() => free(caller)));
  yield* Effect.forkIn(listen(caller), scope);
  yield* drive(
    pvpTerminator,
    { nodeIds, roundMs },
    box,
    performing(box, { unexpected: "pvp.unexpected" }, (action: OwnOrder<PvpTerminatorAction>) =>
      perform(caller, action),
    ),
  );
});

const free = ({ server: { open, trying }, address, tried }: Caller): void => {
  less(open, address);
  if (tried !== undefined) less(trying, tried);
};

/** The handshake and the one request, as events. */
const listen = (caller: Caller) =>
  Effect.gen(function* () {
    const { box, below, server } = caller;
    const { seedKey, ephemerals } = server;
    const stream = yield* tlsSrpServer(below, {
      lookUp: lookUp(caller),
      answerAfterMs: ANSWER_AFTER_MS,
      seedKey,
      ephemerals,
    });
    yield* Deferred.succeed(caller.secured, stream);
    yield* box.tell({ type: "secured" });
    const request = readRequest(yield* readDocument(stream));
    if (request.ok) return yield* box.tell({ type: "asked", request: request.value });
    yield* box.tell({ type: "malformed", why: `${request.error.at}: ${request.error.why}` });
  }).pipe(
    Effect.catchTags({
      HandshakeFailed: ({ reason, why }) =>
        caller.box.tell({ type: "failed", isWrongPassword: reason === "wrongPassword", why }),
      StreamClosed: ({ why }) => caller.box.tell({ type: "lost", why }),
    }),
  );

const lookUp =
  ({ box, secretReady }: Caller) =>
  (userName: string) =>
    Effect.andThen(
      box.tell({ type: "named", userName }),
      Effect.map(Deferred.await(secretReady), (password) =>
        password === undefined ? undefined : ({ type: "password", password } as const),
      ),
    );

const perform = (caller: Caller, action: OwnOrder<PvpTerminatorAction>): Effect.Effect<unknown> => {
  const { box, server } = caller;
  const later = (event: Effect.Effect<PvpTerminatorEvent>) =>
    Effect.forkIn(Effect.flatMap(event, box.tell), caller.scope);
  switch (action.type) {
    case "findCandidates":
      return later(Effect.map(find(caller, action.name), (candidates) => ({ type: "candidates", candidates })));
    case "give":
      return Deferred.succeed(caller.secretReady, action.password);
    case "charge":
      return Effect.delay(Effect.andThen(logFailure(caller), charge(caller, action.failed)), CHARGE_AFTER_MS);
    case "grant":
      return later(Effect.map(server.handlers.grant(action), eventOf));
    case "answer":
      return Effect.ignore(
        Effect.flatMap(Deferred.await(caller.secured), (stream) => writeDocument(stream, writeAnswer(action.answer))),
      );
    case "hangUp":
      return hangUp(caller);
    case "report":
      return report(caller, action.outcome);
  }
};

/** With a close_notify, if the handshake has succeeded. */
const hangUp = ({ below, secured }: Caller): Effect.Effect<void> =>
  Effect.flatMap(Deferred.isDone(secured), (isSecured) =>
    isSecured ? Effect.flatMap(Deferred.await(secured), ({ close }) => close) : below.close,
  );

const logFailure = ({ below, candidate, simulated }: Caller): Effect.Effect<void> =>
  Effect.suspend(() =>
    Effect.logInfo("pvp.failed", { host: below.peer.host, called: maskE164(candidate?.called ?? ""), simulated }),
  );

const charge = ({ server: { handlers }, candidate }: Caller, failed: PvpFailure | undefined): Effect.Effect<void> =>
  failed === undefined ? (handlers.failedWithoutCall ?? Effect.void) : handlers.failed(candidate!, failed.method);

const eventOf = (grant: PvpGrant): PvpTerminatorEvent =>
  grant.type === "granted" ? { type: "granted", info: grant.valInfo } : { type: "declined", code: grant.code };

const find = Effect.fnUntraced(function* (caller: Caller, name: PvpUserName) {
  const { counters, peers, addresses, handlers, trying } = caller.server;
  caller.peer = `${caller.address};${nodeIdText(name.originator)}`;
  const nowMs = yield* Clock.currentTimeMillis;
  const reputation = worse(reputationOf(peers, caller.peer, nowMs), reputationOf(addresses, caller.address, nowMs));
  if (reputation === "refused") {
    counters.barred += 1;
    return [];
  }
  if (reputation === "slowed") {
    counters.slowed += 1;
    yield* Effect.sleep(SLOW_MS);
  }
  const candidates = yield* handlers.candidates(name);
  const [only, second] = candidates;
  if (only === undefined || second !== undefined || only.isLocked) return candidates;
  // Attempts by caller (A) and by times (B, C) are limited and counted separately.
  const key = 2 * only.id + (wayOf(name.method) === "caller" ? 0 : 1);
  if ((trying.get(key) ?? 0) >= (only.triesLeft ?? 1)) return [{ ...only, isLocked: true }];
  more(trying, key);
  caller.tried = key;
  caller.candidate = only;
  return candidates;
});

const worse = (a: Reputation, b: Reputation): Reputation =>
  (["refused", "slowed"] as const).find((reputation) => a === reputation || b === reputation) ?? "welcome";

const report = Effect.fnUntraced(function* (caller: Caller, outcome: PvpTerminatorOutcome) {
  const { server, peer, address, below, candidate } = caller;
  const { counters, peers, addresses } = server;
  const atMs = yield* Clock.currentTimeMillis;
  const { host } = below.peer;
  switch (outcome.type) {
    case "validated":
    case "declined": {
      const called = maskE164(candidate!.called);
      counters[outcome.type] += 1;
      peerSucceeded(peers, peer);
      forgivePeer(addresses, address, candidate!.id);
      return yield* Effect.logInfo(`pvp.${outcome.type}`, { called, ...outcome });
    }
    case "failed":
      counters[outcome.simulated === undefined ? "failed" : "simulated"] += 1;
      peerFailed(peers, peer, atMs);
      peerFailed(addresses, address, atMs);
      caller.simulated = outcome.simulated;
      return; // logged later, with `charge`: to log a number takes longer than to log that there is none
    case "foreign":
      counters.foreign += 1;
      return yield* Effect.logInfo("pvp.foreign", { host });
    case "lost":
    case "malformed":
      counters[outcome.type] += 1;
      return yield* Effect.logInfo(`pvp.${outcome.type}`, { host, why: outcome.why });
  }
});
