/**
 * A network without a world: listeners in a map, streams as pairs of queues, delay drawn by seed.
 *
 * With credentials both ends show their certificates and check the other's chain, as mutual TLS does; nothing is
 * encrypted, since nobody else is there to read it.
 */
import { Clock, Effect, FiberSet, Queue, type Scope } from "effect";
import {
  type ByteStreamShape,
  CertificateError,
  type Credentials,
  DialFailed,
  type DialTarget,
  type Keys,
  ListenFailed,
  type Listening,
  type ListenOn,
  type Peer,
  STREAMS_MAX,
  StreamClosed,
  type StreamRefusal,
} from "../../actors/ports/mod.ts";
import type { CertificateUse } from "../../machines/x509/mod.ts";
import { judgeServer } from "../chains.ts";
import type { Chance } from "./chance.ts";

const CHUNKS_MAX = 64; // in flight one way; a writer beyond that waits
const FIRST_FREE_PORT = 40_000;

/** How the network behaves: delays in ms, what cannot be reached, where it is cut. */
export interface MemoryNetworkOptions {
  /** One-way delay of each chunk, drawn uniformly. Default none. */
  readonly delayMs?: readonly [min: number, max: number];
  /** Asked at each dial: false makes the destination unreachable. */
  readonly reachable?: (target: DialTarget) => boolean;
  /**
   * Asked at each dial and each write: true refuses the one and closes the stream of the other, as a partition does. `from`:
   * the host that dialled, where the stream was opened by `dialFrom`.
   */
  readonly isCut?: (target: DialTarget, from: string | undefined) => boolean;
  /** Asked for each chunk: what is added to its delay, as by segments that TCP sends again. Default none. */
  readonly extraMs?: (from: string, to: string) => number;
  /** The time by which delays are counted. Default: the clock of whoever reads or writes. */
  readonly clock?: Clock.Clock;
}

interface Chunk {
  readonly bytes: Uint8Array;
  readonly dueMs: number;
}

export interface MemoryNetwork {
  readonly dial: (target: DialTarget) => Effect.Effect<ByteStreamShape, DialFailed, Scope.Scope>;
  /** The dialer of one host: its streams come from there, and meet what `isCut` and `extraMs` say of it. */
  readonly dialFrom: (host: string) => MemoryNetwork["dial"];
  readonly listen: <R>(
    on: ListenOn,
    serve: (stream: ByteStreamShape) => Effect.Effect<void, never, R>,
  ) => Effect.Effect<Listening, ListenFailed, R | Scope.Scope>;
  readonly renew: (on: Listening, tls: Credentials) => Effect.Effect<void>;
  /** What has not been closed. */
  readonly open: () => { readonly listeners: ReadonlyArray<string>; readonly streams: number };
}

interface PairOptions {
  readonly isUp?: () => boolean;
  readonly now?: Effect.Effect<number>;
  /** Performed at the first close of either end; not when both are merely forgotten. */
  readonly closed?: () => void;
}

/** The two ends of one stream. `peerOfA` is whom A sees. */
export const memoryPair = (
  peerOfA: Peer = NOBODY,
  peerOfB: Peer = NOBODY,
  delay: (direction: "toA" | "toB") => number = () => 0,
  { isUp = () => true, now = Clock.currentTimeMillis, closed = () => {} }: PairOptions = {},
): Effect.Effect<readonly [a: ByteStreamShape, b: ByteStreamShape]> =>
  Effect.gen(function* () {
    const toB = yield* Queue.bounded<Chunk, StreamClosed>(CHUNKS_MAX);
    const toA = yield* Queue.bounded<Chunk, StreamClosed>(CHUNKS_MAX);
    const close = Effect.andThen(
      Queue.fail(toA, new StreamClosed({ reason: "ended", why: "closed" })),
      Queue.fail(toB, new StreamClosed({ reason: "ended", why: "closed" })),
    ).pipe(Effect.andThen(Effect.sync(closed)));
    const end = (
      peer: Peer,
      from: Queue.Queue<Chunk, StreamClosed>,
      to: Queue.Queue<Chunk, StreamClosed>,
      direction: "toA" | "toB",
    ) => ({
      peer,
      read: Effect.gen(function* () {
        const chunk = yield* Queue.take(from);
        const early = chunk.dueMs - (yield* now);
        if (early > 0) yield* Effect.sleep(early);
        return chunk.bytes;
      }),
      write: (bytes: Uint8Array) =>
        Effect.gen(function* () {
          if (bytes.length === 0) return;
          if (!isUp()) yield* close;
          const dueMs = (yield* now) + delay(direction);
          if (!(yield* Queue.offer(to, { bytes: bytes.slice(), dueMs })))
            return yield* new StreamClosed({ reason: "ended", why: "closed" });
        }),
      close,
    });
    return [end(peerOfA, toA, toB, "toB"), end(peerOfB, toB, toA, "toA")] as const;
  });

const NOBODY: Peer = { host: "memory", port: 0, certificates: [] };
/** Where the caller of such an address has the same one. */
const isLoopback = (host: string) => host.startsWith("127.") || host === "::1";

interface Open {
  on: ListenOn;
  readonly accept: (stream: ByteStreamShape) => boolean;
}

export const memoryNetwork = (
  keys: Keys["Service"],
  chance: Chance,
  options: MemoryNetworkOptions = {},
): MemoryNetwork => {
  const [delayMin, delayMax] = options.delayMs ?? [0, 0];
  const delay = () => (delayMax === 0 ? 0 : chance.between(delayMin, delayMax));
  const listeners = new Map<string, Open>();
  const streamsOpen = new Set<object>();
  const now = options.clock?.currentTimeMillis ?? Clock.currentTimeMillis;
  let freePort = FIRST_FREE_PORT;

  const dialFrom = (dialler: string | undefined) => (target: DialTarget) =>
    Effect.gen(function* () {
      const where = `${target.host}:${target.port}`;
      const from = dialler ?? (isLoopback(target.host) ? target.host : NOBODY.host);
      const open = listeners.get(where);
      if (open === undefined || options.reachable?.(target) === false || options.isCut?.(target, dialler) === true)
        return yield* new DialFailed({ reason: "refused", why: `${where} refused` });
      const isTls = target.tls !== undefined || target.server !== undefined;
      if ((open.on.tls === undefined) === isTls) {
        if (!isTls) open.on.refused?.(from, "notTls");
        return yield* new DialFailed({ reason: "tls", why: `${where}: one side speaks TLS, the other does not` });
      }
      if (open.on.tls !== undefined && target.tls !== undefined) {
        yield* trust(keys, target.tls, open.on.tls, where, "server");
        if (open.on.anyClient !== true)
          yield* trust(keys, open.on.tls, target.tls, where, "client", (why) => open.on.refused?.(from, why));
      }
      if (open.on.tls !== undefined && target.server !== undefined) {
        const { roots, name } = target.server;
        const judged = judgeServer(open.on.tls.certificates, roots, yield* Clock.currentTimeMillis, name);
        if (judged instanceof CertificateError)
          return yield* new DialFailed({ reason: "notTrusted", why: `${where}: ${judged.why}` });
        if (open.on.anyClient !== true)
          return yield* new DialFailed({ reason: "tls", why: `${where}: no certificate` });
      }
      const pair = {};
      const [ours, theirs] = yield* memoryPair(
        { host: target.host, port: target.port, certificates: open.on.tls?.certificates ?? [] },
        {
          host: from,
          port: freePort++,
          certificates: open.on.anyClient === true ? [] : (target.tls?.certificates ?? []),
        },
        (direction) =>
          delay() +
          (options.extraMs?.(direction === "toB" ? from : target.host, direction === "toB" ? target.host : from) ?? 0),
        {
          isUp: () => options.isCut?.(target, dialler) !== true,
          now,
          closed: () => streamsOpen.delete(pair),
        },
      );
      streamsOpen.add(pair);
      yield* Effect.addFinalizer(() => ours.close);
      if (!open.accept(theirs)) return yield* new DialFailed({ reason: "closed", why: `${where}: too many streams` });
      return ours;
    });

  const listen: MemoryNetwork["listen"] = <R>(
    on: ListenOn,
    serve: (stream: ByteStreamShape) => Effect.Effect<void, never, R>,
  ) =>
    Effect.gen(function* () {
      const port = on.port === 0 ? freePort++ : on.port;
      const where = `${on.host}:${port}`;
      if (listeners.has(where)) return yield* new ListenFailed({ reason: "portTaken", why: `${where} is taken` });
      const run = yield* FiberSet.makeRuntime<R>();
      let streams = 0;
      const accept = (stream: ByteStreamShape) => {
        if (streams >= (on.streamsMax ?? STREAMS_MAX)) return false;
        streams += 1;
        const ended = Effect.andThen(
          Effect.sync(() => {
            streams -= 1;
          }),
          stream.close,
        );
        run(
          Effect.ensuring(
            Effect.catchCause(serve(stream), (cause) => Effect.logError("listener.died", cause)),
            ended,
          ),
        );
        return true;
      };
      const open: Open = { on, accept };
      listeners.set(where, open);
      yield* Effect.addFinalizer(() => Effect.sync(() => listeners.delete(where)));
      return { host: on.host, port };
    });

  const renew: MemoryNetwork["renew"] = ({ host, port }, tls) =>
    Effect.sync(() => {
      const open = listeners.get(`${host}:${port}`);
      if (open !== undefined) open.on = { ...open.on, tls };
    });
  return {
    dial: dialFrom(undefined),
    dialFrom,
    listen,
    renew,
    open: () => ({ listeners: [...listeners.keys()], streams: streamsOpen.size }),
  };
};

/** What a TLS stack does with the other's certificate, and no more. */
const trust = (
  keys: Keys["Service"],
  ours: Credentials,
  theirs: Credentials,
  where: string,
  use: CertificateUse,
  refused: (why: StreamRefusal) => void = () => {},
) =>
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    yield* Effect.mapError(keys.verifyChain(theirs.certificates, ours.roots, nowMs, use), ({ reason, why }) => {
      refused(reason);
      return new DialFailed({ reason: "notTrusted", why: `${where}: ${why}` });
    });
  });
