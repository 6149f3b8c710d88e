/**
 * Watches the media of a call by what rtpengine says of it: the same machine as for our own relay, with fewer and larger
 * samples, as each is a question. docs/protocol/media.md#quality. DECISIONS.md D-167.
 *
 *   mediaQuality -- sample --> query --> sampled      no answer MISSED_MAX times: nothing has come      bad --> the log, the report
 */
import { Effect, Exit, Scope } from "effect";
import { type BadMedia, QUALITY_DEFAULTS, type QualityInput, type Sample } from "../../machines/media/mod.ts";
import type { NgAnswer, NgFailed } from "./ng.ts";
import { type QualityWatch, watchQuality } from "./quality.ts";

/** The hold-down is that of our own relay. */
export const RTPENGINE_QUALITY: QualityInput = { ...QUALITY_DEFAULTS, sampleMs: 3_000, windowSamples: 2 };
/** Of all calls together; those beyond are asked about less often. */
const QUERIES_PER_SECOND_MAX = 300;
/** An answer may be lost; an rtpengine that is away carries no sound. */
const MISSED_MAX = 3;

export interface Watched {
  readonly scope: Scope.Closeable;
  readonly watch: QualityWatch;
}

/** How many questions may yet be asked in this second. */
export type Budget = () => boolean;
export const budgetOf = (nowMs: () => number): Budget => {
  let [second, left] = [0, 0];
  return () => {
    const now = Math.floor(nowMs() / 1_000);
    if (now !== second) [second, left] = [now, QUERIES_PER_SECOND_MAX];
    return left-- > 0;
  };
};

export const openWatch = Effect.fn("media.rtpengine.watch")(function* (
  around: Scope.Scope,
  quality: QualityInput,
  mayAsk: Budget,
  query: Effect.Effect<NgAnswer, NgFailed>,
  read: (answer: NgAnswer) => Sample,
  bad: (why: BadMedia) => void,
) {
  const scope = yield* Scope.fork(around);
  const run = Effect.runForkWith(yield* Effect.context<never>());
  let [last, missed]: [Sample, number] = [{ packets: 0, lost: 0, reportedLoss: undefined }, 0];
  const asked = Effect.match(query, {
    onSuccess: (answer): Sample | undefined => {
      missed = 0;
      last = read(answer);
      return last;
    },
    onFailure: () => (++missed < MISSED_MAX ? undefined : last),
  });
  const tell = (why: BadMedia) => {
    bad(why);
    run(Effect.logWarning("media.bad", { why }));
  };
  const none = Effect.succeed<Sample | undefined>(undefined);
  const watch = yield* Scope.provide(
    watchQuality(quality, () => (mayAsk() ? asked : none), tell),
    scope,
  );
  return { scope, watch } satisfies Watched as Watched;
});

export const closeWatch = (watched: Watched | undefined): Effect.Effect<void> =>
  watched === undefined ? Effect.void : Scope.close(watched.scope, Exit.void);
