/**
 * Signatures over the configuration document and over Kinds: made and verified. RFC 6940 §11.1.
 *
 * Signers are listed by Node-ID, and present a certificate of this overlay with that Node-ID. In an overlay whose document
 * lists no signer the authority itself may sign: all certificates of the overlay depend on it anyway.
 * DECISIONS.md D-056.
 */

import { Clock, Effect } from "effect";
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import {
  documentSignatureInput,
  type KindConfiguration,
  kindElement,
  readDocument,
  type Signed,
  signedKindBlock,
  withSignature,
} from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  ecdsaSignature,
  identityOf,
  isIdentityOf,
  isUnsigned,
  SecurityBlock,
  type SignerIdentity,
  signatureAlgorithm,
  x509,
} from "../../codecs/reload/mod.ts";
import { equalBytes, utf8 } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { type CertificateFacts, type Credentials, Keys } from "../ports/mod.ts";

/** Signatures verified over one element, and certificates read of each. */
const SIGNATURES_MAX = 4;
const CERTIFICATES_MAX = 8;

/** Which signers are accepted: nodes by their Node-IDs, or the roots where `signers` is empty. */
export interface Trust {
  readonly overlay: string;
  readonly signers: ReadonlyArray<NodeId>;
  readonly badNodes: ReadonlyArray<NodeId>;
  /** DER. */
  readonly roots: ReadonlyArray<Uint8Array>;
}
/** Who signed a document or a Kind, or why it is refused. */
export type Verdict = { readonly by: NodeId | "authority" } | { readonly refused: string };

/** The SecurityBlock of these bytes, as a configuration or Kind holds it in base64. */
const blockOf = Effect.fnUntraced(function* (bytes: Uint8Array, { key, certificates }: Credentials) {
  const keys = yield* Keys;
  const identity = identityOf(certificates[0]!);
  const value = yield* keys.sign(key, documentSignatureInput(bytes, identity));
  const signature = { ...ecdsaSignature(identity, value), signature: signatureAlgorithm[key.algorithm] };
  return encode(SecurityBlock, { certificates: certificates.map(x509), signature });
});

/** The same document, signed; an earlier signature is replaced. Dies on a text that is no document of that overlay. */
export const signDocument = Effect.fn("reload.signDocument")(function* (
  text: string,
  overlay: string,
  credentials: Credentials,
) {
  const read = readDocument(text, overlay);
  if (!read.ok) return yield* Effect.die(new Error(`${read.error.at}: ${read.error.why}`));
  return withSignature(text, overlay, yield* blockOf(read.value.bytes, credentials));
});

/** The Kind with its signed block, ready for a document or a ConfigUpdate. */
export const signKind = Effect.fn("reload.signKind")(function* (kind: KindConfiguration, credentials: Credentials) {
  const element = kindElement(kind);
  const signedBlock = signedKindBlock(element, yield* blockOf(utf8(element), credentials));
  return { ...kind, signedBlock } satisfies KindConfiguration as KindConfiguration;
});

/** The accepted signer, or why there is none. */
export const verifySigned = Effect.fn("reload.verifySigned")(function* (signed: Signed, trust: Trust) {
  if (signed.signatures.length === 0) return { refused: "unsigned" } as Verdict;
  let verdict: Verdict = { refused: "unsigned" };
  for (const block of signed.signatures.slice(0, SIGNATURES_MAX)) {
    verdict = yield* verifyBlock(signed.bytes, block, trust);
    if ("by" in verdict) return verdict;
  }
  return verdict;
});

const verifyBlock = Effect.fnUntraced(function* (
  bytes: Uint8Array,
  block: Uint8Array,
  trust: Trust,
): Effect.fn.Return<Verdict, never, Keys> {
  const keys = yield* Keys;
  const read = decode(SecurityBlock, block);
  if (!read.ok) return { refused: `no SecurityBlock: ${read.error._tag}` };
  const { signature, certificates } = read.value;
  if (isUnsigned(signature)) return { refused: "unsigned" };
  const shown = certificates.slice(0, CERTIFICATES_MAX).map(({ certificate }) => certificate);
  const nowMs = yield* Clock.currentTimeMillis;
  for (const leaf of [...shown, ...trust.roots]) {
    // A hash is cheap and a chain expensive: only the certificate that the signature names is verified.
    if (!mayBeNamed(signature.identity, leaf, trust)) continue;
    const others = shown.filter((other) => other !== leaf);
    const facts = yield* Effect.option(keys.verifyChain([leaf, ...others], trust.roots, nowMs));
    if (facts._tag === "None") continue;
    const by = named(facts.value, leaf, trust).find((id) =>
      isIdentityOf(signature.identity, leaf, id === "authority" ? undefined : id),
    );
    if (by === undefined) continue;
    const algorithm = signature.signature === signatureAlgorithm.rsa ? "rsa" : "ecdsa";
    const input = documentSignatureInput(bytes, signature.identity);
    return (yield* keys.verify(leaf, input, signature.value, algorithm)) ? { by } : { refused: "wrong signature" };
  }
  return { refused: "not by one who may sign" };
});

const mayBeNamed = (identity: SignerIdentity, certificate: Uint8Array, { signers }: Trust): boolean =>
  identity.type === "certHashNodeId"
    ? signers.some((id) => isIdentityOf(identity, certificate, id))
    : isIdentityOf(identity, certificate);

/** The accepted signers that this certificate is issued to. */
const named = (
  { uris }: CertificateFacts,
  certificate: Uint8Array,
  { overlay, signers, badNodes, roots }: Trust,
): ReadonlyArray<NodeId | "authority"> => {
  if (signers.length === 0) return roots.some((root) => equalBytes(root, certificate)) ? ["authority"] : [];
  return uris.flatMap((uri) => {
    const name = readReloadUri(uri);
    if (name === undefined || name.overlay !== overlay.toLowerCase()) return [];
    return signers.includes(name.nodeId) && !badNodes.includes(name.nodeId) ? [name.nodeId] : [];
  });
};
