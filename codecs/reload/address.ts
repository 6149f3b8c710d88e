/** IP addresses between their text form and RELOAD's, RFC 6940 §6.3.1.1. */
import { ipv4Of, ipv4Text, ipv6Of, ipv6Text } from "../shared/mod.ts";
import type { IceCandidate, IpAddressPort } from "./topology.ts";

/** Host and port of a listening socket; the host is an IP address. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Undefined when the host is a name and not an address. */
export const addressOf = ({ host, port }: Endpoint): IpAddressPort | undefined => {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) return undefined;
  const v4 = ipv4Of(host);
  if (v4 !== undefined) return { type: "ipv4", address: { addr: v4, port } };
  const v6 = ipv6Of(host);
  return v6 === undefined ? undefined : { type: "ipv6", address: { addr: v6, port } };
};

/** The inverse of `addressOf`; an IPv6 address in the form of RFC 5952. */
export const endpointOf = (address: IpAddressPort): Endpoint =>
  address.type === "ipv4"
    ? { host: ipv4Text(address.address.addr), port: address.address.port }
    : { host: ipv6Text(address.address.addr), port: address.address.port };

/** Addresses that count as one peer: an IPv6 network of 64 bits is one customer's, an IPv4 address is itself, mapped or not. */
export const neighbourhoodOf = (host: string): string => {
  const address = addressOf({ host, port: 0 });
  if (address?.type !== "ipv6") return host;
  const { addr } = address.address;
  return addr >> 32n === 0xffffn ? ipv4Text(Number(addr & 0xffff_ffffn)) : `${ipv6Text((addr >> 64n) << 64n)}/64`;
};

/** The only candidate a No-ICE node offers: where it listens. §6.5.1.1, §6.6.5. */
export const hostCandidate = (endpoint: Endpoint): IceCandidate | undefined => {
  const address = addressOf(endpoint);
  if (address === undefined) return undefined;
  return {
    address,
    overlayLink: "tlsTcpFhNoIce",
    foundation: Uint8Array.of(0x31), // "1": one base, so one foundation
    priority: HOST_PRIORITY,
    type: "host",
    related: {},
    extensions: [],
  };
};

/** RFC 5245 §4.1.2.1: type preference 126, local preference 65535, component 1. */
const HOST_PRIORITY = 126 * 2 ** 24 + 65_535 * 2 ** 8 + 255;
