/** HTTPS, as enrolment needs it: one request, one answer, bodies small enough to be held whole. RFC 9110 §4.3. */
import { Context, Data, type Effect, type Scope } from "effect";
import type { ListenFailed } from "./errors.ts";
import type { Credentials } from "./keys.ts";
import type { Listening } from "./listener.ts";

/** No answer came, or none that may be believed; `why` is for people. */
export class HttpsFailed extends Data.TaggedError("HttpsFailed")<{ readonly why: string }> {}

/** Where a server listens, as whom, and what it takes at most. */
export interface HttpsServeOn {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The server's own key and certificate; no certificate is asked of clients. */
  readonly tls: Credentials;
  /** A longer body is answered 413 while it still arrives, and the connection closed. */
  readonly bodyBytesMax: number;
  /** Requests at once; further ones are answered 503. Default `HTTPS_REQUESTS_MAX`. */
  readonly requestsMax?: number;
}

/** Requests that a server answers at once, where nothing else is asked for. */
export const HTTPS_REQUESTS_MAX = 64;
/** For a whole request, from the dial to the last byte of its answer, where nothing else is asked for. */
export const HTTPS_TIMEOUT_MS = 10_000;

/** A request as the handler has it, whole. */
export interface HttpsRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** Empty when the header is missing, as `accept`. */
  readonly contentType: string;
  readonly accept: string;
  readonly body: Uint8Array;
  readonly peer: { readonly host: string; readonly port: number };
}

/** A server's answer, whole. */
export interface HttpsAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Further ones, as `allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client's request: to whom, under which authorities, and what. */
export interface HttpsCall {
  readonly host: string;
  readonly port: number;
  /** The host name, or the address, that subjectAltName of the server's certificate must have. Default `host`. */
  readonly serverName?: string;
  /** DER; the server's chain must lead to one of them, and to no other. */
  readonly roots: ReadonlyArray<Uint8Array>;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** From the dial to the last byte of the answer. Default `HTTPS_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Of the answer; a longer one is a failure. */
  readonly bodyBytesMax: number;
}

/** The port to HTTPS, as enrolment and configuration have it, RFC 6940 §11. */
export class Https extends Context.Service<
  Https,
  {
    /**
     * Answers until the scope closes, one request a connection. A handler that dies is answered 500 without a word of
     * the reason, which is logged; slow clients are closed.
     */
    readonly serve: <R>(
      on: HttpsServeOn,
      handler: (request: HttpsRequest) => Effect.Effect<HttpsAnswer, never, R>,
    ) => Effect.Effect<Listening, ListenFailed, R | Scope.Scope>;
    /** Nothing of the request leaves before the server's certificate has been found good. */
    readonly request: (call: HttpsCall) => Effect.Effect<HttpsAnswer, HttpsFailed>;
  }
>()("vipr/actors/ports/Https") {}
