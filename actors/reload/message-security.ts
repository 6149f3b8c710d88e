/**
 * Signs what leaves and verifies what arrives: signatures over messages and over stored values, certificates up to the
 * overlay's roots. RFC 6940 §6.3.4, §7.1. Private keys stay behind the Keys port.
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
import type { ConfigurationState } from "./configuration-state.ts";
import { type Bucket, bucketOf, makeTrust } from "./trust.ts";

/** Certificates read of one message: one for each value that an answer may have, and their issuers. */
const BUCKET_MAX = 96;

export interface UnsignedMessage {
  readonly transactionId: bigint;
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Body;
  /** Certificates of the signers of values in the body. Ours is added. */
  readonly certificates?: ReadonlyArray<Uint8Array>;
  readonly options?: ReadonlyArray<ForwardingOption>;
  /** Our certificate is left out: the receiver has it from the TLS handshake of its link, or can fetch it. */
  readonly bare?: boolean;
}

/** Why a message does not verify. `unknown`: the signer whose certificate is missing, if that is the reason. */
export interface RejectedMessage {
  readonly rejected: string;
  readonly unknown?: SignerIdentity;
}

export interface VerifiedMessage {
  readonly signer: Signer;
  readonly contents: MessageContents;
  /** Undefined for a code we do not know, or when the body does not parse as that code's; `why` says which. */
  readonly body: Body | undefined;
  readonly why: string;
  /** The signer of a value in this message, if the value's signature holds. */
  readonly signerOf: (
    resource: Uint8Array,
    kind: number,
    value: Stored<StoredDataValue>,
  ) => Effect.Effect<Signer | undefined>;
  /** Whether the certificate of that signature's signer came with the message or is cached. */
  readonly isKnown: (signature: Signature) => boolean;
}

export interface MessageSecurity {
  readonly overlay: number;
  /** Our certificate was issued by a root itself: receivers need no further certificates with it. */
  readonly standsAlone: boolean;
  readonly sign: (unsigned: UnsignedMessage) => Effect.Effect<Packet>;
  /** The message of a packet (not of a fragment), if its signature holds. `fetched`: certificates it did not carry. */
  readonly verify: (
    packet: Packet,
    fetched?: ReadonlyArray<Uint8Array>,
  ) => Effect.Effect<VerifiedMessage | RejectedMessage>;
  readonly signValue: (
    resource: Uint8Array,
    kind: number,
    storageTime: bigint,
    value: StoredDataValue,
  ) => Effect.Effect<Signature>;
  /** The Node-IDs that the leaf of this chain is issued to, leaf first; none when the chain is not valid here. */
  readonly nodesOf: (chain: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<NodeId>>;
}

/** `nodeId`: which one we sign as, when our certificate has several. */
export const makeMessageSecurity = Effect.fn("reload.messageSecurity")(function* (
  credentials: Credentials,
  configuration: Pick<ConfigurationState, "now" | "roots">,
  nodeId?: NodeId,
) {
  const keys = yield* Keys;
  const trust = yield* makeTrust(configuration);
  const [ours = new Uint8Array(), ...issuers] = credentials.certificates;
  const names = yield* trust.nodesOf(credentials.certificates);
  const identity = names.length > 1 && nodeId !== undefined ? identityOfNode(ours, nodeId) : identityOf(ours);
  const { algorithm } = credentials.key;
  const hash = overlayHash(configuration.now().name);
  /** The certificate list that most of our messages carry, encoded once. */
  const carried = encode(Certificates, [ours, ...issuers].map(x509));

  const signerBy = Effect.fnUntraced(function* (
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

  const signatureOf = (input: Uint8Array) =>
    Effect.map(keys.sign(credentials.key, input), (value) => signatureBy(algorithm, identity, value));

  const bucketFor = ({ certificates, bare }: UnsignedMessage): Uint8Array => {
    const own = bare ? [] : [ours, ...issuers];
    if (certificates === undefined || certificates.length === 0) return bare ? encode(Certificates, []) : carried;
    return encode(Certificates, trust.withIssuers([...own, ...certificates]).map(x509));
  };

  const sign: MessageSecurity["sign"] = Effect.fnUntraced(function* (unsigned) {
    const contents = encode(MessageContents, encodeBody(unsigned.body));
    const signature = yield* signatureOf(messageSignatureInput(hash, unsigned.transactionId, contents, identity));
    const { sequence, initialTtl } = configuration.now();
    return {
      overlay: hash,
      // A node whose configuration is older must still accept it, §6.3.2.1.
      configurationSequence: unsigned.body.type === "configUpdateReq" ? sequenceAny : sequence,
      version: reloadVersion,
      ttl: initialTtl,
      fragment: fragmentWhole,
      transactionId: unsigned.transactionId,
      maxResponseLength: 0,
      viaList: [],
      destinationList: unsigned.destinations,
      options: unsigned.options ?? [],
      payload: sealedPayload(contents, bucketFor(unsigned), signature),
    };
  });

  const verify: MessageSecurity["verify"] = Effect.fnUntraced(function* (packet, fetched = []) {
    const head = decodeFirstViews(MessageContents, packet.payload);
    if (!head.ok) return { rejected: wireErrorText(head.error) };
    const tail = decodeViews(SecurityBlock, packet.payload, head.size);
    if (!tail.ok) return { rejected: wireErrorText(tail.error) };
    const contents = head.value;
    const { certificates, signature } = tail.value;
    const shown = certificates.filter(({ type }) => type === certificateType.x509).slice(0, BUCKET_MAX);
    const bucket = bucketOf([...shown.map(({ certificate }) => certificate), ...fetched]);
    const { identity } = signature;
    // The bytes as received, not encoded again: a signature covers bytes.
    const raw = packet.payload.subarray(0, head.size);
    const input = messageSignatureInput(packet.overlay, packet.transactionId, raw, identity);
    const signer = yield* signerBy(signature, input, bucket);
    const isKnown = (by: SignerIdentity) => by.type === "none" || trust.isKnown(by) || bucket.named(by).length > 0;
    if (signer === undefined) return { rejected: "signature", ...(isKnown(identity) ? {} : { unknown: identity }) };
    const body = decodeBody(contents);
    return {
      signer,
      contents,
      body: body?.ok ? body.value : undefined,
      why: body === undefined ? `code ${contents.code}` : body.ok ? "" : `${body.error._tag} ${body.error.at}`,
      signerOf: (resource, kind, { storageTime, value, signature }) =>
        signerBy(
          signature,
          valueSignatureInput(resource, kind, storageTime, signedBytesOf(value), signature.identity),
          bucket,
        ),
      isKnown: (signature) => isKnown(signature.identity),
    };
  });

  const signValue: MessageSecurity["signValue"] = (resource, kind, storageTime, value) =>
    signatureOf(valueSignatureInput(resource, kind, storageTime, signedBytesOf(value), identity));

  return {
    overlay: hash,
    standsAlone: issuers.length === 0,
    sign,
    verify,
    signValue,
    nodesOf: trust.nodesOf,
  } satisfies MessageSecurity;
});
