/**
 * The streams of a hosted node: those that others dial and those that it dials, each under the number of its link.
 *
 *   serve, dial --> accepted, connected --> read while the node reads --> received ... lost
 *   write, write ... (one turn's) --> one put                    close --> what was put leaves, then the stream ends
 */
import { Effect, type Scope } from "effect";
import { concat } from "../../codecs/shared/mod.ts";
import type { NodeEvent, NodeOrder } from "../../machines/node/mod.ts";
import type { CapturedPlace } from "../capture/mod.ts";
import { type ByteStreamShape, type Credentials, type Dialer, type DirectStream, directOf } from "../ports/mod.ts";

/** Put on a stream and not taken by its transport: beyond that messages are lost, as datagrams are. */
const WAITING_BYTES_MAX = 2 * 1_048_576;
/** For what was put on a stream before we closed it. */
const FLUSH_MS_MAX = 200;

interface OpenStream {
  readonly link: number;
  readonly shape: ByteStreamShape;
  readonly direct: DirectStream;
  unsent: Array<Uint8Array>;
  isReading: boolean;
  /** Its reader, which waits until it may read. */
  wake: (() => void) | undefined;
}

export interface StreamParts {
  readonly tell: (event: NodeEvent) => void;
  readonly run: (effect: Effect.Effect<unknown>) => unknown;
  readonly dialer: Dialer["Service"];
  readonly credentials: Credentials;
}

export class NodeStreams {
  private readonly parts: StreamParts;
  private readonly open = new Map<number, OpenStream>();
  private readonly dialling = new Set<number>();
  /** Streams with something unsent. */
  private readonly written = new Set<OpenStream>();
  private accepted = 0;

  constructor(parts: StreamParts) {
    this.parts = parts;
  }

  /** For the listener: one stream, until it ends. */
  serve(stream: ByteStreamShape): Effect.Effect<void> {
    return Effect.suspend(() => Effect.scoped(this.converse(--this.accepted, stream, "accepted")));
  }

  dial({ link, endpoint }: NodeOrder & { readonly type: "dial" }): void {
    const { dialer, credentials, tell, run } = this.parts;
    this.dialling.add(link);
    const attempt = Effect.scoped(
      Effect.flatMap(dialer.dial({ ...endpoint, tls: credentials }), (stream) =>
        this.dialling.delete(link) ? this.converse(link, stream, "connected") : stream.close,
      ),
    );
    const failed = (why: string) => Effect.sync(() => tell({ type: "unreachable", link, why }));
    run(Effect.catchTag(attempt, "DialFailed", ({ why }) => failed(why)));
  }

  /** Where the other end of a link is; nowhere once it is gone. */
  peerOf(link: number): CapturedPlace {
    const { host, port } = this.open.get(link)?.shape.peer ?? { host: "0.0.0.0", port: 0 };
    return { host, port };
  }

  write(link: number, bytes: Uint8Array): void {
    const stream = this.open.get(link);
    if (stream === undefined) return;
    stream.unsent.push(bytes);
    this.written.add(stream);
  }

  /** Sends what has been written since the last time. */
  flush(): void {
    for (const stream of this.written) this.put(stream);
    this.written.clear();
  }

  resume(link: number): void {
    const stream = this.open.get(link);
    if (stream !== undefined) readOn(stream);
  }

  pause(link: number): void {
    const stream = this.open.get(link);
    if (stream !== undefined) stream.isReading = false;
  }

  close(link: number): void {
    this.dialling.delete(link);
    const stream = this.open.get(link);
    if (stream === undefined) return;
    this.open.delete(link);
    this.put(stream);
    readOn(stream); // to learn that the stream has ended
    const flushed = Effect.timeoutOption(stream.direct.flushed ?? Effect.void, FLUSH_MS_MAX);
    this.parts.run(Effect.andThen(flushed, stream.shape.close));
  }

  private put({ link, direct, unsent }: OpenStream): void {
    if (unsent.length === 0) return;
    const bytes = unsent.length === 1 ? unsent[0]! : concat(...unsent);
    const count = unsent.splice(0).length;
    if (direct.put(bytes, WAITING_BYTES_MAX)) return;
    for (let i = 0; i < count; i++) this.parts.tell({ type: "unwritten", link });
  }

  /** Reads the stream, when the node reads it, until it ends. */
  private converse(
    link: number,
    shape: ByteStreamShape,
    as: "accepted" | "connected",
  ): Effect.Effect<void, never, Scope.Scope> {
    const { tell } = this.parts;
    const lost = (why: string) =>
      Effect.sync(() => {
        if (this.open.delete(link)) tell({ type: "lost", link, why });
      });
    return Effect.flatMap(directOf(shape), (direct) => {
      const stream: OpenStream = { link, shape, direct, unsent: [], isReading: false, wake: undefined };
      this.open.set(link, stream);
      const { host, port, certificates } = shape.peer;
      tell({ type: as, link, stream: { host, port, certificates } });
      return Effect.ensuring(
        Effect.catchTag(Effect.forever(this.readNext(stream)), "StreamClosed", ({ why }) => lost(why)),
        Effect.andThen(lost("closed"), shape.close),
      );
    });
  }

  private readNext(stream: OpenStream) {
    const mayRead = Effect.callback<void>((resume) => {
      stream.wake = () => resume(Effect.void);
    });
    return Effect.flatMap(
      Effect.suspend(() => (stream.isReading ? Effect.void : mayRead)),
      () => Effect.map(stream.shape.read, (bytes) => this.parts.tell({ type: "received", link: stream.link, bytes })),
    );
  }
}

const readOn = (stream: OpenStream): void => {
  stream.isReading = true;
  stream.wake?.();
  stream.wake = undefined;
};
