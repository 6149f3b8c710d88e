/**
 * A record-routing SIP proxy between a PBX and its trunks, over UDP, TCP and TLS. RFC 3261 §16;
 * docs/protocol/sip.md#the-call-agents-proxy. DECISIONS.md D-103.
 *
 *   PBX <--> UDP, TCP, TLS <--> core <--> UDP, TCP, TLS <--> trunks
 *                                | route: over SIP?  <----> border element
 *                                +--> store: calls under way; record: calls that are over
 */
import { Deferred, Effect } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { paramOf, readDatagram, type SipMessage, topViaOf, type Unreadable } from "../../codecs/sip/mod.ts";
import { type Family, familyOf } from "../../machines/locate/mod.ts";
import type { Destination, OwnAddress, Source, Transport } from "../../machines/proxy/mod.ts";
import { type LocatorOptions, openLocator } from "../locate/mod.ts";
import {
  type ByteStreamShape,
  type DatagramSocket,
  Datagrams,
  Entropy,
  Listener,
  type Listening,
} from "../ports/mod.ts";
import { openCallStore, storedCalls } from "./call-store.ts";
import { followPeers } from "./located.ts";
import { isAddress, openNames } from "./names.ts";
import type { AgentProxy, AgentProxyOptions, ProxyListen } from "./options.ts";
import { type Link, openStreams, type StreamSecurity, type Streams } from "./streams.ts";
import { openTurns, type Turns } from "./turns.ts";

export type { AgentProxy, AgentProxyCounters, AgentProxyOptions, ProxyListen } from "./options.ts";

/** Streams that others open, at once, by one of our addresses. */
const ACCEPTED_MAX = 1_024;
const MARK_BYTES = 8;
const EXPIRE_EVERY_MS = 3_600_000;

/** Serves until the scope closes. Fails with ListenFailed, or with StoreFailed when the calls under way cannot be read. */
export const serveAgentProxy = Effect.fn("proxy.serve")(function* (options: AgentProxyOptions) {
  const { store } = options;
  const calls = yield* openCallStore(options);
  const before = store === undefined ? [] : yield* storedCalls(store);
  // Whatever comes before all our ports are known waits, or is sent again.
  const ready = yield* Deferred.make<Turns>();
  let turns: Turns | undefined;
  const turn: Turns["turn"] = (work) => turns?.turn(work);

  const streams: Streams = yield* openStreams(securityOf(options), {
    received: (link, messages, unreadable) =>
      Effect.map(Deferred.await(ready), ({ turn }) => receiveAll(turn, streams.alias, link, messages, unreadable)),
    lost: (to, why) =>
      Effect.andThen(
        Effect.logInfo("proxy.link.lost", { to: `${to.host}:${to.port}`, why }),
        Effect.sync(() => turn((core, nowMs) => core.unreachable(to, nowMs))),
      ),
  });
  const sockets = new Map<number, DatagramSocket>();
  const names = yield* openNames([], () => {});
  const following = yield* follow(options, turn);
  const send = (to: Destination, bytes: Uint8Array) => {
    if (to.transport !== "UDP") return streams.send(to, bytes);
    const sendTo = (address: string) => sockets.get(to.own)?.send(bytes, address, to.port);
    if (isAddress(to.host)) return sendTo(to.host);
    names.withAddress(to.host, (address) => {
      if (address !== undefined) sendTo(address);
      else turn((core, nowMs) => core.unreachable(to, nowMs));
    });
  };
  const listening: Array<Listening> = [];
  for (const [own, on] of options.listen.entries())
    listening.push(yield* listenOn(options, on, own, streams.accept, sockets, (work) => turn(work)));

  const mark = hexOf(yield* (yield* Entropy).bytes(MARK_BYTES));
  const { peers, route, timing = {}, limits = {} } = options;
  const own = options.listen.map((on, i) => ownOf(on, listening[i]!));
  turns = yield* openTurns({ own, peers, route, mark, timing, limits }, { send, calls, down: following.down });
  for (const { id, call } of before) if (!turns.core.restore(id, call)) calls.forget(id);
  if (before.length > 0) yield* Effect.logInfo("proxy.calls.restored", { calls: before.length });
  yield* Deferred.succeed(ready, turns);
  yield* Effect.all([names.start, following.start], { discard: true });
  yield* expireNowAndThen(turn);
  const { core, counts, fellBack, unreadable } = turns;
  const counters: AgentProxy["counters"] = () => {
    const { calls: underWay, transactions } = core.size;
    return { ...counts, fellBack: { ...fellBack }, underWay, transactions, unwritten: calls.waiting() };
  };
  return {
    listening,
    counters,
    unreadable,
    newestCalls: (max) => core.newestCalls(max),
  } satisfies AgentProxy as AgentProxy;
});

/** What one read of a stream has brought. */
const receiveAll = (
  turn: Turns["turn"],
  alias: Streams["alias"],
  link: Link,
  messages: ReadonlyArray<SipMessage>,
  unreadable: ReadonlyArray<Unreadable>,
) =>
  turn((core, nowMs) => {
    const { transport, own, host, port, id: stream } = link;
    const source: Source = { transport, own, host, port, stream };
    for (const message of messages) {
      const port = aliasOf(message);
      if (port !== undefined) alias(link, port);
      core.receive(source, message, nowMs);
    }
    for (const found of unreadable) core.unreadable(source, found);
  });

const expireNowAndThen = (turn: Turns["turn"]) => {
  const expire = Effect.sync(() => turn((core, nowMs) => core.expire(nowMs)));
  return Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EXPIRE_EVERY_MS), expire)));
};

/** Neighbours that the configuration names by a name. */
const follow = Effect.fnUntraced(function* (options: AgentProxyOptions, turn: Turns["turn"]) {
  const reach = reachOf(options);
  const locator = yield* openLocator(reach);
  return yield* followPeers(options.peers, locator, reach.transports, (peer, targets) =>
    turn((core) => core.located(peer, targets)),
  );
});

/** What we can dial: by the transports that we listen at, and of the families. */
const reachOf = ({ listen }: AgentProxyOptions): Pick<LocatorOptions, "transports" | "families"> => ({
  transports: TRANSPORTS.filter((one) => listen.some(({ transport }) => transport === one)),
  families: FAMILIES.filter((family) => listen.some(({ host }) => familyOf(host) === family)),
});
/** The one that every trunk has comes first where a domain leaves the choice to us. */
const TRANSPORTS: ReadonlyArray<Transport> = ["UDP", "TCP", "TLS"];
const FAMILIES: ReadonlyArray<Family> = ["IPv6", "IPv4"];

const securityOf = ({ credentials }: AgentProxyOptions): StreamSecurity => ({ credentials: () => credentials });

const listenOn = Effect.fn("proxy.listen")(function* (
  { credentials }: AgentProxyOptions,
  { transport, host, port }: ProxyListen,
  own: number,
  accept: (stream: ByteStreamShape, transport: Transport, own: number) => Effect.Effect<void>,
  sockets: Map<number, DatagramSocket>,
  turn: Turns["turn"],
) {
  if (transport !== "UDP") {
    const tls = transport === "TLS" && credentials !== undefined ? { tls: credentials } : {};
    return yield* (yield* Listener).listen({ host, port, streamsMax: ACCEPTED_MAX, ...tls }, (stream) =>
      accept(stream, transport, own),
    );
  }
  const socket: DatagramSocket = yield* (yield* Datagrams).open(
    { host, port },
    {
      received: (bytes, host, port) => {
        const found = readDatagram(bytes);
        if (found === undefined) return;
        const source: Source = { transport, own, host, port, stream: 0 };
        turn((core, nowMs) => ("type" in found ? core.receive(source, found, nowMs) : core.unreadable(source, found)));
      },
      failed: (host, port) => turn((core, nowMs) => core.unreachable({ transport, host, port }, nowMs)),
    },
  );
  sockets.set(own, socket);
  return socket as Listening;
});

const ownOf = ({ transport, host, side, advertise }: ProxyListen, { port }: Listening): OwnAddress => ({
  transport,
  host: advertise?.host ?? (host.includes(":") ? `[${host}]` : host),
  port: advertise?.port ?? port,
  side,
});

/** The port at which a peer wants to be reached by this stream. RFC 5923 §4. */
const aliasOf = (message: SipMessage): number | undefined => {
  if (message.type !== "request") return undefined;
  const via = topViaOf(message);
  if (via?.port === undefined || !via.params.some(({ name }) => name === "alias")) return undefined;
  return paramOf(via.params, "alias") === undefined ? via.port : undefined;
};
