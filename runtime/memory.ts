/**
 * The fourth runtime: no world. A seeded network, virtual time, real keys and certificates.
 *
 *   runVirtual(Effect.provide(program, memoryLayer({ seed: 7 })))
 */
import { pbkdf2Sync } from "node:crypto";
import { Context, Effect, Layer } from "effect";
import { type Arithmetic, Datagrams, Dialer, Dns, Entropy, Https, Keys, Listener } from "../actors/ports/mod.ts";
import type { Stretching } from "../codecs/reload/mod.ts";
import type { DnsAnswer, DnsQuestion } from "../machines/locate/mod.ts";
import { arithmeticLayer } from "./arithmetic.ts";
import { keysLayer, stretchSync } from "./keys.ts";
import { chanceOf } from "./memory/chance.ts";
import { type MemoryDatagramOptions, memoryDatagrams } from "./memory/datagrams.ts";
import { memoryHttps } from "./memory/https.ts";
import { type MemoryNetworkOptions, memoryNetwork } from "./memory/network.ts";

export { type Chance, chanceOf } from "./memory/chance.ts";
export { runVirtual } from "./memory/clock.ts";
export { type MemoryNetworkOptions, memoryPair } from "./memory/network.ts";

export { memoryStore, memoryStoreLayer } from "./store/memory.ts";

/** The world that a program sees. `seed`: the same one gives the same bytes, choices and delays. */
export interface MemoryOptions extends MemoryNetworkOptions {
  readonly seed: number;
  readonly datagrams?: MemoryDatagramOptions;
  /** What the DNS answers. Default: there are no names. */
  readonly dns?: (question: DnsQuestion) => DnsAnswer;
}

/** What `memoryLayer` provides: the ports of the other runtimes. */
export type Ports = Arithmetic | Datagrams | Dialer | Dns | Entropy | Https | Keys | Listener;

/** Derivation in place: a thread of the pool would work in real time while virtual time jumps past it. */
const memoryKeys: Layer.Layer<Keys> = Layer.effect(
  Keys,
  Effect.gen(function* () {
    return {
      ...(yield* Keys),
      derive: (password: string, salt: Uint8Array, rounds: number, size: number) =>
        Effect.sync(() => new Uint8Array(pbkdf2Sync(password, salt, rounds, size, "sha256"))),
      stretch: (password: Uint8Array, salt: Uint8Array, by: Stretching) =>
        Effect.sync(() => stretchSync(password, salt, by)),
    };
  }),
).pipe(Layer.provide(keysLayer));

/** A network in this process, with the programs in it as its only hosts. Keys are real; for simulations and tests alone. */
export const memoryLayer = (options: MemoryOptions): Layer.Layer<Ports> => {
  const chance = chanceOf(options.seed);
  const network = Layer.effectContext(
    Effect.gen(function* () {
      const keys = yield* Keys;
      const { dial, listen, renew } = memoryNetwork(keys, chance, options);
      return Context.make(Dialer, { dial }).pipe(
        Context.add(Listener, { listen, renew }),
        Context.add(Datagrams, memoryDatagrams(chance, options.datagrams)),
        Context.add(Https, memoryHttps()),
      );
    }),
  );
  const entropy = Layer.succeed(Entropy, {
    bytes: (size: number) => Effect.sync(() => chance.bytes(size)),
    between: (min: number, max: number) => Effect.sync(() => chance.between(min, max)),
  });
  const names = Layer.succeed(Dns, {
    ask: (question: DnsQuestion) => Effect.sync((): DnsAnswer => options.dns?.(question) ?? { type: "none" }),
  });
  return Layer.mergeAll(network, names, entropy, arithmeticLayer).pipe(Layer.provideMerge(memoryKeys));
};
