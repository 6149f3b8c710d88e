/** The errors of VAP's actors. `reason` is for code, `why` for people. */
import { Data } from "effect";
import type { PublishFailure, VapFailure } from "../../machines/vap/mod.ts";

/** The server refused, or the session ended before it could. */
export class VapRefused extends Data.TaggedError("VapRefused")<{
  readonly reason: VapFailure;
  /** The server's error code, where `reason` is "refused". */
  readonly code?: number;
  readonly why: string;
}> {}

/** A number that the overlay does not store. */
export class PublishFailed extends Data.TaggedError("PublishFailed")<{
  readonly reason: PublishFailure;
  readonly why: string;
}> {}

/** The bytes of a stream are not VAP, or a message is too long to buffer: the stream is closed. */
export class Garbage extends Data.TaggedError("Garbage")<{ readonly why: string }> {}

/** Plain TCP on an address that other machines reach, without the operator's `insecureVap`. */
export class InsecureVap extends Data.TaggedError("InsecureVap")<{ readonly host: string }> {}
