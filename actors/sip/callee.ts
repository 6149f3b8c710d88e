/** Hosts calls that reach us: over SIP from our border element, and over the telephone network. */
import { type Context, Effect, Exit, Scope } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import {
  answerTo,
  contactOf,
  dialogOfCallee,
  parseSdp,
  printSdp,
  type ResponseParts,
  responseTo,
  type SentBy,
  type SipRequest,
  textBody,
} from "../../codecs/sip/mod.ts";
import {
  type AnswerAction,
  type AnswerEvent,
  answer,
  type HostPort,
  numberIn,
  type PstnAnswerAction,
  type PstnAnswerEvent,
  type PstnAnswerInput,
  pstnAnswer,
} from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { Entropy, PstnEvent } from "../ports/mod.ts";
import { newTag, pstnTold, sendWithin } from "./caller.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Flow } from "./flow.ts";
import type { Legs } from "./legs.ts";
import { mediaEnd } from "./media-end.ts";
import { type ServerTold, T1_MS } from "./transactions.ts";

/** What calls to one agent share. */
export interface Callee {
  readonly endpoint: Endpoint;
  readonly legs: Legs;
  readonly by: SentBy;
  readonly border: () => HostPort | undefined;
  readonly serves: (number: E164) => boolean;
  readonly answerMs: number;
  readonly talkMsMax: number;
  /** Called for each call that was answered. */
  readonly answered: () => void;
  readonly context: Context.Context<Entropy | Scope.Scope>;
}

/** Comes back as soon as the call rings. */
export const answerCall = (callee: Callee, flow: Flow, invite: SipRequest): Effect.Effect<void> =>
  Effect.gen(function* () {
    const around = yield* Effect.scope;
    const scope = yield* Scope.fork(around);
    const box = yield* Scope.provide(mailbox<AnswerEvent>(16), scope);
    let isOver = false;
    const tell = (event: AnswerEvent) => Effect.suspend(() => (isOver ? Effect.void : box.tell(event)));
    const onTold = (told: ServerTold) =>
      tell(told.type === "cancelled" ? { type: "cancelled" } : { type: "lost", why: "upstream" });
    const server = yield* callee.endpoint.serve(flow, invite, onTold);

    const number = numberIn(invite);
    const sdp = parseSdp(new TextDecoder().decode(invite.body));
    const media = sdp.ok ? answerTo(sdp.value, yield* mediaEnd(callee.by.host)) : undefined;
    const isOurs = number !== undefined && callee.serves(number);
    const parts: ResponseParts = { toTag: yield* newTag, headers: [{ name: "Contact", value: contactOf(callee.by) }] };
    const accepted = responseTo(invite, 200, {
      ...parts,
      headers: [...parts.headers!, { name: "Content-Type", value: "application/sdp" }],
      body: textBody(media === undefined ? "" : printSdp(media)),
    });
    const isNew = callee.legs.add(accepted, { acked: tell({ type: "acked" }), hungUp: tell({ type: "hungUp" }) });
    const unwelcome = !isOurs ? 404 : media === undefined ? 488 : isNew ? undefined : 503;

    const perform = (action: AnswerAction): Effect.Effect<void, never, Entropy> => {
      switch (action.type) {
        case "respond":
          if (action.status === 200) callee.answered();
          return server.respond(action.status === 200 ? accepted : responseTo(invite, action.status, parts));
        case "bye":
          return sendWithin(callee, dialogOfCallee(invite, accepted), "BYE", (told) =>
            told.type === "received" && told.response.status < 200 ? Effect.void : tell({ type: "byeDone" }),
          );
        case "startTimer":
          return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
        case "stopTimer":
          return box.stopTimer(action.timer);
        case "report":
          return Effect.logDebug("agent.answered", action.outcome);
        case "note":
          return Effect.logDebug("call.unexpected", action.unexpected);
      }
    };
    const close = Effect.suspend(() => {
      isOver = true;
      callee.legs.remove(accepted);
      return Scope.close(scope, Exit.void);
    });
    const input = { unwelcome, answerMs: callee.answerMs, t1Ms: T1_MS, talkMsMax: callee.talkMsMax };
    yield* Effect.forkIn(Effect.ensuring(drive(answer, input, box, perform), close), around);
  }).pipe(Effect.provideContext(callee.context));

/** Gives what the network tells of the call to. */
export const answerPstn = (input: PstnAnswerInput, uploadVcr: (vcr: Vcr) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const around = yield* Effect.scope;
    const scope = yield* Scope.fork(around);
    const box = yield* Scope.provide(mailbox<PstnAnswerEvent>(8), scope);
    const perform = (action: PstnAnswerAction) =>
      action.type === "upload" ? uploadVcr(action.vcr) : Effect.logDebug("call.unexpected", action.unexpected);
    const whole = Effect.ensuring(drive(pstnAnswer, input, box, perform), Scope.close(scope, Exit.void));
    yield* Effect.forkIn(whole, around);
    return (event: PstnEvent) => box.tell(pstnTold(event));
  });
