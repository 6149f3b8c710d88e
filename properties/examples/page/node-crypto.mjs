/**
 * What the memory runtime takes of `node:crypto` and `node:worker_threads`, for a page: ECDSA on P-256 and hashes by noble, which
 * answer at once, as virtual time wants; the rest is WebCrypto's. A bundler puts it where those two are imported. For trials: noble
 * is not a platform's library, and private keys stand in the page's memory. DECISIONS.md D-190.
 */
import { p256 } from "@noble/curves/nist.js";
import { pbkdf2 as pbkdf2Of } from "@noble/hashes/pbkdf2.js";
import { scrypt as scryptOf } from "@noble/hashes/scrypt.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

// What a page lacks, and the memory runtime takes for granted: of Buffers, their text in hex digits.
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (two) => Number.parseInt(two, 16));
globalThis.Buffer ??= class extends Uint8Array {
  static alloc(size) {
    return new this(size);
  }
  write(hex) {
    this.set(bytesOf(hex));
  }
  toString() {
    return Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
};
globalThis.setImmediate ??= (task) => {
  const { port1, port2 } = new MessageChannel(); // a timer of a page waits 4 ms
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(0);
};

if (globalThis.crypto?.subtle === undefined)
  throw new Error("this page needs WebCrypto, which browsers give over https: and on loopback alone");
export const webcrypto = globalThis.crypto;
export const parentPort = null;
export const workerData = undefined;
/** No thread, as the powers of a page are few. */
export class Worker {
  constructor() {
    throw new Error("a page has no thread of Node's");
  }
}

const HASHES = { sha256, sha384, sha512 };
export const createHash = (name) => {
  const hash = HASHES[name].create();
  return {
    update(bytes) {
      hash.update(bytes);
      return this;
    },
    digest: (form) => (form === "base64" ? btoa(String.fromCharCode(...hash.digest())) : hash.digest()),
  };
};

/** RFC 5480 §2.1, RFC 5208 §5 and RFC 5915 §3, as far as they are the same for every key of P-256. */
const SPKI = bytesOf("3059301306072a8648ce3d020106082a8648ce3d030107034200");
const PKCS8 = bytesOf("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");
const PKCS8_PUBLIC = bytesOf("a144034200");
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

const publicKeyOf = (point) => ({ type: "public", point, export: () => joined(SPKI, point) });
const privateKeyOf = (secret) => {
  const point = p256.getPublicKey(secret, false);
  return {
    type: "private",
    secret,
    point,
    asymmetricKeyType: "ec",
    asymmetricKeyDetails: { namedCurve: "prime256v1" },
    export: () => joined(PKCS8, secret, PKCS8_PUBLIC, point),
  };
};
export const generateKeyPairSync = (type) => {
  if (type !== "ec") return missing();
  const privateKey = privateKeyOf(p256.utils.randomSecretKey());
  return { privateKey, publicKey: publicKeyOf(privateKey.point) };
};
export const createPublicKey = ({ point, key }) => {
  if (point !== undefined) return publicKeyOf(point);
  if (!SPKI.every((byte, i) => byte === key[i])) throw new Error("a page's keys are of P-256");
  return publicKeyOf(key.subarray(SPKI.length));
};
export const sign = (hash, bytes, { secret }) =>
  p256.sign(HASHES[hash](bytes), secret, { prehash: false, lowS: false, format: "der" });
export const verify = (hash, bytes, { point }, signature) =>
  p256.verify(signature, HASHES[hash](bytes), point, { prehash: false, lowS: false, format: "der" });

export const pbkdf2Sync = (password, salt, c, dkLen, hash) => pbkdf2Of(HASHES[hash], password, salt, { c, dkLen });
export const scryptSync = (password, salt, dkLen, { N, r, p }) => scryptOf(password, salt, { N, r, p, dkLen });

const missing = () => {
  throw new Error("node:crypto: not in a page");
};
export const [createDiffieHellman, createPrivateKey, generateKeyPair, pbkdf2, scrypt] = Array(5).fill(missing);
