/** How far the node's join or leave has come, as its peer machine reports it: for all who wait for it. */
import { Deferred, Effect } from "effect";
import type { PeerState } from "../../machines/reload/mod.ts";
import { JoinFailed } from "./errors.ts";

export interface Lifecycle {
  readonly state: () => PeerState;
  /** From the peer machine. `why`: of a failure. */
  readonly report: (state: PeerState, why: string) => Effect.Effect<void>;
  /** Waits until the node has its place in the ring. */
  readonly settled: Effect.Effect<void, JoinFailed>;
  /** Waits until the node has left, or has failed. */
  readonly left: Effect.Effect<void>;
}

export const makeLifecycle = Effect.gen(function* (): Effect.fn.Return<Lifecycle> {
  let state: PeerState = "joining";
  const settled = yield* Deferred.make<void, JoinFailed>();
  const left = yield* Deferred.make<void>();
  const report: Lifecycle["report"] = Effect.fnUntraced(function* (now, why) {
    state = now;
    yield* Effect.logInfo(`reload.${now}`);
    if (now === "settled") yield* Deferred.succeed(settled, undefined);
    if (now === "failed") yield* Deferred.fail(settled, new JoinFailed({ reason: "ring", why }));
    if (now === "failed" || now === "left") yield* Deferred.succeed(left, undefined);
  });
  return { state: () => state, report, settled: Deferred.await(settled), left: Deferred.await(left) };
});
