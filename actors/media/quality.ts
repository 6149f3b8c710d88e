/**
 * Hosts the machine that says when a call's media have been bad for too long: gives it the counters that it asks for, and
 * tells it of hold. docs/protocol/media.md#quality
 *
 *   timers --> mediaQuality -- sample --> sampleOf() --> sampled
 *                  |-- bad --> bad(why), once
 */
import { Effect } from "effect";
import {
  type BadMedia,
  mediaQuality,
  type QualityEvent,
  type QualityInput,
  type QualityOrder,
  type Sample,
} from "../../machines/media/mod.ts";
import { drive, mailbox, performing } from "../kit/mod.ts";

const EVENTS_MAX = 16;

export interface QualityWatch {
  /** Whether the other end is to send at all: not on hold. */
  readonly expect: (isExpected: boolean) => void;
}

/**
 * Until the scope closes. `sampleOf` and `bad` are called outside of any fiber and must not throw. A sample that has to be
 * asked for is waited for; undefined is none, and the window grows by it.
 */
export const watchQuality = Effect.fn("media.quality")(function* (
  input: QualityInput,
  sampleOf: () => Sample | Effect.Effect<Sample | undefined>,
  bad: (why: BadMedia) => void,
) {
  const box = yield* mailbox<QualityEvent>(EVENTS_MAX);
  const sampled = (sample: Sample) => void box.events.answer({ type: "sampled", sample });
  const perform = performing<QualityOrder, QualityEvent>(box, { unexpected: "media.unexpected" }, (order) => {
    if (order.type === "bad") bad(order.why);
    if (order.type !== "sample") return;
    const sample = sampleOf();
    if (!Effect.isEffect(sample)) return sampled(sample);
    return Effect.map(sample, (found) => (found === undefined ? undefined : sampled(found)));
  });
  yield* Effect.forkScoped(drive(mediaQuality, input, box, perform));
  let was = true;
  const expect: QualityWatch["expect"] = (isExpected) => {
    if (isExpected === was) return;
    was = isExpected;
    box.tellNow({ type: isExpected ? "resumed" : "held" });
  };
  return { expect } satisfies QualityWatch as QualityWatch;
});
