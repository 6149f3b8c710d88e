/** Hosts one call that reaches us over SIP, from our border element. */
import { type Context, Effect, Exit, Scope } from "effect";
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  answerTo,
  contactOf,
  dialogOfCallee,
  printSdp,
  type ResponseParts,
  responseTo,
  type SipRequest,
  textBody,
} from "../../codecs/sip/mod.ts";
import {
  ACCEPT,
  type AnswerAction,
  type AnswerEvent,
  answer,
  descriptionIn,
  numberIn,
} from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { Entropy } from "../ports/mod.ts";
import type { Flow } from "./flow.ts";
import type { Legs } from "./legs.ts";
import { mediaEnd } from "./media-end.ts";
import type { ServerTold } from "./server-transaction.ts";
import { T1_MS } from "./transactions.ts";
import { newTag, type Place, sendBye } from "./within.ts";

/** What calls to one agent share. */
export interface Callee extends Place {
  readonly legs: Legs;
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
    const server = yield* callee.endpoint.serve(flow, invite, (told) => tell(eventOf(told)));
    const { parts, accepted, fault } = yield* acceptanceOf(callee, invite);
    const isNew = callee.legs.add(accepted, { acked: tell({ type: "acked" }), hungUp: tell({ type: "hungUp" }) });
    const number = numberIn(invite);
    const isOurs = number !== undefined && callee.serves(number);

    const perform = (action: AnswerAction): Effect.Effect<void, never, Entropy> => {
      switch (action.type) {
        case "respond":
          if (action.status === 200) callee.answered();
          return server.respond(action.status === 200 ? accepted : responseTo(invite, action.status, parts));
        case "bye":
          return Effect.asVoid(
            Effect.forkIn(sendBye(callee, dialogOfCallee(invite, accepted), tell({ type: "byeDone" })), scope),
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
    const unwelcome = !isOurs ? 404 : (fault ?? (isNew ? undefined : 503));
    const input = { unwelcome, answerMs: callee.answerMs, t1Ms: T1_MS, talkMsMax: callee.talkMsMax };
    yield* Effect.forkIn(Effect.ensuring(drive(answer, input, box, perform), close), around);
  }).pipe(Effect.provideContext(callee.context));

/** The 200 that we shall send if we answer, what its lesser responses share with it, and why its offer forbids it. */
const acceptanceOf = (callee: Callee, invite: SipRequest) =>
  Effect.gen(function* () {
    const offer = descriptionIn(invite);
    const media = offer.type === "sdp" ? answerTo(offer.sdp, yield* mediaEnd(callee.by.host)) : undefined;
    const fault = media !== undefined ? undefined : offer.type === "other" ? 415 : 488;
    const contact = { name: "Contact", value: contactOf(callee.by) };
    const parts: ResponseParts = { toTag: yield* newTag, headers: fault === 415 ? [contact, ...ACCEPT] : [contact] };
    const accepted = responseTo(invite, 200, {
      ...parts,
      headers: [contact, { name: "Content-Type", value: "application/sdp" }],
      body: textBody(media === undefined ? "" : printSdp(media)),
    });
    return { parts, accepted, fault };
  });

const eventOf = (told: ServerTold): AnswerEvent =>
  told.type === "cancelled" ? { type: "cancelled" } : { type: "lost", why: "upstream" };
