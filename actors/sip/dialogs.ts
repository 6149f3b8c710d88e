/** The calls that a border element let through, and with which domain each is. Bounded; the oldest give way by age. */
import { Clock, Effect } from "effect";
import type { SipRequest } from "../../codecs/sip/mod.ts";
import { dialogKeysOf } from "../../machines/sip/mod.ts";

const DIALOGS_MAX = 20_000;
/** A call older than this is forgotten when room is needed. */
const DIALOG_MS_MAX = 12 * 3_600_000;

export interface Dialogs {
  /** The other domain of the call that a request speaks of. */
  readonly domainOf: (request: SipRequest) => string | undefined;
  /** False: there is no room, or another domain's call has the same identifiers. */
  readonly remember: (invite: SipRequest, domain: string) => Effect.Effect<boolean>;
  readonly forget: (request: SipRequest) => void;
  readonly count: () => number;
}

export const makeDialogs = (): Dialogs => {
  const known = new Map<string, { readonly domain: string; readonly sinceMs: number }>();
  const keyOf = (request: SipRequest) => dialogKeysOf(request).find((key) => known.has(key));
  const makeRoom = (nowMs: number) => {
    for (const [key, { sinceMs }] of known) {
      if (nowMs - sinceMs < DIALOG_MS_MAX) return;
      known.delete(key);
    }
  };
  return {
    domainOf: (request) => known.get(keyOf(request) ?? "")?.domain,
    remember: (invite, domain) =>
      Effect.map(Clock.currentTimeMillis, (sinceMs) => {
        if (known.size >= DIALOGS_MAX) makeRoom(sinceMs);
        const key = dialogKeysOf(invite)[0];
        if (key === undefined || known.size >= DIALOGS_MAX) return false;
        if ((known.get(key)?.domain ?? domain) !== domain) return false;
        known.set(key, { domain, sinceMs });
        return true;
      }),
    count: () => known.size,
    forget: (request) => {
      const key = keyOf(request);
      if (key !== undefined) known.delete(key);
    },
  };
};
