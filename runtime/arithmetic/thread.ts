/**
 * The worker thread of one SRP group: computes powers by the platform's Diffie-Hellman, or in WebAssembly where the platform's
 * is not suitable or would test the prime for too long.
 *
 *   { id, base, exponent } --> { id, value }          "open" once the platform's is ready, and has been checked
 */
import { createDiffieHellman } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { bytesOfInteger, type SrpGroup, type SrpGroupBits, srpGroup } from "../../codecs/tls/mod.ts";
import { type Digits, digitsOf } from "./digits.ts";

export interface PowerRequest {
  readonly id: number;
  readonly base: bigint;
  readonly exponent: bigint;
}
export type ThreadMessage = "open" | { readonly id: number; readonly value: bigint };

/** The test of a larger prime takes OpenSSL 20 seconds and more. */
const TESTED_BITS_MAX = 4096;

/** Powers by the library, in constant time. One object is used for all of them, since its constructor tests the prime. */
export const platformPower = (group: SrpGroup): Digits => {
  const library = createDiffieHellman(Buffer.from(bytesOfInteger(group.prime)), Buffer.from([Number(group.generator)]));
  const order = group.prime - 1n;
  return {
    power: (base, exponent) => {
      const left = exponent % order;
      // Cases that the library refuses, as they make no sense as keys.
      if (exponent === 0n) return 1n;
      if (base <= 1n) return base;
      if (left === 0n) return 1n;
      if (base === order) return left % 2n === 0n ? 1n : base;
      library.setPrivateKey(bytesOfInteger(left));
      return BigInt(`0x${library.computeSecret(Buffer.from(bytesOfInteger(base))).toString("hex")}`);
    },
  };
};

/** Whether its powers equal ours, for an arbitrary base and a long exponent. */
export const isProven = (platform: Digits, group: SrpGroup): boolean => {
  const base = (group.prime / 3n) * 2n + 1n;
  const exponent = group.prime >> BigInt(group.bits - 400);
  return platform.power(base, exponent) === digitsOf(group).power(base, exponent);
};

const serve = (bits: SrpGroupBits): void => {
  const group = srpGroup(bits);
  let digits = digitsOf(group);
  parentPort!.on("message", ({ id, base, exponent }: PowerRequest) => {
    parentPort!.postMessage({ id, value: digits.power(base % group.prime, exponent) } satisfies ThreadMessage);
  });
  if (bits > TESTED_BITS_MAX) return;
  const platform = platformPower(group);
  if (!isProven(platform, group)) return;
  digits = platform;
  parentPort!.postMessage("open" satisfies ThreadMessage);
};
if (parentPort !== null && typeof workerData === "number") serve(workerData as SrpGroupBits);
