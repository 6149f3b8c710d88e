/**
 * @peculiar/x509, which makes certificates and requests for them: loaded when the first is made. Two hundred modules, a fifth of
 * what a server would load at its start, for what it does once a year.
 */
import { webcrypto } from "node:crypto";

export type X509 = typeof import("@peculiar/x509");

let loaded: Promise<X509> | undefined;

const load = async (): Promise<X509> => {
  await import("reflect-metadata"); // its decorators expect it
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
};

export const x509Library = (): Promise<X509> => {
  loaded ??= load();
  return loaded;
};
