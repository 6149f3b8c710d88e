/** Entropy from the platform; with a seed, choices repeat while secrets stay random. */
import { randomBytes } from "node:crypto";
import { Effect, Layer } from "effect";
import { Entropy } from "../actors/ports/mod.ts";
import { chanceOf } from "./memory/chance.ts";

export const entropyLayer = (seed?: number): Layer.Layer<Entropy> =>
  Layer.sync(Entropy, () => {
    const chance = chanceOf(seed ?? randomBytes(4).readUInt32BE());
    return {
      bytes: (size) => Effect.sync(() => new Uint8Array(randomBytes(size))),
      between: (min, max) => Effect.sync(() => chance.between(min, max)),
    };
  });
