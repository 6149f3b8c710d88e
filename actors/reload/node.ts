/**
 * A node of the overlay: everything wired, from the listener to the keeper, until its scope closes.
 *
 *   Listener, Dialer <--> links <--> switchboard <--> peer, keeper
 *                                        ^
 *                store, fetch, ping, appAttach: requests of our own
 */
import { Clock, Data, Deferred, Effect, type Scope } from "effect";
import type { Endpoint, OverlayConfiguration } from "../../codecs/reload/mod.ts";
import { keeperTiming, type PeerState, peerTiming, type RingView } from "../../machines/reload/mod.ts";
import { type Credentials, type Dialer, type Entropy, type Keys, Listener } from "../ports/mod.ts";
import { type Keeper, type KeeperRequest, type KeeperStatus, keepValues } from "./keeper.ts";
import { makeLinks } from "./links.ts";
import { makePeer, type Peer } from "./peer.ts";
import { makePost } from "./post.ts";
import { type Counter, makeSwitchboard, type Serve } from "./switchboard.ts";
import { makeUsage, type Usage } from "./usage.ts";

export class JoinFailed extends Data.TaggedError("JoinFailed")<{ readonly why: string }> {}

/** Times in milliseconds. */
export interface NodeLimits {
  /** Successors and predecessors, each. At least 3, RFC 6940 §10.1. */
  readonly neighbours: number;
  /** At least 16, RFC 6940 §10.7.4.3. */
  readonly fingers: number;
  /** Streams from others at once. */
  readonly linksMax: number;
  readonly rtoMsMin: number;
  readonly holdMs: number;
  readonly holdDownMs: number;
  readonly reactMs: number;
  /** For the whole join. */
  readonly joinMs: number;
  /** For a polite farewell when the scope closes; 0 goes without one, as a crash does. */
  readonly leaveMs: number;
}
export const nodeLimits: NodeLimits = {
  neighbours: 3,
  fingers: 16,
  linksMax: 256,
  rtoMsMin: 3_000,
  holdMs: 30_000,
  holdDownMs: keeperTiming.holdDown,
  reactMs: peerTiming.react,
  joinMs: 60_000,
  leaveMs: 2_000,
};

export interface NodeOptions {
  /** The certificate holds the Node-ID, as a `reload://` URI of this overlay. */
  readonly credentials: Credentials;
  readonly overlay: OverlayConfiguration;
  /** An IP address; port 0 takes a free one. */
  readonly listen: Endpoint;
  /** Where others reach us, when that is not where we listen. */
  readonly advertise?: Endpoint;
  /** Applications others may reach through us, by Application-ID. */
  readonly applications?: Readonly<Record<number, Endpoint>>;
  /** May this node form the overlay alone? Default: when it is the first bootstrap node, or there is none. */
  readonly first?: boolean;
  readonly limits?: Partial<NodeLimits>;
}

export interface NodeStatus extends KeeperStatus {
  readonly state: PeerState;
  readonly ring: RingView;
}

export interface OverlayNode extends Usage {
  readonly nodeId: bigint;
  readonly host: string;
  readonly port: number;
  readonly status: Effect.Effect<NodeStatus>;
  /** Hands over what it keeps and says farewell; done when the node has left. Closing the scope does the same. */
  readonly leave: Effect.Effect<void>;
  readonly counters: Readonly<Record<Counter, number>>;
  /** Why stores and fetches of others were turned away here, counted. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Succeeds once the node has its place in the ring. */
export const startNode = Effect.fn("reload.node")(function* (
  options: NodeOptions,
): Effect.fn.Return<OverlayNode, JoinFailed, Scope.Scope | Dialer | Listener | Keys | Entropy> {
  const { credentials, overlay } = options;
  const limits = { ...nodeLimits, ...options.limits };
  const post = yield* makePost(credentials, overlay);
  const certificate = credentials.certificates[0];
  const nodeId = certificate === undefined ? undefined : yield* post.nodeOf(certificate);
  if (nodeId === undefined) return yield* new JoinFailed({ why: "the certificate names no node of this overlay" });

  // The peer and the keeper need the switchboard, and it needs them: they are set before the first packet comes.
  let keeper: Keeper | undefined;
  let peer: Peer | undefined;
  const serve: Serve = (asked, request, opened) =>
    Effect.suspend(() =>
      isKeepers(request)
        ? keeper!.serve(asked, request, opened)
        : peer!.serve(asked, request as Parameters<Peer["serve"]>[1]),
    );
  const board = yield* makeSwitchboard(
    {
      self: nodeId,
      initialTtl: overlay.initialTtl,
      configurationSequence: overlay.sequence,
      maxMessageSize: overlay.maxMessageSize,
      retransmitMs: overlay.reliabilityTimerMs,
    },
    post,
    serve,
  );
  const startedMs = yield* Clock.currentTimeMillis;
  keeper = yield* keepValues(
    { ...overlay, timing: { ...keeperTiming, holdDown: limits.holdDownMs }, startedMs },
    board,
    (to) => peer!.handedOver(to),
  );

  const listener = yield* Listener;
  const ready = yield* Deferred.make<void>();
  let links: Effect.Success<ReturnType<typeof makeLinks>> | undefined;
  const listening = yield* Effect.mapError(
    listener.listen({ ...options.listen, tls: credentials, streamsMax: limits.linksMax }, (stream) =>
      Effect.andThen(
        Deferred.await(ready),
        Effect.suspend(() => links!.serve(stream)),
      ),
    ),
    ({ why }) => new JoinFailed({ why }),
  );
  const endpoint = options.advertise ?? listening;
  const isOurs = ({ host, port }: Endpoint) => host === endpoint.host && port === endpoint.port;
  const firstListed = overlay.bootstrapNodes[0];

  let state: PeerState = "joining";
  const settled = yield* Deferred.make<void, JoinFailed>();
  const left = yield* Deferred.make<void>();
  peer = yield* makePeer(
    {
      self: nodeId,
      endpoint,
      bootstrap: overlay.bootstrapNodes.filter((node) => !isOurs(node)),
      mayBeFirst: options.first ?? (firstListed === undefined || isOurs(firstListed)),
      applications: Object.entries(options.applications ?? {}).map(([id, endpoint]) => ({
        application: Number(id),
        endpoint,
      })),
      neighbours: limits.neighbours,
      fingers: limits.fingers,
      reactive: overlay.chordReactive,
      timing: {
        ...peerTiming,
        react: limits.reactMs,
        update: overlay.chordUpdateIntervalS * 1000,
        ping: overlay.chordPingIntervalS * 1000,
        leave: limits.leaveMs,
      },
      startedMs,
    },
    board,
    {
      dial: (to) => links!.dial(to),
      connect: (node, to) => links!.connect(node, to),
      ring: (view, change) => {
        board.view = view;
        return keeper!.ring(view, change);
      },
      handOver: (to) => keeper!.handOver(to),
      report: (now, why) =>
        Effect.gen(function* () {
          state = now;
          yield* Effect.logInfo(`reload.${now}`);
          if (now === "settled") yield* Deferred.succeed(settled, undefined);
          if (now === "failed") yield* Deferred.fail(settled, new JoinFailed({ why }));
          if (now === "failed" || now === "left") yield* Deferred.succeed(left, undefined);
        }),
    },
  );
  links = yield* makeLinks(
    nodeId,
    { rtoMsMin: limits.rtoMsMin, holdMs: limits.holdMs, messageBytesMax: overlay.maxMessageSize },
    credentials,
    post,
    board,
    peer,
  );
  yield* Deferred.succeed(ready, undefined);
  yield* Effect.forkScoped(peer.run);
  const leave = Effect.andThen(peer.leave, Deferred.await(left));
  if (limits.leaveMs > 0) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leave, limits.leaveMs)));
  yield* Effect.catchTag(Effect.timeout(Deferred.await(settled), limits.joinMs), "TimeoutError", () =>
    Effect.fail(new JoinFailed({ why: `not settled within ${limits.joinMs} ms` })),
  );

  return {
    ...(yield* makeUsage(overlay, post, board, endpoint)),
    nodeId,
    host: endpoint.host,
    port: endpoint.port,
    status: Effect.map(keeper.status, (held) => ({ ...held, state, ring: board.view })),
    leave,
    counters: board.counters,
    refusals: keeper.refusals,
  };
});

const isKeepers = (request: { readonly type: string }): request is Parameters<Keeper["serve"]>[1] =>
  ["storeReq", "fetchReq", "statReq", "findReq", "probeReq"].includes(request.type as KeeperRequest);
