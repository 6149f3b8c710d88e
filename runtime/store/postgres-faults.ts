/** Maps PostgreSQL's errors to the reasons of `StoreFailed`. https://www.postgresql.org/docs/current/errcodes-appendix.html */
import { StoreFailed, type StoreFault } from "../../actors/ports/mod.ts";

const CODES: Readonly<Record<string, StoreFault>> = {
  "25006": "readOnly",
  "42501": "readOnly",
  "53100": "full",
  "53300": "away",
  "55P03": "locked",
  "57P01": "away",
  "57P02": "away",
  "57P03": "away",
  XX001: "corrupt",
  XX002: "corrupt",
};
const CLASSES: Readonly<Record<string, StoreFault>> = {
  "08": "away",
  "28": "refused",
  "3D": "refused",
};

interface Reported {
  readonly message?: string;
  readonly code?: string;
  /** Of PostgreSQL's own errors; a socket's have a code as well. */
  readonly severity?: string;
  readonly reason?: { readonly _tag?: string; readonly cause?: Reported };
}

/** Without PostgreSQL's SQLSTATE the connection itself has failed: what was asked is done or not, and nobody knows. */
export const pgFault = (cause: unknown): StoreFailed => {
  if (cause instanceof StoreFailed) return cause;
  const { reason, message } = cause as Reported;
  const inner = reason?.cause;
  const state = inner?.severity === undefined ? undefined : inner.code;
  const why = String(inner?.message ?? message ?? cause);
  if (state === undefined)
    return new StoreFailed({
      reason:
        reason?._tag === "ConnectionError" ? "away" : reason?._tag === "AuthenticationError" ? "refused" : "failed",
      why,
    });
  return new StoreFailed({
    reason: CODES[state] ?? CLASSES[state.slice(0, 2)] ?? "failed",
    why: `${why} (SQLSTATE ${state})`,
  });
};
