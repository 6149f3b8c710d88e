/**
 * Powers in the SRP groups, in a time that does not depend on the secret.
 *
 *   base = g                     here, by a table of its powers, in WebAssembly                 (arithmetic/digits.ts)
 *   any base, to 4096 bits       here: by the platform where `openHere` was called; else in WebAssembly until the group's
 *                                thread is open, then there
 *   any base, beyond 4096 bits   in the group's thread, always: it would hold the event loop for 10 ms and more
 *
 * The thread (arithmetic/thread.ts) computes by the platform's own Diffie-Hellman where that is OpenSSL's or BoringSSL's,
 * which test a prime for half a second before the first power; it is therefore opened only once a group is in earnest use.
 * A probe tells; nothing is known by the runtime's name. Should a thread die, all goes on without it.
 * DECISIONS.md D-022.
 */
import { createDiffieHellman } from "node:crypto";
import { Worker } from "node:worker_threads";
import { Effect, Layer } from "effect";
import { Arithmetic } from "../actors/ports/mod.ts";
import { type SrpGroup, type SrpGroupBits, srpGroup } from "../codecs/tls/mod.ts";
import { type Digits, digitsOf } from "./arithmetic/digits.ts";
import { type Asked, isProven, platformPower, type Told } from "./arithmetic/thread.ts";
import { outside } from "./outside.ts";

/** Powers of any base in one group before its thread is worth half a second of somebody's time. */
const POWERS_BEFORE_THREAD_MAX = 64;
/** Larger groups never compute here. */
const HERE_BITS_MAX = 4096;

interface Thread {
  isOpen: boolean;
  readonly power: (base: bigint, exponent: bigint) => Promise<bigint>;
}
/** What this process has for a group; made when it is first needed, and kept. */
interface Ways {
  digits: Digits | undefined;
  /** The platform's own, in this thread. */
  platform: Digits | undefined;
  powers: number;
  thread: Thread | undefined;
}
const known = new Map<SrpGroupBits, Ways>();
const waysOf = (bits: SrpGroupBits): Ways => {
  const ways = known.get(bits) ?? { digits: undefined, platform: undefined, powers: 0, thread: undefined };
  known.set(bits, ways);
  return ways;
};

export const arithmeticLayer: Layer.Layer<Arithmetic> = Layer.sync(Arithmetic, () => {
  compileNow();
  return {
    power: (base, exponent, bits) =>
      Effect.suspend(() => {
        const value = powerOf(base, exponent, bits);
        return typeof value === "bigint" ? Effect.succeed(value) : outside(() => value);
      }),
  };
});

/** The first power of a process compiles for 10 to 20 ms: before anybody is served, and not in the first handshake. */
const compileNow = (): void => {
  const group = srpGroup(COMPILED_BITS);
  if (waysOf(COMPILED_BITS).digits !== undefined) return;
  for (const base of [group.generator, group.prime / 3n]) powerHere(base, COMPILED_EXPONENT, group);
};
const COMPILED_BITS = 2048;
const COMPILED_EXPONENT = 0xffff_ffffn;

/** The port without Effect: at once where that does not hold the event loop, else later. Never rejects. */
export const powerOf = (base: bigint, exponent: bigint, bits: SrpGroupBits): bigint | Promise<bigint> => {
  const group = srpGroup(bits);
  const { platform } = waysOf(bits);
  if (platform !== undefined && base !== group.generator) return platform.power(base % group.prime, exponent);
  const thread = threadFor(base, bits);
  return thread === undefined
    ? powerHere(base, exponent, group)
    : thread.power(base, exponent).catch(() => powerHere(base, exponent, group));
};

/** In place, whatever the group: for whoever cannot wait. */
export const powerHere = (base: bigint, exponent: bigint, group: SrpGroup): bigint => {
  const ways = waysOf(group.bits);
  ways.digits ??= digitsOf(group);
  return ways.digits.power(base % group.prime, exponent);
};

/**
 * Tests the group's prime now and in place, so that its powers need no thread later: for a server before it serves, or a
 * benchmark. Holds the event loop 0.2 to 0.6 s at 2048 bits, 6 to 12 s at 4096. False where the platform has nothing to
 * offer: all goes on as without it.
 */
export const openHere = (bits: SrpGroupBits): boolean => {
  const ways = waysOf(bits);
  if (ways.platform !== undefined) return true;
  if (bits > HERE_BITS_MAX || !testsPrimes()) return false;
  const platform = platformPower(srpGroup(bits));
  if (!isProven(platform, srpGroup(bits))) return false;
  ways.platform = platform;
  return true;
};

const threadFor = (base: bigint, bits: SrpGroupBits): Thread | undefined => {
  const group = srpGroup(bits);
  const isLarge = bits > HERE_BITS_MAX;
  if (!isLarge && base === group.generator) return undefined;
  const ways = waysOf(bits);
  ways.powers += 1;
  if (ways.thread === undefined && (isLarge || (ways.powers > POWERS_BEFORE_THREAD_MAX && testsPrimes())))
    ways.thread = openThread(ways, bits);
  return isLarge || ways.thread?.isOpen ? ways.thread : undefined;
};

/** OpenSSL and BoringSSL see at once that 15 is no prime, and have constant-time powers; others do not look. */
const testsPrimes = (): boolean => {
  try {
    return createDiffieHellman(Buffer.from([15]), Buffer.from([2])).verifyError !== 0;
  } catch {
    return false;
  }
};

const openThread = (ways: Ways, bits: SrpGroupBits): Thread => {
  const waiting = new Map<number, { readonly resolve: (value: bigint) => void; readonly reject: () => void }>();
  const worker = new Worker(new URL("./arithmetic/thread.ts", import.meta.url), { workerData: bits });
  let last = 0;
  const thread: Thread = {
    isOpen: false,
    power: (base, exponent) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        if (waiting.size === 1) worker.ref();
        worker.postMessage({ id: last, base, exponent } satisfies Asked);
      }),
  };
  worker.on("message", (told: Told) => {
    if (told === "open") {
      thread.isOpen = true;
      return;
    }
    waiting.get(told.id)?.resolve(told.value);
    waiting.delete(told.id);
    if (waiting.size === 0) worker.unref();
  });
  const lose = () => {
    for (const { reject } of waiting.values()) reject();
    waiting.clear();
    if (ways.thread === thread) thread.isOpen = false;
  };
  worker.on("error", lose);
  worker.on("exit", lose);
  worker.unref(); // after the listeners, as each of them would hold the process again
  return thread;
};
