/** Streams we open. */
import { Context, type Effect, type Scope } from "effect";
import type { ByteStreamShape } from "./byte-stream.ts";
import type { DialFailed } from "./errors.ts";
import type { Credentials } from "./keys.ts";

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Mutual TLS with these credentials; the peer must chain to their roots. Plain TCP when absent. */
  readonly tls?: Credentials;
  /** Default `CONNECT_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
}

export const CONNECT_TIMEOUT_MS = 10_000;

export class Dialer extends Context.Service<
  Dialer,
  {
    /** The stream closes with the scope. Succeeds once the transport, TLS included, is up on our side. */
    readonly dial: (target: DialTarget) => Effect.Effect<ByteStreamShape, DialFailed, Scope.Scope>;
  }
>()("vipr/actors/ports/Dialer") {}
