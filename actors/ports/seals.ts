/**
 * HMAC-SHA-256, called in place: a runtime may have a quicker one than ours. Each gives the same bytes
 * (`properties/runtime/seals.test.ts`).
 */
import { Context } from "effect";
import { keptSeal, type MakeSeal } from "../../machines/ticket/mod.ts";

/** Where no runtime says otherwise, the one that machines have. */
export const Seals: Context.Reference<MakeSeal> = Context.Reference("vipr/actors/ports/Seals", {
  defaultValue: () => keptSeal,
});
