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

/** One stream of bytes to a peer: TCP, TLS or memory, until either side ends it. */
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
  /** The same stream without fibers; `directOf` makes one of those above where a transport has none. */
  readonly direct?: DirectStream;
}

/** For whoever reads and writes thousands of small messages a second, in the transport's own turn. DECISIONS.md D-160. */
export interface DirectStream {
  /**
   * `taken` is called with each chunk as it comes, until it gives something, which is the value, or the stream ends. Where it
   * throws, the effect dies. Nobody else reads meanwhile.
   */
  readonly each: <A>(taken: (bytes: Uint8Array) => A | undefined) => Effect.Effect<A, StreamClosed>;
  /**
   * Written at once, or lost where the stream has ended, as its reader learns. False: more than `waitingMax`, by default
   * `DIRECT_BYTES_MAX`, has not been taken by the transport, and nothing was written.
   */
  readonly put: (bytes: Uint8Array, waitingMax?: number) => boolean;
  /** Where `close` would overtake what was put: done when that is written. Absent where it leaves in any case. */
  readonly flushed?: Effect.Effect<void>;
}
/** Put, and not yet taken by the transport; what is put before that is reached may go over it once. */
export const DIRECT_BYTES_MAX = 2 * 1_048_576;

/** The port to one stream that is open already, as a role has it that neither dials nor listens. */
export class ByteStream extends Context.Service<ByteStream, ByteStreamShape>()("vipr/actors/ports/ByteStream") {}
