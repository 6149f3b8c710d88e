/**
 * A call agent: stands where a company's telephone exchange stands, and speaks real SIP over TCP to its border element.
 *
 *   placeCall --> call machine --+--> border element --> other domains      a route was learned
 *                                +--> Pstn                                  none was, or the attempt failed
 *   border element --> answer machine      Pstn --> pstnAnswer machine --> uploadVcr
 *
 * No media is sent; offers and answers are those of secured audio (RFC 4568).
 */
import { Clock, Effect, type Scope } from "effect";
import { type E164, maskE164, type Vcr } from "../../codecs/shared/mod.ts";
import { responseTo } from "../../codecs/sip/mod.ts";
import type { CallOutcome, CallRoute, HostPort } from "../../machines/sip/mod.ts";
import { type Entropy, Listener, type Listening, Pstn } from "../ports/mod.ts";
import { answerCall, answerPstn, type Callee } from "./callee.ts";
import { type Call, type Caller, callOut } from "./caller.ts";
import { openEndpoint } from "./endpoint.ts";
import { type Legs, makeLegs } from "./legs.ts";

export interface AgentOptions {
  readonly domain: string;
  readonly vservice: bigint;
  /** Where it listens for its border element. Port 0 takes a free one. */
  readonly listen: HostPort;
  /** Which numbers are ours. */
  readonly serves: (number: E164) => boolean;
  /** Told of each telephone call that we had a part in, when it is over. */
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void>;
  /** How long an attempt may bring no provisional response. Default 2 000, profile §4. */
  readonly attemptMs?: number;
  /** How long a telephone rings before the caller gives up. Default 60 000. */
  readonly ringMs?: number;
  /** How long our telephones ring before they are answered. Default 20. */
  readonly answerMs?: number;
  /** We hang up calls that reach us over SIP after so long. Default twelve hours. */
  readonly answeredMsMax?: number;
}

/** What a notification taught about one number. VAP's ValInfo. */
export interface LearnedRoute {
  readonly number: E164;
  readonly uris: ReadonlyArray<string>;
  readonly ticket: string;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

export interface Agent {
  readonly listening: Listening;
  /** The inside address of our border element; until it is told, every call takes the telephone network. */
  readonly useBorder: (border: HostPort) => void;
  /** Replaces what was known about the number. False: there is no room, or no URI. */
  readonly learn: (route: LearnedRoute) => boolean;
  readonly routes: () => ReadonlyArray<LearnedRoute>;
  /** Gives the outcome when the call is over. */
  readonly placeCall: (call: Call) => Effect.Effect<CallOutcome>;
  /** Calls over SIP that we answered. */
  readonly answered: () => number;
  /** Calls over SIP that are under way. */
  readonly underWay: () => number;
}

/** Numbers with a route. */
export const ROUTES_MAX = 100_000;

/** Serves until the scope closes. */
export const startAgent = Effect.fn("sip.agent")(function* (options: AgentOptions) {
  const listener = yield* Listener;
  const pstn = yield* Pstn;
  const legs: Legs = makeLegs();
  const routes = new Map<E164, LearnedRoute>();
  let border: HostPort | undefined;
  let answered = 0;
  let callee: Callee | undefined;

  const endpoint = yield* openEndpoint(
    { credentials: undefined },
    {
      request: (flow, request) => {
        const leg = legs.of(request);
        if (request.method === "INVITE" && leg === undefined) return answerCall(callee!, flow, request);
        if (request.method === "BYE" && leg !== undefined)
          return Effect.andThen(flow.send(responseTo(request, 200)), leg.hungUp);
        return flow.send(responseTo(request, leg === undefined ? 481 : 405));
      },
      ack: (_, ack) => legs.of(ack)?.acked ?? Effect.void,
    },
  );
  const listening = yield* listener.listen(options.listen, (stream) => endpoint.accept(stream, "inside"));
  const context = yield* Effect.context<Entropy | Scope.Scope>();
  const by = { transport: "TCP" as const, host: listening.host, port: listening.port };
  callee = {
    endpoint,
    legs,
    by,
    border: () => border,
    serves: options.serves,
    answerMs: options.answerMs ?? 20,
    talkMsMax: options.answeredMsMax ?? 12 * 3_600_000,
    answered: () => {
      answered += 1;
    },
    context,
  };
  const trunk = yield* pstn.attach({
    name: options.domain,
    serves: options.serves,
    incoming: ({ calling, called }) =>
      Effect.provideContext(answerPstn({ calling, called, vservice: options.vservice }, options.uploadVcr), context),
  });

  const caller: Caller = {
    endpoint,
    legs,
    by,
    border: () => border,
    domain: options.domain,
    vservice: options.vservice,
    trunk,
    uploadVcr: options.uploadVcr,
    attemptMs: options.attemptMs ?? 2_000,
    ringMs: options.ringMs ?? 60_000,
    context,
  };
  /** Only while it lasts; without a border element there is no way to it. */
  const routeTo = (number: E164, nowMs: number): CallRoute | undefined => {
    const route = routes.get(number);
    return route === undefined || route.expiresMs <= nowMs || border === undefined ? undefined : route;
  };
  const placeCall: Agent["placeCall"] = Effect.fn("agent.placeCall")(function* (call: Call) {
    const route = routeTo(call.called, yield* Clock.currentTimeMillis);
    const outcome = yield* callOut(caller, call, route);
    yield* Effect.logInfo("agent.called", { number: maskE164(call.called), via: outcome.via });
    return outcome;
  });
  const learn: Agent["learn"] = (route) => {
    if (route.uris.length === 0 || (routes.size >= ROUTES_MAX && !routes.has(route.number))) return false;
    routes.set(route.number, route);
    return true;
  };
  const useBorder = (address: HostPort) => {
    border = address;
  };
  return {
    listening,
    useBorder,
    learn,
    routes: () => [...routes.values()],
    placeCall,
    answered: () => answered,
    underWay: legs.count,
  } satisfies Agent as Agent;
});
