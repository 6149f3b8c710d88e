/**
 * What crosses with a session description: shown to the media relay, waited for, checked, and passed on in its order.
 * RFC 3264, RFC 4568 §5.1.3; docs/protocol/sip.md#secured-media.
 *
 *   offer  --> relay: offer  --> its description goes on          refused: 488, or 503 where it is the relay's own fault
 *   answer --> relay: answer --> its description goes back        not secured outside: the call ends
 *
 * Meanwhile the call's other messages wait (`questions.ts`). Offers that come with the answer: `late-offers.ts`. Without a relay nothing waits: a description passes as it is, but for streams
 * that are not secured, which are refused in the offer.
 */
import { responseTo, type SipRequest, type SipResponse, withSession } from "../../codecs/sip/mod.ts";
import { type ClientTransaction, eventOf, type Forwarding, type ResponseContextEvent } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";
import type { BorderContext } from "./context.ts";
import { triedElsewhere } from "./elsewhere.ts";
import { LateOffers } from "./late-offers.ts";
import {
  answerIn,
  answerQuestion,
  leadsInside,
  offerIn,
  offerQuestion,
  relayReason,
  securedStreams,
  verdictOf,
} from "./media.ts";
import type { Questions } from "./questions.ts";
import { withoutDescription } from "./rewrite.ts";
import type { RefusalReason } from "./types.ts";

type Client = ClientTransaction<BorderContext>;

export interface MediaParts {
  readonly hasRelay: boolean;
  /** Media may go where `leadsInside` says: a relay looks itself, or companies share a network. */
  readonly goesAnywhere: boolean;
  readonly questions: Questions;
  readonly forwarding: Forwarding<BorderContext, Side>;
  readonly refused: (context: BorderContext, why: RefusalReason) => void;
  /** A request as it went on, once more: whoever has answered it is hung up as by its sender. */
  readonly sentTo: (context: BorderContext, client: Client) => SipRequest;
  /** Ends a request that has not gone on. */
  readonly answer: (context: BorderContext, status: number, nowMs: number) => void;
}

export class MediaSteps {
  readonly late: LateOffers;
  private readonly parts: MediaParts;

  constructor(parts: MediaParts) {
    this.parts = parts;
    this.late = new LateOffers({ ...parts, unusable: (...of) => this.hangUp(...of) });
  }

  /** Sends a request on, when its offer may be shown to the other side. */
  begin(context: BorderContext, nowMs: number) {
    const { forwarding, hasRelay, goesAnywhere, questions } = this.parts;
    const { sent, of, from } = context;
    const late = this.late.offerOf(of, from, sent);
    if (late !== undefined) return this.late.pracked(context, late, nowMs);
    const offer = offerIn(sent);
    context.offers = offer !== undefined;
    if (offer === undefined) return forwarding.begin(context, sent, nowMs);
    if (from === "outside" && !goesAnywhere && leadsInside(offer)) {
      this.parts.refused(context, "mediaAddress");
      return this.parts.answer(context, 488, nowMs);
    }
    if (!hasRelay) {
      const secured = securedStreams(offer);
      if (secured !== offer) context.sent = withSession(sent, secured);
      return forwarding.begin(context, context.sent, nowMs);
    }
    questions.ask("offer", offerQuestion(of.call, sent, from, offer), (answer, atMs) => {
      if ("refused" in answer) {
        this.parts.refused(context, relayReason(answer.refused));
        return this.parts.answer(context, answer.isOurs ? 503 : 488, atMs);
      }
      context.sent = withSession(sent, answer.sdp);
      forwarding.begin(context, context.sent, atMs);
    });
  }

  /** A response of the other side. */
  passed(client: Client, response: SipResponse, nowMs: number) {
    const { context } = client;
    if (context === undefined) return; // of a CANCEL or a BYE of our own
    const { from, request, offers } = context;
    if (triedElsewhere(this.parts, client, context, response)) return;
    // An INVITE without an offer leaves it to whoever answers.
    if (!offers && request?.method === "INVITE") return this.late.passed(client, context, response, nowMs);
    if (!offers) return this.parts.forwarding.passed(client, withoutDescription(response), nowMs);
    if (!this.parts.hasRelay || from === "inside") {
      const checked = this.checked(context, client, response, nowMs);
      if (checked === undefined) return;
      response = checked;
    }
    const sdp = this.parts.hasRelay ? answerIn(context, response) : undefined;
    if (sdp === undefined) return this.parts.forwarding.passed(client, response, nowMs);
    const asked = client.request;
    this.parts.questions.ask("answer", answerQuestion(context, response, sdp), (answer, atMs) => {
      client.request ??= asked;
      if ("refused" in answer) return this.unusable(context, client, response, relayReason(answer.refused), atMs);
      const described = withSession(response, answer.sdp);
      const checked = from === "inside" ? described : this.checked(context, client, described, atMs);
      if (checked !== undefined) this.parts.forwarding.passed(client, checked, atMs);
    });
  }

  /** All that needs judging has been judged before. */
  static readonly judge = (_: BorderContext, __: Client, response: SipResponse): ResponseContextEvent =>
    eventOf(response);

  /** The response, if it leaves the call secured; what of it may pass, if it comes before the answer; or undefined. */
  private checked(
    context: BorderContext,
    client: Client,
    response: SipResponse,
    nowMs: number,
  ): SipResponse | undefined {
    const { request } = context;
    if (request === undefined) return response;
    // What was offered to the outside is what left; what the outside has offered is what came.
    const offer = context.from === "inside" ? context.sent : this.parts.hasRelay ? request : context.sent;
    const verdict = verdictOf(context, offer, response);
    if (verdict.type === "unsecured") {
      this.unusable(context, client, response, "answerNotSecured", nowMs);
      return undefined;
    }
    if (verdict.type === "early") return withoutDescription(response);
    const answer = context.from === "inside" && !this.parts.goesAnywhere ? answerIn(context, response) : undefined;
    if (answer !== undefined && leadsInside(answer)) {
      this.unusable(context, client, response, "mediaAddress", nowMs);
      return response.status < 200 ? withoutDescription(response) : undefined;
    }
    context.isDescribed ||= verdict.isAnswer;
    return response;
  }

  private unusable(context: BorderContext, client: Client, response: SipResponse, why: RefusalReason, nowMs: number) {
    if (response.status < 200) return;
    this.parts.refused(context, why);
    this.hangUp(context, client, response, nowMs);
  }

  /** Whoever answered has ACK and BYE; the other side is refused, so that the call may take another way. */
  private hangUp(context: BorderContext, client: Client, response: SipResponse, nowMs: number) {
    const { request, opens } = context;
    // Of a further end that answers, the request is no more held.
    client.request ??= this.parts.sentTo(context, client);
    this.parts.forwarding.hangUp(client, response, nowMs);
    // Within a call 481 has the other end hang up, RFC 3261 §12.2.1.2.
    if (request !== undefined && client === context.branch)
      this.parts.forwarding.passed(client, responseTo(request, opens ? 488 : 481, { toTag: REFUSED_TAG }), nowMs);
  }
}
const REFUSED_TAG = "refused";
