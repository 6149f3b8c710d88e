/**
 * Hosts the relay of one request: a server transaction behind it, a client transaction before it.
 *
 *   upstream flow <-- server transaction <-- relay --> client transaction --> next flow
 */
import { Effect, Exit, Scope } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { MAGIC_BRANCH, responseTo, type SipRequest, type SipResponse, tagOf } from "../../codecs/sip/mod.ts";
import {
  type BorderSelf,
  endingOf,
  forwardedOf,
  mediaVerdictOf,
  type RelayAction,
  type RelayEvent,
  relay,
} from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { ClientTold, ClientTransaction } from "./client-transaction.ts";
import type { Endpoint, FlowTarget } from "./endpoint.ts";
import type { Flow } from "./flow.ts";

/** More than three minutes. RFC 3261 §16.6 step 11. */
const TIMER_C_MS = 181_000;

export interface RelayJob {
  readonly from: Flow;
  /** As it came: its Vias lead back. */
  readonly request: SipRequest;
  /** Without our own Routes: what goes on. */
  readonly stripped: SipRequest;
  readonly to: FlowTarget;
  readonly self: BorderSelf;
  readonly count: (what: "forwarded" | "failed") => void;
  /** The final response that went back, or undefined when there was nobody left to send one to. */
  readonly ended: (final: SipResponse | undefined) => void;
  /** Says that the answer was not secured. */
  readonly unsecured: Effect.Effect<void>;
}

export const newBranch = Effect.flatMap(Effect.service(Entropy), (entropy) =>
  Effect.map(entropy.bytes(8), (bytes) => `${MAGIC_BRANCH}${hexOf(bytes)}`),
);

/** Comes back as soon as the server transaction stands, so that a CANCEL finds it; the rest runs in the caller's scope. */
export const relayRequest = Effect.fn("sip.relay")(function* (endpoint: Endpoint, job: RelayJob) {
  const around = yield* Effect.scope;
  const scope = yield* Scope.fork(around);
  const box = yield* Scope.provide(mailbox<RelayEvent>(32), scope);
  const branch = yield* newBranch;
  let isOver = false;
  const tell = (event: RelayEvent) => Effect.suspend(() => (isOver ? Effect.void : box.tell(event)));
  const server = yield* endpoint.serve(job.from, job.request, tell);
  let next: Flow | undefined;
  let client: ClientTransaction = { giveUp: Effect.void };
  let final: SipResponse | undefined;

  const connect = endpoint.to(job.to).pipe(
    Effect.flatMap((flow) => {
      next = flow;
      return tell({ type: "connected" });
    }),
    Effect.catchTag("DialFailed", ({ why }) =>
      Effect.andThen(
        Effect.logInfo("sip.unreachable", { domain: job.to.domain, why }),
        tell({ type: "unreachable", why }),
      ),
    ),
  );
  const forward = Effect.gen(function* () {
    const message = forwardedOf(job.stripped, job.to.side, branch, job.self);
    client = yield* endpoint.ask(next!, message, watchMedia(endpoint, job, next!, message, branch, tell));
  });
  const perform = (action: RelayAction): Effect.Effect<void> => {
    switch (action.type) {
      case "connect":
        return Effect.asVoid(Effect.forkIn(connect, scope));
      case "forward":
        return forward;
      case "giveUp":
        return client.giveUp;
      case "respond":
        final = action.response.status >= 200 ? action.response : final;
        return server.respond(action.response);
      case "startTimer":
        return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
      case "stopTimer":
        return box.stopTimer(action.timer);
      case "count":
        return Effect.sync(() => job.count(action.what));
      case "note":
        return Effect.logDebug("sip.unexpected", action.unexpected);
    }
  };
  const close = Effect.suspend(() => {
    isOver = true;
    job.ended(final);
    return Scope.close(scope, Exit.void);
  });
  const whole = drive(relay, { request: job.request, timerCMs: TIMER_C_MS }, box, perform, branch);
  yield* Effect.forkIn(Effect.ensuring(whole, close), around);
});

/**
 * Hears what comes back, and lets nothing through by which a call would not be secured. RFC 4568 §5.1.3. An answer that is
 * not ends the call: downstream has ACK and BYE, as from a caller; upstream is refused, so that the call may take another
 * way. Within a call 481 has the other end hang up, RFC 3261 §12.2.1.2.
 */
const watchMedia = (
  endpoint: Endpoint,
  { request, to, self, unsecured }: RelayJob,
  next: Flow,
  sent: SipRequest,
  branch: string,
  tell: (event: RelayEvent) => Effect.Effect<void>,
) => {
  let isAnswered = false;
  const refusal = tagOf(request, "To") === undefined ? 488 : 481;
  const end = Effect.fn("sip.endUnsecured")(function* (answer: SipResponse) {
    const ending = endingOf(sent, answer, to.side, [`${branch}a`, `${branch}b`], self);
    if (ending?.ack !== undefined) yield* next.send(ending.ack);
    if (ending !== undefined) yield* endpoint.ask(next, ending.bye, () => Effect.void);
    yield* unsecured;
    yield* tell({ type: "received", response: responseTo(request, refusal, { toTag: branch }) });
  });
  return (told: ClientTold): Effect.Effect<void> => {
    if (told.type !== "received") return tell(told);
    const verdict = mediaVerdictOf(request, told.response, isAnswered);
    if (verdict.type === "early") return Effect.logInfo("sip.earlyMediaNotSecured", told.response.status);
    if (verdict.type === "unsecured") return end(told.response);
    isAnswered ||= verdict.isAnswer;
    return tell(told);
  };
};
