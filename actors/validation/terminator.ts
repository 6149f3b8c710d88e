/** Serves validations: a listener, and one terminator for each stream. DECISIONS.md D-033. */
import { Effect, type Scope } from "effect";
import type { NodeId } from "../../codecs/shared/mod.ts";
import type { PvpGroupBits } from "../../codecs/validation/mod.ts";
import { type ReputationLimits, ROUND_MS, reputationLimits, reputations } from "../../machines/validation/mod.ts";
import { seldomSaid } from "../kit/mod.ts";
import { type Arithmetic, Entropy, Listener, type ListenFailed, type Listening } from "../ports/mod.ts";
import { makeEphemerals } from "../tls/mod.ts";
import { serveCaller } from "./caller.ts";
import type { PvpCounters } from "./counters.ts";
import type { PvpHandlers, PvpServer } from "./handlers.ts";

export interface ServePvpOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Our nodes. */
  readonly nodeIds: ReadonlyArray<NodeId>;
  /** T; all servers of an overlay have the same. Default 10 s. */
  readonly roundMs?: number;
  /** Of SRP. Default 2048 bits, which every originator accepts; ours accept up to 4096. */
  readonly group?: PvpGroupBits;
  /** Open streams. Default `PVP_STREAMS_MAX`. */
  readonly streamsMax?: number;
  /** Open streams of one address. Default `PVP_STREAMS_OF_ADDRESS_MAX`. */
  readonly streamsOfAddressMax?: number;
  /** From how many failures on a peer is delayed, and refused. Default `reputationLimits`. */
  readonly reputation?: ReputationLimits;
}

export interface ServingPvp extends Listening {
  /** As they stand now. */
  readonly counters: Effect.Effect<Readonly<PvpCounters>>;
}

export const PVP_STREAMS_MAX = 256;
/** As many validations as one server has under way. */
export const PVP_STREAMS_OF_ADDRESS_MAX = 64;
/** Many peers may share an address. */
const ADDRESS_FACTOR = 10;

const SAID_EVERY_MS = 60_000;

/** Serves until the scope closes. No stream affects another. */
export const servePvp = Effect.fn("pvp.serve")(function* (
  options: ServePvpOptions,
  handlers: PvpHandlers,
): Effect.fn.Return<ServingPvp, ListenFailed, Arithmetic | Entropy | Listener | Scope.Scope> {
  const { host, port, nodeIds, roundMs = ROUND_MS, streamsMax = PVP_STREAMS_MAX } = options;
  const { streamsOfAddressMax = PVP_STREAMS_OF_ADDRESS_MAX, reputation = reputationLimits } = options;
  const { listen } = yield* Listener;
  const counters = noneYet();
  const byAddress = {
    ...reputation,
    slowFrom: ADDRESS_FACTOR * reputation.slowFrom,
    refuseFrom: ADDRESS_FACTOR * reputation.refuseFrom,
  };
  const server: PvpServer = {
    nodeIds,
    roundMs,
    handlers,
    seedKey: yield* (yield* Entropy).bytes(32),
    ephemerals: yield* makeEphemerals(options.group ?? 2048),
    counters,
    said: seldomSaid({ everyMs: SAID_EVERY_MS }),
    peers: reputations(reputation),
    addresses: reputations(byAddress),
    open: new Map(),
    streamsOfAddressMax,
    trying: new Map(),
  };
  const listening = yield* listen({ host, port, streamsMax }, (stream) => Effect.scoped(serveCaller(stream, server)));
  return { ...listening, counters: Effect.sync(() => ({ ...counters })) };
});

const noneYet = (): PvpCounters => ({
  streams: 0,
  validated: 0,
  declined: 0,
  failed: 0,
  simulated: 0,
  foreign: 0,
  lost: 0,
  malformed: 0,
  slowed: 0,
  barred: 0,
  crowded: 0,
});
