/**
 * Hosts the terminator's side of one stream that somebody opened to us.
 *
 *   tlsSrpServer --lookUp--> named --------------------+
 *        | secured, failed                              +--> mailbox --> step
 *        +--> readDocument --> asked, malformed, lost --+
 *   findCandidates --> handlers.candidates      grant --> handlers.grant      charge --> handlers.failed, nobodyThere
 *
 * DECISIONS.md D-024.
 */
import { Clock, Deferred, Effect, Scope } from "effect";
import { neighbourhoodOf } from "../../codecs/reload/mod.ts";
import { type E164, maskE164, nodeIdText } from "../../codecs/shared/mod.ts";
import {
  type PvpMethod,
  type PvpUserName,
  readRequest,
  type ValErrorCode,
  type ValInfo,
  writeAnswer,
} from "../../codecs/validation/mod.ts";
import {
  type PvpCandidate,
  type PvpFailure,
  type PvpTerminatorAction,
  type PvpTerminatorEvent,
  type PvpTerminatorOutcome,
  peerFailed,
  peerForgiven,
  peerSucceeded,
  pvpTerminator,
  type Standing,
  type Standings,
  standingOf,
  wayOf,
} from "../../machines/validation/mod.ts";
import { drive, type Mailbox, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import type { Arithmetic, ByteStreamShape, Entropy } from "../ports/mod.ts";
import { type Ephemerals, tlsSrpServer } from "../tls/mod.ts";
import { readDocument, writeDocument } from "./frames.ts";

export interface PvpHandlers {
  /** Calls received that the name may speak of, locked ones included. By index: this is asked by strangers. */
  readonly candidates: (name: PvpUserName) => Effect.Effect<ReadonlyArray<PvpCandidate>>;
  /**
   * Somebody failed at this call by that method. To be counted before this succeeds; what it costs the peer does not wait
   * for, but it may feel it on other streams: see `nobodyThere`.
   */
  readonly failed: (call: PvpCandidate, method: PvpMethod) => Effect.Effect<void>;
  /** Somebody failed where there was no call, or one that was not to be had: may cost what `failed` costs. Default nothing. */
  readonly nobodyThere?: Effect.Effect<void>;
  /** A domain, not proved to be whose it says, proved to know of a call to the number. */
  readonly grant: (request: PvpGrantRequest) => Effect.Effect<PvpGrant>;
}
export interface PvpGrantRequest {
  readonly number: E164;
  readonly domain: string;
  readonly vservice: bigint;
}
export type PvpGrant =
  | { readonly type: "granted"; readonly valInfo: ValInfo }
  | { readonly type: "refused"; readonly code: ValErrorCode };

export interface PvpCounters {
  streams: number;
  validated: number;
  declined: number;
  /** Wrong passwords for calls that exist. */
  failed: number;
  /** Wrong passwords where there was no right one. */
  simulated: number;
  /** Names for another server's node: closed at once, and charged to nobody. */
  foreign: number;
  lost: number;
  malformed: number;
  /** Peers held up, and peers not looked up at all, for failing often. */
  slowed: number;
  barred: number;
  /** Streams closed at once, for there were too many of one address. */
  crowded: number;
}

/** What the streams of one server share. */
export interface PvpServer {
  readonly nodeIds: ReadonlyArray<bigint>;
  readonly roundMs: number;
  readonly handlers: PvpHandlers;
  /** Makes salts, and the secrets of calls that do not exist. */
  readonly seedKey: Uint8Array;
  /** What handshakes may have ready before they begin. */
  readonly ephemerals: Ephemerals;
  readonly counters: PvpCounters;
  readonly peers: Standings;
  /** As `peers`, by address alone: a stranger may give itself a new Node-ID each time, and not a new address. */
  readonly addresses: Standings;
  /** Streams by address. Of IPv6 a network is one address, here and for the standings. */
  readonly open: Map<string, number>;
  readonly streamsOfAddressMax: number;
  /** Tries at each call at this moment: no more than it has left, or some would not be counted. */
  readonly trying: Map<number, number>;
}

const SLOW_MS = 2_000;
/** The end of a stream is on its way by then: to count takes longer where there is something to count. */
const CHARGE_AFTER_MS = 5;
/** A look-up takes 10 us more for each call that it finds, and the most of a millisecond on a busy machine. */
const ANSWER_AFTER_MS = 2;

interface Line {
  readonly server: PvpServer;
  readonly below: ByteStreamShape;
  readonly box: Mailbox<PvpTerminatorEvent>;
  readonly scope: Scope.Scope;
  readonly given: Deferred.Deferred<string | undefined>;
  stream: ByteStreamShape | undefined;
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
  if (standingOf(addresses, address, yield* Clock.currentTimeMillis) === "refused") {
    counters.barred += 1;
    return;
  }
  if ((open.get(address) ?? 0) >= streamsOfAddressMax) {
    counters.crowded += 1;
    return;
  }
  const box = yield* mailbox<PvpTerminatorEvent>(16);
  const given = yield* Deferred.make<string | undefined>();
  const scope = yield* Effect.scope;
  const unknown = { stream: undefined, candidate: undefined, tried: undefined, simulated: undefined };
  const line: Line = { server, below, box, scope, given, address, peer: address, ...unknown };
  more(open, address);
  yield* Scope.addFinalizer(
    scope,
    Effect.sync(() => free(line)),
  );
  yield* Effect.forkIn(listen(line), scope);
  yield* drive(
    pvpTerminator,
    { nodeIds, roundMs },
    box,
    performing(box, { unexpected: "pvp.unexpected" }, (action: OwnOrder<PvpTerminatorAction>) => perform(line, action)),
  );
});

const free = ({ server: { open, trying }, address, tried }: Line): void => {
  less(open, address);
  if (tried !== undefined) less(trying, tried);
};

const more = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
const less = <K>(counts: Map<K, number>, key: K): void => {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
};

/** The handshake and the one request, as events. */
const listen = (line: Line) =>
  Effect.gen(function* () {
    const { box, below, server } = line;
    const { seedKey, ephemerals } = server;
    line.stream = yield* tlsSrpServer(below, {
      lookUp: lookUp(line),
      answerAfterMs: ANSWER_AFTER_MS,
      seedKey,
      ephemerals,
    });
    yield* box.tell({ type: "secured" });
    const request = readRequest(yield* readDocument(line.stream));
    if (request.ok) return yield* box.tell({ type: "asked", request: request.value });
    yield* box.tell({ type: "malformed", why: `${request.error.at}: ${request.error.why}` });
  }).pipe(
    Effect.catchTags({
      HandshakeFailed: ({ isWrongPassword, why }) => line.box.tell({ type: "failed", isWrongPassword, why }),
      StreamClosed: ({ why }) => line.box.tell({ type: "lost", why }),
    }),
  );

const lookUp =
  ({ box, given }: Line) =>
  (userName: string) =>
    Effect.andThen(
      box.tell({ type: "named", userName }),
      Effect.map(Deferred.await(given), (password) =>
        password === undefined ? undefined : ({ type: "password", password } as const),
      ),
    );

const perform = (line: Line, action: OwnOrder<PvpTerminatorAction>): Effect.Effect<unknown> => {
  const { box, server } = line;
  const later = (event: Effect.Effect<PvpTerminatorEvent>) =>
    Effect.forkIn(Effect.flatMap(event, box.tell), line.scope);
  switch (action.type) {
    case "findCandidates":
      return later(Effect.map(find(line, action.name), (candidates) => ({ type: "candidates", candidates })));
    case "give":
      return Deferred.succeed(line.given, action.password);
    case "charge":
      return Effect.delay(Effect.andThen(tellFailure(line), charge(line, action.failed)), CHARGE_AFTER_MS);
    case "grant":
      return later(Effect.map(server.handlers.grant(action), eventOf));
    case "answer":
      return Effect.ignore(writeDocument(line.stream!, writeAnswer(action.answer)));
    case "hangUp":
      return (line.stream ?? line.below).close;
    case "report":
      return report(line, action.outcome);
  }
};

const tellFailure = ({ below, candidate, simulated }: Line): Effect.Effect<void> =>
  Effect.suspend(() =>
    Effect.logInfo("pvp.failed", { host: below.peer.host, called: maskE164(candidate?.called ?? ""), simulated }),
  );

const charge = ({ server: { handlers }, candidate }: Line, failed: PvpFailure | undefined): Effect.Effect<void> =>
  failed === undefined ? (handlers.nobodyThere ?? Effect.void) : handlers.failed(candidate!, failed.method);

const eventOf = (grant: PvpGrant): PvpTerminatorEvent =>
  grant.type === "granted" ? { type: "granted", info: grant.valInfo } : { type: "declined", code: grant.code };

const find = Effect.fnUntraced(function* (line: Line, name: PvpUserName) {
  const { counters, peers, addresses, handlers, trying } = line.server;
  line.peer = `${line.address};${nodeIdText(name.originator)}`;
  const nowMs = yield* Clock.currentTimeMillis;
  const standing = worse(standingOf(peers, line.peer, nowMs), standingOf(addresses, line.address, nowMs));
  if (standing === "refused") {
    counters.barred += 1;
    return [];
  }
  if (standing === "slowed") {
    counters.slowed += 1;
    yield* Effect.sleep(SLOW_MS);
  }
  const candidates = yield* handlers.candidates(name);
  const [only, second] = candidates;
  if (only === undefined || second !== undefined || only.isLocked) return candidates;
  // Two ways of naming a call are tried, and counted, each by itself.
  const key = 2 * only.id + (wayOf(name.method) === "caller" ? 0 : 1);
  if ((trying.get(key) ?? 0) >= (only.triesLeft ?? 1)) return [{ ...only, isLocked: true }];
  more(trying, key);
  line.tried = key;
  line.candidate = only;
  return candidates;
});

const worse = (a: Standing, b: Standing): Standing =>
  (["refused", "slowed"] as const).find((standing) => a === standing || b === standing) ?? "welcome";

const report = Effect.fnUntraced(function* (line: Line, outcome: PvpTerminatorOutcome) {
  const { server, peer, address, below, candidate } = line;
  const { counters, peers, addresses } = server;
  const atMs = yield* Clock.currentTimeMillis;
  const { host } = below.peer;
  switch (outcome.type) {
    case "validated":
    case "declined": {
      const called = maskE164(candidate!.called);
      counters[outcome.type] += 1;
      peerSucceeded(peers, peer);
      peerForgiven(addresses, address, candidate!.id);
      return yield* Effect.logInfo(`pvp.${outcome.type}`, { called, ...outcome });
    }
    case "failed":
      counters[outcome.simulated === undefined ? "failed" : "simulated"] += 1;
      peerFailed(peers, peer, atMs);
      peerFailed(addresses, address, atMs);
      line.simulated = outcome.simulated;
      return; // the rest when the end is on its way: a call's number takes longer to tell than that there is none
    case "foreign":
      counters.foreign += 1;
      return yield* Effect.logInfo("pvp.foreign", { host });
    case "lost":
    case "malformed":
      counters[outcome.type] += 1;
      return yield* Effect.logInfo(`pvp.${outcome.type}`, { host, why: outcome.why });
  }
});
