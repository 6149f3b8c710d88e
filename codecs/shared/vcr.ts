/** A ViPR call record: what one end of a telephone call knows of it. draft-jennings-vipr-vap-02 §9.5. */
import type { E164 } from "./e164.ts";
import type { Ntp } from "./ntp.ts";

export interface Vcr {
  /** `sent`: we called; `received`: we were called. */
  readonly direction: "sent" | "received";
  /** As the telephone network gave it: may be missing or wrong. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  /** Originator: receipt of the answer; terminator: sending of it. */
  readonly start: Ntp;
  readonly stop: Ntp;
  readonly vservice: bigint;
}
