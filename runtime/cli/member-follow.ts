/** How a member follows the overlay's document: now and then, at SIGHUP, and by standing anew where a running node cannot. */
import { Effect } from "effect";
import { Entropy } from "../../actors/ports/mod.ts";
import { needsRestart, type OverlayNode } from "../../actors/reload/mod.ts";
import { isLaterSequence, type OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { Stopped } from "./exit.ts";
import { fetchDocument, type Identity } from "./identity.ts";

const OUTDATED_LOOK_MS = 1_000;
/** By then the new document is on disk, and has been passed on. */
const OUTDATED_MS = 10_000;

/** Takes the authority's newer document; an authority that is away is asked again later. */
export const offered = Effect.fnUntraced(function* ({ configuration }: OverlayNode, { server }: Identity) {
  const served = yield* Effect.result(fetchDocument(server));
  if (served._tag === "Failure") yield* Effect.logWarning("node.authority.unreachable", served.failure);
  else if (isLaterSequence(served.success.overlay.sequence, configuration.now().sequence))
    yield* Effect.catch(configuration.offer(served.success.text), ({ code, info }) =>
      Effect.logError("node.configuration.refused", `${code} ${info}`),
    );
});

export const followed = Effect.fnUntraced(function* (
  follow: Effect.Effect<void>,
  betweenMs: readonly [min: number, max: number],
) {
  const { between } = yield* Entropy;
  return yield* Effect.forever(Effect.andThen(Effect.flatMap(between(...betweenMs), Effect.sleep), follow));
});

/** SIGHUP. What cannot be read leaves everything as it was, and is said. */
export const readAgain = (follow: Effect.Effect<void>, own: Effect.Effect<void, Stopped>): Effect.Effect<void> =>
  Effect.andThen(own, follow).pipe(
    Effect.andThen(Effect.logInfo("server.readAgain")),
    Effect.catch(({ why }) => Effect.logError("server.notReadAgain", why)),
  );

/** Done when the overlay's document asks for what a running node cannot take, as new roots in TLS: it stands anew with it.
 * DECISIONS.md D-225. */
export const outdated = (node: OverlayNode, then: OverlayConfiguration): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (needsRestart(then, node.configuration.now()).length === 0) yield* Effect.sleep(OUTDATED_LOOK_MS);
    yield* Effect.sleep(OUTDATED_MS);
    yield* Effect.logInfo("node.standsAnew", { sequence: node.configuration.now().sequence });
  });
