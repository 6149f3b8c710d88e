/**
 * From a premaster secret to the keys of both directions: RFC 5246 §5, §6.3, §7.4.9, §8.1, and RFC 7627 §4.
 * Our suites name no hash of their own: the PRF uses TLS 1.2's SHA-256.
 */
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import { type SrpSuite, srpSuites } from "../../codecs/tls/mod.ts";
import { sha256 } from "./hash.ts";

/** PRF(secret, label, seed) = P_SHA256(secret, label + seed). */
export const prf = (secret: Uint8Array, label: string, seed: Uint8Array, size: number): Uint8Array =>
  sha256.keyed(secret, (mac) => {
    const start = concat(bytesOf(label), seed);
    const out = new Uint8Array(Math.ceil(size / sha256.size) * sha256.size);
    let a: Uint8Array = start;
    for (let at = 0; at < size; at += sha256.size) {
      a = mac(a);
      out.set(mac(a, start), at);
    }
    return out.subarray(0, size);
  });

/** The labels are few, and written in ASCII. */
const bytesOf = (label: string): Uint8Array => {
  const known = labels.get(label) ?? utf8(label);
  if (labels.size < LABELS_MAX) labels.set(label, known);
  return known;
};
const labels = new Map<string, Uint8Array>();
const LABELS_MAX = 8;

export interface Randoms {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

const MASTER_SECRET_BYTES = 48;

/** RFC 5246 §8.1. */
export const masterSecret = (premaster: Uint8Array, randoms: Randoms): Uint8Array =>
  prf(premaster, "master secret", concat(randoms.client, randoms.server), MASTER_SECRET_BYTES);

/** Of all handshake messages so far: RFC 5246 §7.4.9; RFC 7627 §3 calls it session_hash. */
export const hashOf = (transcript: Uint8Array): Uint8Array => sha256.of(transcript);

/** RFC 7627 §4; the hash covers ClientHello to ClientKeyExchange. */
export const extendedMasterSecret = (premaster: Uint8Array, sessionHash: Uint8Array): Uint8Array =>
  prf(premaster, "extended master secret", sessionHash, MASTER_SECRET_BYTES);

const VERIFY_DATA_BYTES = 12;

/** The content of a Finished message; `transcriptHash` covers all handshake messages before it. RFC 5246 §7.4.9. */
export const verifyData = (
  master: Uint8Array,
  label: "client finished" | "server finished",
  transcriptHash: Uint8Array,
): Uint8Array => prf(master, label, transcriptHash, VERIFY_DATA_BYTES);

/** One direction's secrets. */
export interface DirectionKeys {
  readonly macKey: Uint8Array;
  readonly key: Uint8Array;
}

const MAC_KEY_BYTES = 20; // HMAC-SHA1, RFC 5246 appendix C

/** RFC 5246 §6.3. */
const directionKeys = (
  master: Uint8Array,
  randoms: Randoms,
  suite: SrpSuite,
): { readonly client: DirectionKeys; readonly server: DirectionKeys } => {
  const { keySize } = srpSuites[suite];
  const seed = concat(randoms.server, randoms.client);
  const block = prf(master, "key expansion", seed, 2 * (MAC_KEY_BYTES + keySize));
  const keysAt = 2 * MAC_KEY_BYTES;
  const keys = {
    client: { macKey: block.slice(0, MAC_KEY_BYTES), key: block.slice(keysAt, keysAt + keySize) },
    server: { macKey: block.slice(MAC_KEY_BYTES, keysAt), key: block.slice(keysAt + keySize) },
  };
  block.fill(0);
  return keys;
};

export interface SessionSecrets {
  readonly master: Uint8Array;
  readonly client: DirectionKeys;
  readonly server: DirectionKeys;
}

/** All secrets derived from the premaster secret, which is zeroed; the hash covers ClientHello to ClientKeyExchange. */
export const sessionSecrets = (
  premaster: Uint8Array,
  randoms: Randoms,
  sessionHash: Uint8Array,
  agreed: { readonly suite: SrpSuite; readonly extendedMasterSecret: boolean },
): SessionSecrets => {
  const master = agreed.extendedMasterSecret
    ? extendedMasterSecret(premaster, sessionHash)
    : masterSecret(premaster, randoms);
  premaster.fill(0);
  return { master, ...directionKeys(master, randoms, agreed.suite) };
};
