/** Compares passwords in constant time. */
import { sha256 } from "@noble/hashes/sha2.js";
import { equalSecrets, utf8 } from "../../codecs/shared/mod.ts";

export const passwordDigest = (password: string): Uint8Array => sha256(utf8(password));

/** An unknown user (no digest) takes as long as a known one, and is never right. */
export const isPassword = (known: Uint8Array | undefined, given: string): boolean => {
  const isSame = equalSecrets(passwordDigest(given), known ?? new Uint8Array(32));
  return isSame && known !== undefined;
};
