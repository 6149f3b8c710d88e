/**
 * Signatures that arrive: over messages, over stored values, and over the answer that tells who is at the end of a link.
 *
 *   signature --> its signer cached? --------------------------------> verifySignature --> the signer, or nobody
 *             \-> a certificate of the message --> verifyChain --+---^
 *                                        ^------ the next one <--+
 *
 * "Intermediate nodes do not verify signatures. Upon receipt (and fragment reassembly, if needed), the destination node MUST
 * verify the signature and the authorizing certificate." RFC 6940 §6.3.4.
 * Requirements: RFC 6940 §6.1.1, §7.4.2.2; docs/protocol/overlay.md.
 */
import {
  algorithmOf,
  certificateType,
  decodeBody,
  isUnsigned,
  MessageContents,
  messageSignatureInput,
  type Packet,
  SecurityBlock,
  type Signature,
  type SignerIdentity,
  type StoreKindData,
  signedBytesOf,
  valueSignatureInput,
} from "../../codecs/reload/mod.ts";
import { decodeFirstViews, decodeViews, wireErrorText } from "../../codecs/wire/mod.ts";
import type { Signer } from "../reload/mod.ts";
import { begin, type Core } from "./core.ts";
import {
  type Bucket,
  bucketOf,
  type CertifiedFacts,
  cachedSigner,
  isCached,
  memberFacts,
  namedIn,
  signerFrom,
} from "./trust.ts";
import type { Check, Delivery, Job, ToVerify } from "./work.ts";

/** Certificates read of one message: one for each value that an answer may have, and their issuers. */
const BUCKET_MAX = 96;

type Verifying = Job & { readonly check: Check | undefined };

/** A packet's message as it lies in its payload; or why it does not parse. */
const readPayload = (packet: Packet, fetched: ReadonlyArray<Uint8Array>) => {
  const head = decodeFirstViews(MessageContents, packet.payload);
  if (!head.ok) return wireErrorText(head.error);
  const tail = decodeViews(SecurityBlock, packet.payload, head.size);
  if (!tail.ok) return wireErrorText(tail.error);
  const { certificates, signature } = tail.value;
  const shown = certificates.filter(({ type }) => type === certificateType.x509).slice(0, BUCKET_MAX);
  const bucket = bucketOf([...shown.map(({ certificate }) => certificate), ...fetched]);
  // The bytes as received, not encoded again: a signature covers bytes.
  const raw = packet.payload.subarray(0, head.size);
  const bytes = messageSignatureInput(packet.overlay, packet.transactionId, raw, signature.identity);
  return { contents: head.value, check: checkOf(signature, bytes, bucket) };
};

const checkOf = (signature: Signature, bytes: Uint8Array, bucket: Bucket): Check => ({
  signature,
  bytes,
  bucket,
  candidates: [],
  tried: -1,
  signer: undefined,
});

/** The message comes as work `verified`. */
export const verifyMessage = (core: Core, delivery: Delivery): void => {
  const read = readPayload(delivery.packet, delivery.fetched ?? []);
  if (typeof read === "string") {
    core.work.push({ type: "verified", delivery, message: { rejected: read, unknown: undefined } });
    return;
  }
  goOn(core, { type: "message", ...read, delivery });
};

/** The message of an end of a link that is not identified; its signer comes as work `identified`. False when it does not parse. */
export const verifyGreeted = (
  core: Core,
  link: number,
  message: Uint8Array,
  packet: Packet,
  isAnswer: boolean,
): boolean => {
  const read = readPayload(packet, []);
  if (typeof read === "string") return false;
  goOn(core, { type: "greeted", check: read.check, link, message, isAnswer });
  return true;
};

/** The signers of all values come as work `valuesVerified`. */
export const verifyValues = (
  core: Core,
  bucket: Bucket,
  resource: Uint8Array,
  kinds: ReadonlyArray<StoreKindData>,
  purpose: ToVerify,
): void =>
  goOn(core, {
    type: "values",
    check: undefined,
    bucket,
    resource,
    kinds,
    found: kinds.length === 0 ? [] : [[]],
    purpose,
  });

/** Whether the certificate of that signature's signer came with the message or is cached. */
export const isKnown = (core: Core, bucket: Bucket, by: SignerIdentity): boolean =>
  by.type === "none" || isCached(core.trust, by) || namedIn(bucket, by).length > 0;

export const signatureVerified = (core: Core, job: Verifying, holds: boolean): void =>
  settle(core, job, holds ? job.check!.signer : undefined);

export const chainVerified = (core: Core, job: Verifying, facts: CertifiedFacts | undefined): void => {
  const { bucket, candidates, tried } = job.check!;
  bucket.checked.set(candidates[tried]!, memberFacts(facts, core.overlay, core.nowMs));
  goOn(core, job);
};

/** Goes on until there is an order to wait for, or the signature is settled. */
const goOn = (core: Core, job: Verifying): void => {
  const check = job.check ?? (job.type === "values" ? valueCheck(job) : undefined);
  if (check === undefined) {
    if (job.type !== "values") return;
    core.work.push({ type: "valuesVerified", purpose: job.purpose, signers: job.found });
    return;
  }
  const { signature, bytes, bucket } = check;
  const algorithm = isUnsigned(signature) ? undefined : algorithmOf(signature);
  if (algorithm === undefined) {
    settle(core, job, undefined);
    return;
  }
  if (check.tried < 0) {
    const cached = cachedSigner(core.trust, signature.identity, core.overlay, core.nowMs);
    if (cached !== undefined && cached.signer === undefined) {
      settle(core, job, undefined);
      return;
    }
    check.signer = cached?.signer;
    check.candidates = cached === undefined ? namedIn(bucket, signature.identity) : [];
    check.tried = 0;
  }
  while (check.signer === undefined && check.tried < check.candidates.length) {
    const certificate = check.candidates[check.tried]!;
    if (!bucket.checked.has(certificate)) {
      const chain = [certificate, ...bucket.certificates.filter((other) => other !== certificate)];
      core.orders.push({ type: "verifyChain", token: begin(core, job), chain, roots: core.roots });
      return;
    }
    const facts = bucket.checked.get(certificate);
    if (facts !== undefined) check.signer = signerFrom(core.trust, signature.identity, certificate, facts);
    check.tried++;
  }
  if (check.signer === undefined) {
    settle(core, job, undefined);
    return;
  }
  const { certificate } = check.signer;
  core.orders.push({
    type: "verifySignature",
    token: begin(core, job),
    certificate,
    bytes,
    signature: signature.value,
    algorithm,
  });
};

/** Of the values whose signatures are examined: the next. */
export const nextValue = (core: Core, job: Job & { readonly type: "values" }): void => goOn(core, job);

/** The next value whose signer is not settled yet; undefined when all are. */
const valueCheck = (job: Job & { readonly type: "values" }): Check | undefined => {
  const { kinds, found, resource, bucket } = job;
  while (found.length > 0) {
    const { kind, values } = kinds[found.length - 1]!;
    const value = values instanceof Uint8Array ? undefined : values[found.at(-1)!.length];
    if (value === undefined) {
      if (found.length === kinds.length) return undefined;
      found.push([]);
      continue;
    }
    const { storageTime, signature } = value;
    const bytes = valueSignatureInput(resource, kind, storageTime, signedBytesOf(value.value), signature.identity);
    job.check = checkOf(signature, bytes, bucket);
    return job.check;
  }
  return undefined;
};

const settle = (core: Core, job: Verifying, signer: Signer | undefined): void => {
  switch (job.type) {
    case "message": {
      core.work.push({ type: "verified", delivery: job.delivery, message: messageOf(core, job, signer) });
      return;
    }
    case "greeted":
      core.work.push({ type: "identified", job, signer });
      return;
    case "values":
      job.found.at(-1)!.push(signer);
      job.check = undefined;
      core.work.push({ type: "nextValue", job });
  }
};

const messageOf = (core: Core, { check, contents }: Job & { readonly type: "message" }, signer: Signer | undefined) => {
  const { bucket, signature } = check;
  const { identity } = signature;
  if (signer === undefined)
    return { rejected: "signature", unknown: isKnown(core, bucket, identity) ? undefined : identity };
  const body = decodeBody(contents);
  return {
    signer,
    contents,
    body: body?.ok ? body.value : undefined,
    why: body === undefined ? `code ${contents.code}` : body.ok ? "" : `${body.error._tag} ${body.error.at}`,
    bucket,
  };
};
