/**
 * One stream that carries SIP both ways. RFC 3261 §18.
 *
 *   ByteStream.read -> cut -> receive            send -> queue (bounded) -> print -> ByteStream.write
 *
 * Whoever sends never waits: a peer that does not read its stream has it closed, and stalls no one else's call.
 */
import { Effect, Option, Queue } from "effect";
import {
  cutSip,
  emptySipRemainder,
  printSip,
  SIP_BYTES_MAX,
  type SipMessage,
  type Unreadable,
} from "../../codecs/sip/mod.ts";
import type { ByteStreamShape } from "../ports/mod.ts";

/** Written and not yet taken by the transport; one more closes the stream. */
const FLOW_MESSAGES_MAX = 256;
/** A stream on which nothing arrives for so long is closed; longer than timer C, so that no call waits on it. */
const FLOW_IDLE_MS = 300_000;

export interface Flow {
  /** Never waits and never fails: a broken stream is told once, by its reader. */
  readonly send: (message: SipMessage) => Effect.Effect<void>;
  /** False once `lost` was told. */
  readonly isOpen: () => boolean;
}

export interface FlowHandlers {
  readonly opened: (flow: Flow) => Effect.Effect<void>;
  readonly receive: (flow: Flow, message: SipMessage) => Effect.Effect<void>;
  /** The stream goes on behind it. */
  readonly unreadable: (flow: Flow, found: Unreadable) => Effect.Effect<void>;
  readonly lost: (flow: Flow, why: string) => Effect.Effect<void>;
}

/** Serves the stream until it ends. */
export const runFlow = Effect.fn("sip.flow")(function* (stream: ByteStreamShape, handlers: FlowHandlers) {
  const queue = yield* Queue.dropping<SipMessage>(FLOW_MESSAGES_MAX);
  const where = `${stream.peer.host}:${stream.peer.port}`;
  const write = Effect.forever(Effect.flatMap(Queue.take(queue), (message) => stream.write(printSip(message))));
  yield* Effect.forkScoped(Effect.ignore(write));

  const send = (message: SipMessage) =>
    Effect.flatMap(Queue.offer(queue, message), (taken) =>
      taken ? Effect.void : Effect.andThen(Effect.logWarning("sip.slowPeer", where), stream.close),
    );
  let open = true;
  const flow: Flow = { send, isOpen: () => open };
  yield* handlers.opened(flow);
  const why = yield* listen(stream, flow, handlers);
  open = false;
  yield* handlers.lost(flow, why);
  yield* Effect.logDebug("sip.flowEnded", { where, why });
}, Effect.scoped);

const listen = (stream: ByteStreamShape, flow: Flow, handlers: FlowHandlers) =>
  Effect.gen(function* () {
    let remainder = emptySipRemainder;
    while (true) {
      const chunk = yield* Effect.timeoutOption(stream.read, FLOW_IDLE_MS);
      if (Option.isNone(chunk)) return "idle";
      const cut = cutSip(remainder, chunk.value, SIP_BYTES_MAX);
      for (const message of cut.messages) yield* handlers.receive(flow, message);
      const from = { from: stream.peer.host, port: stream.peer.port };
      for (const found of cut.unreadable) {
        const { at, why } = found.error;
        yield* Effect.logInfo("sip.unreadable", { ...from, at, why });
        yield* handlers.unreadable(flow, found);
      }
      if (cut.error !== undefined) {
        const { at, why } = cut.error;
        yield* Effect.logInfo("sip.garbage", { ...from, at, why });
        return `garbage: ${at} ${why}`;
      }
      remainder = cut.rest;
    }
  }).pipe(Effect.catchTag("StreamClosed", ({ why }) => Effect.succeed(why)));
