/**
 * Hosts one call that we place.
 *
 *   call machine -- invite, ack, bye --> invitation --> border element        placePstn --> Pstn
 */
import { Clock, type Context, Deferred, Effect, Exit, Scope } from "effect";
import { type E164, type UnixMs, unixMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import { type CallAction, type CallEvent, type CallOutcome, type CallRoute, call } from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { Entropy, PstnTrunk } from "../ports/mod.ts";
import { type Inviting, makeInvitation } from "./invitation.ts";
import { pstnTold } from "./pstn-callee.ts";

export interface Call {
  /** Undefined: we withhold our number. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  /** How long we talk when the call goes over SIP, until we hang up. */
  readonly talkMs: number;
  /** The call's own times if it goes over the telephone network. Default: now, and `talkMs`. */
  readonly startMs?: UnixMs;
  readonly durationMs?: number;
}

/** What calls of one agent share. */
export interface Caller extends Inviting {
  readonly vservice: VServiceId;
  readonly trunk: PstnTrunk;
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void>;
  readonly attemptMs: number;
  readonly ringMs: number;
  /** The agent's scope and ports: a call may outlive its outcome. */
  readonly context: Context.Context<Entropy | Scope.Scope>;
}

/** Gives the outcome as soon as there is one; the call's last duties are done after that, in the agent's scope. */
export const callOut = (caller: Caller, wanted: Call, route: CallRoute | undefined): Effect.Effect<CallOutcome> =>
  Effect.gen(function* () {
    const around = yield* Effect.scope;
    const scope = yield* Scope.fork(around);
    const box = yield* Scope.provide(mailbox<CallEvent>(32), scope);
    const outcome = yield* Deferred.make<CallOutcome>();
    const nowMs = unixMs(yield* Clock.currentTimeMillis);
    const { calling, called, talkMs, startMs = nowMs, durationMs = talkMs } = wanted;
    let isOver = false;
    const tell = (event: CallEvent) => Effect.suspend(() => (isOver ? Effect.void : box.tell(event)));
    const invitation = makeInvitation(caller, { calling, called }, tell);
    const place = caller.trunk.place({ calling, called, startMs, durationMs }, (event) => tell(pstnTold(event)));

    const perform = (action: CallAction): Effect.Effect<void, never, Entropy> => {
      switch (action.type) {
        case "invite":
          return Effect.asVoid(Effect.forkIn(invitation.send(action.uri, action.ticket), scope));
        case "cancelInvite":
          return invitation.giveUp;
        case "ack":
          return invitation.ack(action.response);
        case "bye":
          return Effect.asVoid(Effect.forkIn(invitation.bye(action.response), around));
        case "placePstn":
          return Effect.asVoid(Effect.forkIn(place, scope));
        case "upload":
          return caller.uploadVcr(action.vcr);
        case "report":
          return Effect.asVoid(Deferred.succeed(outcome, action.outcome));
        case "startTimer":
          return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
        case "stopTimer":
          return box.stopTimer(action.timer);
        case "note":
          return Effect.logDebug("call.unexpected", action.unexpected);
      }
    };
    const { vservice, attemptMs, ringMs } = caller;
    const close = Effect.suspend(() => {
      isOver = true;
      invitation.forget();
      return Scope.close(scope, Exit.void);
    });
    const whole = drive(call, { calling, called, vservice, route, attemptMs, ringMs, talkMs }, box, perform);
    yield* Effect.forkIn(Effect.ensuring(whole, close), around);
    return yield* Deferred.await(outcome);
  }).pipe(Effect.provideContext(caller.context));
