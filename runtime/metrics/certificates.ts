/** When what a program shows over TLS ends. */
import { X509Certificate } from "node:crypto";
import type { Credentials } from "../../actors/ports/mod.ts";

const WARN_DAYS_MAX = 30;
const WARN_SHARE = 1 / 3;
const DAY_MS = 86_400_000;

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * How long before a certificate's end the log and `vipr doctor` warn of it, milliseconds: 30 days, or a third of its lifetime where
 * that is less. One that lasts a week, and is renewed by a program, would be warned of all its life.
 */
export const warnMs = ({ notBeforeMs, notAfterMs }: Validity): number =>
  Math.min(WARN_DAYS_MAX * DAY_MS, (notAfterMs - notBeforeMs) * WARN_SHARE);

/** Of its own certificate, milliseconds since 1970; undefined where there is none that can be read. */
export const certificateEnd = (credentials: Pick<Credentials, "certificates"> | undefined): number | undefined => {
  const [own] = credentials?.certificates ?? [];
  return own === undefined ? undefined : validityOf(own)?.notAfterMs;
};

/** Undefined where the bytes are no certificate. */
export const validityOf = (certificate: Uint8Array): Validity | undefined => {
  try {
    const { validFrom, validTo } = new X509Certificate(certificate);
    const [notBeforeMs, notAfterMs] = [Date.parse(validFrom), Date.parse(validTo)];
    return Number.isNaN(notBeforeMs + notAfterMs) ? undefined : { notBeforeMs, notAfterMs };
  } catch {
    return undefined;
  }
};
