/**
 * Seals what leaves and opens what arrives: signatures over messages and over stored values, certificates up to the
 * overlay's roots. RFC 6940 §6.3.4, §7.1. Private keys stay behind the Keys port; what is opened here is an event.
 */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  algorithmOf,
  type Body,
  Certificates,
  certificateType,
  type Destination,
  decodeBody,
  encodeBody,
  type ForwardingOption,
  fragmentWhole,
  identityOf,
  identityOfNode,
  isUnsigned,
  MessageContents,
  messageSignatureInput,
  overlayHash,
  type Packet,
  reloadVersion,
  SecurityBlock,
  type Signature,
  type SignerIdentity,
  type Stored,
  type StoredDataValue,
  sealedPayload,
  sequenceAny,
  signatureBy,
  signedBytesOf,
  valueSignatureInput,
  x509,
} from "../../codecs/reload/mod.ts";
import { decodeFirstViews, decodeViews, encode, wireErrorText } from "../../codecs/wire/mod.ts";
import type { Signer } from "../../machines/reload/mod.ts";
import { type Credentials, Keys } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";
import { type Bucket, bucketOf, makeTrust } from "./trust.ts";

/** Certificates looked at in one message: as many as values in an answer, and their issuers. */
const BUCKET_MAX = 96;

export interface ToSeal {
  readonly transactionId: bigint;
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Body;
  /** Of those who signed values in the body; ours is always there. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  readonly options?: ReadonlyArray<ForwardingOption>;
  /** For who has seen our certificate when its link was made: ours is not carried. */
  readonly bare?: boolean;
}

/** Why a message is not to be believed; `unknown`: whose certificate would be needed to tell. */
export interface Refused {
  readonly refused: string;
  readonly unknown?: SignerIdentity;
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
  /** Whether the certificate of that signature's signer is here. */
  readonly isKnown: (signature: Signature) => boolean;
}

export interface Post {
  readonly overlay: number;
  /** Our certificate leads to a root without issuers between: it is enough by itself. */
  readonly standsAlone: boolean;
  readonly seal: (letter: ToSeal) => Effect.Effect<Packet>;
  /** The message of a whole packet, when its signature holds. `fetched`: certificates it did not carry. */
  readonly open: (packet: Packet, fetched?: ReadonlyArray<Uint8Array>) => Effect.Effect<Opened | Refused>;
  readonly signValue: (
    resource: Uint8Array,
    kind: number,
    storageTime: bigint,
    value: StoredDataValue,
  ) => Effect.Effect<Signature>;
  /** The Node-IDs a certificate of this overlay speaks for, leaf first in its chain; none when it is not to be trusted. */
  readonly nodesOf: (chain: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<NodeId>>;
}

/** `nodeId`: as whom we sign, when our certificate names several. */
export const makePost = Effect.fn("reload.post")(function* (
  credentials: Credentials,
  configuration: Pick<Configuration, "now" | "roots">,
  nodeId?: NodeId,
) {
  const keys = yield* Keys;
  const trust = yield* makeTrust(configuration);
  const [ours = new Uint8Array(), ...issuers] = credentials.certificates;
  const names = yield* trust.nodesOf(credentials.certificates);
  const identity = names.length > 1 && nodeId !== undefined ? identityOfNode(ours, nodeId) : identityOf(ours);
  const { algorithm } = credentials.key;
  const hash = overlayHash(configuration.now().name);
  /** What every message of ours carries, written once. */
  const carried = encode(Certificates, [ours, ...issuers].map(x509));

  const checked = Effect.fnUntraced(function* (
    signature: Signature,
    input: Uint8Array,
    bucket: Bucket,
  ): Effect.fn.Return<Signer | undefined> {
    const by = isUnsigned(signature) ? undefined : algorithmOf(signature);
    if (by === undefined) return undefined;
    const signer = yield* trust.signerBy(signature.identity, bucket);
    if (signer === undefined) return undefined;
    return (yield* keys.verify(signer.certificate, input, signature.value, by)) ? signer : undefined;
  });

  const signed = (input: Uint8Array) =>
    Effect.map(keys.sign(credentials.key, input), (value) => signatureBy(algorithm, identity, value));

  const bucketFor = ({ certificates, bare }: ToSeal): Uint8Array => {
    const own = bare ? [] : [ours, ...issuers];
    if (certificates === undefined || certificates.length === 0) return bare ? encode(Certificates, []) : carried;
    return encode(Certificates, trust.withIssuers([...own, ...certificates]).map(x509));
  };

  const seal: Post["seal"] = Effect.fnUntraced(function* (letter) {
    const contents = encode(MessageContents, encodeBody(letter.body));
    const signature = yield* signed(messageSignatureInput(hash, letter.transactionId, contents, identity));
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
      payload: sealedPayload(contents, bucketFor(letter), signature),
    };
  });

  const open: Post["open"] = Effect.fnUntraced(function* (packet, fetched = []) {
    const head = decodeFirstViews(MessageContents, packet.payload);
    if (!head.ok) return { refused: wireErrorText(head.error) };
    const tail = decodeViews(SecurityBlock, packet.payload, head.size);
    if (!tail.ok) return { refused: wireErrorText(tail.error) };
    const contents = head.value;
    const { certificates, signature } = tail.value;
    const shown = certificates.filter(({ type }) => type === certificateType.x509).slice(0, BUCKET_MAX);
    const bucket = bucketOf([...shown.map(({ certificate }) => certificate), ...fetched]);
    const { identity } = signature;
    // The bytes that came, not what we would have written: a signature covers bytes.
    const raw = packet.payload.subarray(0, head.size);
    const input = messageSignatureInput(packet.overlay, packet.transactionId, raw, identity);
    const signer = yield* checked(signature, input, bucket);
    const isKnown = (by: SignerIdentity) => by.type === "none" || trust.isKnown(by) || bucket.named(by).length > 0;
    if (signer === undefined) return { refused: "signature", ...(isKnown(identity) ? {} : { unknown: identity }) };
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
      isKnown: (signature) => isKnown(signature.identity),
    };
  });

  const signValue: Post["signValue"] = (resource, kind, storageTime, value) =>
    signed(valueSignatureInput(resource, kind, storageTime, signedBytesOf(value), identity));

  return {
    overlay: hash,
    standsAlone: issuers.length === 0,
    seal,
    open,
    signValue,
    nodesOf: trust.nodesOf,
  } satisfies Post;
});
