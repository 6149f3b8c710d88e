/**
 * HMAC-SHA-256, called in place: a runtime may have a quicker one than ours. Each gives the same bytes
 * (`properties/runtime/seals.test.ts`).
 */
import { Context } from "effect";
import { keptMac, type MakeMac } from "../../codecs/vap/mod.ts";
import { keptSeal, type MakeSeal } from "../../machines/ticket/mod.ts";

/** Where no runtime says otherwise, the one that machines have. */
export const Seals: Context.Reference<MakeSeal> = Context.Reference("vipr/actors/ports/Seals", {
  defaultValue: () => keptSeal,
});

/** HMAC-SHA1 for VAP's MESSAGE-INTEGRITY, in the same way (`properties/runtime/seals.test.ts`). */
export const Macs: Context.Reference<MakeMac> = Context.Reference("vipr/actors/ports/Macs", {
  defaultValue: () => keptMac,
});
