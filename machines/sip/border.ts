/**
 * Admission of one INVITE that came from outside. ViPR overview §6.3 and §8.4; docs/protocol/ticket.md#the-check and
 * docs/protocol/sip.md#the-border-element. A function: it waits for nothing.
 *
 *   INVITE --> ticket good? -- no --> refused: silence, or 403
 *                 | yes
 *                 +--> may it be passed on? -- no --> refused: 483, 420, 415 or 488
 *                              | yes
 *                              +--> admitted
 *
 * A caller without a good ticket learns nothing, not even that somebody is here: no answer is the rule. One whose ticket is
 * good may know what is wrong.
 * Requirements: ViPR overview §4, §5.1.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  type Header,
  hopsOf,
  listOf,
  numberOf,
  requestUriOf,
  type SipRequest,
  ticketOf,
} from "../../codecs/sip/mod.ts";
import { checkTicket, type EpochSeal, type TicketFault } from "../ticket/mod.ts";
import { mediaFaultOf } from "./media.ts";

export type OnReject = "silence" | "403";

export interface AdmissionInput {
  readonly invite: SipRequest;
  /** The domains that the TLS peer's certificate proves. */
  readonly domains: ReadonlyArray<string>;
  readonly onReject: OnReject;
  /** What tickets are sealed with. */
  readonly epochs: ReadonlyArray<EpochSeal>;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** `respond`: what a refused call is answered with; undefined: nothing. */
export type Admission =
  | { readonly type: "admitted"; readonly domain: string; readonly ticketId: string }
  | { readonly type: "refused"; readonly why: BorderRefusal; readonly respond: Answer | undefined };

/** A response of our own. */
export interface Answer {
  readonly status: number;
  readonly headers?: ReadonlyArray<Header>;
}

/** Why a call was not let in. */
export type BorderRefusal = TicketFault | "notSecured" | "unsupportedType" | "tooManyHops" | "unknownExtension";

export const admit = ({ invite, domains, onReject, epochs, atMs }: AdmissionInput): Admission => {
  const shown = { ticket: ticketOf(invite), number: numberIn(invite), domains, atMs };
  const verdict = checkTicket(epochs, shown);
  if (verdict.type === "refuse") {
    const respond = onReject === "403" ? { status: 403 } : undefined;
    return { type: "refused", why: verdict.why, respond };
  }
  const fault = faultOf(invite);
  if (fault !== undefined) return { type: "refused", why: fault.why, respond: fault };
  return { type: "admitted", domain: verdict.domain, ticketId: verdict.ticketId };
};

/** The number that a request calls, if it calls one. */
export const numberIn = (request: SipRequest): E164 | undefined => {
  const uri = requestUriOf(request);
  return uri.ok ? numberOf(uri.value) : undefined;
};

/** What a proxy must refuse before it passes a request on, and how. RFC 3261 §16.3. */
export const faultOf = (request: SipRequest): (Answer & { readonly why: BorderRefusal }) | undefined => {
  if (hopsOf(request) === 0) return { status: 483, why: "tooManyHops" };
  const required = listOf(request, "Proxy-Require");
  if (required.length > 0) {
    const headers = [{ name: "Unsupported", value: required.join(", ") }];
    return { status: 420, why: "unknownExtension", headers };
  }
  switch (mediaFaultOf(request)) {
    case "unsupportedType":
      return { status: 415, why: "unsupportedType", headers: ACCEPT };
    case "notSecured":
      return { status: 488, why: "notSecured" };
    default:
      return undefined;
  }
};

/** What a 415 says that we take. RFC 3261 §21.4.13. */
export const ACCEPT: ReadonlyArray<Header> = [{ name: "Accept", value: "application/sdp" }];
