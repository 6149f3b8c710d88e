/**
 * A record-routing SIP proxy between a PBX and its trunks, over UDP, TCP and TLS. RFC 3261 §16;
 * docs/protocol/sip.md#the-call-agents-proxy. DECISIONS.md D-103.
 *
 *   PBX <--> UDP, TCP, TLS <--> core <--> UDP, TCP, TLS <--> trunks
 *                                | route: over SIP?  <----> border element
 *                                +--> store: calls under way; record: calls that are over
 * Requirements: RFC 3261 §18.2.1.
 */
import { Effect } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { type Family, familyOf } from "../../machines/locate/mod.ts";
import type { Destination, PeerTarget, Sender, Source, Transport } from "../../machines/proxy/mod.ts";
import { type LocatorOptions, openLocator } from "../locate/mod.ts";
import { Entropy, Listener } from "../ports/mod.ts";
import { openCallStore, storedCalls } from "./call-store.ts";
import { followPeers } from "./located.ts";
import { openMessageLog } from "./message-log.ts";
import type { AgentFallback, AgentProxy, AgentProxyOptions, SipPlace } from "./options.ts";
import { openServerTrust, type ServerRoots } from "./server-trust.ts";
import type { StreamSecurity } from "./streams.ts";
import { openTransports } from "./transports.ts";
import { openTurns, type Turns } from "./turns.ts";

export type {
  AgentFallback,
  AgentProxy,
  AgentProxyCounters,
  AgentProxyOptions,
  InProcess,
  ProxyListen,
  SipPlace,
} from "./options.ts";

const MARK_BYTES = 8;
const EXPIRE_EVERY_MS = 3_600_000;
const NO_SERVERS: ServerRoots = new Map();

/** Serves until the scope closes. Fails with ListenFailed, or with StoreFailed when the calls under way cannot be read. */
export const serveAgentProxy = Effect.fn("proxy.serve")(function* (options: AgentProxyOptions) {
  const { store, listen, peers, route, fallback, timing = {}, limits = {} } = options;
  let { credentials } = options;
  const calls = yield* openCallStore(options);
  const before = store === undefined ? [] : yield* storedCalls(store);
  const trust = openServerTrust(peers, options.servers ?? NO_SERVERS);
  const security: StreamSecurity = {
    credentials: () => credentials,
    server: ({ host }) => trust.of(host, credentials !== undefined),
  };
  const { listening, own, send, start } = yield* openTransports({ listen, security, hosts: [] });
  let turns: Turns | undefined;
  const following = yield* follow(options, trust.located, (work) => turns?.turn(work));
  const mark = hexOf(yield* (yield* Entropy).bytes(MARK_BYTES));
  const messages = yield* openMessageLog(listening);
  const outputs = { send: messages.logging(send), calls, down: following.down, fallback };
  turns = yield* openTurns({ own, peers, route, fallback, mark, timing, limits }, outputs);
  const { turn, core, counts, fellBack, unreadable } = turns;
  for (const { id, call } of before) if (!core.restore(id, call)) calls.forget(id);
  if (before.length > 0) yield* Effect.logInfo("proxy.calls.restored", { calls: before.length });
  yield* start({
    received: ({ source, messages: come, unreadable }) =>
      turn((core, nowMs) => {
        messages.arrived({ source, messages: come });
        for (const message of come) core.receive(source, message, nowMs);
        for (const found of unreadable) core.unreadable(source, found);
      }),
    unreachable: (to) => turn((core, nowMs) => core.unreachable(to, nowMs)),
    resolved: () => {},
  });
  if (fallback !== undefined) yield* tie(fallback, turn);
  yield* following.start;
  yield* expireNowAndThen(turn);
  const counters: AgentProxy["counters"] = () => {
    const { calls: underWay, transactions } = core.size;
    return { ...counts, fellBack: { ...fellBack }, underWay, transactions, unwritten: calls.waiting() };
  };
  const { renew } = yield* Listener;
  return {
    listening,
    useCredentials: (given) =>
      Effect.suspend(() => {
        credentials = given;
        const ours = listening.filter((_, i) => listen[i]!.transport === "TLS" && listen[i]!.isOutgoing !== true);
        return given === undefined ? Effect.void : Effect.forEach(ours, (on) => renew(on, given), { discard: true });
      }),
    counters,
    unreadable,
    newestCalls: (max) => core.newestCalls(max),
    messages,
    placeOf: (at) => placeOf(at, core.peerAt(at)),
  } satisfies AgentProxy as AgentProxy;
});

const placeOf = ({ host }: Source | Destination, found: Sender | undefined): SipPlace =>
  found === undefined ? { side: "stranger", name: host } : { side: found.side, name: found.peer.name };

const tie = ({ start, stop }: AgentFallback, turn: Turns["turn"]) => {
  start((key) => turn((core, nowMs) => core.hangUp(key, nowMs)));
  return Effect.addFinalizer(() => Effect.sync(stop));
};

const expireNowAndThen = (turn: Turns["turn"]) => {
  const expire = Effect.sync(() => turn((core, nowMs) => core.expire(nowMs)));
  return Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EXPIRE_EVERY_MS), expire)));
};

/** Neighbours that the configuration names by a name. */
const follow = Effect.fnUntraced(function* (
  options: AgentProxyOptions,
  trusted: (peer: string, targets: ReadonlyArray<PeerTarget>) => void,
  turn: Turns["turn"],
) {
  const reach = reachOf(options);
  const locator = yield* openLocator(reach);
  return yield* followPeers(options.peers, locator, reach.transports, (peer, targets) => {
    trusted(peer, targets);
    turn((core) => core.located(peer, targets));
  });
});

/** What we can dial: by the transports that we listen at, and of the families. */
const reachOf = ({ listen }: AgentProxyOptions): Pick<LocatorOptions, "transports" | "families"> => ({
  transports: TRANSPORTS.filter((one) => listen.some(({ transport }) => transport === one)),
  families: FAMILIES.filter((family) => listen.some(({ host }) => familyOf(host) === family)),
});
/** The one that every trunk has comes first where a domain leaves the choice to us. */
const TRANSPORTS: ReadonlyArray<Transport> = ["UDP", "TCP", "TLS"];
const FAMILIES: ReadonlyArray<Family> = ["IPv6", "IPv4"];
