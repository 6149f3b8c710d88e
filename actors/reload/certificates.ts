/**
 * Stores a node's certificate in the overlay: under its Node-ID and under its user's name. RFC 6940 §8.
 *
 *   settled --> a delay --> fetch the list --> store ours in its place, or at the end --> 2/3 of the lifetime --> again
 *
 * DECISIONS.md D-069.
 */

import { Clock, Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { kindId, resourceOf, resourceOfNode } from "../../codecs/reload/mod.ts";
import { equalBytes, utf8 } from "../../codecs/shared/mod.ts";
import { refreshMs } from "../../machines/reload/mod.ts";
import { type Credentials, Entropy, Keys } from "../ports/mod.ts";
import type { OverlayError } from "./errors.ts";
import { APPEND, type Usage } from "./usage.ts";

const LIFETIME_S = 604_800;
/** Nodes that start together do not all store at once. */
const START_MS = [1_000, 30_000] as const;
const RETRY_MS = [60_000, 180_000] as const;
/** User names of one certificate; an enrolment server gives one. */
const USERS_MAX = 4;

/** "A user/node MUST store its certificate at Resource-IDs derived from two Resource Names", §8. Never ends. */
export const publishCertificate = Effect.fn("reload.certificates")(function* (
  overlay: () => OverlayConfiguration,
  usage: Pick<Usage, "store" | "fetch">,
  nodeId: NodeId,
  { certificates }: Credentials,
  /** Whether others can fetch it by its Node-ID, as far as we know. */
  report: (isThere: boolean) => void,
): Effect.fn.Return<void, never, Entropy | Keys> {
  const { between } = yield* Entropy;
  const keys = yield* Keys;
  const [certificate] = certificates;
  const facts = certificate === undefined ? undefined : yield* Effect.option(keys.inspect(certificate));
  if (certificate === undefined || facts?._tag !== "Some") return;
  const places = [
    { kind: kindId.certificateByNode, resourceId: resourceOfNode(nodeId) },
    ...facts.value.emails
      .slice(0, USERS_MAX)
      .map((user) => ({ kind: kindId.certificateByUser, resourceId: resourceOf(utf8(user)) })),
  ];
  const publish = (
    { kind, resourceId }: (typeof places)[number],
    lifetimeS: number,
  ): Effect.Effect<void, OverlayError> =>
    Effect.gen(function* () {
      if (!overlay().kinds.some((defined) => defined.kind === kind)) return;
      const stored = yield* usage.fetch({ resourceId, kind });
      // "New certificates are stored at the end of the list": one that is there already keeps its place.
      const index = stored.find(({ value }) => equalBytes(value, certificate))?.index ?? APPEND;
      yield* usage.store({ resourceId, kind, index, value: certificate, exists: true, lifetimeS });
    });

  yield* Effect.sleep(yield* between(...START_MS));
  while (true) {
    const leftS = Math.floor((facts.value.notAfterMs - (yield* Clock.currentTimeMillis)) / 1000);
    if (leftS <= 0) return; // a renewed certificate comes with a node of its own
    const lifetimeS = Math.min(LIFETIME_S, leftS);
    const done = yield* Effect.result(Effect.forEach(places, (place) => publish(place, lifetimeS), { discard: true }));
    report(done._tag === "Success" && overlay().kinds.some(({ kind }) => kind === kindId.certificateByNode));
    if (done._tag === "Failure") yield* Effect.logDebug("reload.certificate.unstored", done.failure._tag);
    const draw = (yield* between(0, DRAWS)) / DRAWS;
    yield* Effect.sleep(done._tag === "Failure" ? yield* between(...RETRY_MS) : refreshMs(lifetimeS * 1_000, draw));
  }
});
const DRAWS = 1_000_000;
