/**
 * Seals what leaves and opens what arrives: signatures over messages and over stored values, certificates up to the
 * overlay's roots. RFC 6940 §6.3.4, §7.1. Private keys stay behind the Keys port; what is opened here is an event.
 */
import { Clock, Effect } from "effect";
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import {
  type Body,
  type Destination,
  decodeBody,
  ecdsaSignature,
  encodeBody,
  type ForwardingOption,
  fragmentWhole,
  identityOf,
  isIdentityOf,
  isUnsigned,
  MessageContents,
  messageSignatureInput,
  overlayHash,
  type Packet,
  Payload,
  reloadVersion,
  type Signature,
  type SignerIdentity,
  type Stored,
  type StoredDataValue,
  sequenceAny,
  signatureAlgorithm,
  signedBytesOf,
  valueSignatureInput,
  x509,
} from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import type { Signer } from "../../machines/reload/mod.ts";
import { type CertificateFacts, type Credentials, Keys } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";

/** Certificates verified and kept by their hash; the one longest kept goes first. */
const CERTIFICATES_MAX = 4_096;
/** Certificates looked at in one message: as many as values in an answer, and their issuers. */
const BUCKET_MAX = 96;

export interface ToSeal {
  readonly transactionId: bigint;
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Body;
  /** Of those who signed values in the body; ours is always there. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  readonly options?: ReadonlyArray<ForwardingOption>;
}

export interface Opened {
  readonly signer: Signer;
  readonly contents: MessageContents;
  /** Undefined for a code we do not know, or a body that is not what its code says. */
  readonly body: Body | undefined;
  readonly why: string;
  /** Who signed a value that came with this message, if the signature holds. */
  readonly signerOf: (
    resource: Uint8Array,
    kind: number,
    value: Stored<StoredDataValue>,
  ) => Effect.Effect<Signer | undefined>;
}

interface Known {
  readonly facts: CertificateFacts;
  readonly certificate: Uint8Array;
}

export interface Post {
  readonly overlay: number;
  readonly seal: (letter: ToSeal) => Effect.Effect<Packet>;
  /** The message of a whole packet, when its signature holds; else why it is not to be believed. */
  readonly open: (packet: Packet) => Effect.Effect<Opened | { readonly refused: string }>;
  readonly signValue: (
    resource: Uint8Array,
    kind: number,
    storageTime: bigint,
    value: StoredDataValue,
  ) => Effect.Effect<Signature>;
  /** The one Node-ID a certificate of this overlay speaks for. */
  readonly nodeOf: (certificate: Uint8Array) => Effect.Effect<bigint | undefined>;
}

export const makePost = Effect.fn("reload.post")(function* (
  credentials: Credentials,
  configuration: Pick<Configuration, "now" | "roots">,
) {
  const keys = yield* Keys;
  const known = new Map<string, Known>();
  const ours = credentials.certificates[0] ?? new Uint8Array();
  const identity = identityOf(ours);
  const { name: overlayName } = configuration.now(); // the one thing no new configuration changes
  const hash = overlayHash(overlayName);
  const isBad = (id: bigint) => configuration.now().badNodes.includes(id);

  /** A certificate that leads to our roots, names a node of this overlay, and is valid now. */
  const verified = Effect.fnUntraced(function* (certificate: Uint8Array) {
    const name = hashOf(identityOf(certificate));
    const nowMs = yield* Clock.currentTimeMillis;
    const held = known.get(name);
    if (held?.facts.nodeIds.some(isBad)) return undefined;
    if (held !== undefined) return held.facts.notBeforeMs <= nowMs && nowMs <= held.facts.notAfterMs ? held : undefined;
    const facts = yield* Effect.catchTag(
      keys.verifyChain([certificate], configuration.roots(), nowMs),
      "CertificateError",
      () => Effect.succeed(undefined),
    );
    if (facts === undefined || !facts.nodeIds.every((id) => namesNode(facts, id, overlayName) && !isBad(id)))
      return undefined;
    if (known.size >= CERTIFICATES_MAX) known.delete(known.keys().next().value!);
    const fresh: Known = { facts, certificate };
    known.set(name, fresh);
    return fresh;
  });

  /** The signer an identity names: by a certificate of the message, or by one shown before. */
  const signerBy = Effect.fnUntraced(function* (named: SignerIdentity, bucket: ReadonlyArray<Uint8Array>) {
    if (named.type === "none") return undefined;
    const held = known.get(hashOf(named));
    for (const certificate of held === undefined ? bucket : [held.certificate]) {
      const trusted = yield* verified(certificate);
      if (trusted === undefined) continue;
      const { nodeIds, emails } = trusted.facts;
      // "one for a certificate with only one Node-ID and one for a certificate with multiple Node-IDs", §6.3.4.
      if ((named.type === "certHash") !== (nodeIds.length === 1)) continue;
      const nodeId = nodeIds.find((id) => isIdentityOf(named, trusted.certificate, id));
      if (nodeId !== undefined) return { nodeId, users: emails, certificate: trusted.certificate } satisfies Signer;
    }
    return undefined;
  });

  const checked = Effect.fnUntraced(function* (
    signature: Signature,
    input: Uint8Array,
    bucket: ReadonlyArray<Uint8Array>,
  ): Effect.fn.Return<Signer | undefined> {
    if (isUnsigned(signature) || signature.signature !== signatureAlgorithm.ecdsa) return undefined;
    const signer = yield* signerBy(signature.identity, bucket);
    if (signer === undefined) return undefined;
    return (yield* keys.verify(signer.certificate, input, signature.value)) ? signer : undefined;
  });

  const seal: Post["seal"] = Effect.fnUntraced(function* (letter) {
    const contents = encodeBody(letter.body);
    const input = messageSignatureInput(hash, letter.transactionId, encode(MessageContents, contents), identity);
    const signature = ecdsaSignature(identity, yield* keys.sign(credentials.key, input));
    const certificates = [...new Map([ours, ...(letter.certificates ?? [])].map((der) => [hexOf(der), der])).values()];
    const { sequence, initialTtl } = configuration.now();
    return {
      overlay: hash,
      // Whoever is behind must still take it, §6.3.2.1.
      configurationSequence: letter.body.type === "configUpdateReq" ? sequenceAny : sequence,
      version: reloadVersion,
      ttl: initialTtl,
      fragment: fragmentWhole,
      transactionId: letter.transactionId,
      maxResponseLength: 0,
      viaList: [],
      destinationList: letter.destinations,
      options: letter.options ?? [],
      payload: encode(Payload, { contents, security: { certificates: certificates.map(x509), signature } }),
    };
  });

  const open: Post["open"] = Effect.fnUntraced(function* (packet) {
    const read = decode(Payload, packet.payload);
    if (!read.ok) return { refused: `${read.error._tag} ${read.error.at}` };
    const { contents, security } = read.value;
    const bucket = security.certificates.slice(0, BUCKET_MAX).map(({ certificate }) => certificate);
    const raw = encode(MessageContents, contents);
    const input = messageSignatureInput(packet.overlay, packet.transactionId, raw, security.signature.identity);
    const signer = yield* checked(security.signature, input, bucket);
    if (signer === undefined) return { refused: "signature" };
    const body = decodeBody(contents);
    return {
      signer,
      contents,
      body: body?.ok ? body.value : undefined,
      why: body === undefined ? `code ${contents.code}` : body.ok ? "" : `${body.error._tag} ${body.error.at}`,
      signerOf: (resource, kind, { storageTime, value, signature }) =>
        checked(
          signature,
          valueSignatureInput(resource, kind, storageTime, signedBytesOf(value), signature.identity),
          bucket,
        ),
    };
  });

  const signValue: Post["signValue"] = (resource, kind, storageTime, value) =>
    Effect.map(
      keys.sign(credentials.key, valueSignatureInput(resource, kind, storageTime, signedBytesOf(value), identity)),
      (signed) => ecdsaSignature(identity, signed),
    );

  const nodeOf: Post["nodeOf"] = (certificate) =>
    Effect.map(verified(certificate), (trusted) =>
      trusted?.facts.nodeIds.length === 1 ? trusted.facts.nodeIds[0] : undefined,
    );
  return { overlay: hash, seal, open, signValue, nodeOf } satisfies Post;
});

const hashOf = (identity: SignerIdentity): string =>
  identity.type === "none" ? "" : `${identity.type}${identity.identity.algorithm}${hexOf(identity.identity.hash)}`;

/** The certificate holds a `reload://` URI of this node in this overlay, §14.15. */
const namesNode = ({ uris }: CertificateFacts, id: bigint, overlay: string): boolean =>
  uris.some((uri) => {
    const named = readReloadUri(uri);
    return named?.nodeId === id && named.overlay === overlay.toLowerCase();
  });
