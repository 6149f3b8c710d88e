/** Streams others open. */
import { Context, type Effect, type Scope } from "effect";
import type { ByteStreamShape } from "./byte-stream.ts";
import type { ListenFailed } from "./errors.ts";
import type { CertificateError, Credentials } from "./keys.ts";

/** Where to listen, for whom, and for how many at once. */
export interface ListenOn {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Mutual TLS: a peer without a certificate that chains to our roots is closed before the handler sees it. */
  readonly tls?: Credentials;
  /** With `tls`: clients show no certificate, and are known by what they say. Default false. */
  readonly anyClient?: boolean;
  /** With `tls`: a stream that was closed before the handler saw it. Called outside of any fiber. */
  readonly refused?: (host: string, why: StreamRefusal) => void;
  /** Streams at once; further ones are closed at accept. Default `STREAMS_MAX`. */
  readonly streamsMax?: number;
}

/** Streams that a listener has open at once, where nothing else is asked for. */
export const STREAMS_MAX = 1_024;

/** `notTls`: the handshake failed, or there was none; then what the chain that was shown lacks; `full`: `streamsMax`. */
export type StreamRefusal = "notTls" | "full" | CertificateError["reason"];

/** An address and port: where something listens, or is to; port 0 for a free one. */
export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** The port to streams that others open. */
export class Listener extends Context.Service<
  Listener,
  {
    /**
     * Listens until the scope closes. Each stream gets a fiber of its own running `serve`, and is closed when that ends,
     * fails or dies; a defect there is logged and touches no other stream.
     */
    readonly listen: <R>(
      on: ListenOn,
      serve: (stream: ByteStreamShape) => Effect.Effect<void, never, R>,
    ) => Effect.Effect<Listening, ListenFailed, R | Scope.Scope>;
    /**
     * Whoever comes there from now on is shown these credentials, and asked for what their roots certify. Streams that are
     * open stay as they are. Of an address where nothing listens with TLS: nothing.
     */
    readonly renew: (on: Listening, tls: Credentials) => Effect.Effect<void>;
  }
>()("vipr/actors/ports/Listener") {}
