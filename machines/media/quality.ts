/**
 * Whether the media of a call over the Internet are bad enough, long enough, to take the call back to the telephone network.
 * docs/protocol/media.md#quality. The sampling and the hold-down are those of IME's border element. DECISIONS.md D-139.
 *
 *    o -- startTimer sample --> good -- a bad window: startTimer holdDown --> suspect -- holdDown: bad --> bad
 *                                ^----------- a good window: stopTimer --------+
 *                                |-- held --> held -- resumed --> good
 *    sample, in good and suspect: sample again; its answer, `sampled`, goes into the window
 *    ended, anywhere: over
 *
 * A window is bad where too much of it is lost, where the other end reports as much of what we send, or where nothing has
 * come at all. One good window takes the suspicion away.
 */
import { type Note, type Of, setup } from "../kit/mod.ts";

export interface QualityInput {
  /** IME: 10 to 600 ms, 100 by default. */
  readonly sampleMs: number;
  /** IME: 10 to 360 s, 20 s by default. */
  readonly holdDownMs: number;
  /** Samples that are judged together: the loss of 100 ms is one packet or none. */
  readonly windowSamples: number;
  /** Of a window, 0 to 1. */
  readonly lossMax: number;
}
export const QUALITY_DEFAULTS: QualityInput = { sampleMs: 100, holdDownMs: 20_000, windowSamples: 50, lossMax: 0.1 };
export const WINDOW_SAMPLES_MAX = 600;

/** What the counters of the Internet leg say, since the call began. */
export interface Sample {
  readonly packets: number;
  readonly lost: number;
  /** Of 256, of what we send; undefined: no report yet. */
  readonly reportedLoss: number | undefined;
}

export type QualityEvent =
  | { readonly type: "sampled"; readonly sample: Sample }
  | { readonly type: "timerFired"; readonly timer: "sample" }
  | { readonly type: "timerFired"; readonly timer: "holdDown" }
  /** By hold, or since nobody is to send: silence is no fault. */
  | { readonly type: "held" }
  | { readonly type: "resumed" }
  | { readonly type: "ended" };
export type QualityOrder =
  | { readonly type: "sample" }
  | { readonly type: "startTimer"; readonly timer: "sample" | "holdDown"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "sample" | "holdDown" }
  /** The media are bad: take the call to the telephone network. */
  | { readonly type: "bad"; readonly why: BadMedia }
  | Note;
export type BadMedia = "silence" | "loss" | "reportedLoss";

interface Context extends QualityInput {
  /** Oldest first; one more than the window, for its begin. */
  readonly samples: ReadonlyArray<Sample>;
}

const { machine, assign, give } = setup<{
  input: QualityInput;
  context: Context;
  event: QualityEvent;
  order: QualityOrder;
}>();
type Sampled = Of<QualityEvent, "sampled">;

/** Undefined where the window is good, or not full yet. */
export const faultOf = (
  samples: ReadonlyArray<Sample>,
  { windowSamples, lossMax }: Pick<QualityInput, "windowSamples" | "lossMax">,
): BadMedia | undefined => {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || samples.length <= windowSamples) return undefined;
  const packets = last.packets - first.packets;
  const lost = Math.max(0, last.lost - first.lost);
  if (packets <= 0) return "silence";
  if (lost / (packets + lost) > lossMax) return "loss";
  return (last.reportedLoss ?? 0) / 256 > lossMax ? "reportedLoss" : undefined;
};

const withSample = ({ samples, windowSamples }: Context, { sample }: Sampled): ReadonlyArray<Sample> =>
  [...samples, sample].slice(-Math.min(windowSamples, WINDOW_SAMPLES_MAX) - 1);
const isBad = (context: Context, event: Sampled): boolean => faultOf(withSample(context, event), context) !== undefined;

const keep = assign((context, event: Sampled) => ({ samples: withSample(context, event) }));
const forget = assign(() => ({ samples: [] }));
const again = give("startTimer", ({ sampleMs }) => ({ timer: "sample", ms: sampleMs }));
const stopSampling = { type: "stopTimer", timer: "sample" } as const;
const stopHoldDown = { type: "stopTimer", timer: "holdDown" } as const;
const sampling = { sample: { actions: [{ type: "sample" } as const, again] } };

export const mediaQuality = machine("mediaQuality", {
  context: (input) => ({ ...input, samples: [] }),
  initial: "good",
  entry: again,
  states: {
    good: {
      on: {
        sampled: [
          {
            guard: isBad,
            target: "suspect",
            actions: [keep, give("startTimer", ({ holdDownMs }) => ({ timer: "holdDown", ms: holdDownMs }))],
          },
          { actions: keep },
        ],
        held: { target: "held", actions: [stopSampling, forget] },
        ended: { target: "over", actions: stopSampling },
      },
      timers: sampling,
    },
    suspect: {
      on: {
        sampled: [
          { guard: isBad, actions: keep },
          { target: "good", actions: [keep, stopHoldDown] },
        ],
        held: { target: "held", actions: [stopSampling, stopHoldDown, forget] },
        ended: { target: "over", actions: [stopSampling, stopHoldDown] },
      },
      timers: {
        ...sampling,
        holdDown: {
          target: "bad",
          actions: [stopSampling, give("bad", (context) => ({ why: faultOf(context.samples, context) ?? "silence" }))],
        },
      },
    },
    held: {
      on: {
        resumed: { target: "good", actions: again },
        ended: { target: "over" },
      },
    },
    bad: { type: "final" },
    over: { type: "final" },
  },
});
