/**
 * Offers and answers that cross a border. RFC 3264, RFC 4568; docs/protocol/sip.md#secured-media. Functions only.
 */
import {
  endOf,
  headerOf,
  isReachable,
  isSecured,
  type Sdp,
  type SipRequest,
  type SipResponse,
  tagOf,
} from "../../codecs/sip/mod.ts";
import { descriptionIn, type MediaVerdict, mediaVerdictOf, type Side } from "../sip/mod.ts";
import type { BorderContext } from "./context.ts";
import { OFFERING } from "./rewrite.ts";
import type { MediaDialog, MediaQuestion, RefusalReason } from "./types.ts";

/** The offer that a request brings, if it does. */
export const offerIn = (request: SipRequest): Sdp | undefined => {
  if (!OFFERING.has(request.method)) return undefined;
  const found = descriptionIn(request);
  return found.type === "sdp" ? found.sdp : undefined;
};

/** The answer to it, or what is one for the time being. */
export const answerIn = ({ request }: BorderContext, response: SipResponse): Sdp | undefined => {
  if (request === undefined || response.status === 100 || response.status >= 300) return undefined;
  if (!OFFERING.has(request.method) || request.body.length === 0) return undefined;
  const found = descriptionIn(response);
  return found.type === "sdp" ? found.sdp : undefined;
};

export const otherSide = (side: Side): Side => (side === "inside" ? "outside" : "inside");

export const offerQuestion = (call: string, request: SipRequest, from: Side, sdp: Sdp): MediaQuestion => {
  const to = tagOf(request, "To");
  return {
    call,
    from: tagOf(request, "From") ?? "",
    ...(to === undefined ? { dialog: mediaDialogOf(request) } : { to }),
    toward: otherSide(from),
    sdp,
  };
};

/** Of an INVITE that opens a call, before it is written anew: hidden Call-IDs are made on its way out. */
export const mediaDialogOf = (invite: SipRequest): MediaDialog => ({
  callId: headerOf(invite, "Call-ID") ?? "",
  from: tagOf(invite, "From") ?? "",
});

export const answerQuestion = (context: BorderContext, response: SipResponse, sdp: Sdp): MediaQuestion => {
  const to = tagOf(response, "To");
  const from = tagOf(response, "From") ?? "";
  return { call: context.of.call, from, ...(to === undefined ? {} : { to }), toward: context.from, sdp };
};

/**
 * The offer with every stream refused by port 0 that the other side must not take: those in use that bring no key. The same
 * where each is secured; RFC 3264 §6 has the answer refuse what the offer does.
 */
export const securedStreams = (sdp: Sdp): Sdp => {
  const isTaken = (media: Sdp["media"][number]) => media.port === 0 || isSecured({ ...sdp, media: [media] });
  if (sdp.media.every(isTaken)) return sdp;
  return {
    ...sdp,
    media: sdp.media.map((media) => (isTaken(media) ? media : { ...media, port: 0, ports: undefined })),
  };
};

/**
 * Whether media are to go where no other company is: to a private network, to this machine, or to a name. Whoever has a relay
 * asks it; without one the telephones inside would send there.
 */
export const leadsInside = (sdp: Sdp): boolean =>
  sdp.media.some((media) => {
    const end = media.port === 0 ? undefined : endOf(sdp, media);
    return media.port !== 0 && (end === undefined || !isReachable(end));
  });

/** Why the relay did not take a description, as it is counted. */
export const relayReason = (refused: string): RefusalReason => (refused === "badAddress" ? "mediaAddress" : "media");

/** Whether a response keeps the call secured: on the way out by the offer that left, on the way in by the one that came. */
export const verdictOf = (context: BorderContext, offer: SipRequest, response: SipResponse): MediaVerdict =>
  mediaVerdictOf(offer, response, context.isDescribed);
