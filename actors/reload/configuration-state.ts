/**
 * The configuration in force at this node. All parts of the node read `now()` each time that they need it, and so follow a
 * change; configuration.ts decides about changes.
 */
import { Deferred, Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";

export interface ConfigurationInput {
  readonly overlay: OverlayConfiguration;
  /** The document it was read from, as received. Without one, this node cannot pass it on. */
  readonly document?: string | undefined;
  /** Of the node's credentials: trusted where the document names no roots. DER. */
  readonly roots: ReadonlyArray<Uint8Array>;
}

export interface ConfigurationState {
  readonly now: () => OverlayConfiguration;
  /** The document in force, byte for byte, its signature included; empty when the node was given none. */
  readonly document: () => Uint8Array;
  /** Roots of the configuration in force, DER. */
  readonly roots: () => ReadonlyArray<Uint8Array>;
  /** Roots of another configuration, if it were in force. */
  readonly rootsOf: (overlay: OverlayConfiguration) => ReadonlyArray<Uint8Array>;
  /** The sequence that was in force before the last change of it. */
  readonly previousSequence: () => number;
  /** Waits for the next change. */
  readonly changed: Effect.Effect<void>;
  /** Puts a new configuration into force. `document`: undefined when only Kinds have changed. */
  readonly adopt: (overlay: OverlayConfiguration, document: Uint8Array | undefined) => Effect.Effect<void>;
}

export const makeConfigurationState = Effect.fnUntraced(function* (
  input: ConfigurationInput,
): Effect.fn.Return<ConfigurationState> {
  let overlay = input.overlay;
  let document = utf8(input.document ?? "");
  let previousSequence = overlay.sequence;
  let nextChange = yield* Deferred.make<void>();
  const rootsOf = (of: OverlayConfiguration) => (of.rootCertificates.length > 0 ? of.rootCertificates : input.roots);

  const adopt: ConfigurationState["adopt"] = Effect.fnUntraced(function* (next, nextDocument) {
    previousSequence = overlay.sequence;
    overlay = next;
    document = nextDocument ?? document;
    const change = nextChange;
    nextChange = yield* Deferred.make<void>();
    yield* Deferred.succeed(change, undefined);
  });
  return {
    now: () => overlay,
    document: () => document,
    roots: () => rootsOf(overlay),
    rootsOf,
    previousSequence: () => previousSequence,
    changed: Effect.suspend(() => Deferred.await(nextChange)),
    adopt,
  };
});
