/** AES and HMAC-SHA-1 for media, called in place once a packet: a runtime has quicker ones than ours. */
import { Context } from "effect";
import { ownPrimitives, type SrtpPrimitives } from "../../machines/srtp/mod.ts";

/** Where no runtime says otherwise, those that machines have. */
export const SrtpCiphers: Context.Reference<SrtpPrimitives> = Context.Reference("vipr/actors/ports/SrtpCiphers", {
  defaultValue: () => ownPrimitives,
});
