/**
 * A ViPR call record made of an exchange's billing record. draft-jennings-vipr-vap-02 §9.5.
 *
 *   from one of our numbers to another domain --> sent       from outside to one of ours --> received
 */
import type { CdrCall } from "../../codecs/cdr/mod.ts";
import { type E164, unixMs, type Vcr } from "../../codecs/shared/mod.ts";

/** `serves`: which numbers are ours. Undefined: a call within the house, or one that none of our numbers had a part in. */
export const vcrOf = (
  { calling, called, startMs, durationMs }: CdrCall,
  serves: (number: E164) => boolean,
  vservice: Vcr["vservice"],
): Vcr | undefined => {
  const isOut = calling !== undefined && serves(calling);
  if (isOut === serves(called)) return undefined;
  return {
    direction: isOut ? "sent" : "received",
    calling,
    called,
    startMs,
    stopMs: unixMs(startMs + durationMs),
    vservice,
  };
};
