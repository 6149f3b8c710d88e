/**
 * What a border element refuses of a request before it passes it on. RFC 3261 §16.3; docs/protocol/sip.md#the-border-element.
 * Functions only.
 */

import { headerOf, hopsOf, listOf, type SipRequest } from "../../codecs/sip/mod.ts";
import { descriptionIn, faultOf, type Side } from "../sip/mod.ts";
import { OFFERING } from "./rewrite.ts";
import type { RefusalReason } from "./types.ts";
import { referredTo } from "./ways.ts";

export interface Fault {
  readonly status: number;
  readonly why: RefusalReason;
}

/** Within a call, from outside: what the two ends say to each other. Anything else could open what no ticket has bought. */
const WITHIN = new Set([
  "INVITE",
  "BYE",
  "OPTIONS",
  "PRACK",
  "UPDATE",
  "REFER",
  "INFO",
  "MESSAGE",
  "NOTIFY",
  "SUBSCRIBE",
]);

/** A request from outside within a call, in which this number was called. */
export const faultWithin = (request: SipRequest, number: string): Fault | undefined => {
  if (!WITHIN.has(request.method)) return { status: 405, why: "method" };
  if (replaces(request)) return { status: 403, why: "replaces" };
  if (request.method === "REFER" && (number === "" || referredTo(request) !== number))
    return { status: 403, why: "referElsewhere" };
  return undefined;
};

/** RFC 3891, RFC 3911: a call that takes the place of another, or joins it. */
export const replaces = (request: SipRequest): boolean =>
  headerOf(request, "Replaces") !== undefined || headerOf(request, "Join") !== undefined;

/**
 * What keeps a request from crossing. With a relay what is offered inside may be in the clear: it is the relay's affair, and
 * the offer that leaves is looked at. What comes from outside is always looked at.
 */
export const faultOfCrossing = (request: SipRequest, from: Side, hasRelay: boolean): Fault | undefined => {
  if (from === "outside" || !hasRelay) return faultOf(request);
  if (hopsOf(request) === 0) return { status: 483, why: "tooManyHops" };
  if (listOf(request, "Proxy-Require").length > 0) return { status: 420, why: "unknownExtension" };
  if (!OFFERING.has(request.method)) return undefined;
  const { type } = descriptionIn(request);
  if (type === "other") return { status: 415, why: "unsupportedType" };
  return type === "sdp" || type === "none" ? undefined : { status: 488, why: "notSecured" };
};
