/**
 * Entropy from the platform; with a seed, choices repeat while secrets stay random. Without one choices are strong as well:
 * who was called sees when a validation comes, and must not learn from it when the next one will.
 */
import { randomBytes, randomInt } from "node:crypto";
import { Effect, Layer } from "effect";
import { Entropy } from "../actors/ports/mod.ts";
import { chanceOf } from "./memory/chance.ts";

export const entropyLayer = (seed?: number): Layer.Layer<Entropy> =>
  Layer.sync(Entropy, () => {
    const between = seed === undefined ? (min: number, max: number) => randomInt(min, max + 1) : chanceOf(seed).between;
    return {
      bytes: (size) => Effect.sync(() => new Uint8Array(randomBytes(size))),
      between: (min, max) => Effect.sync(() => between(min, max)),
    };
  });
