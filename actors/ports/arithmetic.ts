/** Powers in the SRP groups: a millisecond or more each, and best done by whatever native code a runtime has. */
import { Context, type Effect } from "effect";
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";

/** The port to the powers that TLS-SRP takes, RFC 5054 §2.6: the runtime's own arithmetic, on a thread or in place. */
export class Arithmetic extends Context.Service<
  Arithmetic,
  {
    /**
     * base^exponent modulo the group's prime, for any base and any exponent of 0 or more. Never fails.
     * Law: equal to the schoolbook power, whatever the runtime.
     */
    readonly power: (base: bigint, exponent: bigint, group: SrpGroupBits) => Effect.Effect<bigint>;
  }
>()("vipr/actors/ports/Arithmetic") {}
