/**
 * Hashes and HMAC (RFC 2104) with hash objects that are used again: to make one costs as much as to hash with it, and a
 * handshake needs a hundred. The results depend on the arguments only, and no key is left in the objects.
 */
import { sha1 as nobleSha1 } from "@noble/hashes/legacy.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";

type Mac = (...parts: ReadonlyArray<Uint8Array>) => Uint8Array;

export interface Hash {
  readonly size: number;
  /** Of the concatenated parts. */
  readonly of: (...parts: ReadonlyArray<Uint8Array>) => Uint8Array;
  /** One HMAC. */
  readonly hmac: (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array>) => Uint8Array;
  /** Many HMACs under one key; only until `use` returns, and with no other key in between. */
  readonly keyed: <T>(key: Uint8Array, use: (mac: Mac) => T) => T;
}

interface HashObject {
  readonly update: (bytes: Uint8Array) => unknown;
  readonly digest: () => Uint8Array;
  readonly destroy: () => void;
  readonly _cloneInto: (to: any) => unknown;
}

const reusing = (hash: {
  readonly create: () => HashObject;
  readonly blockLen: number;
  readonly outputLen: number;
}): Hash => {
  const [fresh, work, inner, outer] = [hash.create(), hash.create(), hash.create(), hash.create()];
  const pad = new Uint8Array(hash.blockLen);
  const from = (state: HashObject, parts: ReadonlyArray<Uint8Array>): Uint8Array => {
    state._cloneInto(work);
    for (const part of parts) work.update(part);
    return work.digest(); // which zeroes `work`
  };
  const of = (...parts: ReadonlyArray<Uint8Array>) => from(fresh, parts);
  const enter = (key: Uint8Array): void => {
    pad.fill(0).set(key.length > pad.length ? of(key) : key);
    for (let i = 0; i < pad.length; i++) pad[i]! ^= 0x36;
    fresh._cloneInto(inner);
    inner.update(pad);
    for (let i = 0; i < pad.length; i++) pad[i]! ^= 0x36 ^ 0x5c;
    fresh._cloneInto(outer);
    outer.update(pad);
    pad.fill(0);
  };
  const mac: Mac = (...parts) => from(outer, [from(inner, parts)]);
  const keyed = <T>(key: Uint8Array, use: (mac: Mac) => T): T => {
    enter(key);
    try {
      return use(mac);
    } finally {
      inner.destroy();
      outer.destroy();
    }
  };
  return { size: hash.outputLen, of, keyed, hmac: (key, ...parts) => keyed(key, () => mac(...parts)) };
};

/** Prescribed by RFC 5054 and its suites. */
export const sha1 = reusing(nobleSha1);
/** The hash of TLS 1.2's PRF. */
export const sha256 = reusing(nobleSha256);
