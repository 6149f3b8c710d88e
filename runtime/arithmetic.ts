/**
 * The Arithmetic port: powers in the SRP groups, in a time that does not depend on the secret.
 *
 *   base g                       on this thread, in WebAssembly, by a table of the powers of g    (arithmetic/digits.ts)
 *   other base, to 4096 bits     on this thread: by the platform if `openHere` was called, else in WebAssembly; once the
 *                                group's worker thread is ready, on that
 *   other base, over 4096 bits   always on the group's worker thread: here it would block the event loop for over 10 ms
 *
 * The worker (arithmetic/thread.ts) uses the platform's Diffie-Hellman where that is OpenSSL's or BoringSSL's. Those test the prime
 * for half a second before the first power, so that the worker is started only after some use of its group. Which one the
 * platform has is found by a probe, not by the runtime's name. If a worker dies, its powers are computed on this thread.
 * DECISIONS.md D-022.
 */
import { createDiffieHellman } from "node:crypto";
import { Worker } from "node:worker_threads";
import { Effect, Layer } from "effect";
import { Arithmetic } from "../actors/ports/mod.ts";
import { type SrpGroup, type SrpGroupBits, srpGroup } from "../codecs/tls/mod.ts";
import { type Digits, digitsOf } from "./arithmetic/digits.ts";
import { isProven, type PowerRequest, platformPower, type ThreadMessage } from "./arithmetic/thread.ts";
import { outside } from "./outside.ts";

/** Powers of other bases in one group before its worker is started. */
const POWERS_BEFORE_THREAD_MAX = 64;
/** Powers in larger groups are never computed on this thread, except where a worker has died. */
const HERE_BITS_MAX = 4096;

interface Thread {
  isOpen: boolean;
  readonly power: (base: bigint, exponent: bigint) => Promise<bigint>;
}
/** What this process has for a group; made when it is first needed, and kept. */
interface GroupState {
  digits: Digits | undefined;
  /** The platform's, on this thread. */
  platform: Digits | undefined;
  powers: number;
  thread: Thread | undefined;
}
const groups = new Map<SrpGroupBits, GroupState>();
const stateOf = (bits: SrpGroupBits): GroupState => {
  const state = groups.get(bits) ?? { digits: undefined, platform: undefined, powers: 0, thread: undefined };
  groups.set(bits, state);
  return state;
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

/** The first power compiles for 10 to 20 ms: done when the layer is built, and not in the first handshake. */
const compileNow = (): void => {
  const group = srpGroup(COMPILED_BITS);
  if (stateOf(COMPILED_BITS).digits !== undefined) return;
  for (const base of [group.generator, group.prime / 3n]) powerHere(base, COMPILED_EXPONENT, group);
};
const COMPILED_BITS = 2048;
const COMPILED_EXPONENT = 0xffff_ffffn;

/** The port without Effect: a value where that does not block the event loop, else a promise, which never rejects. */
export const powerOf = (base: bigint, exponent: bigint, bits: SrpGroupBits): bigint | Promise<bigint> => {
  const group = srpGroup(bits);
  const { platform } = stateOf(bits);
  if (platform !== undefined && base !== group.generator) return platform.power(base % group.prime, exponent);
  const thread = threadFor(base, bits);
  return thread === undefined
    ? powerHere(base, exponent, group)
    : thread.power(base, exponent).catch(() => powerHere(base, exponent, group));
};

/** On this thread, whatever the group: for callers that cannot wait. */
export const powerHere = (base: bigint, exponent: bigint, group: SrpGroup): bigint => {
  const state = stateOf(group.bits);
  state.digits ??= digitsOf(group);
  return state.digits.power(base % group.prime, exponent);
};

/**
 * Tests the group's prime now, on this thread, so that its powers need no worker later: for a server before it accepts
 * connections, or a benchmark. Blocks the event loop 0.2 to 0.6 s at 2048 bits, 6 to 12 s at 4096. False where the platform's
 * Diffie-Hellman is not suitable: nothing changes then.
 */
export const openHere = (bits: SrpGroupBits): boolean => {
  const state = stateOf(bits);
  if (state.platform !== undefined) return true;
  if (bits > HERE_BITS_MAX || !testsPrimes()) return false;
  const platform = platformPower(srpGroup(bits));
  if (!isProven(platform, srpGroup(bits))) return false;
  state.platform = platform;
  return true;
};

const threadFor = (base: bigint, bits: SrpGroupBits): Thread | undefined => {
  const group = srpGroup(bits);
  const isLarge = bits > HERE_BITS_MAX;
  if (!isLarge && base === group.generator) return undefined;
  const state = stateOf(bits);
  state.powers += 1;
  if (state.thread === undefined && (isLarge || (state.powers > POWERS_BEFORE_THREAD_MAX && testsPrimes())))
    state.thread = openThread(state, bits);
  return isLarge || state.thread?.isOpen ? state.thread : undefined;
};

/** OpenSSL and BoringSSL test the prime, so that they refuse 15, and have constant-time powers; other libraries do neither. */
const testsPrimes = (): boolean => {
  try {
    return createDiffieHellman(Buffer.from([15]), Buffer.from([2])).verifyError !== 0;
  } catch {
    return false;
  }
};

const openThread = (state: GroupState, bits: SrpGroupBits): Thread => {
  const waiting = new Map<number, { readonly resolve: (value: bigint) => void; readonly reject: () => void }>();
  const worker = new Worker(new URL("./arithmetic/thread.ts", import.meta.url), { workerData: bits });
  let last = 0;
  const thread: Thread = {
    isOpen: false,
    power: (base, exponent) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject });
        if (waiting.size === 1) worker.ref();
        worker.postMessage({ id: last, base, exponent } satisfies PowerRequest);
      }),
  };
  worker.on("message", (message: ThreadMessage) => {
    if (message === "open") {
      thread.isOpen = true;
      return;
    }
    waiting.get(message.id)?.resolve(message.value);
    waiting.delete(message.id);
    if (waiting.size === 0) worker.unref();
  });
  const giveUp = () => {
    for (const { reject } of waiting.values()) reject();
    waiting.clear();
    if (state.thread === thread) thread.isOpen = false;
  };
  worker.on("error", giveUp);
  worker.on("exit", giveUp);
  worker.unref(); // after the listeners are added, as each of them would keep the process alive again
  return thread;
};
