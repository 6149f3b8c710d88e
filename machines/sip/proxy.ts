/**
 * What a border element does with a request, by where it came from. ViPR overview §6.3; RFC 3261 §16.3. Functions only.
 *
 *                 opens a call            within a call we know      anything else
 *   from outside  INVITE: admit           pass it in                 nobody answers
 *   from inside   INVITE: pass it out     pass it out                405, 481
 */
import { headerOf, type SipRequest, tagOf } from "../../codecs/sip/mod.ts";
import { type Answer, type BorderRefusal, faultOf } from "./border.ts";
import { type OutsideHop, outsideHopOf, type Side } from "./route.ts";

export type Disposition =
  | { readonly type: "admit" }
  | { readonly type: "passIn" }
  | { readonly type: "passOut"; readonly hop: OutsideHop & { readonly domain: string } }
  | ({ readonly type: "respond" } & Answer)
  | { readonly type: "discard"; readonly why: BorderRefusal | "unknownDialog" | "notAnInvite" | "unreadable" };

export interface Arrival {
  readonly from: Side;
  /** Proved by the TLS peer. */
  readonly domains: ReadonlyArray<string>;
  /** The other domain of the call that this request belongs to, if we know the call. */
  readonly dialogDomain: string | undefined;
}

/** `request` without our own Route fields. */
export const dispositionOf = (request: SipRequest, { from, domains, dialogDomain }: Arrival): Disposition => {
  const opens = tagOf(request, "To") === undefined;
  if (from === "outside") {
    if (opens) return request.method === "INVITE" ? { type: "admit" } : { type: "discard", why: "notAnInvite" };
    const isKnown = dialogDomain !== undefined && domains.includes(dialogDomain);
    return isKnown ? passOn(request, { type: "passIn" }) : { type: "discard", why: "unknownDialog" };
  }
  if (opens && request.method !== "INVITE") return { type: "respond", status: 405 };
  if (!opens && dialogDomain === undefined) return { type: "respond", status: 481 };
  const hop = outsideHopOf(request);
  // Within a call the certificate must be the call's, whatever the route is called; a new call names its domain there.
  const domain = dialogDomain ?? hop?.domain;
  if (hop === undefined || domain === undefined) return { type: "respond", status: 404 };
  return passOn(request, { type: "passOut", hop: { ...hop, domain } });
};

/** Where a dialog is remembered: by the Call-ID and the tag of whoever opened it, which either side may send. */
export const dialogKeysOf = (request: SipRequest): ReadonlyArray<string> => {
  const callId = headerOf(request, "Call-ID") ?? "";
  const tags = [tagOf(request, "From"), tagOf(request, "To")];
  return tags.filter((tag) => tag !== undefined).map((tag) => `${callId} ${tag}`);
};

const passOn = (request: SipRequest, way: Disposition): Disposition => {
  const fault = faultOf(request);
  return fault === undefined ? way : { type: "respond", status: fault.status, headers: fault.headers ?? [] };
};
