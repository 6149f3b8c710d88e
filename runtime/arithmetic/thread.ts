/**
 * A thread that raises to powers in one SRP group: by the platform's Diffie-Hellman, or in WebAssembly where that is
 * not to be had or would test the prime for longer than a handshake may take.
 *
 *   { id, base, exponent } --> { id, value }          "open" once the platform's way is ready, and proven
 */
import { createDiffieHellman } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { bytesOfInteger, type SrpGroup, type SrpGroupBits, srpGroup } from "../../codecs/tls/mod.ts";
import { type Digits, digitsOf } from "./digits.ts";

export interface Asked {
  readonly id: number;
  readonly base: bigint;
  readonly exponent: bigint;
}
export type Told = "open" | { readonly id: number; readonly value: bigint };

/** The test of a larger prime takes OpenSSL 20 seconds and more. */
const TESTED_BITS_MAX = 4096;

/** One kept object: its constructor tests the prime, a power is then the library's own, in constant time. */
export const platformPower = (group: SrpGroup): Digits => {
  const library = createDiffieHellman(Buffer.from(bytesOfInteger(group.prime)), Buffer.from([Number(group.generator)]));
  const order = group.prime - 1n;
  return {
    power: (base, exponent) => {
      const left = exponent % order;
      // The library refuses what makes no sense as a key.
      if (exponent === 0n) return 1n;
      if (base <= 1n) return base;
      if (left === 0n) return 1n;
      if (base === order) return left % 2n === 0n ? 1n : base;
      library.setPrivateKey(bytesOfInteger(left));
      return BigInt(`0x${library.computeSecret(Buffer.from(bytesOfInteger(base))).toString("hex")}`);
    },
  };
};

/** The platform's way agrees with ours, for an arbitrary base and a long exponent. */
export const isProven = (way: Digits, group: SrpGroup): boolean => {
  const base = (group.prime / 3n) * 2n + 1n;
  const exponent = group.prime >> BigInt(group.bits - 400);
  return way.power(base, exponent) === digitsOf(group).power(base, exponent);
};

const serve = (bits: SrpGroupBits): void => {
  const group = srpGroup(bits);
  let way = digitsOf(group);
  parentPort!.on("message", ({ id, base, exponent }: Asked) => {
    parentPort!.postMessage({ id, value: way.power(base % group.prime, exponent) } satisfies Told);
  });
  if (bits > TESTED_BITS_MAX) return;
  const platform = platformPower(group);
  if (!isProven(platform, group)) return;
  way = platform;
  parentPort!.postMessage("open" satisfies Told);
};
if (parentPort !== null && typeof workerData === "number") serve(workerData as SrpGroupBits);
