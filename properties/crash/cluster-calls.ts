/**
 * The calls of the crash run with several machines: company a has a cluster and three call agents, each with a VService of its
 * own; b has one server. Call N is from a to one of b's numbers, or each tenth the other way.
 */
import { type E164, e164, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import type { Company } from "./calls.ts";
import { timesOf } from "./calls.ts";

/** Of a; each is of another part, and so are their owners as a rule. */
export const AGENTS = 3;
export const VSERVICES_A: ReadonlyArray<bigint> = [0xa1n, 0xa2n, 0xb7n];
export const VSERVICE_B = 0xb2n;

const numbersAfter = (prefix: string, count: number): ReadonlyArray<E164> =>
  Array.from({ length: count }, (_, i) => e164(`${prefix}${String(i).padStart(3, "0")}`));
export const NUMBERS_A: ReadonlyArray<ReadonlyArray<E164>> = [0, 1, 2].map((agent) =>
  numbersAfter(`+14085550${agent}`, 4),
);
export const NUMBERS_B: ReadonlyArray<E164> = numbersAfter("+498912340", 24);

/** Every so many calls one is from b to a. */
const BACK_EVERY = 10;
export const isFromA = (n: number): boolean => n % BACK_EVERY !== 0;
/** Which of a's agents has call N. */
export const agentOf = (n: number): number => n % AGENTS;

/** What that company's agent uploads of call N. */
export const clusterRecord = (company: Company, n: number): Vcr => {
  const { startMs, stopMs } = timesOf(n);
  const agent = agentOf(n);
  const numbers = NUMBERS_A[agent]!;
  const called = isFromA(n) ? NUMBERS_B[n % NUMBERS_B.length]! : numbers[n % numbers.length]!;
  return {
    direction: isFromA(n) === (company === "a") ? "sent" : "received",
    calling: e164(isFromA(n) ? `+1408${2_000_000 + n}` : `+4989${20_000_000 + n}`),
    called,
    startMs: unixMs(startMs),
    stopMs: unixMs(stopMs),
    vservice: vserviceId(company === "a" ? VSERVICES_A[agent]! : VSERVICE_B),
  };
};
