/**
 * What leaves is signed: the bytes that a signature covers, and the packet that it makes. RFC 6940 §6.3.4.
 * Requirements: RFC 6940 §6.3, §6.3.2, §13.2.
 */
import {
  Certificates,
  encodeBody,
  fragmentWhole,
  MessageContents,
  messageSignatureInput,
  type Packet,
  reloadVersion,
  sealedPayload,
  sequenceAny,
  signatureBy,
  x509,
} from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { begin, type Core } from "./core.ts";
import { withIssuers } from "./trust.ts";
import type { Job, ToSign, UnsignedMessage } from "./work.ts";

/** Messages whose signature is being made at once; one more is not sent. */
export const SIGNING_MAX = 4_096;

/** Orders the signature; the packet comes as work `signed`. False when too many are being signed. */
export const sign = (core: Core, unsigned: UnsignedMessage, purpose: ToSign): boolean => {
  if (core.jobs.size >= SIGNING_MAX) return false;
  const { identity } = core.settings;
  const contents = encode(MessageContents, encodeBody(unsigned.body));
  const token = begin(core, { type: "sign", unsigned, contents, purpose });
  const bytes = messageSignatureInput(core.overlayHash, unsigned.transactionId, contents, identity);
  core.orders.push({ type: "sign", token, bytes });
  return true;
};

export const signed = (
  core: Core,
  { unsigned, contents, purpose }: Job & { readonly type: "sign" },
  value: Uint8Array,
) => {
  const { algorithm, identity } = core.settings;
  const { sequence, initialTtl } = core.overlay;
  const packet: Packet = {
    overlay: core.overlayHash,
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
    payload: sealedPayload(contents, bucketFor(core, unsigned), signatureBy(algorithm, identity, value)),
  };
  core.work.push({ type: "signed", purpose, packet, isError: unsigned.body.type === "error" });
};

const bucketFor = (core: Core, { certificates, bare }: UnsignedMessage): Uint8Array => {
  const own = bare ? [] : core.settings.certificates;
  if (certificates === undefined || certificates.length === 0) return bare ? nothingCarried : core.carried;
  return encode(Certificates, withIssuers(core.trust, [...own, ...certificates]).map(x509));
};
const nothingCarried = encode(Certificates, []);
