/**
 * One neighbour over TLS on TCP: numbers what is sent, acknowledges what comes, and times the acknowledgements to see
 * soon that a neighbour is gone. RFC 6940 §6.6.2, §6.6.5; RFC 6298 §2 for the timer.
 *
 *   o --> open -- timerFired rto, twice --> doubtful -- acknowledged --> open        report doubtful, open
 *          |                                   |------ timerFired hold (30 s) --> lost   close
 *          +------------- closed --------------+--------------------------------> lost
 *
 * The timeout "is not used for retransmissions, but rather ... to indicate when the link SHOULD be removed from the
 * Routing Table". One firing may be our own late waking: the second, with no acknowledgement in between, tells.
 */
import { setup } from "xstate";
import type { FramedMessage } from "../../codecs/reload/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";

export interface ReloadLinkInput {
  /** RFC 6298 §2.4 asks for at least 1 s. */
  readonly rtoMsMin: number;
  /** "RECOMMENDED that such a connection be retained for 30 seconds", §6.6.5. */
  readonly holdMs: number;
}

export type ReloadLinkEvent =
  | { readonly type: "post"; readonly message: Uint8Array; readonly atMs: number }
  | { readonly type: "framed"; readonly frame: FramedMessage; readonly atMs: number }
  | { readonly type: "timerFired"; readonly timer: "rto" | "hold"; readonly atMs: number }
  | { readonly type: "closed"; readonly why: string };

export type ReloadLinkAction =
  | { readonly type: "write"; readonly frame: FramedMessage }
  | { readonly type: "deliver"; readonly message: Uint8Array }
  | { readonly type: "startTimer"; readonly timer: "rto" | "hold"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "rto" | "hold" }
  | { readonly type: "report"; readonly state: "open" | "doubtful" | "lost"; readonly why: string }
  | { readonly type: "close" }
  | { readonly type: "note"; readonly unexpected: string };

export interface ReloadLinkContext extends ReloadLinkInput {
  readonly next: number;
  /** Sent and not acknowledged, oldest first. */
  readonly unacknowledged: ReadonlyArray<{ readonly sequence: number; readonly atMs: number }>;
  /** Numbers of the last messages received, newest first. */
  readonly received: ReadonlyArray<number>;
  readonly srttMs: number | undefined;
  readonly rttvarMs: number;
  readonly rtoMs: number;
  /** The timer has fired once with nothing heard since. */
  readonly warned: boolean;
}

/** "MUST keep track of the 32 most recent sequence numbers", §6.6.2. */
const RECEIVED_MAX = 32;
/** Older ones are forgotten: their acknowledgements would measure nothing new. */
const UNACKNOWLEDGED_MAX = 1_024;
const RTO_MS_MAX = 60_000;
const SEQUENCES = 2 ** 32;

type Made = Decision<ReloadLinkContext, ReloadLinkAction>;

/** RFC 6298 §2.2, §2.3, with the clock's grain of 1 ms. */
const measured = (context: ReloadLinkContext, rttMs: number): Partial<ReloadLinkContext> => {
  const first = context.srttMs === undefined;
  const rttvarMs = first ? rttMs / 2 : 0.75 * context.rttvarMs + 0.25 * Math.abs(context.srttMs - rttMs);
  const srttMs = first ? rttMs : 0.875 * context.srttMs + 0.125 * rttMs;
  return {
    srttMs,
    rttvarMs,
    rtoMs: Math.min(RTO_MS_MAX, Math.max(context.rtoMsMin, srttMs + Math.max(1, 4 * rttvarMs))),
  };
};

const post = (context: ReloadLinkContext, message: Uint8Array, atMs: number): Made => {
  const { next, unacknowledged, rtoMs } = context;
  return {
    context: {
      next: (next + 1) % SEQUENCES,
      unacknowledged: [...unacknowledged, { sequence: next, atMs }].slice(-UNACKNOWLEDGED_MAX),
    },
    actions: [
      { type: "write", frame: { type: "data", frame: { sequence: next, message } } },
      ...(unacknowledged.length === 0 ? [{ type: "startTimer", timer: "rto", ms: rtoMs } as const] : []),
    ],
  };
};

/** "the N-M bit of the received bitmask is set": bit 0 is the first of the 32 before N. */
export const maskOf = (sequence: number, received: ReadonlyArray<number>): number =>
  received.reduce((mask, earlier) => {
    const back = sequence - earlier;
    return back >= 1 && back <= RECEIVED_MAX ? (mask | (1 << (back - 1))) >>> 0 : mask;
  }, 0);

const receive = (context: ReloadLinkContext, sequence: number, message: Uint8Array): Made => ({
  context: { received: [sequence, ...context.received].slice(0, RECEIVED_MAX) },
  actions: [
    { type: "write", frame: { type: "ack", frame: { sequence, received: maskOf(sequence, context.received) } } },
    { type: "deliver", message },
  ],
});

/**
 * On a reliable stream an acknowledgement answers for everything sent before it. `isTimed`: the timer runs, as it does
 * while the link is open and something is unacknowledged.
 */
const acknowledge = (context: ReloadLinkContext, sequence: number, atMs: number, isTimed: boolean): Made => {
  const at = context.unacknowledged.findIndex((sent) => sent.sequence === sequence);
  if (at < 0) return { actions: [{ type: "note", unexpected: `ack ${sequence}` }] };
  const left = context.unacknowledged.slice(at + 1);
  const found = measured(context, atMs - context.unacknowledged[at]!.atMs);
  const more = { type: "startTimer", timer: "rto", ms: found.rtoMs ?? context.rtoMs } as const;
  const none = isTimed ? [{ type: "stopTimer", timer: "rto" } as const] : [];
  return {
    context: { ...found, unacknowledged: left, warned: false },
    actions: left.length === 0 ? none : [more],
  };
};

const posted = decide<ReloadLinkContext, Extract<ReloadLinkEvent, { type: "post" }>, ReloadLinkAction>(
  (context, event) => post(context, event.message, event.atMs),
);
const framed = (isTimed: boolean) =>
  decide<ReloadLinkContext, Extract<ReloadLinkEvent, { type: "framed" }>, ReloadLinkAction>(
    (context, { frame, atMs }) =>
      frame.type === "data"
        ? receive(context, frame.frame.sequence, frame.frame.message)
        : acknowledge(context, frame.frame.sequence, atMs, isTimed),
  );
type Given = { readonly context: ReloadLinkContext; readonly event: ReloadLinkEvent };
const isAcknowledged = ({ context, event }: Given) =>
  event.type === "framed" &&
  event.frame.type === "ack" &&
  context.unacknowledged.some(({ sequence }) => sequence === event.frame.frame.sequence);
const isTimer =
  (timer: "rto" | "hold") =>
  ({ event }: Given) =>
    event.type === "timerFired" && event.timer === timer;
const stopRto = decide<ReloadLinkContext, ReloadLinkEvent, ReloadLinkAction>(({ unacknowledged }) => ({
  actions: unacknowledged.length === 0 ? [] : [{ type: "stopTimer", timer: "rto" }],
}));
const lost = {
  type: "report" as const,
  params: ({ event }: Given) => ({ state: "lost" as const, why: event.type === "closed" ? event.why : "silent" }),
};

export const reloadLink = machineOf<ReloadLinkAction>()(
  setup({
    types: { input: {} as ReloadLinkInput, context: {} as ReloadLinkContext, events: {} as ReloadLinkEvent },
    actions: declared<ReloadLinkAction>({
      write: true,
      deliver: true,
      startTimer: true,
      stopTimer: true,
      report: true,
      close: true,
      note: true,
    }),
  }).createMachine({
    id: "reloadLink",
    context: ({ input }) => ({
      ...input,
      next: 0,
      unacknowledged: [],
      received: [],
      srttMs: undefined,
      rttvarMs: 0,
      rtoMs: input.rtoMsMin,
      warned: false,
    }),
    initial: "open",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      open: {
        entry: { type: "report", params: { state: "open", why: "" } },
        on: {
          post: { actions: posted },
          framed: { actions: framed(true) },
          timerFired: [
            {
              guard: (given) => isTimer("rto")(given) && !given.context.warned,
              actions: decide<ReloadLinkContext, ReloadLinkEvent, ReloadLinkAction>(({ unacknowledged, rtoMs }) => ({
                context: { warned: unacknowledged.length > 0 },
                actions: unacknowledged.length === 0 ? [] : [{ type: "startTimer", timer: "rto", ms: rtoMs }],
              })),
            },
            { guard: isTimer("rto"), target: "doubtful" },
          ],
          closed: { target: "lost", actions: [stopRto, lost] },
        },
      },
      doubtful: {
        entry: [
          { type: "report", params: { state: "doubtful", why: "no acknowledgement" } },
          { type: "startTimer", params: ({ context }) => ({ timer: "hold", ms: context.holdMs }) },
        ],
        on: {
          framed: [
            {
              guard: isAcknowledged,
              target: "open",
              actions: [{ type: "stopTimer", params: { timer: "hold" } }, framed(false)],
            },
            { actions: framed(false) },
          ],
          timerFired: { guard: isTimer("hold"), target: "lost", actions: [lost, { type: "close", params: {} }] },
          closed: { target: "lost", actions: [{ type: "stopTimer", params: { timer: "hold" } }, lost] },
        },
      },
      lost: { type: "final" },
    },
  }),
);
