/** How an enrolment fails. RFC 6940 §11.3. */
import { Data } from "effect";
import type { EnrolmentToken } from "../../codecs/enrol/mod.ts";
import type { EnrolFailure } from "../../machines/enrol/mod.ts";

/** The server refused, with the reason that it gave in its 403. */
export class EnrolmentRefused extends Data.TaggedError("EnrolmentRefused")<{
  readonly token: EnrolmentToken | "unknown";
}> {}

/** No certificate came of it. `why` is for people. */
export class EnrolmentFailed extends Data.TaggedError("EnrolmentFailed")<{
  readonly reason: EnrolFailure;
  readonly why: string;
}> {}
