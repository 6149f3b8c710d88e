/** What the errors of node:net, node:tls and node:https mean, by their codes; the same on Node, Deno and Bun. */
import { type DialReason, ListenFailed, type ListenReason } from "../actors/ports/mod.ts";

interface SystemError {
  readonly code?: string | undefined;
  readonly message: string;
}

const LISTEN: Readonly<Record<string, ListenReason>> = {
  EADDRINUSE: "portTaken",
  EACCES: "notPermitted",
  EPERM: "notPermitted",
  EADDRNOTAVAIL: "noAddress",
  ENOTFOUND: "noAddress",
  EAI_AGAIN: "noAddress",
};
const DIAL: Readonly<Record<string, DialReason>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timedOut",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ECONNRESET: "closed",
  EPIPE: "closed",
};

/** Bun names some errors in their text only. */
const codeIn = ({ code, message }: SystemError): string => code ?? /\bE[A-Z_]{3,}\b/.exec(message)?.[0] ?? "";

export const listenFailed = (host: string, port: number, error: SystemError): ListenFailed =>
  new ListenFailed({ reason: LISTEN[codeIn(error)] ?? "other", why: `${host}:${port}: ${error.message}` });

/** What is no error of the network is one of TLS, where TLS is spoken. */
export const dialReasonOf = (error: SystemError, isTls: boolean): DialReason =>
  DIAL[codeIn(error)] ?? (isTls ? "tls" : "unreachable");
