/**
 * Offers that come with the answer to an INVITE, and their answers with its ACK, or with the PRACK of a reliable provisional
 * response. RFC 3261 §13.2.1 and §14, RFC 3262 §5; docs/protocol/sip.md#an-offer-that-comes-late. DECISIONS.md D-165.
 *
 *   INVITE --> 2xx, or 1xx with RSeq: offer --> secured? --> relay: offer  --> shown to the caller's side
 *                                              | no: ACK that refuses it, BYE; 488, or 481 within a call
 *              ACK, or PRACK: answer        --> secured? --> relay: answer --> shown to the called side
 *                                              | no: the call ends on both sides (488 to a PRACK, and CANCEL)
 *
 * An answer in ACK can be refused by nobody: no response follows it. So what was offered is answered by a refusal of each
 * stream, which is a good answer, and both ends have a BYE.
 */
import { keepNewest } from "../../codecs/shared/mod.ts";
import {
  cseqOf,
  headerOf,
  isSecured,
  isSecuredAnswer,
  type Sdp,
  type SipRequest,
  type SipResponse,
  tagOf,
  withSession,
} from "../../codecs/sip/mod.ts";
import type { ClientTransaction, Forwarding } from "../proxy/mod.ts";
import { descriptionIn, type Side } from "../sip/mod.ts";
import type { BorderContext, CallOf } from "./context.ts";
import { leadsInside, mediaDialogOf, otherSide, relayReason, securedStreams } from "./media.ts";
import type { Questions } from "./questions.ts";
import { withoutDescription } from "./rewrite.ts";
import type { MediaQuestion, RefusalReason } from "./types.ts";

type Client = ClientTransaction<BorderContext>;

/** An offer that was shown to the side that the INVITE came from. */
export interface LateOffer {
  readonly context: BorderContext;
  /** The response that brought it, as it came. */
  readonly response: SipResponse;
  readonly received: Sdp;
  readonly shown: Sdp;
  readonly sinceMs: number;
  /** Its answer as the side that offered is shown it; `ended`: there was none to take, and the call is over. */
  answered: Sdp | "ended" | undefined;
}

export interface LateParts {
  readonly hasRelay: boolean;
  /** Media may go where `leadsInside` says. */
  readonly goesAnywhere: boolean;
  readonly questions: Questions;
  readonly forwarding: Forwarding<BorderContext, Side>;
  readonly refused: (context: BorderContext, why: RefusalReason) => void;
  /** Whoever answered has ACK and BYE, the other side is refused. */
  readonly unusable: (context: BorderContext, client: Client, response: SipResponse, nowMs: number) => void;
  /** Ends a request that has not gone on. */
  readonly answer: (context: BorderContext, status: number, nowMs: number) => void;
}

/** An ACK on its way: what becomes of it. */
export interface LateAck {
  readonly of: CallOf;
  readonly side: Side;
  readonly ack: SipRequest;
  /** It goes on. */
  readonly pass: (ack: SipRequest) => void;
  /** It cannot, and the call is over. */
  readonly end: (offer: LateOffer, nowMs: number) => void;
}

export class LateOffers {
  private readonly parts: LateParts;
  /** By call, number of the INVITE, and tag of whoever offered. */
  private readonly offers = new Map<string, LateOffer>();

  constructor(parts: LateParts) {
    this.parts = parts;
  }

  /** A response to an INVITE that brought no offer. */
  passed(client: Client, context: BorderContext, response: SipResponse, nowMs: number) {
    const { forwarding } = this.parts;
    const { status } = response;
    if (status === 100 || status >= 300) return forwarding.passed(client, response, nowMs);
    const found = descriptionIn(response);
    const known = this.offers.get(keyOf(context.of, cseqOf(response).number, response));
    if (known?.answered === "ended") return;
    if (known !== undefined) {
      const again = found.type === "sdp" ? withSession(response, known.shown) : withoutDescription(response);
      return forwarding.passed(client, again, nowMs);
    }
    if (found.type === "sdp" && (status >= 200 || headerOf(response, "RSeq") !== undefined))
      return this.offered(client, context, response, found.sdp, nowMs);
    if (status >= 200) return this.refuse(client, context, response, "offerNotSecured", nowMs);
    forwarding.passed(client, withoutDescription(response), nowMs);
  }

  /** An ACK: with what it brings, with what the relay has made of that, or with nothing. */
  acked({ of, side, ack, pass, end }: LateAck, nowMs: number) {
    const offer = this.offers.size === 0 ? undefined : this.offers.get(keyOf(of, cseqOf(ack).number, ack));
    if (offer === undefined || offer.context.from !== side) return pass(withoutDescription(ack));
    const { answered } = offer;
    if (answered === "ended") return;
    const found = descriptionIn(ack);
    if (answered !== undefined)
      return pass(found.type === "sdp" ? withSession(ack, answered) : withoutDescription(ack));
    this.settle(offer, ack, nowMs, (why, atMs) => {
      if (why === undefined) return pass(withSession(ack, offer.answered as Sdp));
      offer.answered = "ended";
      this.parts.refused(offer.context, why);
      end(offer, atMs);
    });
  }

  /** The offer that a PRACK answers, if it does. */
  offerOf(of: CallOf, side: Side, request: SipRequest): LateOffer | undefined {
    const acknowledged = request.method === "PRACK" ? RACK.exec(headerOf(request, "RAck") ?? "") : null;
    if (acknowledged === null) return undefined;
    const [, rseq, cseq] = acknowledged;
    const offer = this.offers.get(keyOf(of, Number(cseq), request));
    const isMeant = offer?.context.from === side && headerOf(offer.response, "RSeq") === rseq;
    return isMeant && offer.answered === undefined ? offer : undefined;
  }

  /** Sends a PRACK on, if the answer that it brings may be taken. */
  pracked(context: BorderContext, offer: LateOffer, nowMs: number) {
    const { forwarding, refused, answer } = this.parts;
    this.settle(offer, context.sent, nowMs, (why, atMs) => {
      if (why === undefined) {
        context.sent = withSession(context.sent, offer.answered as Sdp);
        return forwarding.begin(context, context.sent, atMs);
      }
      offer.answered = "ended";
      refused(context, why);
      answer(context, 488, atMs);
      forwarding.cancelled(offer.context, [], atMs);
    });
  }

  /** Forgets those whose ACK can come no more. */
  expire(nowMs: number) {
    for (const [key, { sinceMs }] of this.offers) if (nowMs - sinceMs > OFFER_MS_MAX) this.offers.delete(key);
  }

  private offered(client: Client, context: BorderContext, response: SipResponse, received: Sdp, nowMs: number) {
    const { hasRelay, goesAnywhere, questions, forwarding } = this.parts;
    const { of, from } = context;
    // The relay has one description for each side: that of the end that answered first.
    if (hasRelay && context.isDescribed) return this.refuse(client, context, response, "media", nowMs);
    if ((from === "inside" || !hasRelay) && !isSecured(received))
      return this.refuse(client, context, response, "offerNotSecured", nowMs);
    if (from === "inside" && !goesAnywhere && leadsInside(received))
      return this.refuse(client, context, response, "mediaAddress", nowMs);
    const show = (shown: Sdp, atMs: number) => {
      context.isDescribed = true;
      const offer: LateOffer = { context, response, received, shown, sinceMs: atMs, answered: undefined };
      keepNewest(this.offers, LATE_OFFERS_MAX, keyOf(of, cseqOf(response).number, response), offer);
      forwarding.passed(client, withSession(response, shown), atMs);
    };
    if (!hasRelay) return show(securedStreams(received), nowMs);
    const sent = client.request;
    const { request, opens } = context;
    const dialog = opens && request !== undefined ? { dialog: mediaDialogOf(request) } : {};
    const question = { ...questionOf(of, from, response, received), ...dialog };
    questions.ask("offer", question, (answer, atMs) => {
      client.request ??= sent;
      if ("refused" in answer) return this.refuse(client, context, response, relayReason(answer.refused), atMs);
      if (from === "outside" && !isSecured(answer.sdp))
        return this.refuse(client, context, response, "offerNotSecured", atMs);
      show(answer.sdp, atMs);
    });
  }

  /** Takes the answer that a request brings, or says why not. */
  private settle(
    offer: LateOffer,
    request: SipRequest,
    nowMs: number,
    then: (why: RefusalReason | undefined, nowMs: number) => void,
  ) {
    const { hasRelay, goesAnywhere, questions } = this.parts;
    const { context, received, shown } = offer;
    const { from, of } = context;
    const found = descriptionIn(request);
    if (found.type !== "sdp") return then("answerNotSecured", nowMs);
    if ((from === "outside" || !hasRelay) && !isSecuredAnswer(shown, found.sdp)) return then("answerNotSecured", nowMs);
    if (from === "outside" && !goesAnywhere && leadsInside(found.sdp)) return then("mediaAddress", nowMs);
    if (!hasRelay) {
      offer.answered = found.sdp;
      return then(undefined, nowMs);
    }
    questions.ask("answer", questionOf(of, otherSide(from), request, found.sdp), (answer, atMs) => {
      if ("refused" in answer) return then(relayReason(answer.refused), atMs);
      if (from === "inside" && !isSecuredAnswer(received, answer.sdp)) return then("answerNotSecured", atMs);
      offer.answered = answer.sdp;
      then(undefined, atMs);
    });
  }

  /** Nothing is agreed on: before the answer by CANCEL, with it by ACK and BYE. */
  private refuse(client: Client, context: BorderContext, response: SipResponse, why: RefusalReason, nowMs: number) {
    const { refused, unusable, forwarding } = this.parts;
    refused(context, why);
    if (response.status >= 200) return unusable(context, client, response, nowMs);
    forwarding.cancelled(context, [], nowMs);
  }
}

/** Of all calls: a flood of them loses the oldest, whose ACK then brings no description. */
export const LATE_OFFERS_MAX = 16_384;
/** 64 T1 are 32 s, RFC 3261 §13.3.1.4; and as long again. */
const OFFER_MS_MAX = 64_000;
/** RFC 3262 §7.2. */
const RACK = /^ *([0-9]{1,10}) +([0-9]{1,10}) +INVITE *$/i;

/** In all messages of it the one that offers is named by To. */
const keyOf = ({ call }: CallOf, cseq: number, message: SipRequest | SipResponse): string =>
  `${call} ${cseq} ${tagOf(message, "To") ?? ""}`;

const questionOf = ({ call }: CallOf, toward: Side, message: SipRequest | SipResponse, sdp: Sdp): MediaQuestion => ({
  call,
  from: tagOf(message, "To") ?? "",
  to: tagOf(message, "From") ?? "",
  toward,
  sdp,
});
