/** The SIP side of `vipr.toml`: where the agent listens, its neighbours, and the way of each call of the PBX. */
import { Effect } from "effect";
import type { Credentials } from "../../actors/ports/mod.ts";
import type { ProxyListen } from "../../actors/proxy/mod.ts";
import { type DialPlan, readNumber } from "../../codecs/numbers/mod.ts";
import { requestUriOf, type SipRequest } from "../../codecs/sip/mod.ts";
import { type DecisionRules, decideCall } from "../../machines/agent/mod.ts";
import { isAddress } from "../../machines/locate/mod.ts";
import type { RouteOf, SipPeer, Transport } from "../../machines/proxy/mod.ts";
import type { Configuration, ViprConfig } from "../config/mod.ts";
import { missing } from "./config-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import { isEveryAddress, ownAddress } from "./own-address.ts";
import { showsAlone } from "./sip-credentials.ts";

const upper = (transport: "udp" | "tcp" | "tls"): Transport => transport.toUpperCase() as Transport;
const PORTS: Readonly<Record<Transport, number>> = { UDP: 5060, TCP: 5060, TLS: 5061 };

export const listensOf = Effect.fnUntraced(function* (
  { agent, trunk }: ViprConfig,
  credentials: Credentials | undefined,
): Effect.fn.Return<ReadonlyArray<ProxyListen>, Stopped> {
  if (agent.listen.length === 0) return yield* missing("agent.listen", 'as ["udp:192.0.2.10:5060"]');
  const listens: Array<ProxyListen> = [];
  for (const { transport, host, port } of agent.listen) {
    if (transport === "tls" && credentials === undefined)
      return yield* missing("agent.certificate-file", "agent.listen names TLS; key-file and ca-file beside it");
    const advertised = isEveryAddress(host) ? ownAddress(host) : undefined;
    if (isEveryAddress(host) && advertised === undefined)
      return yield* stopped("usage", `agent.listen: ${host} is every address; name the one that others reach`);
    listens.push({
      transport: upper(transport),
      host,
      port,
      ...(advertised === undefined ? {} : { advertise: { host: advertised } }),
    });
  }
  const first = listens[0]!;
  const needsTls = trunk.some(showsAlone);
  // A carrier that asks for no certificate is reached without one of ours: by streams that we open.
  if (needsTls && !listens.some(({ transport }) => transport === "TLS"))
    listens.push({ ...first, transport: "TLS", port: PORTS.TLS, isOutgoing: true });
  return listens;
});

export const peersOf = Effect.fnUntraced(function* ({
  agent,
  trunk,
}: ViprConfig): Effect.fn.Return<ReadonlyArray<SipPeer>, Stopped> {
  if (agent.pbx.length === 0) return yield* missing("agent.pbx", 'the exchange, as ["udp:192.0.2.11:5060"]');
  const reached = trunk.filter(({ host }) => host !== undefined);
  if (reached.length === 0) return yield* missing("trunk.host", "at least one [[trunk]] must say where its carrier is");
  return [
    ...agent.pbx.map(
      ({ transport, host, port }, i): SipPeer => ({
        name: `pbx${i + 1}`,
        side: "pbx",
        transport: upper(transport),
        host,
        port,
      }),
    ),
    ...reached.map(
      ({ name, host, port, transport }): SipPeer => ({
        name,
        side: "trunk",
        transport: upper(transport ?? "udp"),
        host: host!,
        port: port ?? PORTS[upper(transport ?? "udp")],
        ...(port !== undefined || isAddress(host!)
          ? {}
          : { located: transport === undefined ? ("anyTransport" as const) : ("itsTransport" as const) }),
      }),
    ),
    ...(agent.border === undefined
      ? []
      : [
          {
            name: "border",
            side: "border",
            transport: "TCP",
            ...agent.border,
            securesMedia: agent.securedBy === "border",
          } as const,
        ]),
  ];
});

/** The border element first where there is a route; the trunk that the PBX meant before the others. `plan`: as it stands now. */
export const wayFor = (
  { config, plan }: Pick<Configuration, "config"> & { readonly plan: () => DialPlan },
  rules: DecisionRules,
): RouteOf => {
  const trunks = config.trunk.filter(({ host }) => host !== undefined);
  const order = (host: string): ReadonlyArray<string> => {
    const meant = trunks.filter((trunk) => trunk.host === host);
    return [...meant, ...trunks.filter((trunk) => !meant.includes(trunk))].map(({ name }) => name);
  };
  const byHost = new Map(trunks.map(({ host }) => [host!, order(host!)]));
  const others = trunks.map(({ name }) => name);
  return (request, { requestUri }, atMs) => {
    const names = byHost.get(hostIn(request)) ?? others;
    // The PBX has taken its access code off: this is what the trunk would be sent.
    const { number } = readNumber(plan(), requestUri, { source: "toTrunk", trunk: names[0] });
    const decision = decideCall(rules, number, atMs);
    if (decision.way === "pstn") return { trunks: names };
    const { number: called, route } = decision;
    return { vipr: { called, uri: route.uris[0]!, ticket: route.ticket }, trunks: names };
  };
};

const hostIn = (request: SipRequest): string => {
  const uri = requestUriOf(request);
  return uri.ok && "host" in uri.value ? uri.value.host : "";
};
