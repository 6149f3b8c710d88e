/** The error of validation. `reason` is for code, `why` for people. */
import { Data } from "effect";
import type { LookUpFailure } from "../../machines/validation/mod.ts";

/** The overlay did not say who claims the number: no claim was tried. */
export class LookUpFailed extends Data.TaggedError("LookUpFailed")<{
  readonly reason: LookUpFailure;
  readonly why: string;
}> {}
