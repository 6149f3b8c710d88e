/** When what a program shows over TLS ends. */
import { X509Certificate } from "node:crypto";
import type { Credentials } from "../../actors/ports/mod.ts";

/** Before its end: a warning in the log, and of `vipr doctor`. */
export const CERTIFICATE_WARN_DAYS = 30;

/** Of its own certificate, milliseconds since 1970; undefined where there is none that can be read. */
export const certificateEnd = (credentials: Pick<Credentials, "certificates"> | undefined): number | undefined => {
  const [own] = credentials?.certificates ?? [];
  return own === undefined ? undefined : endOf(own);
};

export const endOf = (certificate: Uint8Array): number | undefined => {
  try {
    const ms = Date.parse(new X509Certificate(certificate).validTo);
    return Number.isNaN(ms) ? undefined : ms;
  } catch {
    return undefined;
  }
};
