/** Hosts, ports and transports as `vipr.toml` has them. */
import { isIP } from "node:net";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type Kind, readAs } from "./key.ts";

export type Transport = "udp" | "tcp" | "tls";
export interface SipAddress extends Endpoint {
  readonly transport: Transport;
}

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]+))(?::([0-9]{1,5}))?$/i;

const endpointOf = (text: string, portDefault: number | undefined): Endpoint | undefined => {
  const match = HOST_PORT.exec(text);
  const port = match?.[3] === undefined ? portDefault : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port };
};

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`, `sip.acme.example`. */
export const endpoint = (portDefault?: number): Kind<Endpoint> =>
  readAs(
    (text) => endpointOf(text, portDefault),
    `host:port, as "192.0.2.1:${portDefault ?? 5060}" or "[2001:db8::1]:${portDefault ?? 5060}"`,
  );

/** An IP address: nodes tell each other addresses and no names. */
export const address = (portDefault: number): Kind<Endpoint> =>
  readAs((text) => {
    const at = endpointOf(text, portDefault);
    const host = at?.host === "localhost" ? "127.0.0.1" : (at?.host ?? "");
    return at === undefined || isIP(host) === 0 ? undefined : { ...at, host };
  }, `an IP address and a port, as "192.0.2.1:${portDefault}" or "[2001:db8::1]:${portDefault}"`);

const PORTS: Readonly<Record<Transport, number>> = { udp: 5060, tcp: 5060, tls: 5061 };

/** An address of this machine with a port, or "none". */
export const loopbackAt = (portDefault?: number): Kind<Endpoint | "none"> =>
  readAs(
    (text) => {
      if (text === "none") return text;
      const at = endpointOf(text, portDefault);
      const host = at?.host === "localhost" ? "127.0.0.1" : (at?.host ?? "");
      return at !== undefined && /^(?:127(?:\.[0-9]{1,3}){3}|::1)$/.test(host) ? { ...at, host } : undefined;
    },
    `an address of this machine with a port, as "127.0.0.1:${portDefault ?? 8090}"; port 0 takes a free one; or "none"`,
  );
export const loopback = loopbackAt();

/** `udp:192.0.2.1:5060`; 5060 is the port of UDP and TCP, 5061 that of TLS. RFC 3261 §19.1.2. */
export const sipAddress: Kind<SipAddress> = readAs((text) => {
  const [, transport, rest] = /^(udp|tcp|tls):(.+)$/i.exec(text) ?? [];
  if (transport === undefined) return undefined;
  const name = transport.toLowerCase() as Transport;
  const at = endpointOf(rest!, PORTS[name]);
  return at === undefined ? undefined : { ...at, transport: name };
}, 'transport:host:port, as "udp:192.0.2.1:5060" or "tls:sip.acme.example:5061"');
