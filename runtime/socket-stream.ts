/**
 * An open socket as a stream, of node:net or node:tls, on Node, Deno and Bun.
 *
 *   socket "data" --+--> held (bounded: the socket is paused) --> read       write --> socket; waits for "drain"
 *                   +--> who reads directly                                  put ----> socket, however much waits
 */
import type net from "node:net";
import { Effect } from "effect";
import {
  type ByteStreamShape,
  type ClosedReason,
  DIRECT_BYTES_MAX,
  type DirectStream,
  type Peer,
  StreamClosed,
} from "../actors/ports/mod.ts";

const HELD_BYTES_MAX = 256 * 1024; // received and not yet read; beyond, the socket is paused
/** Deno reads a paused TLS socket on (2.9.5): what it holds so is looked at while it is paused, and ends the stream. */
const BACKLOG_BYTES_MAX = 4 * 1_048_576;
const BACKLOG_CHECK_MS = 50;

/** One reader at a time, as every actor here is. */
export const streamOf = (socket: net.Socket, peer: Peer): ByteStreamShape => {
  const incoming = new Incoming(socket);
  socket.on("data", (buffer: Buffer) =>
    incoming.received(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)),
  );
  socket.on("error", (error) => incoming.ended("broken", error.message));
  socket.on("end", () => incoming.ended("ended", "closed by the peer"));
  socket.on("close", () => incoming.ended("ended", "closed"));
  if (socket.destroyed) incoming.ended("ended", "closed");
  socket.setNoDelay(true);
  return {
    peer,
    direct: directOver(socket, incoming),
    read: readFrom(incoming),
    write: (bytes) => writeTo(socket, bytes, incoming),
    close: Effect.sync(() => {
      if (incoming.closed === undefined) endSoon(socket);
      incoming.ended("ended", "closed by us");
    }),
  };
};

/** What was written still leaves; a peer that does not read it keeps the socket and the bytes no longer than this. */
const LINGER_MS = 10_000;
const endSoon = (socket: net.Socket): void => {
  socket.end();
  const gone = setTimeout(() => socket.destroy(), LINGER_MS);
  gone.unref();
  socket.once("close", () => clearTimeout(gone));
};

/** What has come and is not yet read; and whether more will. */
class Incoming {
  closed: StreamClosed | undefined = undefined;
  /** Told that there is something to read, or an end to learn of. */
  wake: (() => void) | undefined = undefined;
  /** Given each chunk instead. */
  direct: ((chunk: Uint8Array) => void) | undefined = undefined;
  private readonly socket: net.Socket;
  private readonly held: Array<Uint8Array> = [];
  private heldBytes = 0;
  private seenBytes = 0;
  private watch: ReturnType<typeof setInterval> | undefined = undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
  }

  received(chunk: Uint8Array): void {
    this.seenBytes += chunk.byteLength;
    if (this.direct !== undefined) {
      this.direct(chunk);
      return;
    }
    this.held.push(chunk);
    this.heldBytes += chunk.byteLength;
    if (this.heldBytes >= HELD_BYTES_MAX && !this.socket.isPaused()) this.pause();
    this.stir();
  }

  next(): Uint8Array | undefined {
    const chunk = this.held.shift();
    if (chunk === undefined) return undefined;
    this.heldBytes -= chunk.byteLength;
    if (this.heldBytes < HELD_BYTES_MAX && this.socket.isPaused()) this.resume();
    return chunk;
  }

  ended(reason: ClosedReason, why: string): void {
    this.closed ??= new StreamClosed({ reason, why });
    clearInterval(this.watch);
    this.stir();
  }

  private stir(): void {
    const { wake } = this;
    this.wake = undefined; // first: the reader may run, and wait again, before this call returns
    wake?.();
  }

  private pause(): void {
    const { socket } = this;
    socket.pause();
    this.watch ??= setInterval(() => {
      if (socket.bytesRead - this.seenBytes > BACKLOG_BYTES_MAX)
        socket.destroy(new Error("sends faster than it is read"));
    }, BACKLOG_CHECK_MS);
  }
  private resume(): void {
    clearInterval(this.watch);
    this.watch = undefined;
    this.socket.resume();
  }
}

const takenFrom = (incoming: Incoming): Effect.Effect<Uint8Array, StreamClosed> | undefined => {
  const chunk = incoming.next();
  if (chunk !== undefined) return Effect.succeed(chunk);
  return incoming.closed === undefined ? undefined : Effect.fail(incoming.closed);
};

const readFrom = (incoming: Incoming): Effect.Effect<Uint8Array, StreamClosed> =>
  Effect.suspend(
    () =>
      takenFrom(incoming) ??
      Effect.callback<Uint8Array, StreamClosed>((resume) => {
        incoming.wake = () => resume(Effect.suspend(() => takenFrom(incoming)!));
        return Effect.sync(() => {
          incoming.wake = undefined;
        });
      }),
  );

const directOver = (socket: net.Socket, incoming: Incoming): DirectStream => ({
  each: <A>(taken: (bytes: Uint8Array) => A | undefined) =>
    Effect.callback<A, StreamClosed>((resume) => {
      const leave = () => {
        incoming.direct = undefined;
        incoming.wake = undefined;
      };
      const end = (effect: Effect.Effect<A, StreamClosed>) => {
        leave();
        resume(effect);
      };
      incoming.direct = (chunk) => {
        try {
          const found = taken(chunk);
          if (found !== undefined) end(Effect.succeed(found));
        } catch (error) {
          end(Effect.die(error)); // it is one stream's affair, and must not end the process
        }
      };
      const first = () => (incoming.direct === undefined ? undefined : incoming.next());
      for (let chunk = first(); chunk !== undefined; chunk = first()) incoming.direct(chunk);
      if (incoming.direct === undefined) return;
      incoming.wake = () => end(Effect.fail(incoming.closed!));
      if (incoming.closed !== undefined) incoming.wake();
      return Effect.sync(leave);
    }),
  put: (bytes, waitingMax = DIRECT_BYTES_MAX) => {
    if (socket.writableLength > waitingMax) return false;
    if (incoming.closed === undefined && !socket.destroyed) socket.write(bytes);
    return true;
  },
});

const writeTo = (socket: net.Socket, bytes: Uint8Array, incoming: Incoming) =>
  Effect.callback<void, StreamClosed>((resume) => {
    const refused = () => resume(Effect.fail(incoming.closed ?? new StreamClosed({ reason: "ended", why: "closed" })));
    if (incoming.closed !== undefined || socket.destroyed) return refused();
    if (socket.write(bytes)) return resume(Effect.void);
    const drained = () => {
      socket.off("close", refused);
      resume(Effect.void);
    };
    socket.once("drain", drained);
    socket.once("close", refused);
    return Effect.sync(() => {
      socket.off("drain", drained);
      socket.off("close", refused);
    });
  });
