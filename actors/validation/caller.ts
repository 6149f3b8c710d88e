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
import { maskE164, nodeIdText } from "../../codecs/shared/mod.ts";
import { type PvpUserName, readRequest, writeAnswer } from "../../codecs/validation/mod.ts";
import {
  forgivePeer,
  NAMED_TOGETHER_MAX,
  type PvpCandidate,
  type PvpFailure,
  type PvpTerminatorAction,
  type PvpTerminatorEvent,
  type PvpTerminatorOutcome,
  peerFailed,
  peerSucceeded,
  pvpTerminator,
  type Reputation,
  reputationOf,
  wayOf,
} from "../../machines/validation/mod.ts";
import { drive, type Mailbox, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import type { Arithmetic, ByteStreamShape, Entropy } from "../ports/mod.ts";
import { tlsSrpServer } from "../tls/mod.ts";
import { countDown, countUp } from "./counts.ts";
import { readDocument, writeDocument } from "./frames.ts";
import type { PvpGrant, PvpServer } from "./handlers.ts";

const SLOW_MS = 2_000;
/** A failure is counted so much later, when the stream's end has been sent: counting takes longer for a call that exists. */
const CHARGE_AFTER_MS = 5;
/**
 * From user name to answer, however many calls were found: a look-up takes 10 µs more for each, and up to a millisecond on a busy
 * machine, by which a stranger could tell whether there is a call.
 */
const ANSWER_AFTER_MS = 2;

/** One stream, and what has been found out about it. */
interface Caller {
  readonly server: PvpServer;
  readonly below: ByteStreamShape;
  readonly box: Mailbox<PvpTerminatorEvent>;
  readonly scope: Scope.Scope;
  /** The password for the handshake; undefined: there is no call to prove, and the handshake is simulated. */
  readonly secretReady: Deferred.Deferred<string | undefined>;
  /** Once the handshake has succeeded. */
  readonly secured: Deferred.Deferred<ByteStreamShape>;
  candidate: PvpCandidate | undefined;
  /** Those that fit a user name with bits of the times, whether they have the bits or not. */
  together: ReadonlyArray<PvpCandidate>;
  /** Keys of `server.trying` that count this stream. */
  tried: ReadonlyArray<number>;
  /** Why the handshake was bound to fail, if it was. */
  simulated: string | undefined;
  /** How many counts a failure takes; where there are fewer calls, `failedWithoutCall` takes the time of the others. */
  failures: number;
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
  const nothingKnown = { candidate: undefined, together: [], tried: [], simulated: undefined, failures: 1 };
  const caller: Caller = { server, below, box, scope, secretReady, secured, address, peer: address, ...nothingKnown };
  countUp(open, address);
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
  countDown(open, address);
  for (const key of tried) countDown(trying, key);
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

/** Always `failures` counts, so that their time tells nothing: one by version 1, by version 2 as many as calls may fit one name. */
const charge = (
  { server: { handlers }, candidate, together, failures }: Caller,
  failed: ReadonlyArray<PvpFailure>,
): Effect.Effect<void> => {
  const { failedWithoutCall = Effect.void } = handlers;
  const known = together.length > 0 ? together : candidate === undefined ? [] : [candidate];
  return Effect.forEach(
    Array.from({ length: failures }, (_, i) => failed[i]),
    (failure) => {
      const call = known.find(({ id }) => id === failure?.id);
      return failure === undefined || call === undefined ? failedWithoutCall : handlers.failed(call, failure.method);
    },
    { discard: true },
  );
};

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
  const hasBits = name.version === 2 && name.method !== "C";
  if (hasBits) caller.failures = NAMED_TOGETHER_MAX;
  if (candidates.length > (hasBits ? NAMED_TOGETHER_MAX : 1)) return candidates;
  // Attempts by caller (A) and by times (B, C) are limited and counted separately.
  const keyOf = ({ id }: PvpCandidate) => 2 * id + (wayOf(name.method) === "caller" ? 0 : 1);
  const open = candidates.filter(({ isLocked }) => !isLocked);
  if (!hasBits && open.length === 0) return candidates;
  // A peer that does not learn whether its password was right has made no guess: nothing is counted.
  if (open.some((call) => (trying.get(keyOf(call)) ?? 0) >= (call.triesLeft ?? 1)))
    return hasBits ? [] : candidates.map((call) => ({ ...call, isLocked: true }));
  caller.tried = candidates.map(keyOf);
  for (const key of caller.tried) countUp(trying, key);
  if (hasBits) caller.together = candidates;
  caller.candidate = candidates.find(({ isNamed = true }) => isNamed);
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
      return yield* server.said(`foreign ${host}`, (more) => Effect.logInfo("pvp.foreign", { host }, ...more));
    case "lost":
    case "malformed":
      counters[outcome.type] += 1;
      return yield* server.said(`${outcome.type} ${host}`, (more) =>
        Effect.logInfo(`pvp.${outcome.type}`, { host, why: outcome.why }, ...more),
      );
  }
});
