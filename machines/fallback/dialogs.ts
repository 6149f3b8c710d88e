/**
 * The dialogs with the telephone network: their transactions, and whose message is whose. RFC 3261 §12, §13, §15, §17.
 *
 *   a leg orders invite, cancel, acknowledge, respond, bye --> messages to the agent
 *   messages of the agent --> answered, failed, acked, cancelled, trunkOver of a leg; a re-INVITE is settled anew
 */
import {
  dialogOfCallee,
  dialogOfCaller,
  headerOf,
  printSip,
  requestIn,
  type Sdp,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
} from "../../codecs/sip/mod.ts";
import { type ClientTransaction, type Ids, type Source, Transactions } from "../proxy/mod.ts";
import { clientKeyOf, descriptionIn } from "../sip/mod.ts";
import { Challenges } from "./challenges.ts";
import type { FallbackLeg } from "./leg.ts";
import { answerWith, inviteAgain, type SipPlace } from "./messages.ts";
import type { FallbackOptions, RelayAnswer } from "./types.ts";

export interface DialogUser {
  readonly send: (bytes: Uint8Array) => void;
  readonly tell: (leg: FallbackLeg, event: object, nowMs: number) => void;
  /** The leg that a new call of the telephone network is for. */
  readonly legOf: (invite: SipRequest) => FallbackLeg | undefined;
  /** Another description of the network's, for a call that is up. */
  readonly settle: (leg: FallbackLeg, sdp: Sdp, then: (answer: RelayAnswer, nowMs: number) => void) => void;
}

export class TrunkDialogs {
  private readonly user: DialogUser;
  private readonly own: SipPlace;
  private readonly agent: Source;
  private readonly ids: Ids;
  private readonly byCallId = new Map<string, FallbackLeg>();
  readonly transactions: Transactions<FallbackLeg>;
  private readonly challenges: Challenges;

  constructor(
    user: DialogUser,
    places: Pick<FallbackOptions, "own" | "agent" | "credentials">,
    ids: Ids,
    t1Ms: number,
    nowMs: number,
  ) {
    this.user = user;
    this.own = places.own;
    this.agent = { transport: "UDP", own: 0, ...places.agent, stream: 0 };
    this.ids = ids;
    this.challenges = new Challenges(places.credentials ?? [], ids);
    this.transactions = new Transactions<FallbackLeg>(
      {
        send: (_, bytes) => user.send(bytes),
        passed: (client, response, nowMs) => this.responded(client, response, nowMs),
        failed: ({ isInvite, context }, _, nowMs) =>
          isInvite && context && user.tell(context, { type: "failed" }, nowMs),
        fired: (leg, timer, nowMs) => user.tell(leg, { type: "timerFired", timer }, nowMs),
      },
      t1Ms,
      nowMs,
    );
  }

  invite(leg: FallbackLeg, nowMs: number) {
    leg.callId = this.ids.tag();
    this.byCallId.set(leg.callId, leg);
    this.sendInvite(leg, nowMs);
  }

  private sendInvite(leg: FallbackLeg, nowMs: number) {
    const { tag, callId, ours } = leg;
    leg.cseq += 1;
    const given = { branch: this.ids.branch(), tag, callId, sdp: ours!, cseq: leg.cseq };
    leg.invite = this.challenges.signed(leg, inviteAgain(leg.call.invite, this.own, given));
    leg.client = this.transactions.ask(leg.invite, printSip(leg.invite), this.agent, leg, nowMs);
  }

  cancel({ client }: FallbackLeg, nowMs: number) {
    if (client !== undefined) this.transactions.cancel(client, [], nowMs);
  }

  /** The ACK of a 2xx, for each time that it comes. */
  acknowledge(leg: FallbackLeg) {
    if (leg.dialog === undefined) return;
    leg.ack ??= printSip(requestIn(leg.dialog, "ACK", this.by, this.ids.branch()));
    this.user.send(leg.ack);
  }

  bye(leg: FallbackLeg, nowMs: number) {
    if (leg.dialog === undefined) return;
    const bye = this.challenges.signed(leg, requestIn(leg.dialog, "BYE", this.by, this.ids.branch()));
    leg.dialog = { ...leg.dialog, invited: leg.dialog.invited + 1 };
    this.transactions.ask(bye, printSip(bye), this.agent, leg, nowMs);
  }

  /** To the INVITE of the telephone network; 200 again until its ACK has come. */
  respond(leg: FallbackLeg, status: number, nowMs: number) {
    const { server, invite, tag, ours } = leg;
    if (server === undefined || invite === undefined) return;
    const response = answerWith(invite, status, tag, this.own, ours);
    if (status === 200) leg.dialog ??= dialogOfCallee(invite, response);
    this.transactions.respond(server, response, nowMs);
  }

  forget({ callId }: FallbackLeg) {
    this.byCallId.delete(callId);
  }

  receive(message: SipMessage, nowMs: number) {
    const { transactions, agent, user } = this;
    if (message.type === "response") {
      const client = transactions.clients.get(clientKeyOf(message));
      if (client !== undefined) transactions.received(client, message, nowMs);
      return;
    }
    if (message.method === "ACK") return this.acked(message, nowMs);
    const same = transactions.serverOf(message, agent, message.method);
    if (same !== undefined) return transactions.tell(same, "repeated", nowMs);
    if (message.method === "CANCEL") {
      const server = transactions.serverOf(message, agent, "INVITE");
      this.refuse(message, server === undefined ? 481 : 200, nowMs);
      if (server?.context !== undefined) user.tell(server.context, { type: "cancelled" }, nowMs);
      return;
    }
    if (tagOf(message, "To") === undefined) return this.begin(message, nowMs);
    this.within(message, nowMs);
  }

  private serve(request: SipRequest, nowMs: number) {
    return this.transactions.serve(request, this.agent, nowMs);
  }

  private get by() {
    return { transport: "UDP", ...this.own } as const;
  }

  private responded(client: ClientTransaction<FallbackLeg>, response: SipResponse, nowMs: number) {
    const leg = client.context;
    if (leg === undefined || response.status < 200) return;
    if (!client.isInvite) return this.challenges.takes(leg, response) ? this.bye(leg, nowMs) : undefined;
    if (response.status >= 300) {
      const isWanted = client === leg.client && client.cancelWith === undefined;
      if (isWanted && this.challenges.takes(leg, response)) return this.sendInvite(leg, nowMs);
      return this.user.tell(leg, { type: "failed" }, nowMs);
    }
    const tag = tagOf(response, "To") ?? "";
    const dialog = dialogOfCaller(leg.invite!, response);
    if (leg.dialog === undefined && dialog !== undefined) {
      const found = descriptionIn(response);
      leg.dialog = dialog;
      leg.remoteTag = tag;
      leg.theirs = found.type === "sdp" ? found.sdp : undefined;
      return this.user.tell(leg, { type: "answered" }, nowMs);
    }
    if (tag === leg.remoteTag) return this.acknowledge(leg);
    if (dialog === undefined) return;
    // Another fork: one is enough. RFC 3261 §13.2.2.4.
    this.user.send(printSip(requestIn(dialog, "ACK", this.by, this.ids.branch())));
    const bye = requestIn(dialog, "BYE", this.by, this.ids.branch());
    this.transactions.ask(bye, printSip(bye), this.agent, undefined, nowMs);
  }

  private acked(ack: SipRequest, nowMs: number) {
    const server = this.transactions.serverOf(ack, this.agent, "INVITE");
    if (server !== undefined && server.snapshot.value !== "accepted")
      return this.transactions.tell(server, "acked", nowMs);
    const leg = this.legWithin(ack);
    if (leg?.call.role === "callee") this.user.tell(leg, { type: "acked" }, nowMs);
  }

  private begin(request: SipRequest, nowMs: number) {
    const leg = request.method === "INVITE" ? this.user.legOf(request) : undefined;
    const found = descriptionIn(request);
    if (leg === undefined || found.type !== "sdp") return this.refuse(request, 480, nowMs);
    leg.callId = headerOf(request, "Call-ID") ?? "";
    leg.remoteTag = tagOf(request, "From") ?? "";
    leg.invite = request;
    leg.theirs = found.sdp;
    leg.server = this.serve(request, nowMs);
    leg.server.context = leg;
    this.byCallId.set(leg.callId, leg);
    this.user.tell(leg, { type: "invited" }, nowMs);
  }

  private legWithin(request: SipRequest): FallbackLeg | undefined {
    const leg = this.byCallId.get(headerOf(request, "Call-ID") ?? "");
    return leg?.tag === tagOf(request, "To") && leg?.remoteTag === tagOf(request, "From") ? leg : undefined;
  }

  private within(request: SipRequest, nowMs: number) {
    const leg = this.legWithin(request);
    if (leg === undefined) return this.refuse(request, 481, nowMs);
    const found = descriptionIn(request);
    switch (request.method) {
      case "BYE":
        this.refuse(request, 200, nowMs);
        return this.user.tell(leg, { type: "trunkOver" }, nowMs);
      case "OPTIONS":
      case "INFO":
        return this.refuse(request, 200, nowMs);
      case "INVITE":
      case "UPDATE":
        if (found.type === "sdp") return this.describedAgain(leg, request, found.sdp, nowMs);
        return this.refuse(request, request.method === "UPDATE" && found.type === "none" ? 200 : 488, nowMs);
      default:
        return this.refuse(request, 405, nowMs);
    }
  }

  private describedAgain(leg: FallbackLeg, request: SipRequest, sdp: Sdp, nowMs: number) {
    const { transactions, own } = this;
    const server = this.serve(request, nowMs);
    this.user.settle(leg, sdp, (answer, atMs) =>
      transactions.respond(
        server,
        "sdp" in answer
          ? answerWith(request, 200, leg.tag, own, answer.sdp)
          : answerWith(request, 488, leg.tag, own, undefined),
        atMs,
      ),
    );
  }

  private refuse(request: SipRequest, status: number, nowMs: number) {
    const server = this.serve(request, nowMs);
    this.transactions.respond(server, answerWith(request, status, this.ids.tag(), this.own, undefined), nowMs);
  }
}
