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
 */
import { setup } from "xstate";
import { type E164, ntpFromMs, type Vcr } from "../../codecs/shared/mod.ts";
import type { SipResponse } from "../../codecs/sip/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";

export interface CallInput {
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly vservice: bigint;
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
  | { readonly type: "pstnAnswered"; readonly atMs: number }
  | { readonly type: "pstnEnded"; readonly atMs: number }
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
  | { readonly type: "note"; readonly unexpected: string };

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
  readonly startMs: number;
}

type Ev<T extends CallEvent["type"]> = Extract<CallEvent, { readonly type: T }>;
type Only<A extends CallAction["type"]> = Extract<CallAction, { readonly type: A }>;

const stopTimer = (timer: CallTimer) => ({ type: "stopTimer", params: { timer } }) as const;
const noLongerPending = decide((_: Context) => ({ context: { isPending: false } }));
const fallBack = decide((_: Context, event: Ev<"refused"> | Ev<"lost"> | Ev<"timerFired">) => ({
  context: { fellBack: reasonOf(event), isPending: event.type === "timerFired" },
  actions: event.type === "timerFired" ? [{ type: "cancelInvite" } satisfies Only<"cancelInvite">] : [],
}));
const converse = decide(({ talkMs }: Context, { response }: Ev<"answered">) => ({
  context: { answer: response, isPending: false },
  actions: [
    { type: "ack", response } satisfies Only<"ack">,
    { type: "startTimer", timer: "talk", ms: talkMs } satisfies Only<"startTimer">,
  ],
}));
const reportSip = (hungUpBy: "us" | "them") =>
  decide(({ route, at }: Context) => ({
    actions: [{ type: "report", outcome: { via: "sip", uri: route!.uris[at]!, hungUpBy } } satisfies Only<"report">],
  }));
const tryNext = decide((context: Context, event: Ev<"refused"> | Ev<"lost">) => ({
  context: { at: context.at + 1, fellBack: reasonOf(event) },
}));
const hasAnother = ({ context }: { context: Context }) => context.at + 1 < context.route!.uris.length;
const firedIs =
  (timer: CallTimer) =>
  ({ event }: { event: Ev<"timerFired"> }) =>
    event.timer === timer;

/** In every state after the fallback: what becomes of the invitation that we gave up. */
const late = {
  answered: {
    guard: ({ context }: { context: Context }) => context.isPending,
    actions: decide((_: Context, { response }: Ev<"answered">) => ({
      context: { isPending: false },
      actions: [{ type: "ack", response } satisfies Only<"ack">, { type: "bye", response } satisfies Only<"bye">],
    })),
  },
  refused: { actions: noLongerPending },
  lost: { actions: noLongerPending },
  progress: {},
  byeDone: {},
};

export const call = machineOf<CallAction>()(
  setup({
    types: { input: {} as CallInput, context: {} as Context, events: {} as CallEvent },
    actions: declared<CallAction>({
      invite: true,
      cancelInvite: true,
      ack: true,
      bye: true,
      placePstn: true,
      upload: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
  }).createMachine({
    id: "call",
    context: ({ input }) => ({ ...input, at: 0, fellBack: undefined, isPending: false, answer: undefined, startMs: 0 }),
    initial: "deciding",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      deciding: {
        always: [
          {
            guard: ({ context }) => (context.route?.uris.length ?? 0) > 0,
            target: "attempting",
            actions: {
              type: "startTimer",
              params: ({ context }) => ({ timer: "attempt" as const, ms: context.attemptMs }),
            },
          },
          { target: "pstnCalling" },
        ],
      },
      attempting: {
        entry: {
          type: "invite",
          params: ({ context }) => ({ uri: context.route!.uris[context.at]!, ticket: context.route!.ticket }),
        },
        on: {
          progress: [
            { guard: ({ event }) => event.status === 100 },
            {
              target: "ringing",
              actions: [
                stopTimer("attempt"),
                { type: "startTimer", params: ({ context }) => ({ timer: "ring" as const, ms: context.ringMs }) },
              ],
            },
          ],
          answered: { target: "talking", actions: [stopTimer("attempt"), converse] },
          refused: [
            { guard: hasAnother, target: "attempting", reenter: true, actions: tryNext },
            { target: "pstnCalling", actions: [stopTimer("attempt"), fallBack] },
          ],
          lost: [
            { guard: hasAnother, target: "attempting", reenter: true, actions: tryNext },
            { target: "pstnCalling", actions: [stopTimer("attempt"), fallBack] },
          ],
          timerFired: { guard: firedIs("attempt"), target: "pstnCalling", actions: fallBack },
        },
      },
      ringing: {
        on: {
          progress: {},
          answered: { target: "talking", actions: [stopTimer("ring"), converse] },
          refused: { target: "pstnCalling", actions: [stopTimer("ring"), fallBack] },
          lost: { target: "pstnCalling", actions: [stopTimer("ring"), fallBack] },
          timerFired: { guard: firedIs("ring"), target: "pstnCalling", actions: fallBack },
        },
      },
      talking: {
        on: {
          hungUp: { target: "done", actions: [stopTimer("talk"), reportSip("them")] },
          timerFired: {
            guard: firedIs("talk"),
            target: "hangingUp",
            actions: { type: "bye", params: ({ context }) => ({ response: context.answer! }) },
          },
        },
      },
      hangingUp: {
        on: {
          hungUp: {}, // both hung up at once
          byeDone: { target: "done", actions: reportSip("us") },
        },
      },
      pstnCalling: {
        entry: { type: "placePstn", params: {} },
        on: {
          ...late,
          pstnAnswered: {
            target: "pstnTalking",
            actions: decide((_: Context, { atMs }: Ev<"pstnAnswered">) => ({ context: { startMs: atMs } })),
          },
          pstnFailed: { target: "lingering", actions: decide(reportFailure) },
        },
      },
      pstnTalking: {
        on: {
          ...late,
          pstnEnded: { target: "lingering", actions: decide(reportPstn) },
          pstnFailed: { target: "lingering", actions: decide(reportFailure) },
        },
      },
      lingering: { always: { guard: ({ context }) => !context.isPending, target: "done" }, on: late },
      done: { type: "final" },
    },
  }),
);

function reportPstn({ calling, called, startMs, vservice, fellBack }: Context, { atMs }: Ev<"pstnEnded">) {
  const stopMs = Math.max(startMs, atMs);
  const vcr: Vcr = {
    direction: "sent",
    calling,
    called,
    start: ntpFromMs(startMs),
    stop: ntpFromMs(stopMs),
    vservice,
  };
  const outcome: CallOutcome = { via: "pstn", fellBack, vcr };
  return {
    actions: [{ type: "upload", vcr } satisfies Only<"upload">, { type: "report", outcome } satisfies Only<"report">],
  };
}

function reportFailure({ fellBack }: Context, { why }: Ev<"pstnFailed">) {
  return { actions: [{ type: "report", outcome: { via: "failed", fellBack, why } } satisfies Only<"report">] };
}

function reasonOf(event: Ev<"refused"> | Ev<"lost"> | Ev<"timerFired">): string {
  switch (event.type) {
    case "refused":
      return `refused ${event.status}`;
    case "lost":
      return event.why;
    case "timerFired":
      return event.timer === "attempt" ? "no answer to the attempt" : "rang too long";
  }
}
