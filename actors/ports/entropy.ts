/** Random bytes for secrets and identifiers; random delays and choices, which a seed may make repeatable. */
import { Context, type Effect } from "effect";

export class Entropy extends Context.Service<
  Entropy,
  {
    /** Cryptographically strong, always: no seed reaches these, save in the memory runtime. */
    readonly bytes: (size: number) => Effect.Effect<Uint8Array>;
    /** An integer drawn uniformly from [min, max]. For delays and choices, never for secrets. */
    readonly between: (min: number, max: number) => Effect.Effect<number>;
  }
>()("vipr/actors/ports/Entropy") {}
