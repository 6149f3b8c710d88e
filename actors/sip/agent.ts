/**
 * A call agent: stands where a company's telephone exchange stands, and speaks real SIP over TCP to its border element.
 *
 *   placeCall --> call machine --+--> border element --> other domains      routeTo has a route
 *                                +--> Pstn                                  it has none, or the attempt failed
 *   border element --> answer machine      Pstn --> pstnAnswer machine --> uploadVcr
 *
 * No media is sent; offers and answers are those of secured audio (RFC 4568).
 */
import { Clock, Deferred, Effect, type Scope } from "effect";
import { type E164, maskE164, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import { responseTo } from "../../codecs/sip/mod.ts";
import type { CallOutcome, CallRoute, HostPort } from "../../machines/sip/mod.ts";
import { type Entropy, Listener, type Listening, Pstn } from "../ports/mod.ts";
import { answerCall, type Callee } from "./callee.ts";
import { type Call, type Caller, callOut } from "./caller.ts";
import { type Endpoint, openEndpoint } from "./endpoint.ts";
import { makeLegs } from "./legs.ts";
import { answerPstn } from "./pstn-callee.ts";
import type { TransactionUser } from "./transactions.ts";
import { sendBadRequest } from "./within.ts";

export interface AgentOptions {
  readonly domain: string;
  readonly vservice: VServiceId;
  /** Where it listens for its border element. Port 0 takes a free one. */
  readonly listen: HostPort;
  /** Which numbers are ours. */
  readonly serves: (number: E164) => boolean;
  /** The route to a number, from the route cache; undefined: the call takes the telephone network. */
  readonly routeTo: (number: E164, atMs: number) => CallRoute | undefined;
  /** Told of each telephone call that we had a part in, when it is over. */
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void>;
  /** How long an attempt may bring no provisional response. Default 2 000, docs/protocol/sip.md#the-callers-side. */
  readonly attemptMs?: number;
  /** How long a telephone rings before the caller gives up. Default 60 000. */
  readonly ringMs?: number;
  /** How long our telephones ring before they are answered. Default 20. */
  readonly answerMs?: number;
  /** We hang up calls that reach us over SIP after so long. Default twelve hours. */
  readonly answeredMsMax?: number;
}

export interface Agent {
  readonly listening: Listening;
  /** The inside address of our border element; until it is told, every call takes the telephone network. */
  readonly useBorder: (border: HostPort) => void;
  /** Gives the outcome when the call is over. */
  readonly placeCall: (call: Call) => Effect.Effect<CallOutcome>;
  /** Calls over SIP that we answered. */
  readonly answered: () => number;
  /** Calls over SIP that are under way. */
  readonly underWay: () => number;
}

/** Serves until the scope closes. Fails with ListenFailed. */
export const startAgent = Effect.fn("sip.agent")(function* (options: AgentOptions) {
  const listener = yield* Listener;
  const context = yield* Effect.context<Entropy | Scope.Scope>();
  const legs = makeLegs();
  let border: HostPort | undefined;
  let answered = 0;

  // A stream may come before there is an endpoint, which must know our own port: it waits.
  const ready = yield* Deferred.make<Endpoint>();
  const listening = yield* listener.listen(options.listen, (stream) =>
    Effect.flatMap(Deferred.await(ready), (endpoint) => endpoint.accept(stream)),
  );
  const by = { transport: "TCP" as const, host: listening.host, port: listening.port };
  const placeOf = (endpoint: Endpoint) => ({ endpoint, legs, by, border: () => border, context });
  const { endpoint } = yield* openEndpoint((endpoint) =>
    Effect.succeed(
      userOf(legs, {
        ...placeOf(endpoint),
        serves: options.serves,
        answerMs: options.answerMs ?? 20,
        talkMsMax: options.answeredMsMax ?? 12 * 3_600_000,
        answered: () => {
          answered += 1;
        },
      }),
    ),
  );
  yield* Deferred.succeed(ready, endpoint);
  const place = placeOf(endpoint);
  const caller: Caller = {
    ...place,
    domain: options.domain,
    apart: (work) => Effect.provideContext(Effect.asVoid(Effect.forkScoped(work)), context),
    vservice: options.vservice,
    trunk: yield* attach(options, context),
    uploadVcr: options.uploadVcr,
    attemptMs: options.attemptMs ?? 2_000,
    ringMs: options.ringMs ?? 60_000,
  };
  const placeCall: Agent["placeCall"] = Effect.fn("agent.placeCall")(function* (call: Call) {
    const nowMs = yield* Clock.currentTimeMillis;
    const route = border === undefined ? undefined : options.routeTo(call.called, nowMs);
    const outcome = yield* callOut(caller, call, route);
    yield* Effect.logInfo("agent.called", { number: maskE164(call.called), via: outcome.via });
    return outcome;
  });
  const useBorder = (address: HostPort) => {
    border = address;
  };
  return {
    listening,
    useBorder,
    placeCall,
    answered: () => answered,
    underWay: legs.count,
  } satisfies Agent as Agent;
});

/** Whom a message belongs to that belongs to no transaction. */
const userOf = (legs: ReturnType<typeof makeLegs>, callee: Callee): TransactionUser => ({
  request: (flow, request) => {
    const leg = legs.of(request);
    if (request.method === "INVITE" && leg === undefined) return answerCall(callee, flow, request);
    if (request.method === "BYE" && leg !== undefined)
      return Effect.andThen(flow.send(responseTo(request, 200)), leg.hungUp);
    return flow.send(responseTo(request, leg === undefined ? 481 : 405));
  },
  ack: (_, ack) => legs.of(ack)?.acked ?? Effect.void,
  unreadable: (flow, found) => Effect.provideContext(sendBadRequest(flow, found), callee.context),
});

const attach = ({ domain, vservice, serves, uploadVcr }: AgentOptions, context: Callee["context"]) =>
  Effect.flatMap(Effect.service(Pstn), (pstn) =>
    pstn.attach({
      name: domain,
      serves,
      incoming: ({ calling, called }) => answerPstn({ calling, called, vservice }, uploadVcr, context),
    }),
  );
