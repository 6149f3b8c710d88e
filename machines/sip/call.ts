/**
 * A call that our call agent places: over SIP when a route is known, over the telephone network otherwise and whenever
 * the attempt fails before it is answered. ViPR overview §5.3.2 and §5.3.4; docs/protocol/sip.md#the-callers-side.
 *
 *    o -- route --> attempting -- progress --> ringing --- answered: ack --> talking -- talk over: bye --> hangingUp
 *    |                 | answered: ack ----------------------^  | hungUp                              byeDone |
 *    | no route        | refused, lost, attempt or ring over    v                                             v
 *    +---------------> pstnCalling -- pstnAnswered --> pstnTalking -- pstnEnded: upload --> lingering --> done
 *
 * The attempt has `attemptMs` to bring any provisional response but 100, which comes from our own border element.
 * Lingering waits for the end of an invitation that was cancelled: a late answer to it is acknowledged and hung up.
 * Requirements: ViPR overview §4, §5.1.
 */
import { type E164, type UnixMs, unixMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import type { SipResponse } from "../../codecs/sip/mod.ts";
import { type Decision, type Note, type Of, setup } from "../kit/mod.ts";

export interface CallInput {
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly vservice: VServiceId;
  /** What was learned about the number; undefined: nothing. */
  readonly route: CallRoute | undefined;
  readonly attemptMs: number;
  readonly ringMs: number;
  readonly talkMs: number;
}

export interface CallRoute {
  /** SIP URIs, tried in this order. */
  readonly uris: ReadonlyArray<string>;
  readonly ticket: string;
}

export type CallTimer = "attempt" | "ring" | "talk";

export type CallEvent =
  | { readonly type: "progress"; readonly status: number }
  | { readonly type: "answered"; readonly response: SipResponse }
  | { readonly type: "refused"; readonly status: number }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "hungUp" }
  | { readonly type: "byeDone" }
  | { readonly type: "pstnAnswered"; readonly atMs: UnixMs }
  | { readonly type: "pstnEnded"; readonly atMs: UnixMs }
  | { readonly type: "pstnFailed"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: CallTimer };

export type CallAction =
  | { readonly type: "invite"; readonly uri: string; readonly ticket: string }
  | { readonly type: "cancelInvite" }
  | { readonly type: "ack"; readonly response: SipResponse }
  | { readonly type: "bye"; readonly response: SipResponse }
  | { readonly type: "placePstn" }
  | { readonly type: "upload"; readonly vcr: Vcr }
  | { readonly type: "report"; readonly outcome: CallOutcome }
  | { readonly type: "startTimer"; readonly timer: CallTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: CallTimer }
  | Note;

/** `fellBack`: why the SIP attempt did not become the call; undefined when there was no attempt. */
export type CallOutcome =
  | { readonly via: "sip"; readonly uri: string; readonly hungUpBy: "us" | "them" }
  | { readonly via: "pstn"; readonly fellBack: string | undefined; readonly vcr: Vcr }
  | { readonly via: "failed"; readonly fellBack: string | undefined; readonly why: string };

interface Context extends CallInput {
  /** Which of the route's URIs is being tried. */
  readonly at: number;
  readonly fellBack: string | undefined;
  /** An invitation is out whose end we do not know yet. */
  readonly isPending: boolean;
  readonly answer: SipResponse | undefined;
  readonly startMs: UnixMs;
}

const { machine, assign, decide, give, handlers } = setup<{
  input: CallInput;
  context: Context;
  event: CallEvent;
  order: CallAction;
}>();

const stopTimer = (timer: CallTimer) => ({ type: "stopTimer", timer }) as const;
const invitationEnded = assign(() => ({ isPending: false }));
/** The attempt is given up; an invitation that nobody has answered is cancelled. */
const fallBack = assign((_, event: Of<CallEvent, "refused" | "lost">) => ({
  fellBack: reasonOf(event),
  isPending: false,
}));
const giveUp = (fellBack: string) => [assign(() => ({ fellBack, isPending: true })), { type: "cancelInvite" } as const];
const converse = decide(["ack", "startTimer"], ({ talkMs }, { response }: Of<CallEvent, "answered">) => ({
  context: { answer: response, isPending: false },
  actions: [
    { type: "ack", response },
    { type: "startTimer", timer: "talk", ms: talkMs },
  ],
}));
const reportSip = (hungUpBy: "us" | "them") =>
  give("report", ({ route, at }) => ({ outcome: { via: "sip", uri: route!.uris[at]!, hungUpBy } }));
const hasRoute = ({ route }: Context): boolean => (route?.uris.length ?? 0) > 0;
const hasAnother = ({ at, route }: Context): boolean => at + 1 < route!.uris.length;
const isPending = ({ isPending }: Context): boolean => isPending;
const isSettled = (context: Context): boolean => !isPending(context);

const failAttempt = [
  {
    guard: hasAnother,
    target: "attempting",
    reenter: true,
    actions: assign(({ at }, event: Of<CallEvent, "refused" | "lost">) => ({ at: at + 1, fellBack: reasonOf(event) })),
  },
  { target: "pstnCalling", actions: [stopTimer("attempt"), fallBack] },
] as const;
const failRinging = { target: "pstnCalling", actions: [stopTimer("ring"), fallBack] } as const;

/** In every state after the fallback: what becomes of the invitation that we gave up. */
const late = handlers({
  answered: {
    guard: isPending,
    actions: decide(["ack", "bye"], (_, { response }: Of<CallEvent, "answered">) => ({
      context: { isPending: false },
      actions: [
        { type: "ack", response },
        { type: "bye", response },
      ],
    })),
  },
  refused: { actions: invitationEnded },
  lost: { actions: invitationEnded },
  progress: {},
  byeDone: {},
});
const reportFailure = give("report", ({ fellBack }, { why }: Of<CallEvent, "pstnFailed">) => ({
  outcome: { via: "failed", fellBack, why },
}));

export const call = machine("call", {
  context: (input) => ({
    ...input,
    at: 0,
    fellBack: undefined,
    isPending: false,
    answer: undefined,
    startMs: unixMs(0),
  }),
  initial: "deciding",
  states: {
    deciding: {
      always: [
        {
          guard: hasRoute,
          target: "attempting",
          actions: give("startTimer", ({ attemptMs }) => ({ timer: "attempt", ms: attemptMs })),
        },
        { target: "pstnCalling" },
      ],
    },
    attempting: {
      entry: give("invite", ({ route, at }) => ({ uri: route!.uris[at]!, ticket: route!.ticket })),
      on: {
        progress: [
          { guard: (_, { status }) => status === 100 },
          {
            target: "ringing",
            actions: [stopTimer("attempt"), give("startTimer", ({ ringMs }) => ({ timer: "ring", ms: ringMs }))],
          },
        ],
        answered: { target: "talking", actions: [stopTimer("attempt"), converse] },
        refused: failAttempt,
        lost: failAttempt,
      },
      timers: { attempt: { target: "pstnCalling", actions: giveUp("no answer to the attempt") } },
    },
    ringing: {
      on: {
        progress: {},
        answered: { target: "talking", actions: [stopTimer("ring"), converse] },
        refused: failRinging,
        lost: failRinging,
      },
      timers: { ring: { target: "pstnCalling", actions: giveUp("rang too long") } },
    },
    talking: {
      on: { hungUp: { target: "done", actions: [stopTimer("talk"), reportSip("them")] } },
      timers: { talk: { target: "hangingUp", actions: give("bye", ({ answer }) => ({ response: answer! })) } },
    },
    hangingUp: {
      on: {
        hungUp: {}, // both hung up at once
        byeDone: { target: "done", actions: reportSip("us") },
      },
    },
    pstnCalling: {
      entry: { type: "placePstn" },
      on: {
        ...late,
        pstnAnswered: { target: "pstnTalking", actions: assign((_, { atMs }) => ({ startMs: atMs })) },
        pstnFailed: { target: "lingering", actions: reportFailure },
      },
    },
    pstnTalking: {
      on: {
        ...late,
        pstnEnded: { target: "lingering", actions: decide(["upload", "report"], reportPstn) },
        pstnFailed: { target: "lingering", actions: reportFailure },
      },
    },
    lingering: { always: { guard: isSettled, target: "done" }, on: late },
    done: { type: "final" },
  },
});

function reportPstn(
  { calling, called, startMs, vservice, fellBack }: Context,
  { atMs }: Of<CallEvent, "pstnEnded">,
): Decision<Context, Of<CallAction, "upload" | "report">> {
  const stopMs = unixMs(Math.max(startMs, atMs));
  const vcr: Vcr = {
    direction: "sent",
    calling,
    called,
    startMs,
    stopMs,
    vservice,
  };
  return {
    actions: [
      { type: "upload", vcr },
      { type: "report", outcome: { via: "pstn", fellBack, vcr } },
    ],
  };
}

const reasonOf = (event: Of<CallEvent, "refused" | "lost">): string =>
  event.type === "refused" ? `refused ${event.status}` : event.why;
