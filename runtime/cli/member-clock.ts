/**
 * This machine's clock beside those of the node's neighbours: each PingAns has its sender's time (RFC 6940 §6.5.3).
 *
 *   Ping --> time there, less the middle of asking and answer here --> the median of several --> a warning from 1 s on
 *
 * A proof tolerates 2.5 s between two clocks: whoever is further off proves nothing, and sees no other sign of it.
 */
import { Clock, Effect } from "effect";
import type { OverlayNode } from "../../actors/reload/mod.ts";

const EVERY_MS = 60_000;
const FIRST_MS = 2_000;
/** Where no neighbour has answered yet. */
const AGAIN_MS = 5_000;
/** Neighbours asked at once. */
const ASKED_MAX = 5;
const ANSWER_MS = 5_000;
export const CLOCK_WARN_MS = 1_000;

export interface ClockOffset {
  /** Positive: the others' clocks are ahead of ours. */
  readonly offsetMs: number;
  readonly peers: number;
}

/** Of an odd number the middle one, else between the two in the middle. */
export const medianOf = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Undefined where no neighbour answers. */
export const measureClock = Effect.fnUntraced(function* (node: Pick<OverlayNode, "status" | "ping">) {
  const { linked } = yield* node.status;
  const asked = linked.slice(0, ASKED_MAX).map((peer) =>
    Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis;
      const { atMs } = yield* node.ping(peer);
      return atMs - (before + (yield* Clock.currentTimeMillis)) / 2;
    }).pipe(Effect.timeout(ANSWER_MS), Effect.option),
  );
  const answers = yield* Effect.all(asked, { concurrency: "unbounded" });
  const offsets = answers.flatMap((one) => (one._tag === "Some" ? [one.value] : []));
  return offsets.length === 0 ? undefined : { offsetMs: medianOf(offsets), peers: offsets.length };
});

/** Measures each minute, for as long as it is run. */
export const watchClock = (
  node: Pick<OverlayNode, "status" | "ping">,
  seen: (offset: ClockOffset | undefined) => void,
): Effect.Effect<never> => {
  const look = Effect.gen(function* () {
    const offset = yield* measureClock(node);
    seen(offset);
    if (offset !== undefined && Math.abs(offset.offsetMs) >= CLOCK_WARN_MS)
      yield* Effect.logWarning("node.clock", { secondsOff: -Math.round(offset.offsetMs) / 1_000, peers: offset.peers });
    yield* Effect.sleep(offset === undefined ? AGAIN_MS : EVERY_MS);
  });
  return Effect.andThen(Effect.sleep(FIRST_MS), Effect.forever(look));
};
