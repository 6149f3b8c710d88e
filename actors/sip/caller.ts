/** Hosts one call that we place: invites through the border element, or places it on the telephone network. */
import { Clock, type Context, Deferred, Effect, Exit, Scope } from "effect";
import { type E164, hexOf, type Vcr } from "../../codecs/shared/mod.ts";
import {
  type Dialog,
  dialogOfCaller,
  hostOf,
  inviteOf,
  offerOf,
  printSdp,
  requestIn,
  type SentBy,
  type SipRequest,
  type SipResponse,
  textBody,
} from "../../codecs/sip/mod.ts";
import {
  type CallAction,
  type CallEvent,
  type CallOutcome,
  type CallRoute,
  call,
  type HostPort,
  type PstnAnswerEvent,
  routeOf,
} from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import { Entropy, type PstnEvent, type PstnTrunk } from "../ports/mod.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Legs } from "./legs.ts";
import { mediaEnd } from "./media-end.ts";
import { newBranch } from "./relay.ts";
import type { ClientTold, ClientTransaction } from "./transactions.ts";

export interface Call {
  readonly calling: E164 | undefined;
  readonly called: E164;
  /** How long we talk when the call goes over SIP, until we hang up. */
  readonly talkMs: number;
  /** The call's own times if it goes over the telephone network. Default: now, and `talkMs`. */
  readonly startMs?: number;
  readonly durationMs?: number;
}

/** What calls of one agent share. */
export interface Caller {
  readonly endpoint: Endpoint;
  readonly legs: Legs;
  readonly by: SentBy;
  readonly border: () => HostPort | undefined;
  readonly domain: string;
  readonly vservice: bigint;
  readonly trunk: PstnTrunk;
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void>;
  readonly attemptMs: number;
  readonly ringMs: number;
  /** The agent's scope and ports: a call's end is not its outcome's. */
  readonly context: Context.Context<Entropy | Scope.Scope>;
}

export const callOut = (caller: Caller, wanted: Call, route: CallRoute | undefined): Effect.Effect<CallOutcome> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope);
    const box = yield* Scope.provide(mailbox<CallEvent>(32), scope);
    const outcome = yield* Deferred.make<CallOutcome>();
    const nowMs = yield* Clock.currentTimeMillis;
    const { calling, called, talkMs, startMs = nowMs, durationMs = talkMs } = wanted;
    let isOver = false;
    const tell = (event: CallEvent) => Effect.suspend(() => (isOver ? Effect.void : box.tell(event)));
    let transaction: ClientTransaction = { giveUp: Effect.void };
    let invite: SipRequest | undefined;
    let answer: SipResponse | undefined;

    const onTold = (told: ClientTold) => {
      if (told.type === "failed") return tell({ type: "lost", why: told.why });
      const { response } = told;
      if (response.status < 200) return tell({ type: "progress", status: response.status });
      if (response.status >= 300) return tell({ type: "refused", status: response.status });
      answer = response;
      caller.legs.add(response, { acked: Effect.void, hungUp: tell({ type: "hungUp" }) });
      return tell({ type: "answered", response });
    };
    const sendInvite = (uri: string, ticket: string) =>
      Effect.gen(function* () {
        const flow = yield* caller.endpoint.to(borderOf(caller));
        const body = textBody(printSdp(offerOf(yield* mediaEnd(caller.by.host))));
        const [branch, tag, callId] = [yield* newBranch, yield* newTag, yield* newTag];
        const { domain, by } = caller;
        const names = { host: hostOf(uri) ?? domain, called, calling, domain, by };
        invite = inviteOf({ ...names, branch, tag, callId, route: routeOf(uri), ticket, body });
        transaction = yield* caller.endpoint.ask(flow, invite, onTold);
      }).pipe(Effect.catchTag("DialFailed", ({ why }) => tell({ type: "lost", why })));
    const within = (response: SipResponse, method: "ACK" | "BYE") =>
      Effect.gen(function* () {
        const dialog = dialogOfCaller(invite!, response);
        const told =
          method === "BYE" ? (it: ClientTold) => (isFinal(it) ? tell({ type: "byeDone" }) : Effect.void) : undefined;
        yield* sendWithin(caller, dialog, method, told);
      });
    const onPstn = (event: PstnEvent) => tell(pstnTold(event));

    const perform = (action: CallAction): Effect.Effect<void, never, Entropy> => {
      switch (action.type) {
        case "invite":
          return Effect.asVoid(Effect.forkIn(sendInvite(action.uri, action.ticket), scope));
        case "cancelInvite":
          return transaction.giveUp;
        case "ack":
          return within(action.response, "ACK");
        case "bye":
          return within(action.response, "BYE");
        case "placePstn":
          return Effect.asVoid(
            Effect.forkIn(caller.trunk.place({ calling, called, startMs, durationMs }, onPstn), scope),
          );
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
      if (answer !== undefined) caller.legs.remove(answer);
      return Scope.close(scope, Exit.void);
    });
    const whole = drive(call, { calling, called, vservice, route, attemptMs, ringMs, talkMs }, box, perform);
    yield* Effect.forkIn(Effect.ensuring(whole, close), yield* Effect.scope);
    return yield* Deferred.await(outcome);
  }).pipe(Effect.provideContext(caller.context));

/** A request within a call goes to our border element, which knows the way. A BYE that cannot be sent is done, too. */
export const sendWithin = (
  from: Pick<Caller, "endpoint" | "by" | "border">,
  dialog: Dialog | undefined,
  method: "ACK" | "BYE",
  told: ((told: ClientTold) => Effect.Effect<void>) | undefined,
): Effect.Effect<void, never, Entropy> =>
  Effect.gen(function* () {
    const failed = told?.({ type: "failed", why: "lost" }) ?? Effect.void;
    if (dialog === undefined) return yield* failed;
    const request = requestIn(dialog, method, from.by, yield* newBranch);
    const sent = Effect.flatMap(from.endpoint.to(borderOf(from)), (flow) =>
      told === undefined ? flow.send(request) : from.endpoint.ask(flow, request, told),
    );
    yield* Effect.catchTag(sent, "DialFailed", () => failed);
  });

const borderOf = ({ border }: Pick<Caller, "border">) => {
  const { host, port } = border() ?? { host: "", port: 0 };
  return { side: "inside" as const, host, port, domain: undefined };
};

export const newTag = Effect.flatMap(Effect.service(Entropy), (entropy) => Effect.map(entropy.bytes(8), hexOf));

const isFinal = (told: ClientTold) => told.type === "failed" || told.response.status >= 200;

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
