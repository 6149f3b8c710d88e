/** Hosts one call that reaches us over the telephone network. */
import { type Context, Effect, Exit, Scope } from "effect";
import type { Vcr } from "../../codecs/shared/mod.ts";
import {
  type PstnAnswerAction,
  type PstnAnswerEvent,
  type PstnAnswerInput,
  pstnAnswer,
} from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { PstnEvent } from "../ports/mod.ts";

/** Gives what the network tells of the call to. */
export const answerPstn = (
  input: PstnAnswerInput,
  uploadVcr: (vcr: Vcr) => Effect.Effect<void>,
  context: Context.Context<Scope.Scope>,
) =>
  Effect.gen(function* () {
    const around = yield* Effect.scope;
    const scope = yield* Scope.fork(around);
    const box = yield* Scope.provide(mailbox<PstnAnswerEvent>(8), scope);
    const perform = (action: PstnAnswerAction) =>
      action.type === "upload" ? uploadVcr(action.vcr) : Effect.logDebug("call.unexpected", action.unexpected);
    const whole = Effect.ensuring(drive(pstnAnswer, input, box, perform), Scope.close(scope, Exit.void));
    yield* Effect.forkIn(whole, around);
    return (event: PstnEvent) => box.tell(pstnTold(event));
  }).pipe(Effect.provideContext(context));

/** The network's words as the machines know them. */
export const pstnTold = (event: PstnEvent): PstnAnswerEvent => {
  switch (event.type) {
    case "answered":
      return { type: "pstnAnswered", atMs: event.atMs };
    case "ended":
      return { type: "pstnEnded", atMs: event.atMs };
    case "failed":
      return { type: "pstnFailed", why: event.why };
  }
};
