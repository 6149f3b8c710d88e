/**
 * How a telephone number is stored in the overlay: as a resource, and in it one entry per ViPR server and VService.
 *
 *   Resource-ID     the first 128 bits of SHA-1("+14085555432")        RFC 6940 §10.2
 *                   or, where the overlay names scrypt, of SHA-1(scrypt("+14085555432", salt = the overlay's name))
 *   dictionary key  Node-ID (16 bytes) || VServiceID (8 bytes)         docs/protocol/overlay.md#the-vipr-usage
 *   value           the Node-ID to contact (16 bytes)
 * Requirements: ViPR overview §4, §5.1.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { bigOf, bytesOfBig, type E164, NodeId, utf8, vservice64 } from "../shared/mod.ts";
import { type Decoded, decode, encode, struct, type TypeOf } from "../wire/mod.ts";
import { NODE_ID_BYTES } from "./forwarding.ts";

/** 128 bits, RFC 6940 §10.2. */
export const RESOURCE_ID_BYTES = 16;

/** §10.2: SHA-1, "truncated to the most significant 128 bits". SHA-1 is RFC 6940's choice. */
export const resourceOf = (name: Uint8Array): Uint8Array => sha1(name).slice(0, RESOURCE_ID_BYTES);

/** Where a number's claims are stored, in an overlay whose numbers are hashed by SHA-1 alone. */
export const resourceOfNumber = (number: E164): Uint8Array => resourceOf(utf8(number));

/**
 * scrypt, against trying all numbers, docs/protocol/overlay.md#the-vipr-usage; 32 bytes come out. RFC 7914.
 */
export interface Stretching {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly size: number;
}
/** The parameters that this project's overlays use: 32 MiB of memory, 32 bytes out. */
export const stretching: Stretching = { N: 32_768, r: 8, p: 1, size: 32 };
/** In JavaScript, where there is no native one; takes half a second. Actors use the Keys port. */
export const stretchedNumber = (number: E164, overlay: string): Uint8Array => {
  const { N, r, p, size } = stretching;
  return scrypt(utf8(number), utf8(overlay), { N, r, p, dkLen: size });
};
/** Where a number's claims are stored in an overlay that names scrypt, of the 32 bytes that `stretchedNumber` or the Keys port gave. */
export const resourceOfStretched = (stretched: Uint8Array): Uint8Array => resourceOf(stretched);
/** Where a node's certificates are stored, §8. */
export const resourceOfNode = (nodeId: NodeId): Uint8Array => resourceOf(bytesOfBig(nodeId, NODE_ID_BYTES));

/** §6.3.2: "the lower 32 bits of the SHA-1 hash of the overlay name". */
export const overlayHash = (name: string): number => Number(bigOf(sha1(utf8(name)).slice(-4)));

const RegistrationKey = struct("RegistrationKey", "docs/protocol/overlay.md#the-vipr-usage", {
  nodeId: NodeId,
  vservice: vservice64,
});
/** Whose claim an entry is: the ViPR server that stored it, and the service of its company. 24 bytes. */
export type RegistrationKey = TypeOf<typeof RegistrationKey>;

/** The dictionary key of a claim. */
export const encodeRegistrationKey = (key: RegistrationKey): Uint8Array => encode(RegistrationKey, key);
/** An error for anything but 24 bytes. */
export const decodeRegistrationKey = (key: Uint8Array): Decoded<RegistrationKey> => decode(RegistrationKey, key);

/** The value of a claim: the Node-ID to contact, 16 bytes. */
export const encodeRegistration = (contact: NodeId): Uint8Array => encode(NodeId, contact);
/** An error for anything but 16 bytes. */
export const decodeRegistration = (value: Uint8Array): Decoded<NodeId> => decode(NodeId, value);
