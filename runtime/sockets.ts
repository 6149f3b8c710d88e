/**
 * Dialer and Listener over node:net and node:tls, which Node, Deno and Bun all have.
 * socket-stream.ts has what becomes of an open socket. Error codes differ between the runtimes, so that nothing here looks at one:
 * a failure is its message. DECISIONS.md D-004.
 * Requirements: RFC 6940 §6.5.1.13, §13.2.
 */
import net from "node:net";
import tls from "node:tls";
import { Deferred, Effect, FiberSet, Layer, Schedule, type Scope } from "effect";
import { seldomSaid } from "../actors/kit/mod.ts";
import {
  type ByteStreamShape,
  CONNECT_TIMEOUT_MS,
  type Credentials,
  Dialer,
  DialFailed,
  type DialReason,
  type DialTarget,
  Listener,
  type ListenFailed,
  type ListenOn,
  STREAMS_MAX,
  type StreamRefusal,
} from "../actors/ports/mod.ts";
import { chainOfPeer, chainsShownTo, peerFault, pemCertificate, serverFault } from "./certificates.ts";
import { pemOf } from "./keys.ts";
import { streamOf } from "./socket-stream.ts";
import { dialReasonOf, listenFailed } from "./system-errors.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** In the log, of one address: every one of them would fill a disk. */
const REFUSED_EVERY_MS = 60_000;
/** A port that was ours a moment ago may be held by the system for another one. */
const REBIND = { times: 20, schedule: Schedule.spaced(50) };

/**
 * Mutual TLS 1.2 or 1.3. The platform verifies that the peer has its certificate's key; the chain is judged by us alone, since
 * the three platforms differ in what they refuse: Deno takes no authority with constraints on URIs, e-mail or DNs, and none of
 * them reads the host of a `reload:` URI. The name is checked by whoever knows which one to expect.
 */
const secureOptions = (credentials: Credentials) => ({
  key: pemOf(credentials.key),
  cert: credentials.certificates.map(pemCertificate).join(""),
  ca: credentials.roots.map(pemCertificate),
  minVersion: "TLSv1.2" as const,
  rejectUnauthorized: false,
});

/** Made once for the same credentials: reading keys and certificates anew costs a dial a third of its time. */
const contexts = new WeakMap<Credentials, tls.SecureContext>();
const contextOf = (credentials: Credentials): tls.SecureContext => {
  const made = contexts.get(credentials) ?? tls.createSecureContext(secureOptions(credentials));
  contexts.set(credentials, made);
  return made;
};

/** Who to ask for what the server has shown. */
interface Opening {
  readonly socket: net.Socket;
  readonly shown: () => ReadonlyArray<Uint8Array>;
}

/**
 * The chain and the name are judged by us in the end, as above. Node makes the chain into objects to have the name looked at,
 * and again for whoever asks: what it has made is taken then, where it comes to that.
 */
const openTls = ({ host, port, tls: credentials, server }: DialTarget): Opening => {
  if (credentials === undefined && server === undefined)
    return { socket: net.connect({ host, port }), shown: () => NOTHING_SHOWN };
  let seen: ReadonlyArray<Uint8Array> | undefined;
  const checkServerIdentity = (_: string, leaf: tls.PeerCertificate) => {
    seen = chainOfPeer(leaf as tls.DetailedPeerCertificate);
    return undefined;
  };
  const name = server !== undefined && net.isIP(server.name) === 0 ? { servername: server.name } : {};
  const by = credentials === undefined ? name : { secureContext: contextOf(credentials) };
  const how = { minVersion: "TLSv1.2", rejectUnauthorized: false, checkServerIdentity } as const;
  const socket = tls.connect({ host, port, ...by, ...how });
  return { socket, shown: () => (seen?.length ? seen : chainOfPeer(socket.getPeerCertificate(true))) };
};
const NOTHING_SHOWN: ReadonlyArray<Uint8Array> = [];

const faultOf = (shown: ReadonlyArray<Uint8Array>, { tls: credentials, server }: DialTarget) => {
  if (credentials !== undefined) return peerFault(shown, credentials.roots, "server");
  return server && serverFault(shown, server.roots, server.name);
};

const dial = (target: DialTarget) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: net.Socket; readonly certificates: ReadonlyArray<Uint8Array> }, DialFailed>(
      (resume) => {
        const { host, port, timeoutMs } = target;
        const isTls = target.tls !== undefined || target.server !== undefined;
        const { socket, shown } = openTls(target);
        const fail = (reason: DialReason, why: string) => {
          clearTimeout(timer);
          socket.destroy();
          resume(Effect.fail(new DialFailed({ reason, why: `${host}:${port}: ${why}` })));
        };
        const timer = setTimeout(() => fail("timedOut", "timed out"), timeoutMs ?? CONNECT_TIMEOUT_MS);
        socket.on("error", (error) => fail(dialReasonOf(error, isTls), error.message)); // stays: a socket without one kills the process
        const closed = () => fail("closed", "closed");
        socket.once("close", closed);
        socket.once(isTls ? "secureConnect" : "connect", () => {
          const certificates = shown();
          const against = faultOf(certificates, target);
          if (against !== undefined) return fail("notTrusted", against.message);
          clearTimeout(timer);
          socket.off("close", closed);
          resume(Effect.succeed({ socket, certificates }));
        });
        return Effect.sync(() => {
          clearTimeout(timer);
          socket.destroy();
        });
      },
    ),
    ({ socket }) => Effect.sync(() => socket.destroy()),
  ).pipe(
    Effect.map(({ socket, certificates }) => streamOf(socket, { host: target.host, port: target.port, certificates })),
  );

type Renew = (tls: Credentials) => Effect.Effect<void>;
/** Of what listens with TLS, by its address. */
const renewals = new Map<string, Renew>();

const listen = <R>(on: ListenOn, serve: (stream: ByteStreamShape) => Effect.Effect<void, never, R>) =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime<R>();
    const sockets = new Set<net.Socket>();
    const accept = (socket: net.Socket, certificates: ReadonlyArray<Uint8Array> = []) => {
      if (sockets.size >= (on.streamsMax ?? STREAMS_MAX)) {
        on.refused?.(socket.remoteAddress ?? "?", "full");
        return void socket.destroy();
      }
      sockets.add(socket);
      const stream = streamOf(socket, {
        host: socket.remoteAddress ?? "?",
        port: socket.remotePort ?? 0,
        certificates,
      });
      const released = Effect.andThen(
        stream.close,
        Effect.sync(() => sockets.delete(socket)),
      );
      run(
        serve(stream).pipe(
          Effect.catchCause((cause) => Effect.logError("listener.died", cause)),
          Effect.ensuring(released),
        ),
      );
    };
    const opened = (tls: Credentials | undefined, port: number) =>
      Effect.gen(function* () {
        const server =
          tls === undefined ? net.createServer((socket) => accept(socket)) : secureServer(tls, on, accept, run);
        server.maxConnections = (on.streamsMax ?? STREAMS_MAX) + 1; // one over, so that the refusal is ours
        const bound = yield* Deferred.make<number, ListenFailed>();
        server.once("error", (error) => run(Deferred.fail(bound, listenFailed(on.host, port, error))));
        server.listen(port, on.host, () => run(Deferred.succeed(bound, (server.address() as net.AddressInfo).port)));
        return { server, port: yield* Deferred.await(bound) };
      });
    let open = yield* opened(on.tls, on.port);
    const { port } = open;
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        renewals.delete(`${on.host}:${port}`);
        open.server.close();
        for (const socket of sockets) socket.destroySoon();
      }),
    );
    // A server of its own with the new credentials at the same port: Deno takes no others for one that listens.
    const renew: Renew = (tls) =>
      Effect.suspend(() => {
        open.server.close();
        return Effect.map(opened(tls, port), (next) => {
          open = next;
        });
      }).pipe(Effect.retry(REBIND), Effect.orDie);
    if (on.tls !== undefined) renewals.set(`${on.host}:${port}`, renew);
    return { host: on.host, port };
  });

/** A peer that shows no certificate of ours, or speaks something else than TLS, never reaches `accept`. */
const secureServer = (
  credentials: Credentials,
  { anyClient = false, refused }: ListenOn,
  accept: (socket: net.Socket, certificates: ReadonlyArray<Uint8Array>) => void,
  run: (effect: Effect.Effect<void>) => unknown,
): tls.Server => {
  const said = seldomSaid({ everyMs: REFUSED_EVERY_MS });
  const refuse = (socket: net.Socket, reason: StreamRefusal, why: string) => {
    const from = socket.remoteAddress ?? "?";
    refused?.(from, reason);
    run(said(from, (more) => Effect.logInfo("listener.refused", `${from}: ${why}`, ...more)));
    socket.destroy();
  };
  const server = tls.createServer(
    { ...secureOptions(credentials), requestCert: !anyClient, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    (socket) => {
      if (anyClient) return accept(socket, []);
      const chain = chainOf(socket);
      const against = peerFault(chain, credentials.roots, "client");
      if (against === undefined) return accept(socket, chain);
      socket.on("error", () => {}); // a socket without one kills the process
      refuse(socket, against.reason, against.message);
    },
  );
  const chainOf = chainsShownTo(server);
  server.on("tlsClientError", (error, socket) => refuse(socket, "notTls", error.message));
  return server;
};

export const dialerLayer: Layer.Layer<Dialer> = Layer.succeed(Dialer, {
  dial: dial as (target: DialTarget) => Effect.Effect<ByteStreamShape, DialFailed, Scope.Scope>,
});
export const listenerLayer: Layer.Layer<Listener> = Layer.succeed(Listener, {
  listen,
  renew: ({ host, port }, tls) => renewals.get(`${host}:${port}`)?.(tls) ?? Effect.void,
});
