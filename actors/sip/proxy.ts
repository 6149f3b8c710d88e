/**
 * A border element's proxy core: what becomes of each request. RFC 3261 §16.
 *
 *   request --> disposition --+--> admission --> relay inwards
 *                             +--> relay inwards or outwards, within a call or opening one
 *                             +--> a response of our own, or silence
 */
import { Clock, Effect, type Scope } from "effect";
import { maskE164 } from "../../codecs/shared/mod.ts";
import { responseTo, type SipRequest, type SipResponse, tagOf } from "../../codecs/sip/mod.ts";
import {
  type Answer,
  admit,
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
import { type Dialogs, makeDialogs } from "./dialogs.ts";
import type { Endpoint, FlowTarget } from "./endpoint.ts";
import type { Flow } from "./flow.ts";
import { newBranch, relayRequest } from "./relay.ts";
import type { TransactionUser } from "./transactions.ts";
import { sendBadRequest } from "./within.ts";

export type BorderReason = Extract<Disposition, { readonly type: "discard" }>["why"] | "answerNotSecured";

export interface ProxyOptions {
  readonly endpoint: Endpoint;
  readonly self: BorderSelf;
  readonly callAgent: HostPort;
  readonly onReject: OnReject;
  readonly checker: TicketChecker;
  readonly count: (what: "admitted" | "forwarded" | "failed") => void;
  readonly refused: (why: BorderReason) => void;
}

export interface Proxied extends TransactionUser {
  /** Calls that were let through and are not over. */
  readonly underWay: () => number;
}

/** A request on its way: as it came, and without the Routes that name us. */
interface Passing {
  readonly from: Flow;
  readonly request: SipRequest;
  readonly stripped: SipRequest;
}
type Proxying = ProxyOptions & { readonly dialogs: Dialogs };

export const openProxy = Effect.fn("sip.proxy")(function* (options: ProxyOptions) {
  const around = yield* Effect.context<Entropy | Scope.Scope>();
  const proxy: Proxying = { ...options, dialogs: makeDialogs() };
  const strippedOf = (request: SipRequest) => withoutOurRoutes(request, options.self);
  return {
    request: (from, request) => {
      const stripped = strippedOf(request);
      const done =
        stripped === undefined
          ? discard(proxy, from, request, "malformed")
          : dispose(proxy, { from, request, stripped });
      return Effect.provideContext(done, around);
    },
    ack: (from, request) => {
      const stripped = strippedOf(request);
      const passed = stripped === undefined ? Effect.void : passAck(proxy, { from, request, stripped });
      return Effect.provideContext(passed, around);
    },
    unreadable: (from, found) => {
      // Outside, a stranger learns nothing; inside, an exchange learns what is wrong.
      if (from.side === "outside") options.refused("unreadable");
      const isTold = from.side === "inside" || options.onReject === "403";
      return isTold ? Effect.provideContext(sendBadRequest(from, found), around) : Effect.void;
    },
    underWay: proxy.dialogs.count,
  } satisfies Proxied as Proxied;
});

const placeOf = ({ dialogs }: Proxying, { from, request, stripped }: Passing) => {
  const dialogDomain = dialogs.domainOf(request);
  return { dialogDomain, found: dispositionOf(stripped, { from: from.side, domains: from.domains, dialogDomain }) };
};
const inwards = ({ callAgent }: Proxying): FlowTarget => ({ side: "inside", ...callAgent, domain: undefined });

const dispose = (proxy: Proxying, passing: Passing) => {
  const { dialogDomain, found } = placeOf(proxy, passing);
  switch (found.type) {
    case "admit":
      return admission(proxy, passing);
    case "passIn":
      return pass(proxy, passing, inwards(proxy));
    case "passOut": {
      const to: FlowTarget = { side: "outside", ...found.hop };
      return dialogDomain === undefined ? open(proxy, passing, to, found.hop.domain) : pass(proxy, passing, to);
    }
    case "respond":
      return respond(passing, found);
    case "discard":
      return discard(proxy, passing.from, passing.request, found.why);
  }
};

const admission = Effect.fn("border.admission")(function* (proxy: Proxying, passing: Passing) {
  const { from, request } = passing;
  const { onReject, checker } = proxy;
  const atMs = yield* Clock.currentTimeMillis;
  const outcome = admit({ invite: request, domains: from.domains, onReject, epochs: checker.epochs(), atMs });
  if (outcome.type === "refused") {
    if (outcome.respond !== undefined) yield* respond(passing, outcome.respond);
    return yield* discard(proxy, from, request, outcome.why);
  }
  proxy.count("admitted");
  yield* Effect.logInfo("border.admitted", { domain: outcome.domain, number: maskedIn(request) });
  yield* open(proxy, passing, inwards(proxy), outcome.domain);
});

/** A call that opens is remembered before it is passed on: its requests may come as soon as it is. */
const open = (proxy: Proxying, passing: Passing, to: FlowTarget, domain: string) =>
  Effect.flatMap(proxy.dialogs.remember(passing.request, domain), (isKept) =>
    isKept ? pass(proxy, passing, to) : respond(passing, { status: 503 }),
  );

const pass = (proxy: Proxying, passing: Passing, to: FlowTarget) => {
  const { endpoint, self, count, dialogs } = proxy;
  const { request } = passing;
  const opens = tagOf(request, "To") === undefined;
  const ended = (final: SipResponse | undefined) => {
    const isOver = opens ? final === undefined || final.status >= 300 : request.method === "BYE";
    if (isOver) dialogs.forget(request);
  };
  const unsecured = discard(proxy, passing.from, request, "answerNotSecured");
  return relayRequest(endpoint, { ...passing, to, self, count, ended, unsecured });
};

/** The ACK of a 2xx goes the way of its call, without a transaction; one that belongs to none is dropped. */
const passAck = (proxy: Proxying, passing: Passing) => {
  const { found } = placeOf(proxy, passing);
  if (found.type !== "passIn" && found.type !== "passOut") return Effect.logDebug("border.strayAck");
  const to: FlowTarget = found.type === "passIn" ? inwards(proxy) : { side: "outside", ...found.hop };
  const sent = Effect.gen(function* () {
    const branch = yield* newBranch;
    const flow = yield* proxy.endpoint.to(to);
    yield* flow.send(forwardedOf(passing.stripped, to.side, branch, proxy.self));
  });
  const told = Effect.catchTag(sent, "DialFailed", ({ why }) => Effect.logInfo("border.ackLost", why));
  return Effect.asVoid(Effect.forkScoped(told)); // a dial must not hold up other calls
};

const respond = ({ from, request }: Passing, { status, headers = [] }: Answer) =>
  Effect.flatMap(newBranch, (toTag) => from.send(responseTo(request, status, { toTag, headers })));

const discard = (proxy: Proxying, from: Flow, request: SipRequest, why: BorderReason) =>
  Effect.suspend(() => {
    proxy.refused(why);
    const number = maskedIn(request);
    return Effect.logInfo("border.refused", { why, method: request.method, domains: from.domains, number });
  });

const maskedIn = (request: SipRequest): string => maskE164(numberIn(request) ?? "");
