/** Whom a newcomer trusts, as its operator says it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { fileStopped } from "./exit.ts";
import { endpointOf, Wrong } from "./options.ts";
import { derOfPem } from "./pem.ts";
import { ENROLMENT_PORT } from "./ports.ts";

export type Anchor =
  /** The file that holds it. */
  | { readonly type: "root"; readonly der: Uint8Array }
  /** SHA-256 of the root in DER, 64 hexadecimal digits. */
  | { readonly type: "fingerprint"; readonly sha256: string };

export const fingerprintOf = (der: Uint8Array): string => createHash("sha256").update(der).digest("hex");

/** Whether a root is the one that the operator named. */
export const isAnchored =
  (anchor: Anchor) =>
  (root: Uint8Array): boolean =>
    anchor.type === "root" ? equalBytes(root, anchor.der) : fingerprintOf(root) === anchor.sha256;

/** `https://host:8443`, as `vipr authority` prints it. */
export const authorityOf = (text: string): Endpoint => {
  const match = /^https:\/\/([^/?#@\s]+)\/?$/.exec(text);
  if (match === null) throw new Wrong(`--authority wants https://host:port, not "${text}"`);
  return endpointOf(match[1]!, "authority", ENROLMENT_PORT);
};

export const anchorOf = (root: string | undefined, fingerprint: string | undefined): Anchor => {
  if (fingerprint !== undefined) {
    const sha256 = fingerprint
      .toLowerCase()
      .replace(/^sha256:/, "")
      .replaceAll(":", "");
    if (!/^[0-9a-f]{64}$/.test(sha256))
      throw new Wrong(`--fingerprint wants the SHA-256 fingerprint that vipr authority printed, not "${fingerprint}"`);
    return { type: "fingerprint", sha256 };
  }
  if (root === undefined)
    throw new Wrong("--fingerprint (which vipr authority printed) or --root FILE must say whom to trust");
  try {
    const [der] = derOfPem(readFileSync(root, "utf8"), "CERTIFICATE");
    if (der !== undefined) return { type: "root", der };
  } catch (error) {
    throw new Wrong(fileStopped(root, error).why);
  }
  throw new Wrong(`--root: ${root} holds no certificate in PEM`);
};
