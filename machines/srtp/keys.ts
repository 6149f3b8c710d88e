/**
 * Session keys from a master key and its salt. RFC 3711 §4.3; AES-256: RFC 6188 §3.
 *
 *   keystream of (master salt XOR label at byte 7) under the master key
 *     labels 0, 1, 2: SRTP encryption, authentication, salt     3, 4, 5: the same of SRTCP
 *
 * The key derivation rate is 0: keys are derived once.
 */
import { applyKeystream, SALT_BYTES } from "./keystream.ts";
import type { Keyed, SrtpPrimitives } from "./primitives.ts";

/** What a suite's name says. `codecs/sip` has those of RFC 4568; this room takes any with these sizes. */
export interface SrtpSuite {
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** Of an RTP packet; 10 or 4. */
  readonly tagBytes: number;
}

/** One direction's keys for one kind of packet. */
export interface SessionKeys {
  readonly cipher: Keyed;
  readonly salt: Uint8Array;
  readonly mac: Keyed;
}
export interface DerivedKeys {
  readonly rtp: SessionKeys;
  readonly rtcp: SessionKeys;
  /** The keys are gone; nothing is called afterwards. */
  readonly end: () => void;
}

const AUTH_BYTES = 20;
const LABELS = { rtp: 0, rtcp: 3 } as const;

/** The bytes of one session key. RFC 3711 §4.3.3 and its vectors, B.3. */
export const derive = (cipher: Keyed, masterSalt: Uint8Array, label: number, size: number): Uint8Array => {
  const x = masterSalt.slice();
  x[7]! ^= label;
  const out = new Uint8Array(size);
  applyKeystream(cipher, x, 0, 0, out, 0, size);
  return out;
};

/** `keySalt`: the master key, then the salt. It stays the caller's, who zeroes it. */
export const deriveKeys = (primitives: SrtpPrimitives, suite: SrtpSuite, keySalt: Uint8Array): DerivedKeys => {
  const masterSalt = keySalt.slice(suite.keyBytes, suite.keyBytes + SALT_BYTES);
  const master = primitives.blockCipher(keySalt.subarray(0, suite.keyBytes));
  const keysOf = (first: number): SessionKeys => {
    const encryption = derive(master, masterSalt, first, suite.keyBytes);
    const authentication = derive(master, masterSalt, first + 1, AUTH_BYTES);
    const salt = derive(master, masterSalt, first + 2, SALT_BYTES);
    const keys = { cipher: primitives.blockCipher(encryption), mac: primitives.hmacSha1(authentication), salt };
    encryption.fill(0);
    authentication.fill(0);
    return keys;
  };
  const [rtp, rtcp] = [keysOf(LABELS.rtp), keysOf(LABELS.rtcp)];
  master.end();
  masterSalt.fill(0);
  const end = () => {
    for (const keys of [rtp, rtcp]) {
      keys.cipher.end();
      keys.mac.end();
      keys.salt.fill(0);
    }
  };
  return { rtp, rtcp, end };
};
