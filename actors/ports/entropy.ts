/** Random bytes for secrets and identifiers; random delays and choices, which a seed may make repeatable. */
import { Context, type Effect } from "effect";

/** The port to chance: secrets, and choices that a seed may repeat. */
export class Entropy extends Context.Service<
  Entropy,
  {
    /** Cryptographically strong, always: no seed reaches these, save in the memory runtime. */
    readonly bytes: (size: number) => Effect.Effect<Uint8Array>;
    /**
     * An integer drawn uniformly from [min, max], fewer than 2^48 of them; as strong as `bytes` unless a seed was given. For
     * delays and choices, never for keys.
     */
    readonly between: (min: number, max: number) => Effect.Effect<number>;
  }
>()("vipr/actors/ports/Entropy") {}
