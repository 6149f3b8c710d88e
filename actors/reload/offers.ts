/** Reads an offered configuration and verifies its signatures: bytes in, an event for the machine out. RFC 6940 §11.1. */

import { Effect } from "effect";
import {
  type KindConfiguration,
  type OverlayConfiguration,
  type OverlayDocument,
  readDocument,
  readKindBlock,
} from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import type { Offered } from "../../machines/reload/mod.ts";
import type { Keys } from "../ports/mod.ts";
import { type Trust, verifySigned } from "./signed.ts";

const KINDS_OFFERED_MAX = 16;

/** The roots of an overlay's certificates, DER: those of its document, or the node's own where that names none. */
export type RootsOf = (overlay: OverlayConfiguration) => ReadonlyArray<Uint8Array>;

const trustIn = (signers: ReadonlyArray<NodeId>, overlay: OverlayConfiguration, rootsOf: RootsOf): Trust => ({
  overlay: overlay.name,
  signers,
  badNodes: overlay.badNodes,
  roots: rootsOf(overlay),
});

/** Without the Kinds whose signature is missing or wrong, where the document names signers of Kinds. */
const withGoodKinds = Effect.fnUntraced(function* (
  { overlay, kinds }: Pick<OverlayDocument, "overlay" | "kinds">,
  rootsOf: RootsOf,
): Effect.fn.Return<OverlayConfiguration, never, Keys> {
  if (overlay.kindSigners.length === 0) return overlay;
  const good: Array<KindConfiguration> = [];
  for (const [i, signed] of kinds.entries()) {
    //# "Receivers MUST verify the signature prior to accepting a kind-block" (RFC 6940 §11.1)
    const verdict = yield* verifySigned(signed, trustIn(overlay.kindSigners, overlay, rootsOf));
    if ("by" in verdict) good.push(overlay.kinds[i]!);
    else yield* Effect.logWarning("reload.configuration.kind", { kind: signed.kind, why: verdict.refused });
  }
  return { ...overlay, kinds: good };
});

/** A whole document, judged by the configuration in force. */
export const readOffered = Effect.fnUntraced(function* (
  text: string,
  inForce: OverlayConfiguration,
  rootsOf: RootsOf,
): Effect.fn.Return<Offered, never, Keys> {
  const got = readDocument(text, inForce.name);
  if (!got.ok) return { type: "unreadable", why: `${got.error.at}: ${got.error.why}` };
  //# "Any configuration file MUST be signed by one of the configuration-signer elements from the previous extant configuration" (RFC 6940 §11.1)
  const verdict = yield* verifySigned(got.value, trustIn(inForce.configurationSigners, inForce, rootsOf));
  return "by" in verdict
    ? { type: "document", overlay: yield* withGoodKinds(got.value, rootsOf) }
    : { type: "forged", why: verdict.refused, sequence: got.value.overlay.sequence };
});

/** Kinds by themselves: "correctly digitally signed by an acceptable Kind signer", §6.5.4.2. */
export const readKinds = Effect.fnUntraced(function* (
  blocks: ReadonlyArray<string>,
  inForce: OverlayConfiguration,
  rootsOf: RootsOf,
): Effect.fn.Return<Offered, never, Keys> {
  if (inForce.kindSigners.length === 0) return { type: "forged", why: "no kind-signer", sequence: undefined };
  if (blocks.length > KINDS_OFFERED_MAX) return { type: "unreadable", why: `over ${KINDS_OFFERED_MAX} Kinds` };
  const kinds: Array<{ readonly kind: KindConfiguration; readonly by: NodeId | "authority" }> = [];
  for (const block of blocks) {
    const got = readKindBlock(block);
    if (!got.ok) return { type: "unreadable", why: `${got.error.at}: ${got.error.why}` };
    const verdict = yield* verifySigned(got.value.signed, trustIn(inForce.kindSigners, inForce, rootsOf));
    if (!("by" in verdict)) return { type: "forged", why: verdict.refused, sequence: undefined };
    kinds.push({ kind: got.value.configuration, by: verdict.by });
  }
  return { type: "kinds", kinds };
});
