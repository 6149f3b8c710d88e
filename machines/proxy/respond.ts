/**
 * Responses of our own, and which of several is the best. RFC 3261 §8.2.6, §11 and §16.7. Functions only.
 * Requirements: RFC 3261 §16.1, §16.3.
 */
import {
  badRequestOf,
  type Header,
  listOf,
  responseTo,
  type SipRequest,
  type SipResponse,
  type Unreadable,
} from "../../codecs/sip/mod.ts";

/** What passes through us, and what we answer ourselves. RFC 3261 §11.2. */
const ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, SUBSCRIBE, INFO, MESSAGE, REGISTER";
const CAPABILITIES: ReadonlyArray<Header> = [
  { name: "Allow", value: ALLOW },
  { name: "Accept", value: "application/sdp" },
  { name: "Supported", value: "" },
];

export const capabilitiesOf = (request: SipRequest, toTag: string): SipResponse =>
  responseTo(request, 200, { toTag, headers: CAPABILITIES });

export const refusalOf = (request: SipRequest, status: number, toTag: string): SipResponse => {
  const headers: ReadonlyArray<Header> =
    status === 405
      ? [{ name: "Allow", value: ALLOW }]
      : status === 415
        ? [{ name: "Accept", value: "application/sdp" }]
        : status === 420
          ? [{ name: "Unsupported", value: listOf(request, "Proxy-Require").join(", ") }]
          : status === 503
            ? [{ name: "Retry-After", value: "5" }]
            : [];
  return responseTo(request, status, { toTag, headers });
};

export const badRequestTo = (found: Unreadable, toTag: string): SipResponse | undefined => badRequestOf(found, toTag);

/**
 * RFC 3261 §16.7 step 6: 6xx before all others, else the lowest class; within 4xx those that tell the caller how to go on. Of
 * two alike the later: it is the last trunk's.
 */
export const better = (one: SipResponse | undefined, other: SipResponse): SipResponse =>
  one === undefined || rankOf(other.status) <= rankOf(one.status) ? other : one;
const rankOf = (status: number): number =>
  status >= 600
    ? 0
    : (Math.floor(status / 100) - 2) * 10 - (TELLING.has(status) ? 5 : 0) + (PASSING.has(status) ? 4 : 0);
const TELLING = new Set([401, 407, 415, 420, 484]);
/** They say nothing about the callee. */
const PASSING = new Set([408, 503]);
