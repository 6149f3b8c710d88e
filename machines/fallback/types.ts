/**
 * What goes into the heart of the fallback and what comes out. docs/protocol/media.md#fallback
 *
 *   calls over SIP, up and over -------+
 *   media are bad, here or there ------+--> FallbackCore --> orders: send, media, tell, move, hangUp, outcome
 *   the agent's messages, the relay's -+
 */
import type { DigestCredentials, Sdp, SipRequest } from "../../codecs/sip/mod.ts";
import type { FallbackFailure } from "./caller.ts";
import type { CallNumbers, Silence } from "./known.ts";
import type { SipPlace } from "./messages.ts";

export type FallbackOrder =
  /** To the call agent. */
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** To the relay; to be answered by `relayed` with this id. */
  | { readonly type: "media"; readonly id: number; readonly ask: "offer"; readonly call: string }
  | { readonly type: "media"; readonly id: number; readonly ask: "settle"; readonly call: string; readonly sdp: Sdp }
  | { readonly type: "tell"; readonly call: string }
  | { readonly type: "move"; readonly call: string }
  /** To the call agent: ends the call over SIP, at both its ends. */
  | { readonly type: "hangUp"; readonly key: string }
  | { readonly type: "outcome"; readonly role: "caller" | "callee"; readonly what: FallbackOutcome };

/** `withheld`: no caller is shown by whom the other side could know the call. `limit`: FALLBACKS_MAX are under way. */
export type FallbackOutcome = "moved" | "withheld" | "limit" | FallbackFailure;
export type RelayAnswer = { readonly sdp: Sdp } | { readonly refused: string };

export interface FallbackOptions {
  /** What the call agent calls us, and where it is itself. */
  readonly own: SipPlace;
  readonly agent: SipPlace;
  /** Random letters and digits of this run. */
  readonly mark: string;
  /** Of the caller's number: so many of the last ones are compared. */
  readonly matchDigits: number;
  /** How long the telephone network may take to answer. */
  readonly answerMs: number;
  /** Who calls whom, by an INVITE of our PBX, of the border element or of that trunk. */
  readonly numbers: (invite: SipRequest, from: "pbx" | "border" | { readonly trunk: string }) => CallNumbers;
  /** Of the call whose INVITE that was; undefined: the relay has none. */
  readonly silence: (invite: SipRequest) => Silence | undefined;
  /** For trunks that ask who we are. Default: none. */
  readonly credentials?: ReadonlyArray<TrunkCredentials> | undefined;
  readonly t1Ms?: number;
}

/** Of one trunk. RFC 3261 §22. */
export interface TrunkCredentials extends DigestCredentials {
  /** Undefined: for any that no other credentials name. */
  readonly realm: string | undefined;
}
