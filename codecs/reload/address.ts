/** IP addresses between their text form and RELOAD's, RFC 6940 §6.3.1.1. Text: RFC 4291 §2.2, RFC 5952. */
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

const ipv4Of = (text: string): number | undefined => {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
};

const ipv4Text = (addr: number): string => [24, 16, 8, 0].map((shift) => (addr >>> shift) & 255).join(".");

const ipv6Of = (text: string): bigint | undefined => {
  const tail = /^(.*:)([0-9]+\.[0-9.]+)$/.exec(text);
  if (tail !== null) {
    const v4 = ipv4Of(tail[2]!);
    return v4 === undefined ? undefined : ipv6Of(`${tail[1]}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = groups.flat();
  const missing = 8 - given.length;
  if (!given.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...groups[0]!, ...Array.from({ length: missing }, () => "0"), ...(groups[1] ?? [])];
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
};

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
const ipv6Text = (addr: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, i) => ((addr >> BigInt(16 * (7 - i))) & 0xffffn).toString(16));
  let best = { at: 0, length: 0 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
};
