/**
 * The configuration document as the enrolment server serves it, signed where there is a signer. RFC 6940 §11.1.
 *
 *   overlay --> our root and our address added where they are missing --> written --> signed --> served
 * Requirements: RFC 6940 §14.16.
 */
import { Effect } from "effect";
import { enrolmentUrl } from "../../codecs/enrol/mod.ts";
import { type OverlayConfiguration, writeOverlay } from "../../codecs/overlay/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { type AuthorityShape, type Credentials, Keys } from "../ports/mod.ts";
import { signDocument } from "../reload/mod.ts";

export interface DocumentOf {
  readonly overlay: Effect.Effect<OverlayConfiguration>;
  readonly authority: Pick<AuthorityShape, "root" | "intermediates">;
  /** Where nodes enrol when the overlay's own configuration does not say. */
  readonly at: () => { readonly host: string; readonly port: number; readonly path: string };
  /** A configuration-signer that the document names, or the authority itself where it names none. */
  readonly signer: Credentials | undefined;
}

/** The text of the current document; run for each request. */
export const openDocument = Effect.fnUntraced(function* ({ overlay, authority, at, signer }: DocumentOf) {
  const keys = yield* Keys;
  let last = { text: "", signed: "" };
  return Effect.gen(function* () {
    const current = yield* overlay;
    const text = writeOverlay(completed(current, authority, enrolmentUrl(at())));
    if (signer === undefined) return text;
    // Signed once for each text: nodes that compare documents see no difference, and requests cannot make us sign each time.
    if (last.text !== text)
      last = { text, signed: yield* Effect.provideService(signDocument(text, current.name, signer), Keys, keys) };
    return last.signed;
  });
});

const completed = (
  given: OverlayConfiguration,
  { root, intermediates }: DocumentOf["authority"],
  enrolAt: string,
): OverlayConfiguration => ({
  ...given,
  rootCertificates: [
    ...given.rootCertificates,
    ...[...intermediates, root].filter((ours) => !given.rootCertificates.some((known) => equalBytes(known, ours))),
  ],
  enrollmentServers: given.enrollmentServers.length > 0 ? given.enrollmentServers : [enrolAt],
});
