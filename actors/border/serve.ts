/**
 * A border element on real transports: the only way between a domain's own SIP network and the Internet. ViPR overview §6.3;
 * docs/protocol/sip.md#the-border-element. DECISIONS.md D-120.
 *
 *   other domains == mutual TLS ==> outside --+           +--> inside -- UDP, TCP, TLS --> call agents
 *                                             +--> core --+
 *   other domains <= mutual TLS === outside <-+    | ^    +<-- inside <- UDP, TCP, TLS --- call agents
 *                                                  v |
 *                                              media relay
 */
import { Effect } from "effect";
import { hexOf, isGlobalHost } from "../../codecs/shared/mod.ts";
import { SIP_BYTES_MAX } from "../../codecs/sip/mod.ts";
import {
  BorderCore,
  type BorderCoreOptions,
  type BorderLimits,
  type BorderSource,
  type Place,
  rehearse,
  TOKEN_KEY_BYTES,
  type TokenKey,
  tokenKey,
} from "../../machines/border/mod.ts";
import type { Destination, Source } from "../../machines/proxy/mod.ts";
import { type CertificateNames, domainsOf, type Side } from "../../machines/sip/mod.ts";
import { openLocator } from "../locate/mod.ts";
import { type Credentials, Datagrams, Entropy, Keys, Listener, Seals } from "../ports/mod.ts";
import {
  type Arrived,
  isAddress,
  type MessageLog,
  openMessageLog,
  openSteps,
  openTransports,
  type ProxyListen,
  type StreamSecurity,
} from "../proxy/mod.ts";
import { openTicketChecker } from "../ticket/mod.ts";
import { type Connections, openConnections } from "./connections.ts";
import type { Border, BorderOptionLimits, BorderOptions } from "./options.ts";
import { openOrders } from "./orders.ts";

const MARK_BYTES = 8;
const EXPIRE_EVERY_MS = 60_000;
const CONNECTIONS_OF_DOMAIN = 32;
const OUTSIDE = 0;
const REHEARSED_CALLS = 5;

/** Serves until the scope closes. Fails with ListenFailed. */
export const serveBorder = Effect.fn("border.serve")(function* (options: BorderOptions) {
  const { callAgents, relay, limits = {} } = options;
  const tickets = yield* openTicketChecker(options.secrets);
  const keys = yield* tokenKeysOf(options);
  const outputs = yield* openOrders(relay);
  const connections = openConnections(limits.connectionsOfDomain ?? CONNECTIONS_OF_DOMAIN);
  const current = { credentials: options.credentials, limits };
  const places = yield* placesOutside;
  const transports = yield* openTransports<Side>({
    listen: listensOf(options),
    hosts: callAgents,
    security: {
      ...securityOf(options, connections, current, yield* provedDomains),
      places,
      reachable: yield* reachableBy(options, connections),
    },
    refused: (own, _, why) => (own === OUTSIDE ? connections.refused(why) : undefined),
  });
  const { listening, own } = transports;
  const mark = hexOf(yield* (yield* Entropy).bytes(MARK_BYTES));
  const { epochs } = tickets;
  const core = coreOptionsOf(options, { own, mark, keys, epochs });
  const steps = yield* openSteps((nowMs) => new BorderCore(core, nowMs), outputs.perform);
  const { turn } = steps;
  const messages = yield* openMessageLog(listening);
  outputs.start({
    transports: { send: messages.logging(transports.send), drop: transports.drop },
    described: (id, answer) => turn((core, nowMs) => core.described(id, answer, nowMs)),
    elsewhere: (besides) => {
      const here = transports.peerOf(besides);
      if (here !== undefined) places.failed(here);
      const isElsewhere = ({ host, port }: Place) => host !== here?.host || port !== here.port;
      return Effect.map(places.of(besides.host), (found) => found.filter(isElsewhere));
    },
    placed: (id, found) => turn((core, nowMs) => core.placed(id, found, nowMs)),
  });
  yield* transports.start({
    received: (arrived) => turn((core, nowMs) => receive(core, messages, arrived, nowMs)),
    unreachable: (to) => turn((core, nowMs) => core.unreachable(to, nowMs)),
    resolved: (host, addresses) => turn((core) => core.resolved(host, addresses)),
  });
  yield* expiring((work) => turn(work));
  const [outside, ...inside] = listening as [Border["outside"], ...Border["inside"]];
  rehearse(yield* Seals, REHEARSED_CALLS);
  const { renew } = yield* Listener;
  return {
    ...{ outside, inside, tickets, messages, placeOf },
    counters: () => {
      const { calls: underWay, transactions, waiting: mediaWaiting } = steps.core.size;
      return { ...outputs.counts(), ...connections.counts(), underWay, transactions, mediaWaiting };
    },
    useCredentials: (given) =>
      Effect.suspend(() => {
        current.credentials = given;
        return renew(outside, given);
      }),
    useLimits: (given) =>
      Effect.sync(() => {
        current.limits = given;
        connections.limit(given.connectionsOfDomain ?? CONNECTIONS_OF_DOMAIN);
        turn((core) => core.relimit(coreLimitsOf(given)));
      }),
  } satisfies Border as Border;
});

/** Outside another domain, inside the call agent. */
const placeOf: Border["placeOf"] = ({ own, domain, host }) =>
  own === OUTSIDE ? { side: "outside", name: domain ?? host } : { side: "inside", name: host };

const expiring = (turn: (work: (core: BorderCore, nowMs: number) => void) => void) => {
  const expire = Effect.sync(() => turn((core, nowMs) => core.expire(nowMs)));
  return Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EXPIRE_EVERY_MS), expire)));
};

/** Other domains whose route names no address: outward only, and over TLS only. RFC 3263; DECISIONS.md D-153. */
const placesOutside = Effect.gen(function* () {
  const { find, failed } = yield* openLocator({ transports: ["TLS"], families: ["IPv6", "IPv4"] });
  return {
    of: (domain: string) => {
      const wanted = { secure: true, target: domain, name: domain, port: undefined, transport: undefined };
      return Effect.map(find(wanted), (found) => (found.type === "targets" ? found.targets : []));
    },
    failed: (place: Pick<Destination, "host" | "port">) => failed({ ...place, transport: "TLS" }),
  } satisfies StreamSecurity["places"];
});

/** To outside: no host of a private network, and not this machine, whatever a peer's Route or its DNS says. D-166. */
const reachableBy = ({ privateOutside = false }: BorderOptions, connections: Connections) =>
  Effect.map(
    Effect.service(Datagrams),
    ({ addressesOf }): NonNullable<StreamSecurity["reachable"]> =>
      (own, host) => {
        if (own !== OUTSIDE || privateOutside) return Effect.succeed([host]);
        const found = isAddress(host) ? Effect.succeed([host]) : addressesOf(host);
        return Effect.map(found, (addresses) => {
          const reachable = addresses.filter(isGlobalHost);
          if (addresses.length > 0 && reachable.length === 0) connections.refused("insideAddress");
          return reachable;
        });
      },
  );

const securityOf = (
  { insideCredentials }: BorderOptions,
  connections: Connections,
  current: { readonly credentials: Credentials; readonly limits: Partial<BorderOptionLimits> },
  domainsOf: NonNullable<StreamSecurity["domainsOf"]>,
): StreamSecurity => ({
  credentials: (own) => (own === OUTSIDE ? current.credentials : (insideCredentials ?? current.credentials)),
  domainsOf,
  admit: (link) => (link.own === OUTSIDE ? connections.opened(link) : undefined),
  ended: (link) => (link.own === OUTSIDE ? connections.ended(link) : undefined),
  bytesMax: (own) => (own === OUTSIDE ? (current.limits.messageBytes ?? SIP_BYTES_MAX) : SIP_BYTES_MAX),
});

/** What one read has brought, in its order. */
const receive = (core: BorderCore, log: MessageLog, arrived: Arrived, nowMs: number): void => {
  const { source, domains, messages, unreadable } = arrived;
  log.arrived(arrived);
  const from = fromOf(source, domains);
  for (const message of messages) core.receive(from, message, nowMs);
  for (const found of unreadable) core.unreadable(from, found);
};

/** A stream's source, with its domains: made once. */
const froms = new WeakMap<Source, BorderSource>();
const fromOf = (source: Source, domains: ReadonlyArray<string>): BorderSource => {
  const from = froms.get(source) ?? { ...source, domains };
  if (source.stream > 0) froms.set(source, from);
  return from;
};

const listensOf = ({ domain, outside, inside }: BorderOptions): ReadonlyArray<ProxyListen<Side>> => [
  { ...outside, transport: "TLS", side: "outside", names: [domain] },
  ...inside.map((place) => ({ ...place, side: "inside" as const })),
];

const coreOptionsOf = (
  options: BorderOptions,
  made: Pick<BorderCoreOptions, "own" | "mark" | "keys" | "epochs">,
): BorderCoreOptions => {
  const { domain, callAgents, relay, timing = {}, limits = {} } = options;
  const { onReject = "silence", hidesCallIds = false, privateOutside = false } = options;
  return {
    ...made,
    domain,
    callAgents: callAgents.map((agent, i) => ({ name: `agent${i + 1}`, side: "inside", ...agent })),
    onReject,
    hidesCallIds,
    hasRelay: relay !== undefined,
    privateOutside,
    timing,
    limits: coreLimitsOf(limits),
  };
};

const coreLimitsOf = ({
  connectionsOfDomain: _,
  messageBytes: __,
  ...limits
}: Partial<BorderOptionLimits>): Partial<BorderLimits> => limits;

const tokenKeysOf = Effect.fnUntraced(function* ({ tokenSecrets = [] }: BorderOptions) {
  const makeSeal = yield* Seals;
  if (tokenSecrets.length > 0) return tokenSecrets.map(({ id, bytes }): TokenKey => tokenKey(id, bytes, makeSeal));
  return [tokenKey(0, yield* (yield* Entropy).bytes(TOKEN_KEY_BYTES), makeSeal)];
});

/** By the leaf, whose chain the transport has judged. RFC 5922 §7.1. */
const provedDomains = Effect.map(Effect.service(Keys), ({ inspect }) => (certificates: ReadonlyArray<Uint8Array>) => {
  const [leaf] = certificates;
  if (leaf === undefined) return Effect.succeed<ReadonlyArray<string>>([]);
  return inspect(leaf).pipe(
    Effect.map((facts: CertificateNames) => domainsOf(facts)),
    Effect.catchTag("CertificateError", () => Effect.succeed<ReadonlyArray<string>>([])),
  );
});
