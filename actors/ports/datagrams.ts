/** Datagrams, UDP: what is sent may be lost, come twice or late, and is whole when it comes. */
import { Context, type Effect, type Scope } from "effect";
import type { ListenFailed } from "./errors.ts";
import type { Listening } from "./listener.ts";

/** What a datagram can carry over IPv4. */
export const DATAGRAM_BYTES_MAX = 65_507;

/** A UDP socket, with the address and port that it has. */
export interface DatagramSocket extends Listening {
  /** Waits for nothing and never fails; `host` is an address, not a name. */
  readonly send: (bytes: Uint8Array, host: string, port: number) => void;
}

/** What a socket tells its owner. */
export interface DatagramHandlers {
  /** Called outside of any fiber, once for each datagram; it must not throw. The bytes are its own. */
  readonly received: (bytes: Uint8Array, host: string, port: number) => void;
  /** The system refused to send. */
  readonly failed: (host: string, port: number, why: string) => void;
}

/** The port to UDP, for SIP and RTP. */
export class Datagrams extends Context.Service<
  Datagrams,
  {
    /** Open until the scope closes. Port 0 takes a free one. */
    readonly open: (
      on: Listening,
      handlers: DatagramHandlers,
    ) => Effect.Effect<DatagramSocket, ListenFailed, Scope.Scope>;
    /** The addresses of a name; of an address itself. None: there is no such name, or nobody who could tell. */
    readonly addressesOf: (host: string) => Effect.Effect<ReadonlyArray<string>>;
  }
>()("vipr/actors/ports/Datagrams") {}
