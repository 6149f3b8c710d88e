/**
 * One neighbour over TLS on TCP: numbers what is sent, acknowledges what comes, and times the acknowledgements to see
 * soon that a neighbour is gone. RFC 6940 §6.6.2, §6.6.5; RFC 6298 §2 for the timer.
 *
 *   o --> open -- timerFired rto, twice --> doubtful -- acknowledged --> open        report doubtful, open
 *          |                                   |------ timerFired hold (30 s) --> lost   close
 *          +------------- closed --------------+--------------------------------> lost
 *
 * The timeout "is not used for retransmissions, but rather ... to indicate when the link SHOULD be removed from the
 * Routing Table". The first firing may come of a delay of our own; the second, without an acknowledgement in between, counts.
 * Requirements: RFC 6940 §6.6.
 */
import type { FramedMessage } from "../../codecs/reload/mod.ts";
import { type Decision, type Note, type Of, setup } from "../kit/mod.ts";

export interface ReloadLinkInput {
  /** RFC 6298 §2.4 asks for at least 1 s. */
  readonly rtoMsMin: number;
  /** "RECOMMENDED that such a connection be retained for 30 seconds", §6.6.5. */
  readonly holdMs: number;
}

export type ReloadLinkEvent =
  | { readonly type: "outgoing"; readonly message: Uint8Array; readonly atMs: number }
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
  | Note;

export interface ReloadLinkContext extends ReloadLinkInput {
  readonly next: number;
  /** Sent and not acknowledged, oldest first. */
  readonly unacknowledged: ReadonlyArray<{ readonly sequence: number; readonly atMs: number }>;
  /** The highest number received; undefined before the first message. */
  readonly highest: number | undefined;
  /** Bit i is set when `highest` - i - 1 was received as well. */
  readonly before: number;
  readonly srttMs: number | undefined;
  readonly rttvarMs: number;
  readonly rtoMs: number;
  /** The timer has fired once, and nothing has been received since. */
  readonly warned: boolean;
}

/** Older ones are forgotten: their acknowledgements would measure nothing new. */
const UNACKNOWLEDGED_MAX = 1_024;
const RTO_MS_MAX = 60_000;
const SEQUENCES = 2 ** 32;

const { machine, decide, assign, give } = setup<{
  input: ReloadLinkInput;
  context: ReloadLinkContext;
  event: ReloadLinkEvent;
  order: ReloadLinkAction;
}>();
type Made<K extends ReloadLinkAction["type"]> = Decision<ReloadLinkContext, Of<ReloadLinkAction, K>>;

/** RFC 6298 §2.2, §2.3, with the clock's grain of 1 ms. */
const measured = (context: ReloadLinkContext, rttMs: number) => {
  const first = context.srttMs === undefined;
  const rttvarMs = first ? rttMs / 2 : 0.75 * context.rttvarMs + 0.25 * Math.abs(context.srttMs - rttMs);
  const srttMs = first ? rttMs : 0.875 * context.srttMs + 0.125 * rttMs;
  return {
    srttMs,
    rttvarMs,
    rtoMs: Math.min(RTO_MS_MAX, Math.max(context.rtoMsMin, srttMs + Math.max(1, 4 * rttvarMs))),
  };
};

const sendFrame = decide(["write", "startTimer"], (context, { message, atMs }: Of<ReloadLinkEvent, "outgoing">) => {
  const { next, unacknowledged, rtoMs } = context;
  const sent = { sequence: next, atMs };
  const write = { type: "write", frame: { type: "data", frame: { sequence: next, message } } } as const;
  const isFirst = unacknowledged.length === 0;
  return {
    context: {
      next: (next + 1) % SEQUENCES,
      unacknowledged: isFirst ? [sent] : [...unacknowledged, sent].slice(-UNACKNOWLEDGED_MAX),
    },
    actions: isFirst ? [write, { type: "startTimer", timer: "rto", ms: rtoMs }] : [write],
  };
});

/** Bits of the mask of received sequence numbers before the highest: "MUST keep track of the 32 most recent". */
const MASK_NUMBERS = 32;
type Received = Pick<ReloadLinkContext, "highest" | "before">;

/** Numbers are counted modulo 2^32: what is less than half of that ahead is newer. */
const ahead = (sequence: number, highest: number): number => (sequence - highest) | 0;
const shifted = (mask: number, by: number): number => (by >= MASK_NUMBERS ? 0 : mask << by);

/** "the N-M bit of the received bitmask is set" when M was received, §6.6.2: bit 0 is the number before N. */
export const maskFor = (sequence: number, { highest, before }: Received): number => {
  if (highest === undefined) return 0;
  const by = ahead(sequence, highest);
  if (by <= 0) return -by >= MASK_NUMBERS ? 0 : before >>> -by;
  const own = by <= MASK_NUMBERS ? shifted(1, by - 1) : 0;
  return (shifted(before, by) | own) >>> 0;
};
export const withReceived = (sequence: number, { highest, before }: Received): Received => {
  if (highest === undefined) return { highest: sequence, before: 0 };
  const by = ahead(sequence, highest);
  if (by > 0) return { highest: sequence, before: maskFor(sequence, { highest, before }) };
  const isKept = by < 0 && -by <= MASK_NUMBERS;
  return { highest, before: isKept ? (before | shifted(1, -by - 1)) >>> 0 : before };
};

const receive = (context: ReloadLinkContext, sequence: number, message: Uint8Array): Made<"write" | "deliver"> => ({
  context: withReceived(sequence, context),
  actions: [
    { type: "write", frame: { type: "ack", frame: { sequence, received: maskFor(sequence, context) } } },
    { type: "deliver", message },
  ],
});

/**
 * On a reliable stream an acknowledgement answers for everything sent before it. `isTimed`: the timer runs, as it does
 * while the link is open and something is unacknowledged.
 */
const acknowledge = (
  context: ReloadLinkContext,
  sequence: number,
  atMs: number,
  isTimed: boolean,
): Made<"startTimer" | "stopTimer" | "note"> => {
  const at = context.unacknowledged.findIndex((sent) => sent.sequence === sequence);
  if (at < 0) return { actions: [{ type: "note", unexpected: `ack ${sequence}` }] };
  const left = context.unacknowledged.slice(at + 1);
  const times = measured(context, atMs - context.unacknowledged[at]!.atMs);
  const changed = { ...times, unacknowledged: left, warned: false };
  if (left.length > 0) return { context: changed, actions: [{ type: "startTimer", timer: "rto", ms: times.rtoMs }] };
  return { context: changed, actions: isTimed ? [{ type: "stopTimer", timer: "rto" }] : [] };
};

const framed = (isTimed: boolean) =>
  decide(
    ["write", "deliver", "startTimer", "stopTimer", "note"],
    (context, { frame, atMs }: Of<ReloadLinkEvent, "framed">) =>
      frame.type === "data"
        ? receive(context, frame.frame.sequence, frame.frame.message)
        : acknowledge(context, frame.frame.sequence, atMs, isTimed),
  );

const isAcknowledged = ({ unacknowledged }: ReloadLinkContext, { frame }: Of<ReloadLinkEvent, "framed">): boolean =>
  frame.type === "ack" && unacknowledged.some(({ sequence }) => sequence === frame.frame.sequence);
const hasBeenWarned = ({ warned }: ReloadLinkContext): boolean => warned;
const hasNothingOut = ({ unacknowledged }: ReloadLinkContext): boolean => unacknowledged.length === 0;

const stopHold = { type: "stopTimer", timer: "hold" } as const;
const stopRto = decide(["stopTimer"], (context) => ({
  actions: hasNothingOut(context) ? [] : [{ type: "stopTimer", timer: "rto" }],
}));
const lost = give("report", (_, { why }: Of<ReloadLinkEvent, "closed">) => ({ state: "lost", why }));

export const reloadLink = machine("reloadLink", {
  context: (input) => ({
    ...input,
    next: 0,
    unacknowledged: [],
    highest: undefined,
    before: 0,
    srttMs: undefined,
    rttvarMs: 0,
    rtoMs: input.rtoMsMin,
    warned: false,
  }),
  initial: "open",
  states: {
    open: {
      entry: { type: "report", state: "open", why: "" },
      on: {
        outgoing: { actions: sendFrame },
        framed: { actions: framed(true) },
        closed: { target: "lost", actions: [stopRto, lost] },
      },
      timers: {
        rto: [
          { guard: hasBeenWarned, target: "doubtful" },
          { guard: hasNothingOut },
          {
            actions: [
              assign(() => ({ warned: true })),
              give("startTimer", ({ rtoMs }) => ({ timer: "rto", ms: rtoMs })),
            ],
          },
        ],
      },
    },
    doubtful: {
      entry: [
        { type: "report", state: "doubtful", why: "no acknowledgement" },
        give("startTimer", ({ holdMs }) => ({ timer: "hold", ms: holdMs })),
      ],
      on: {
        framed: [
          { guard: isAcknowledged, target: "open", actions: [stopHold, framed(false)] },
          { actions: framed(false) },
        ],
        closed: { target: "lost", actions: [stopHold, lost] },
      },
      timers: {
        hold: { target: "lost", actions: [{ type: "report", state: "lost", why: "silent" }, { type: "close" }] },
      },
    },
    lost: { type: "final" },
  },
});
