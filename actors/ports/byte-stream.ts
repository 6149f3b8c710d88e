/** A reliable, ordered stream of bytes: TCP, TLS, TLS-SRP and memory look alike from here. */
import { Context, type Effect } from "effect";
import type { StreamClosed } from "./errors.ts";

/** Who is at the other end, as far as the transport has proved it. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  /** The peer's certificate chain in DER, leaf first; verified up to our roots by the transport. Empty without TLS. */
  readonly certificates: ReadonlyArray<Uint8Array>;
}

export interface ByteStreamShape {
  readonly peer: Peer;
  /**
   * The next bytes, at least one. They are the reader's own: nobody writes to them again, so that messages may be views of
   * them. Law: after a failed write, the read fails too.
   */
  readonly read: Effect.Effect<Uint8Array, StreamClosed>;
  /** Succeeds when the transport has taken the bytes; waits while its buffer is full. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, StreamClosed>;
  /** Ends the stream both ways; later reads and writes fail. Never fails itself, may be called twice. */
  readonly close: Effect.Effect<void>;
}

export class ByteStream extends Context.Service<ByteStream, ByteStreamShape>()("vipr/actors/ports/ByteStream") {}
