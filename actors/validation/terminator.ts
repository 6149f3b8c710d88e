/**
 * Serves validations: one terminator for each stream that somebody opens to us.
 *
 *   Listener --> tlsSrpServer --lookUp--> named ----------------+
 *                     | secured, failed                          +--> mailbox --> step
 *                     +--> readDocument --> asked, malformed ----+
 *   findCandidates --> handlers.candidates      grant --> handlers.grant      charge --> handlers.failed
 */
import { Clock, Deferred, Effect, type Scope } from "effect";
import { type E164, maskE164, nodeIdText } from "../../codecs/shared/mod.ts";
import {
  type PvpUserName,
  readRequest,
  type ValErrorCode,
  type ValInfo,
  writeAnswer,
} from "../../codecs/validation/mod.ts";
import {
  type PvpCandidate,
  type PvpTerminatorAction,
  type PvpTerminatorEvent,
  type PvpTerminatorOutcome,
  peerFailed,
  peerSucceeded,
  pvpTerminator,
  ROUND_MS,
  type StandingLimits,
  type Standings,
  standingLimits,
  standingOf,
  standings,
} from "../../machines/validation/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import {
  type Arithmetic,
  type ByteStreamShape,
  Entropy,
  Listener,
  type ListenFailed,
  type Listening,
} from "../ports/mod.ts";
import { type TlsStream, tlsSrpServer } from "../tls/mod.ts";
import { readDocument, writeDocument } from "./frames.ts";

export interface ServePvpOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Our nodes. */
  readonly nodeIds: ReadonlyArray<bigint>;
  /** T; all servers of an overlay have the same. Default 10 s. */
  readonly roundMs?: number;
  /** Streams at once. Default `PVP_STREAMS_MAX`. */
  readonly streamsMax?: number;
  readonly standing?: StandingLimits;
}

export interface PvpHandlers {
  /** Calls received that the name may speak of, locked ones included. By index: this is asked by strangers. */
  readonly candidates: (name: PvpUserName) => Effect.Effect<ReadonlyArray<PvpCandidate>>;
  /** Somebody failed at this call. */
  readonly failed: (call: PvpCandidate) => Effect.Effect<void>;
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
  lost: number;
  malformed: number;
  /** Peers held up, and peers not looked up at all, for failing often. */
  slowed: number;
  barred: number;
}

export interface ServingPvp extends Listening {
  /** As they stand now. */
  readonly counters: Effect.Effect<Readonly<PvpCounters>>;
}

export const PVP_STREAMS_MAX = 256;
const SLOW_MS = 2_000;
/** Many peers may share an address. */
const ADDRESS_FACTOR = 10;

/** What the streams of one server share. */
interface Shared {
  readonly options: ServePvpOptions;
  readonly handlers: PvpHandlers;
  readonly seedKey: Uint8Array;
  readonly counters: PvpCounters;
  readonly peers: Standings;
  /** As `peers`, by address alone: a stranger may give itself a new Node-ID each time, and not a new address. */
  readonly addresses: Standings;
  /** Calls that somebody is trying at this moment: a second one must wait its turn, or it would not be counted. */
  readonly busy: Set<number>;
}

export const servePvp = Effect.fn("pvp.serve")(function* (
  options: ServePvpOptions,
  handlers: PvpHandlers,
): Effect.fn.Return<ServingPvp, ListenFailed, Arithmetic | Entropy | Listener | Scope.Scope> {
  const { listen } = yield* Listener;
  const counters: PvpCounters = {
    streams: 0,
    validated: 0,
    declined: 0,
    failed: 0,
    simulated: 0,
    lost: 0,
    malformed: 0,
    slowed: 0,
    barred: 0,
  };
  const limits = options.standing ?? standingLimits;
  const shared: Shared = {
    options,
    handlers,
    seedKey: yield* (yield* Entropy).bytes(32),
    counters,
    peers: standings(limits),
    addresses: standings({
      ...limits,
      slowFrom: ADDRESS_FACTOR * limits.slowFrom,
      refuseFrom: ADDRESS_FACTOR * limits.refuseFrom,
    }),
    busy: new Set(),
  };
  const { host, port, streamsMax = PVP_STREAMS_MAX } = options;
  const listening = yield* listen({ host, port, streamsMax }, (stream) => Effect.scoped(serveOne(stream, shared)));
  return { ...listening, counters: Effect.sync(() => ({ ...counters })) };
});

const serveOne = Effect.fnUntraced(function* (below: ByteStreamShape, shared: Shared) {
  const { options, handlers, counters } = shared;
  counters.streams += 1;
  if (standingOf(shared.addresses, below.peer.host, yield* Clock.currentTimeMillis) === "refused") {
    counters.barred += 1;
    return;
  }
  const scope = yield* Effect.scope;
  const box = yield* mailbox<PvpTerminatorEvent>(16);
  const given = yield* Deferred.make<string | undefined>();
  const later = (event: Effect.Effect<PvpTerminatorEvent>) => Effect.forkIn(Effect.flatMap(event, box.tell), scope);
  let stream: TlsStream | undefined;
  let candidate: PvpCandidate | undefined;
  let peer = below.peer.host;
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (candidate !== undefined) shared.busy.delete(candidate.id);
    }),
  );

  const lookUp = (userName: string) =>
    Effect.andThen(
      box.tell({ type: "named", userName }),
      Effect.map(Deferred.await(given), (password) =>
        password === undefined ? undefined : ({ type: "password", password } as const),
      ),
    );

  const listen = Effect.gen(function* () {
    stream = yield* tlsSrpServer(below, { lookUp, seedKey: shared.seedKey });
    yield* box.tell({ type: "secured" });
    const request = readRequest(yield* readDocument(stream));
    if (request.ok) return yield* box.tell({ type: "asked", request: request.value });
    yield* box.tell({ type: "malformed", why: `${request.error.at}: ${request.error.why}` });
  }).pipe(
    Effect.catchTag("HandshakeFailed", ({ isWrongPassword, why }) =>
      box.tell({ type: "failed", isWrongPassword, why }),
    ),
    Effect.catchTag("StreamClosed", ({ why }) => box.tell({ type: "lost", why })),
  );

  const find = (name: PvpUserName) =>
    Effect.gen(function* () {
      peer = `${below.peer.host};${nodeIdText(name.originator)}`;
      const standing = standingOf(shared.peers, peer, yield* Clock.currentTimeMillis);
      if (standing === "refused") {
        counters.barred += 1;
        return [];
      }
      if (standing === "slowed") {
        counters.slowed += 1;
        yield* Effect.sleep(SLOW_MS);
      }
      const found = yield* handlers.candidates(name);
      const free = found.map((call) => (shared.busy.has(call.id) ? { ...call, isLocked: true } : call));
      if (free.length === 1 && !free[0]!.isLocked) {
        candidate = free[0]!;
        shared.busy.add(candidate.id);
      }
      return free;
    });

  const perform = (action: PvpTerminatorAction): Effect.Effect<unknown> => {
    switch (action.type) {
      case "findCandidates":
        return later(Effect.map(find(action.name), (candidates) => ({ type: "candidates", candidates })));
      case "give":
        return Deferred.succeed(given, action.password);
      case "charge":
        return handlers.failed(candidate!);
      case "grant": {
        const { number, domain, vservice } = action;
        return later(
          Effect.map(handlers.grant({ number, domain, vservice }), (grant) =>
            grant.type === "granted"
              ? { type: "granted", info: grant.valInfo }
              : { type: "declined", code: grant.code },
          ),
        );
      }
      case "answer":
        return Effect.ignore(writeDocument(stream!, writeAnswer(action.answer)));
      case "hangUp":
        return stream?.close ?? below.close;
      case "report":
        return report(shared, peer, below.peer.host, candidate, action.outcome);
      case "startTimer":
        return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
      case "stopTimer":
        return box.stopTimer(action.timer);
      case "note":
        return Effect.logDebug("pvp.unexpected", action.unexpected);
    }
  };

  yield* Effect.forkIn(listen, scope);
  const input = { nodeIds: options.nodeIds, roundMs: options.roundMs ?? ROUND_MS };
  yield* drive(pvpTerminator, input, box, (action) => Effect.asVoid(perform(action)));
});

const report = Effect.fnUntraced(function* (
  { counters, peers, addresses }: Shared,
  peer: string,
  host: string,
  candidate: PvpCandidate | undefined,
  outcome: PvpTerminatorOutcome,
) {
  const atMs = yield* Clock.currentTimeMillis;
  const called = maskE164(candidate?.called ?? "");
  switch (outcome.type) {
    case "validated":
    case "declined":
      counters[outcome.type] += 1;
      peerSucceeded(peers, peer);
      return yield* Effect.logInfo(`pvp.${outcome.type}`, { called, ...outcome });
    case "failed":
      counters[outcome.simulated === undefined ? "failed" : "simulated"] += 1;
      peerFailed(peers, peer, atMs);
      peerFailed(addresses, host, atMs);
      return yield* Effect.logInfo("pvp.failed", { host, called, simulated: outcome.simulated });
    case "lost":
    case "malformed":
      counters[outcome.type] += 1;
      return yield* Effect.logInfo(`pvp.${outcome.type}`, { host, why: outcome.why });
  }
});
