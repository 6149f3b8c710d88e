/**
 * All that a proxy hears and says, by whichever transport. RFC 3261 §18.
 *
 *   UDP sockets --+                                            +--> the socket of our address
 *   TCP, TLS -----+--> received: one turn a read       send ---+--> the stream there is, or a new one
 *                      unreachable, resolved
 *
 * Whatever comes before all our ports are known waits, or is sent again.
 * Requirements: RFC 3261 §18.1.1, §18.4.
 */
import { Deferred, Effect, Scope } from "effect";
import { paramOf, readDatagram, type SipMessage, topViaOf, type Unreadable } from "../../codecs/sip/mod.ts";
import type { Destination, OwnAddress, Source, Transport } from "../../machines/proxy/mod.ts";
import {
  type ByteStreamShape,
  type Credentials,
  type DatagramSocket,
  Datagrams,
  Listener,
  type Listening,
  type StreamRefusal,
} from "../ports/mod.ts";
import { isAddress, openNames } from "./names.ts";
import type { InProcess, ProxyListen } from "./options.ts";
import { type Link, openStreams, type StreamSecurity } from "./streams.ts";

/** Streams that others open, at once, by one of our addresses. */
const ACCEPTED_MAX = 1_024;

export interface Arrived {
  readonly source: Source;
  /** What the other end of the stream has proved to be. */
  readonly domains: ReadonlyArray<string>;
  readonly messages: ReadonlyArray<SipMessage>;
  readonly unreadable: ReadonlyArray<Unreadable>;
}

export interface TransportHandlers {
  /** What one datagram or one read has brought: all in one turn. */
  readonly received: (arrived: Arrived) => void;
  readonly unreachable: (to: Pick<Destination, "transport" | "host" | "port" | "domain">) => void;
  /** A neighbour's name is at these addresses now. */
  readonly resolved: (host: string, addresses: ReadonlyArray<string>) => void;
}

export interface TransportOptions<S extends string> {
  readonly listen: ReadonlyArray<ProxyListen<S>>;
  readonly security: StreamSecurity;
  /** Their names are looked up now and then. */
  readonly hosts: ReadonlyArray<{ readonly host: string }>;
  /** A stream that was not taken by one of our addresses. */
  readonly refused?: (own: number, host: string, why: StreamRefusal) => void;
}

export interface Transports<S extends string> {
  /** In the order of `listen`. */
  readonly listening: ReadonlyArray<Listening>;
  readonly own: ReadonlyArray<OwnAddress<S>>;
  /** Waits for nothing. */
  readonly send: (to: Destination, bytes: Uint8Array) => void;
  /** Whoever is there by a stream has fallen silent. */
  readonly drop: (to: Destination) => void;
  /** Who is at the other end of the stream to there, if there is one. */
  readonly peerOf: (to: Destination) => { readonly host: string; readonly port: number } | undefined;
  readonly start: (handlers: TransportHandlers) => Effect.Effect<void>;
}

export const openTransports = Effect.fn("proxy.transports")(function* <S extends string>(options: TransportOptions<S>) {
  const scope = yield* Effect.scope;
  const ready = yield* Deferred.make<TransportHandlers>();
  let handlers: TransportHandlers | undefined;
  const streams = yield* openStreams(options.security, {
    ready: Deferred.await(ready),
    received: (link, messages, unreadable) => {
      for (const message of messages) {
        const port = aliasOf(message);
        if (port !== undefined) streams.alias(link, port);
      }
      handlers?.received({ source: sourceOf(link), domains: link.domains, messages, unreadable });
    },
    lost: (to, why) =>
      Effect.andThen(
        Effect.logInfo("proxy.link.lost", { to: `${to.host}:${to.port}`, why }),
        Effect.sync(() => handlers?.unreachable(to)),
      ),
  });
  const sockets = new Map<number, DatagramSocket>();
  const names = yield* openNames(options.hosts, (host, addresses) => handlers?.resolved(host, addresses));
  const send = (to: Destination, bytes: Uint8Array) => {
    if (to.transport !== "UDP") return streams.send(to, bytes);
    const socket = sockets.get(to.own);
    if (isAddress(to.host)) return socket?.send(bytes, to.host, to.port);
    names.withAddress(to.host, (address) => {
      if (address !== undefined) socket?.send(bytes, address, to.port);
      else handlers?.unreachable(to);
    });
  };
  const listening: Array<Listening> = [];
  for (const [own, on] of options.listen.entries()) {
    if (on.inProcess !== undefined) {
      sockets.set(
        own,
        handedOver(on, on.inProcess, own, () => handlers),
      );
      listening.push({ host: on.host, port: on.port });
    } else if (on.transport === "UDP") {
      const socket = yield* openSocket(on, own, () => handlers);
      sockets.set(own, socket);
      listening.push(socket);
    } else if (on.isOutgoing) listening.push({ host: on.host, port: on.port });
    else listening.push(yield* listenOn(options, on, own, streams.accept));
  }
  const own = options.listen.map((on, i) => ownOf(on, listening[i]!));
  const start: Transports<S>["start"] = (given) =>
    Effect.gen(function* () {
      handlers = given;
      yield* Deferred.succeed(ready, given);
      yield* Scope.provide(names.start, scope);
    });
  const { drop, peerOf } = streams;
  return { listening, own, send, drop, peerOf, start } satisfies Transports<S> as Transports<S>;
});

const listenOn = Effect.fn("proxy.listen")(function* (
  { security, refused }: Pick<TransportOptions<string>, "security" | "refused">,
  { transport, host, port }: ProxyListen<string>,
  own: number,
  accept: (stream: ByteStreamShape, transport: Transport, own: number) => Effect.Effect<void>,
) {
  const credentials: Credentials | undefined = transport === "TLS" ? security.credentials(own) : undefined;
  const on = {
    host,
    port,
    streamsMax: ACCEPTED_MAX,
    ...(credentials === undefined ? {} : { tls: credentials }),
    ...(refused === undefined ? {} : { refused: (from: string, why: StreamRefusal) => refused(own, from, why) }),
  };
  return yield* (yield* Listener).listen(on, (stream) => accept(stream, transport, own));
});

/** Whoever is there is in this process. */
const handedOver = (
  { host, port }: ProxyListen<string>,
  { at, received, start }: InProcess,
  own: number,
  handlers: () => TransportHandlers | undefined,
): DatagramSocket => {
  start((bytes) => handlers()?.received(arrivedAs({ transport: "UDP", own, ...at, stream: 0 }, bytes)));
  return { host, port, send: (bytes) => received(bytes) };
};

/** Datagrams come from few places: each is described once, for what they begin keeps it half a minute. */
const sourcesOf = (transport: Transport, own: number) => {
  const known: Array<Source> = [];
  let next = 0;
  return (host: string, port: number): Source => {
    for (const source of known) if (source.port === port && source.host === host) return source;
    const source = { transport, own, host, port, stream: 0 };
    known[next] = source;
    next = (next + 1) % SOURCES_MAX;
    return source;
  };
};
const SOURCES_MAX = 16;

/** What a datagram has brought. */
const arrivedAs = (source: Source, bytes: Uint8Array): Arrived => {
  const found = readDatagram(bytes);
  const [messages, unreadable] = found === undefined ? [[], []] : "type" in found ? [[found], []] : [[], [found]];
  return { source, domains: [], messages, unreadable };
};

const openSocket = Effect.fn("proxy.socket")(function* (
  { transport, host, port }: ProxyListen<string>,
  own: number,
  handlers: () => TransportHandlers | undefined,
) {
  const sourceAt = sourcesOf(transport, own);
  return yield* (yield* Datagrams).open(
    { host, port },
    {
      received: (bytes, host, port) => {
        const arrived = arrivedAs(sourceAt(host, port), bytes);
        if (arrived.messages.length + arrived.unreadable.length > 0) handlers()?.received(arrived);
      },
      failed: (host, port) => handlers()?.unreachable({ transport, host, port }),
    },
  );
});

const ownOf = <S extends string>(
  { transport, host, side, advertise, names }: ProxyListen<S>,
  { port }: Listening,
): OwnAddress<S> => ({
  transport,
  host: advertise?.host ?? (host.includes(":") ? `[${host}]` : host),
  port: advertise?.port ?? port,
  side,
  ...(names === undefined ? {} : { names }),
});

/** A link's, made once. */
const sources = new WeakMap<Link, Source>();
const sourceOf = (link: Link): Source => {
  const known = sources.get(link);
  if (known !== undefined) return known;
  const { transport, own, host, port, id: stream, domains } = link;
  const [domain] = domains;
  const proved = domain === undefined ? {} : { who: domains.join(" "), domain };
  const source: Source = { transport, own, host, port, stream, ...proved };
  sources.set(link, source);
  return source;
};

/** The port at which a peer wants to be reached by this stream. RFC 5923 §4. */
const aliasOf = (message: SipMessage): number | undefined => {
  if (message.type !== "request") return undefined;
  const via = topViaOf(message);
  if (via?.port === undefined || !via.params.some(({ name }) => name === "alias")) return undefined;
  return paramOf(via.params, "alias") === undefined ? via.port : undefined;
};
