/**
 * The platform's WebCrypto where it has the algorithm, @peculiar/webcrypto where it lacks it.
 * Asked once per algorithm, by trying.
 */
import { webcrypto } from "node:crypto";

type SubtleCrypto = webcrypto.SubtleCrypto;
type Algorithm = webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams;

const answers = new Map<string, Promise<SubtleCrypto>>();

export const subtleFor = (algorithm: Algorithm): Promise<SubtleCrypto> => {
  if ((webcrypto as { readonly subtle?: SubtleCrypto } | undefined)?.subtle === undefined)
    return Promise.reject(new Error("vipr needs WebCrypto, which a page has over https: and on loopback alone"));
  const name = JSON.stringify(algorithm);
  const found = answers.get(name) ?? probe(algorithm);
  answers.set(name, found);
  return found;
};

const probe = async (algorithm: Algorithm): Promise<SubtleCrypto> => {
  try {
    await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    return webcrypto.subtle;
  } catch {
    const { Crypto } = await import("@peculiar/webcrypto");
    return new Crypto().subtle as unknown as SubtleCrypto;
  }
};
