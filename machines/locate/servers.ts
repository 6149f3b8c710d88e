/**
 * The order of servers among each other, and of a server's addresses. RFC 2782 "Usage rules"; RFC 6157 §4, RFC 7984 §3 and
 * RFC 6724 §2.1. Functions only.
 */
import type { AddressRecord, Family, SrvRecord } from "./types.ts";
import { familyOf } from "./types.ts";

/** From 0 to `max`, both included. */
export type Draw = (max: number) => number;

/** Numbers from a seed, all that a machine has of chance; mulberry32. */
export const drawFrom = (seed: number): Draw => {
  let state = seed >>> 0;
  return (max) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) * ((max + 1) / 0x1_0000_0000));
  };
};

/** A service with the root for a target is decidedly not there. */
export const isDenied = (records: ReadonlyArray<SrvRecord>): boolean =>
  records.length > 0 && records.every(({ target }) => target === "");

/** By priority; among equals drawn by weight, again and again until none is left. */
export const inOrder = (records: ReadonlyArray<SrvRecord>, draw: Draw): ReadonlyArray<SrvRecord> => {
  const there = records.filter(({ target, port }) => target !== "" && port > 0);
  const priorities = [...new Set(there.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((of) =>
    drawn(
      there.filter(({ priority }) => priority === of),
      draw,
    ),
  );
};

const drawn = (records: ReadonlyArray<SrvRecord>, draw: Draw): ReadonlyArray<SrvRecord> => {
  // Those of weight 0 first, so that they have a small chance where others have weights.
  const left = [...records].sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const out: Array<SrvRecord> = [];
  while (left.length > 1) {
    const wanted = draw(left.reduce((sum, { weight }) => sum + weight, 0));
    let at = 0;
    for (let sum = left[0]!.weight; sum < wanted; sum += left[at]!.weight) at += 1;
    out.push(...left.splice(at, 1));
  }
  return [...out, ...left];
};

/** A server's addresses of the families that we have, by RFC 6724's table; within a rank as the DNS had them. */
export const addressesInOrder = (
  records: ReadonlyArray<AddressRecord>,
  families: ReadonlyArray<Family>,
): ReadonlyArray<string> => {
  const all = [...new Set(records.map(({ address }) => address))].filter((address) =>
    families.includes(familyOf(address)),
  );
  return all.sort((a, b) => precedenceOf(b) - precedenceOf(a));
};

/** RFC 6724 §2.1, by an address's beginning. What depends on our own address is left to who opens the connection. */
const POLICY: ReadonlyArray<readonly [begins: RegExp, precedence: number]> = [
  [/^::1$/, 50],
  [/^::ffff:/, 35],
  [/^2002:/, 30],
  [/^2001:0?0?0?0?:/, 5],
  [/^f[cd]/, 3],
  [/^(?:::|fe[c-f]|3ffe:)/, 1],
];
const IPV4 = 35;
const IPV6 = 40;
const precedenceOf = (address: string): number =>
  familyOf(address) === "IPv4" ? IPV4 : (POLICY.find(([begins]) => begins.test(address.toLowerCase()))?.[1] ?? IPV6);
