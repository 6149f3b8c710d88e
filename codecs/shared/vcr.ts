/** A ViPR call record: one end's record of a telephone call. draft-jennings-vipr-vap-02 §9.5. */

import type { E164 } from "./e164.ts";
import type { UnixMs } from "./time.ts";
import type { VServiceId } from "./vservice.ts";

/** When a call began and ended. Originator: when the answer was received; terminator: when it was sent. */
export interface CallTimes {
  readonly startMs: UnixMs;
  readonly stopMs: UnixMs;
}

/** One end's record: the call's times, its two numbers, and the service of the end that made it. */
export interface Vcr extends CallTimes {
  /** `sent`: we called; `received`: we were called. */
  readonly direction: "sent" | "received";
  /** As the telephone network delivered it: it may be missing or wrong. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly vservice: VServiceId;
}
