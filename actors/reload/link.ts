/**
 * Hosts one link to a neighbour on a byte stream: frames in, messages out, and the other way.
 *
 *   ByteStream.read -> cut -> framed, closed --+
 *   post (from routing; never waits) -- post --+--> mailbox --> step --> perform --> out queue --> ByteStream.write
 *   timers ------------------------ timerFired +                            |
 *                                                                           +--> deliver: the next hop, or the node itself
 */
import { Clock, Effect, Queue } from "effect";
import { FRAME_OVERHEAD_BYTES, FramedMessage } from "../../codecs/reload/mod.ts";
import { concat, nodeIdText } from "../../codecs/shared/mod.ts";
import { cut, encode, nothingHeld, wireErrorText } from "../../codecs/wire/mod.ts";
import {
  type ReloadLinkAction,
  type ReloadLinkEvent,
  type ReloadLinkInput,
  reloadLink,
} from "../../machines/reload/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { ByteStreamShape } from "../ports/mod.ts";

const EVENTS_MAX = 128;
/** Messages waiting to be framed, and frames waiting to be written; beyond that they are lost, as datagrams are. */
const POSTS_MAX = 512;
const FRAMES_MAX = 1_024;

/** A way to one neighbour. */
export interface Link {
  readonly node: bigint;
  /** Never waits; false when the link is full. */
  readonly post: (message: Uint8Array) => boolean;
  /** Ends the link, with a reason for the log. */
  readonly close: (why: string) => Effect.Effect<void>;
}

export interface LinkHooks<R> {
  /** Before the first message is delivered; again when a doubtful link has proved well. */
  readonly opened: (link: Link) => Effect.Effect<void, never, R>;
  readonly delivered: (link: Link, message: Uint8Array) => Effect.Effect<void, never, R>;
  /** It may come back: no message should go this way until `opened` says so. */
  readonly doubtful: (link: Link) => Effect.Effect<void, never, R>;
}

/** Serves the stream until it is lost, and says why. */
export const serveLink = Effect.fn("reload.link")(function* <R>(
  stream: ByteStreamShape,
  node: bigint,
  settings: ReloadLinkInput & { readonly messageBytesMax: number },
  hooks: LinkHooks<R>,
): Effect.fn.Return<string, never, R> {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const box = yield* mailbox<ReloadLinkEvent>(EVENTS_MAX);
      const posts = yield* Queue.dropping<Uint8Array>(POSTS_MAX);
      const frames = yield* Queue.dropping<Uint8Array>(FRAMES_MAX);
      let lostBy = "closed";
      const link: Link = {
        node,
        post: (message) => Queue.offerUnsafe(posts, message),
        close: (why) =>
          Effect.andThen(
            Effect.sync(() => {
              lostBy = why;
            }),
            stream.close,
          ),
      };

      // In: a stream that is no RELOAD, or a frame over the limit, ends the link before it is held whole.
      const read = Effect.gen(function* () {
        let held = nothingHeld;
        while (true) {
          const got = cut(FramedMessage, held, yield* stream.read, settings.messageBytesMax + FRAME_OVERHEAD_BYTES);
          const atMs = yield* Clock.currentTimeMillis;
          for (const frame of got.messages) yield* box.tell({ type: "framed", frame, atMs });
          if (got.error !== undefined) {
            const why = wireErrorText(got.error);
            yield* Effect.logWarning("reload.link.garbage", { node: nodeIdText(node), why });
            return yield* box.tell({ type: "closed", why });
          }
          held = got.rest;
        }
      });
      const reported = (why: string) => box.tell({ type: "closed", why });
      yield* Effect.forkScoped(Effect.catchTag(read, "StreamClosed", ({ why }) => reported(why)));

      // Out: two queues, so that a slow neighbour slows nobody but itself.
      const frame = Effect.gen(function* () {
        while (true) {
          const message = yield* Queue.take(posts);
          yield* box.tell({ type: "post", message, atMs: yield* Clock.currentTimeMillis });
        }
      });
      yield* Effect.forkScoped(frame);
      const write = Effect.gen(function* () {
        while (true) yield* stream.write(concat(...(yield* Queue.takeAll(frames))));
      });
      yield* Effect.forkScoped(Effect.ignore(write)); // the reader reports a broken stream

      const perform = (action: ReloadLinkAction): Effect.Effect<void, never, R> => {
        switch (action.type) {
          case "write":
            return Effect.sync(() => void Queue.offerUnsafe(frames, encode(FramedMessage, action.frame)));
          case "deliver":
            return hooks.delivered(link, action.message);
          case "startTimer": {
            const { timer } = action;
            const fired = Effect.map(Clock.currentTimeMillis, (atMs) => ({ type: "timerFired" as const, timer, atMs }));
            return box.startTimer(timer, action.ms, fired);
          }
          case "stopTimer":
            return box.stopTimer(action.timer);
          case "report":
            if (action.state === "open") return hooks.opened(link);
            if (action.state === "doubtful") return hooks.doubtful(link);
            return Effect.sync(() => {
              lostBy = lostBy === "closed" ? action.why : lostBy;
            });
          case "close":
            return stream.close;
          case "note":
            return Effect.logDebug("reload.link.unexpected", action.unexpected);
        }
      };
      yield* drive(reloadLink, settings, box, perform, nodeIdText(node));
      yield* stream.close;
      return lostBy;
    }),
  );
});
