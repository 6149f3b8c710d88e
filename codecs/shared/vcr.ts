/** A ViPR call record: one end's record of a telephone call. draft-jennings-vipr-vap-02 §9.5. */
import type { E164 } from "./e164.ts";
import type { Ntp } from "./ntp.ts";

export interface Vcr {
  /** `sent`: we called; `received`: we were called. */
  readonly direction: "sent" | "received";
  /** As the telephone network delivered it: it may be missing or wrong. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  /** Originator: when the answer was received; terminator: when it was sent. */
  readonly start: Ntp;
  readonly stop: Ntp;
  readonly vservice: bigint;
}
