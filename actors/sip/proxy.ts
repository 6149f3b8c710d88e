/**
 * A border element's proxy core: what becomes of each request. RFC 3261 §16.
 *
 *   request --> disposition --+--> admission --> relay inwards
 *                             +--> relay inwards or outwards, within a call or opening one
 *                             +--> a response of our own, or silence
 */
import { Effect, type Scope } from "effect";
import { maskE164 } from "../../codecs/shared/mod.ts";
import { responseTo, type SipRequest, type SipResponse, tagOf } from "../../codecs/sip/mod.ts";
import {
  type BorderSelf,
  type Disposition,
  dispositionOf,
  forwardedOf,
  type HostPort,
  numberIn,
  type OnReject,
  withoutOurRoutes,
} from "../../machines/sip/mod.ts";
import type { Entropy } from "../ports/mod.ts";
import type { TicketChecker } from "../ticket/mod.ts";
import { admit } from "./admission.ts";
import { makeDialogs } from "./dialogs.ts";
import type { Endpoint, FlowTarget } from "./endpoint.ts";
import type { Flow } from "./flow.ts";
import { newBranch, relayRequest } from "./relay.ts";
import type { TransactionUser } from "./transactions.ts";

export type BorderReason = Extract<Disposition, { readonly type: "discard" }>["why"];
export type BorderProxy = TransactionUser;

export interface ProxyOptions {
  readonly endpoint: Endpoint;
  readonly self: BorderSelf;
  readonly callAgent: HostPort;
  readonly onReject: OnReject;
  readonly checker: TicketChecker;
  readonly count: (what: "admitted" | "forwarded" | "failed") => void;
  readonly refused: (why: BorderReason) => void;
}

export const openProxy = Effect.fn("sip.proxy")(function* (options: ProxyOptions) {
  const { endpoint, self, checker, onReject } = options;
  const around = yield* Effect.context<Entropy | Scope.Scope>();
  const dialogs = makeDialogs();
  const inwards: FlowTarget = { side: "inside", ...options.callAgent, domain: undefined };

  const pass = (from: Flow, request: SipRequest, stripped: SipRequest, to: FlowTarget) => {
    const opens = tagOf(request, "To") === undefined;
    const ended = (final: SipResponse | undefined) => {
      const isOver = opens ? final === undefined || final.status >= 300 : request.method === "BYE";
      if (isOver) dialogs.forget(request);
    };
    return relayRequest(endpoint, { from, request, stripped, to, self, count: options.count, ended });
  };
  /** A call that opens is remembered before it is passed on: its requests may come as soon as it is. */
  const open = (from: Flow, request: SipRequest, stripped: SipRequest, to: FlowTarget, domain: string) =>
    Effect.flatMap(dialogs.remember(request, domain), (isKept) =>
      isKept ? pass(from, request, stripped, to) : respond(from, request, 503),
    );
  const respond = (to: Flow, request: SipRequest, status: number) =>
    Effect.flatMap(newBranch, (toTag) => to.send(responseTo(request, status, { toTag })));
  const discard = (from: Flow, request: SipRequest, why: BorderReason) => {
    options.refused(why);
    const number = maskE164(numberIn(request) ?? "");
    return Effect.logInfo("border.refused", { why, method: request.method, domains: from.domains, number });
  };

  const admission = Effect.fn("border.admission")(function* (from: Flow, request: SipRequest, stripped: SipRequest) {
    const outcome = yield* admit(request, from.domains, onReject, checker);
    if (outcome.type === "admitted") {
      options.count("admitted");
      yield* Effect.logInfo("border.admitted", { domain: outcome.domain, number: maskE164(numberIn(request) ?? "") });
      return yield* open(from, request, stripped, inwards, outcome.domain);
    }
    if (outcome.respond !== undefined) yield* respond(from, request, outcome.respond);
    yield* discard(from, request, outcome.why);
  });

  const dispose = (from: Flow, request: SipRequest, stripped: SipRequest) => {
    const dialogDomain = dialogs.domainOf(request);
    const found = dispositionOf(stripped, { from: from.side, domains: from.domains, dialogDomain });
    switch (found.type) {
      case "admit":
        return admission(from, request, stripped);
      case "passIn":
        return pass(from, request, stripped, inwards);
      case "passOut": {
        const to: FlowTarget = { side: "outside", ...found.hop };
        return dialogDomain === undefined
          ? open(from, request, stripped, to, found.hop.domain)
          : pass(from, request, stripped, to);
      }
      case "respond":
        return respond(from, request, found.status);
      case "discard":
        return discard(from, request, found.why);
    }
  };

  const request: BorderProxy["request"] = (from, message) => {
    const stripped = withoutOurRoutes(message, self);
    const done = stripped === undefined ? discard(from, message, "malformed") : dispose(from, message, stripped);
    return Effect.provideContext(done, around);
  };
  /** The ACK of a 2xx goes the way of its call, without a transaction; one that belongs to none is dropped. */
  const ack: BorderProxy["ack"] = (from, message) => {
    const stripped = withoutOurRoutes(message, self) ?? message;
    const dialogDomain = dialogs.domainOf(message);
    const found = dispositionOf(stripped, { from: from.side, domains: from.domains, dialogDomain });
    if (found.type !== "passIn" && found.type !== "passOut") return Effect.logDebug("border.strayAck");
    const to: FlowTarget = found.type === "passIn" ? inwards : { side: "outside", ...found.hop };
    const sent = Effect.gen(function* () {
      const branch = yield* newBranch;
      const flow = yield* endpoint.to(to);
      yield* flow.send(forwardedOf(stripped, to.side, branch, self));
    });
    const told = Effect.catchTag(sent, "DialFailed", ({ why }) => Effect.logInfo("border.ackLost", why));
    return Effect.provideContext(Effect.asVoid(Effect.forkScoped(told)), around); // a dial must not hold up other calls
  };
  return { request, ack } satisfies BorderProxy as BorderProxy;
});
