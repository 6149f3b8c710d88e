/** Streams we open. */
import { Context, type Effect, type Scope } from "effect";
import type { ByteStreamShape } from "./byte-stream.ts";
import type { DialFailed } from "./errors.ts";
import type { Credentials } from "./keys.ts";

/** TLS in which the server alone shows a certificate. */
export interface ServerTrust {
  /** DER; the chain must lead to one of them. */
  readonly roots: ReadonlyArray<Uint8Array>;
  /** A DNS name or an address, which the certificate must prove. */
  readonly name: string;
}

/** Where to, and as whom: plain TCP, mutual TLS, or TLS that shows no certificate of ours. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Mutual TLS with these credentials; the peer must chain to their roots. Plain TCP when absent. */
  readonly tls?: Credentials;
  /** In place of `tls`: we show no certificate. */
  readonly server?: ServerTrust;
  /** Default `CONNECT_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
}

/** For the whole of a dial: the name's addresses, TCP, and the handshake of TLS. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** The port to streams that we open. */
export class Dialer extends Context.Service<
  Dialer,
  {
    /** The stream closes with the scope. Succeeds once the transport, TLS included, is up on our side. */
    readonly dial: (target: DialTarget) => Effect.Effect<ByteStreamShape, DialFailed, Scope.Scope>;
  }
>()("vipr/actors/ports/Dialer") {}
