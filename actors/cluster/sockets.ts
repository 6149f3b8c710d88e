/**
 * The streams between runners, as Effect's cluster wants them: mutual TLS, opened and accepted by the ports that RELOAD's
 * links use. A peer without a certificate under the cluster's own roots is closed before a byte of its is read.
 */
import { type Context, Deferred, Effect, type Scope } from "effect";
import * as NetAddress from "effect/net/NetAddress";
import * as Socket from "effect/socket/Socket";
import * as SocketServer from "effect/socket/SocketServer";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import {
  type ByteStreamShape,
  type Credentials,
  Dialer,
  Listener,
  type ListenFailed,
  type StreamClosed,
  type StreamRefusal,
} from "../ports/mod.ts";

/** Runners at once, and their connections while one takes the place of another. */
const STREAMS_MAX = 256;
const DIAL_MS_MAX = 3_000;
/** As RFC 6455 §7.4.1 has them, whose words Effect's sockets use. */
const CLOSED_IN_ORDER = 1_000;
const CLOSED_BROKEN = 1_006;

const textEncoder = new TextEncoder();
const bytesOf = (chunk: Uint8Array | string): Uint8Array =>
  typeof chunk === "string" ? textEncoder.encode(chunk) : chunk;

const closedOf = ({ reason, why }: StreamClosed) =>
  new Socket.SocketError({
    reason: new Socket.SocketCloseError({
      code: reason === "ended" ? CLOSED_IN_ORDER : CLOSED_BROKEN,
      closeReason: why,
    }),
  });

const readerOf = ({ read }: ByteStreamShape): Socket.Reader => ({
  pull: Effect.mapError(
    Effect.map(read, (bytes) => [bytes] as const),
    closedOf,
  ),
  upgrade: Socket.SocketUpgradeError.unsupported,
});

const writerTo = (stream: Effect.Effect<ByteStreamShape>): Socket.Writer => {
  const write: Socket.Writer["write"] = (chunk) =>
    Effect.flatMap(stream, (to) =>
      Socket.isCloseEvent(chunk) ? to.close : Effect.mapError(to.write(bytesOf(chunk)), closedOf),
    );
  return { write, writeAll: (chunks) => Effect.forEach(chunks, write, { discard: true }) };
};

const accepted = (stream: ByteStreamShape): Socket.Socket =>
  Socket.make({ reader: Effect.succeed(readerOf(stream)), writer: Effect.succeed(writerTo(Effect.succeed(stream))) });

/** Dialled when its reader is opened, and again when that is opened again. Who writes meanwhile waits. */
export const dialled = Effect.fnUntraced(function* ({ host, port }: Endpoint, tls: Credentials) {
  const { dial } = yield* Dialer;
  let current = Deferred.makeUnsafe<ByteStreamShape>();
  const reader = Effect.gen(function* () {
    const stream = yield* dial({ host, port, tls, timeoutMs: DIAL_MS_MAX });
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        current = Deferred.makeUnsafe();
      }),
    );
    Deferred.doneUnsafe(current, Effect.succeed(stream));
    return readerOf(stream);
  });
  return Socket.make({
    reader: Effect.mapError(
      reader,
      (cause) => new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) }),
    ),
    writer: Effect.succeed(writerTo(Effect.suspend(() => Deferred.await(current)))),
  });
});

export interface RunnerListener {
  readonly server: SocketServer.SocketServer["Service"];
  readonly at: Endpoint;
}

/** Listens until the scope closes; streams wait until the server is run. `refused`: one that has shown nothing of ours. */
export const listenForRunners = Effect.fnUntraced(function* (
  { host, port }: Endpoint,
  tls: Credentials,
  refused: (host: string, why: StreamRefusal) => void,
): Effect.fn.Return<RunnerListener, ListenFailed, Listener | Scope.Scope> {
  type Serve = (socket: Socket.Socket) => Effect.Effect<void>;
  const { listen } = yield* Listener;
  const ready = yield* Deferred.make<Serve>();
  const serve = (stream: ByteStreamShape) =>
    Effect.flatMap(Deferred.await(ready), (handle) => Effect.ensuring(handle(accepted(stream)), stream.close));
  const at = yield* listen({ host, port, tls, streamsMax: STREAMS_MAX, refused }, serve);
  const server = SocketServer.SocketServer.of({
    address: NetAddress.inetAddressFromNativeUnsafe(at.host, at.port),
    run: <R, E, _>(handler: (socket: Socket.Socket) => Effect.Effect<_, E, R>) =>
      Effect.contextWith((context: Context.Context<R>) =>
        Effect.andThen(
          Deferred.succeed(ready, (socket) => Effect.provideContext(Effect.ignoreCause(handler(socket)), context)),
          Effect.never,
        ),
      ),
  });
  return { server, at };
});
