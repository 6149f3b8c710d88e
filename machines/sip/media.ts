/**
 * What a message agrees on about media: an offer that may pass, and answers that keep it secured. Functions only.
 * ViPR overview §9.4: calls over SIP are secured calls. RFC 3264, RFC 4568; RFC 3261 §13.2.1 for who answers where.
 */
import {
  headerOf,
  isSecured,
  isSecuredAnswer,
  type Sdp,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  sessionIn,
} from "../../codecs/sip/mod.ts";

/** `none`: no body. `other`: a body of another type, or of none. `bad`: SDP that cannot be read. */
export type Description = { readonly type: "sdp"; readonly sdp: Sdp } | { readonly type: "none" | "other" | "bad" };

/** The session description that a message brings. */
export const descriptionIn = (message: SipMessage): Description => {
  const type = headerOf(message, "Content-Type");
  if (type !== undefined && type !== "application/sdp" && !SDP.test(type)) return { type: "other" };
  if (message.body.length === 0) return { type: "none" };
  if (type === undefined) return { type: "other" };
  const sdp = sessionIn(message);
  return sdp.ok ? { type: "sdp", sdp: sdp.value } : { type: "bad" };
};

const SDP = /^application\/sdp *(?:;|$)/i;

/** True when the INVITE offers secured media, or leaves the offer to whoever answers, where it is looked at. */
export const mayBeSecured = (invite: SipRequest): boolean => {
  const found = descriptionIn(invite);
  return found.type === "none" || (found.type === "sdp" && isSecured(found.sdp));
};

/**
 * Why its media keep a request from passing. INVITE may leave the offer to whoever answers (RFC 3261 §13.2.1), UPDATE (RFC
 * 3311) and PRACK (RFC 3262 §5) may bring one; other bodies agree on nothing.
 */
export const mediaFaultOf = (request: SipRequest): "unsupportedType" | "notSecured" | undefined => {
  if (!OFFERING.has(request.method)) return undefined;
  const found = descriptionIn(request);
  if (found.type === "other") return "unsupportedType";
  if (found.type === "none") return undefined;
  return found.type === "sdp" && isSecured(found.sdp) ? undefined : "notSecured";
};
const OFFERING = new Set(["INVITE", "UPDATE", "PRACK"]);

/**
 * `passes`: nothing in the response is unsecured; `isAnswer`: it answered the offer for good. `early`: a provisional one
 * that would have media flow in the clear before the answer. `unsecured`: the call is not secured, RFC 4568 §5.1.3.
 */
export type MediaVerdict =
  | { readonly type: "passes"; readonly isAnswer: boolean }
  | { readonly type: "early" }
  | { readonly type: "unsecured" };

/** `isAnswered`: a reliable provisional response answered before, so that the 2xx need not. RFC 3262 §5. */
export const mediaVerdictOf = (request: SipRequest, response: SipResponse, isAnswered: boolean): MediaVerdict => {
  const offer = OFFERING.has(request.method) ? descriptionIn(request) : undefined;
  if (offer?.type === "none" && request.method === "INVITE") return lateOfferVerdictOf(response, isAnswered);
  if (offer?.type !== "sdp" || response.status === 100 || response.status >= 300) return PASSES;
  const isFinal = response.status >= 200;
  const answer = descriptionIn(response);
  if (answer.type === "sdp" && isSecuredAnswer(offer.sdp, answer.sdp)) {
    const isReliable = headerOf(response, "RSeq") !== undefined;
    return { type: "passes", isAnswer: isFinal || isReliable };
  }
  if (answer.type === "none" && (isAnswered || !isFinal)) return PASSES;
  return { type: isFinal ? "unsecured" : "early" };
};

/** The INVITE has left the offer to whoever answers: it stands in the first reliable response. RFC 3261 §13.2.1. */
const lateOfferVerdictOf = (response: SipResponse, isOffered: boolean): MediaVerdict => {
  if (response.status === 100 || response.status >= 300) return PASSES;
  const offer = descriptionIn(response);
  const isFinal = response.status >= 200;
  const isReliable = isFinal || headerOf(response, "RSeq") !== undefined;
  if (offer.type === "sdp" && isReliable && isSecured(offer.sdp)) return { type: "passes", isAnswer: true };
  if (offer.type === "none" && (isOffered || !isFinal)) return PASSES;
  return { type: isFinal ? "unsecured" : "early" };
};
const PASSES: MediaVerdict = { type: "passes", isAnswer: false };
