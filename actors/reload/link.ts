/**
 * Hosts one link to a neighbour on a byte stream: frames in, messages out, and the other way.
 *
 *   ByteStream.read -> cut -> framed, closed --+
 *   send (from routing; never waits) -- outgoing +--> mailbox --> step --> perform --> out queue --> ByteStream.write
 *   timers ------------------------ timerFired +                            |
 *                                                                           +--> deliver: the next hop, or the node itself
 */

import { Clock, Effect, Queue } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  type Endpoint,
  ForwardingHeader,
  FRAME_OVERHEAD_BYTES,
  FramedMessage,
  FrameStart,
  type Packet,
} from "../../codecs/reload/mod.ts";
import { concat } from "../../codecs/shared/mod.ts";
import { cutViews, decodeFirst, emptyRemainder, encode, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type ReloadLinkAction,
  type ReloadLinkEvent,
  type ReloadLinkInput,
  reloadLink,
} from "../../machines/reload/mod.ts";
import { drive, mailbox, type OwnOrder, performing } from "../kit/mod.ts";
import type { ByteStreamShape } from "../ports/mod.ts";

/** Frames read and not yet looked at: with messages of the greatest size, 2 MiB. */
const EVENTS_MAX = 16;
/** Messages waiting to be framed, and frames waiting to be written; beyond that they are lost, as datagrams are. */
const UNFRAMED_MAX = 512;
const FRAMES_MAX = 1_024;
/** Of both together. A single message of any size passes when nothing else waits. */
const WAITING_BYTES_MAX = 2 * 1_048_576;
/** Of a message over the limit, what is read to find out which node to answer. */
const HEADER_BYTES_MAX = 4_096;
const HEADER_MS = 1_000;
/** Of its payload: the message code, which tells a request from an answer. */
const CODE_BYTES = 2;
/** For an error sent just before closing to leave. */
const LINGER_MS = 200;

/** An open stream of frames to a node that may not be identified yet. */
export interface Channel {
  /** The remote address of its stream. The node listens there only if we dialled it. */
  readonly at: Endpoint;
  /** Never waits; false when the link is full. */
  readonly send: (message: Uint8Array) => boolean;
  /** Ends the link, with a reason for the log. */
  readonly close: (why: string) => Effect.Effect<void>;
}

/** A channel to an identified neighbour. */
export interface Link extends Channel {
  readonly node: NodeId;
  /** All Node-IDs of the certificate at the other end; `node` is one of them. */
  readonly names: ReadonlyArray<NodeId>;
  /** Whether the neighbour may send this packet here. */
  readonly allows: (packet: Packet) => boolean;
}

export interface LinkHooks<R> {
  /** Before the first message is delivered; again when a doubtful link is acknowledged again. */
  readonly opened: (channel: Channel) => Effect.Effect<void, never, R>;
  readonly delivered: (channel: Channel, message: Uint8Array) => Effect.Effect<void, never, R>;
  /** The beginning of a message over the limit; the link is closed once this is done. */
  readonly oversize: (beginning: Packet) => Effect.Effect<void, never, R>;
  /** Frames are not acknowledged: no message should go this way until `opened` is called again. */
  readonly doubtful: Effect.Effect<void, never, R>;
}

export interface LinkSettings extends ReloadLinkInput {
  /** The overlay's max-message-size, which a new configuration may change. */
  readonly messageBytesMax: () => number;
}

/** Serves the stream until it is lost; the result is the reason. `name`: of the other end, for the log. */
export const serveLink = Effect.fn("reload.link")(function* <R>(
  stream: ByteStreamShape,
  name: string,
  settings: LinkSettings,
  hooks: LinkHooks<R>,
): Effect.fn.Return<string, never, R> {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const box = yield* mailbox<ReloadLinkEvent>(EVENTS_MAX);
      const unframed = yield* Queue.dropping<Uint8Array>(UNFRAMED_MAX);
      const frames = yield* Queue.dropping<Uint8Array>(FRAMES_MAX);
      let lostBy = "closed";
      let waitingBytes = 0;
      const channel: Channel = {
        at: { host: stream.peer.host, port: stream.peer.port },
        send: (message) => {
          if (waitingBytes > 0 && waitingBytes + message.length > WAITING_BYTES_MAX) return false;
          if (!Queue.offerUnsafe(unframed, message)) return false;
          waitingBytes += message.length;
          return true;
        },
        close: (why) =>
          Effect.andThen(
            Effect.sync(() => {
              lostBy = why;
            }),
            stream.close,
          ),
      };

      // In: a stream that is not RELOAD, or a frame over the limit, ends the link before the whole frame is buffered.
      const read = Effect.gen(function* () {
        let buffered = emptyRemainder;
        while (true) {
          const chunk = yield* stream.read;
          const got = cutViews(FramedMessage, buffered, chunk, settings.messageBytesMax() + FRAME_OVERHEAD_BYTES);
          const atMs = yield* Clock.currentTimeMillis;
          for (const frame of got.messages) yield* box.tell({ type: "framed", frame, atMs });
          if (got.error !== undefined) {
            const why = wireErrorText(got.error);
            yield* Effect.logWarning("reload.link.garbage", { node: name, why });
            const good = got.raw.reduce((sum, { length }) => sum + length, 0);
            const start = concat(buffered.buffer.subarray(0, buffered.size), chunk).subarray(
              good,
              good + HEADER_BYTES_MAX,
            );
            yield* Effect.ignore(
              refuseOversize(stream, start, settings.messageBytesMax(), (begun) => hooks.oversize(begun)),
            );
            return yield* box.tell({ type: "closed", why });
          }
          buffered = got.rest;
        }
      });
      const reported = (why: string) => box.tell({ type: "closed", why });
      yield* Effect.forkScoped(Effect.catchTag(read, "StreamClosed", ({ why }) => reported(why)));

      // Out: two queues, so that a slow neighbour does not slow the others.
      const frame = Effect.gen(function* () {
        while (true) {
          const message = yield* Queue.take(unframed);
          waitingBytes -= message.length;
          yield* box.tell({ type: "outgoing", message, atMs: yield* Clock.currentTimeMillis });
        }
      });
      yield* Effect.forkScoped(frame);
      const write = Effect.gen(function* () {
        while (true) {
          const waiting = yield* Queue.takeAll(frames);
          const bytes = waiting.length === 1 ? waiting[0]! : concat(...waiting);
          yield* stream.write(bytes);
          waitingBytes -= bytes.length;
        }
      });
      yield* Effect.forkScoped(Effect.ignore(write)); // the reader reports a broken stream

      const perform = (action: OwnOrder<ReloadLinkAction>): Effect.Effect<void, never, R> => {
        switch (action.type) {
          case "write":
            return Effect.sync(() => {
              const bytes = encode(FramedMessage, action.frame);
              if (Queue.offerUnsafe(frames, bytes)) waitingBytes += bytes.length;
            });
          case "deliver":
            return hooks.delivered(channel, action.message);
          case "report":
            if (action.state === "open") return hooks.opened(channel);
            if (action.state === "doubtful") return hooks.doubtful;
            return Effect.sync(() => {
              lostBy = lostBy === "closed" ? action.why : lostBy;
            });
          case "close":
            return stream.close;
        }
      };
      const { rtoMsMin, holdMs } = settings;
      const all = performing(box, { unexpected: "reload.link.unexpected" }, perform);
      yield* drive(reloadLink, { rtoMsMin, holdMs }, box, all, name);
      yield* stream.close;
      return lostBy;
    }),
  );
});

/**
 * "the peer SHOULD send an Error_Message_Too_Large error and then close the TLS or DTLS session from which the message was
 * received. Note that this error can be sent and the session closed before the peer receives the complete message", §6.6.
 */
const refuseOversize = Effect.fnUntraced(function* <R>(
  stream: ByteStreamShape,
  start: Uint8Array,
  messageBytesMax: number,
  oversize: (beginning: Packet) => Effect.Effect<void, never, R>,
) {
  let bytes = start;
  while (true) {
    const frame = decodeFirst(FrameStart, bytes);
    if (frame.ok ? frame.value.length <= messageBytesMax : frame.error._tag === "Malformed") return;
    const header = frame.ok ? decodeFirst(ForwardingHeader, bytes.subarray(frame.size)) : undefined;
    if (frame.ok && header?.ok && bytes.length >= frame.size + header.size + CODE_BYTES) {
      const { length: _, ...known } = header.value;
      yield* oversize({ ...known, payload: bytes.subarray(frame.size + header.size) });
      return yield* Effect.sleep(LINGER_MS);
    }
    const isHeader = header === undefined || header.ok || header.error._tag === "Truncated";
    if (!isHeader || bytes.length >= HEADER_BYTES_MAX) return;
    bytes = concat(bytes, yield* Effect.timeout(stream.read, HEADER_MS));
  }
});
