/**
 * What crosses with a session description: shown to the media relay, waited for, checked, and passed on in its order.
 * RFC 3264, RFC 4568 §5.1.3; docs/protocol/sip.md#secured-media.
 *
 *   offer  --> relay: offer  --> its description goes on          refused: 488, or 503 where it is the relay's own fault
 *   answer --> relay: answer --> its description goes back        not secured outside: the call ends
 *
 * Meanwhile the call's other messages wait. Without a relay nothing waits: a description passes as it is, but for streams
 * that are not secured, which are refused in the offer.
 */
import { responseTo, type SipResponse } from "../../codecs/sip/mod.ts";
import { type ClientTransaction, eventOf, type Forwarding, type ResponseContextEvent } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";
import type { BorderContext } from "./context.ts";
import { Gate } from "./gate.ts";
import {
  answerIn,
  answerQuestion,
  offerIn,
  offerQuestion,
  securedStreams,
  verdictOf,
  withDescription,
} from "./media.ts";
import { withoutDescription } from "./rewrite.ts";
import type { BorderOrder, MediaAnswer, MediaQuestion, RefusalReason } from "./types.ts";

type Client = ClientTransaction<BorderContext>;

export interface MediaParts {
  readonly hasRelay: boolean;
  readonly forwarding: Forwarding<BorderContext, Side>;
  readonly order: (order: BorderOrder) => void;
  readonly refused: (context: BorderContext, why: RefusalReason) => void;
  /** Ends a request that has not gone on. */
  readonly answer: (context: BorderContext, status: number, nowMs: number) => void;
}

export class MediaSteps {
  private readonly parts: MediaParts;
  private readonly gate = new Gate();
  private readonly asked = new Map<
    number,
    { readonly call: string; readonly then: (answer: MediaAnswer, nowMs: number) => void }
  >();
  private count = 0;

  constructor(parts: MediaParts) {
    this.parts = parts;
  }

  /** Questions that the relay has not answered yet. */
  get waiting(): number {
    return this.asked.size;
  }

  /** Now, or when what came before it in its call has passed. */
  inOrder(call: string | undefined, work: () => void) {
    if (call === undefined || !this.gate.isClosed(call)) return work();
    this.parts.order({ type: "count", what: this.gate.hold(call, work) ? "held" : "dropped" });
  }

  /** Sends a request on, when its offer may be shown to the other side. */
  begin(context: BorderContext, nowMs: number) {
    const { forwarding, hasRelay } = this.parts;
    const { sent, of, from } = context;
    const offer = offerIn(sent);
    if (offer === undefined) return forwarding.begin(context, sent, nowMs);
    if (!hasRelay) {
      const secured = securedStreams(offer);
      if (secured !== offer) context.sent = withDescription(sent, secured);
      return forwarding.begin(context, context.sent, nowMs);
    }
    this.ask(of.call, "offer", offerQuestion(of.call, sent, from, offer), (answer, atMs) => {
      if ("refused" in answer) {
        this.parts.refused(context, "media");
        return this.parts.answer(context, answer.isOurs ? 503 : 488, atMs);
      }
      context.sent = withDescription(sent, answer.sdp);
      forwarding.begin(context, context.sent, atMs);
    });
  }

  /** A response of the other side. */
  passed(client: Client, response: SipResponse, nowMs: number) {
    const { context } = client;
    if (context === undefined) return; // of a CANCEL or a BYE of our own
    const { from, of } = context;
    if (!this.parts.hasRelay || from === "inside") {
      const checked = this.checked(context, client, response, nowMs);
      if (checked === undefined) return;
      response = checked;
    }
    const sdp = this.parts.hasRelay ? answerIn(context, response) : undefined;
    if (sdp === undefined) return this.parts.forwarding.passed(client, response, nowMs);
    const asked = client.request;
    this.ask(of.call, "answer", answerQuestion(context, response, sdp), (answer, atMs) => {
      client.request ??= asked;
      if ("refused" in answer) return this.unusable(context, client, response, "media", atMs);
      const described = withDescription(response, answer.sdp);
      const checked = from === "inside" ? described : this.checked(context, client, described, atMs);
      if (checked !== undefined) this.parts.forwarding.passed(client, checked, atMs);
    });
  }

  /** The relay has answered. */
  described(id: number, answer: MediaAnswer, nowMs: number) {
    const waiting = this.asked.get(id);
    if (waiting === undefined) return;
    this.asked.delete(id);
    waiting.then(answer, nowMs);
    this.gate.open(waiting.call);
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
    context.isDescribed ||= verdict.isAnswer;
    return response;
  }

  /** Whoever answered has ACK and BYE; the other side is refused, so that the call may take another way. */
  private unusable(context: BorderContext, client: Client, response: SipResponse, why: RefusalReason, nowMs: number) {
    const { request, opens } = context;
    if (response.status < 200) return;
    this.parts.refused(context, why);
    this.parts.forwarding.hangUp(client, response, nowMs);
    // Within a call 481 has the other end hang up, RFC 3261 §12.2.1.2.
    if (request !== undefined && client === context.branch)
      this.parts.forwarding.passed(client, responseTo(request, opens ? 488 : 481, { toTag: REFUSED_TAG }), nowMs);
  }

  private ask(
    call: string,
    kind: "offer" | "answer",
    question: MediaQuestion,
    then: (answer: MediaAnswer, nowMs: number) => void,
  ) {
    const id = ++this.count;
    this.gate.close(call);
    this.asked.set(id, { call, then });
    this.parts.order({ type: "media", id, kind, question });
  }
}
const REFUSED_TAG = "refused";
