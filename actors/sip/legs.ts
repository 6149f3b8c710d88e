/** The SIP calls that a call agent has, found by what a message within a call says of it. RFC 3261 §12. */
import type { Effect } from "effect";
import { dialogIdOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";

/** A call's ear: what it wants to hear. */
export interface Leg {
  readonly acked: Effect.Effect<void>;
  readonly hungUp: Effect.Effect<void>;
}

export interface Legs {
  readonly of: (request: SipRequest) => Leg | undefined;
  /** False: there are too many. `message`: one with both tags. */
  readonly add: (message: SipRequest | SipResponse, leg: Leg) => boolean;
  readonly count: () => number;
  readonly remove: (message: SipRequest | SipResponse) => void;
}

const LEGS_MAX = 20_000;

export const makeLegs = (): Legs => {
  const legs = new Map<string, Leg>();
  return {
    of: (request) => legs.get(dialogIdOf(request)),
    add: (message, leg) => {
      if (legs.size >= LEGS_MAX) return false;
      legs.set(dialogIdOf(message), leg);
      return true;
    },
    count: () => legs.size,
    remove: (message) => {
      legs.delete(dialogIdOf(message));
    },
  };
};
