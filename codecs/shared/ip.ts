/** IP addresses as text and as numbers: RFC 4291 §2.2, RFC 5952. Which of them anybody can reach: RFC 6890. */
import { bytesOfBig } from "./bytes.ts";

/** Four decimal parts as a number of 32 bits. Undefined for all else, a part with a leading zero or above 255 included. */
export const ipv4Of = (text: string): number | undefined => {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
};

/** Dotted decimal, of a number of 32 bits. */
export const ipv4Text = (addr: number): string => [24, 16, 8, 0].map((shift) => (addr >>> shift) & 255).join(".");

/** The number of 128 bits, also where IPv4 stands at the end. Undefined for all else, an address with a zone (`%eth0`) included. */
export const ipv6Of = (text: string): bigint | undefined => {
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

/** The 4 or 16 bytes of an address, without its zone; undefined for a name. */
export const ipBytes = (host: string): Uint8Array | undefined => {
  const v4 = ipv4Of(host);
  if (v4 !== undefined) return bytesOfBig(BigInt(v4), 4);
  const v6 = ipv6Of(host.split("%")[0]!);
  return v6 === undefined ? undefined : bytesOfBig(v6, 16);
};

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
export const ipv6Text = (addr: bigint): string => {
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

/** The one text of an address, without a zone; an IPv4 address that is mapped into IPv6 is itself. Undefined for a name. */
export const ipTextOf = (host: string): string | undefined => {
  const v4 = ipv4Of(host);
  if (v4 !== undefined) return host;
  const v6 = ipv6Of(host.split("%")[0]!);
  if (v6 === undefined) return undefined;
  return v6 >> 32n === 0xffffn ? ipv4Text(Number(v6 & 0xffff_ffffn)) : ipv6Text(v6);
};

/** Networks that are nobody's, everybody's, or one site's own: address, bits. RFC 6890, RFC 1918, RFC 5771, RFC 4193. */
const SPECIAL_4: ReadonlyArray<readonly [network: string, bits: number]> = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["224.0.0.0", 3],
];
const SPECIAL_6: ReadonlyArray<readonly [network: string, bits: number]> = [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
];

const isGlobal4 = (v4: number): boolean =>
  !SPECIAL_4.some(
    ([network, bits]) => Math.floor(v4 / 2 ** (32 - bits)) === Math.floor(ipv4Of(network)! / 2 ** (32 - bits)),
  );
/** The IPv4 address to which a translator or a tunnel would take it: 64:ff9b::/96, RFC 6052 §2.1; 2002::/16, RFC 3056 §2. */
const carriedBy = (v6: bigint): number | undefined => {
  if (v6 >> 32n === 0x64_ff9b_0000_0000_0000_0000n) return Number(v6 & 0xffff_ffffn);
  return v6 >> 112n === 0x2002n ? Number((v6 >> 80n) & 0xffff_ffffn) : undefined;
};

/** True for an address that may be a host anywhere: not this one, not of a private network, not of a group. */
export const isGlobalHost = (host: string): boolean => {
  const text = ipTextOf(host);
  if (text === undefined) return false;
  const v4 = ipv4Of(text);
  if (v4 !== undefined) return isGlobal4(v4);
  const v6 = ipv6Of(text)!;
  const carried = carriedBy(v6);
  if (carried !== undefined && !isGlobal4(carried)) return false;
  return !SPECIAL_6.some(([network, bits]) => v6 >> BigInt(128 - bits) === ipv6Of(network)! >> BigInt(128 - bits));
};
