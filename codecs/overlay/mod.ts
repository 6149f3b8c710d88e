/** The configuration of an overlay, and the XML document that carries it. RFC 6940 §11.1. */
export {
  BASE_NAMESPACE,
  CHORD_NAMESPACE,
  certificateByNodeKind,
  certificateByUserKind,
  expiryOf,
  isLaterSequence,
  type KindConfiguration,
  type NumberHash,
  type OverlayConfiguration,
  type OverlayDocumentError,
  type OverlayRead,
  overlayDefaults,
  sequenceAfter,
  unsupportedIn,
  VIPR_NAMESPACE,
  viprOverlay,
  viprRegistrationKind,
} from "./configuration.ts";
export {
  type OverlayDocument,
  readDocument,
  readKindBlock,
  readOverlay,
  type Signed,
  type SignedKind,
} from "./document-read.ts";
export { documentSignatureInput, kindElement, signedKindBlock, withSignature, writeOverlay } from "./document-write.ts";
