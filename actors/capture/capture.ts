/**
 * A program's own messages, as they are below TLS, for whoever captures them at its admin port. Nobody captures as a rule: then
 * a message costs one look at a flag.
 *
 *   VAP, PVP, SIP --saw--> each capture's own queue, at most CAPTURE_MESSAGES_MAX --> cleared of secrets --> a line of JSON each
 *                              '-- full: counted as left out
 *
 * Secrets are cleared here and not by the command that writes the file: they do not leave the process. DECISIONS.md D-332.
 */
import { Clock, Context, Effect, Latch, type Scope } from "effect";
import { type CapturedProtocol, type Clearance, shownMessage } from "../../codecs/capture/mod.ts";
import { base64Of } from "../../codecs/shared/mod.ts";

/** Captures at once; more are refused. */
export const CAPTURES_MAX = 4;
/** Waiting for one capture, as messages and as bytes; what comes then is left out. */
export const CAPTURE_MESSAGES_MAX = 4_096;
export const CAPTURE_BYTES_MAX = 8 * 1_048_576;
/** Cleared and written at once, so that a capture of a busy program leaves time to its calls. */
const WRITTEN_AT_ONCE = 64;

/** One end of a message's way. */
export interface CapturedPlace {
  /** An IP address, or a name where no more is known. */
  readonly host: string;
  readonly port: number;
}
/** A message as a part of the program reports it: whole, and not cleared of anything yet. */
export interface CapturedMessage {
  readonly protocol: CapturedProtocol;
  readonly isSent: boolean;
  readonly transport: "tcp" | "udp";
  /** Our own end; undefined where it is not known. */
  readonly own: CapturedPlace | undefined;
  readonly peer: CapturedPlace;
  readonly bytes: Uint8Array;
}

/** A line of a capture's answer. */
export type CaptureLine =
  | {
      readonly atMs: number;
      readonly protocol: CapturedProtocol;
      readonly transport: "tcp" | "udp";
      readonly from: CapturedPlace;
      readonly to: CapturedPlace;
      /** Base64. */
      readonly message: string;
    }
  /** Of all that came until then: the queue was full, or a message could not be cleared. */
  | { readonly leftOut: number };

/** Who captures a program's messages, and what they are told. */
export interface Captures {
  /** Whether anybody captures. Nothing is to be made of a message unless. */
  readonly isOn: boolean;
  /** There are CAPTURES_MAX. */
  readonly isFull: boolean;
  readonly saw: (message: CapturedMessage) => void;
  /** A capture, until the scope closes: it gives what was seen since the last time, and waits for something. */
  readonly open: (wish: CaptureWish) => Effect.Effect<Effect.Effect<ReadonlyArray<CaptureLine>>, never, Scope.Scope>;
}
/** What one of them wants to see. */
export interface CaptureWish extends Clearance {
  readonly protocols: ReadonlyArray<CapturedProtocol>;
}

/** Nobody captures, and nobody can. */
const noCaptures: Captures = { isOn: false, isFull: true, saw: () => {}, open: () => Effect.succeed(Effect.never) };

/** Of the program: its parts report to it. */
export const Captured: Context.Reference<Captures> = Context.Reference<Captures>("vipr/actors/capture/Captures", {
  defaultValue: () => noCaptures,
});

/** What is performed in it may be captured, each program's by itself. */
export const withCaptures = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(openCaptures, (captures) => Effect.provideService(program, Captured, captures));

interface Waiting extends CapturedMessage {
  readonly atMs: number;
}
interface Queue {
  readonly wish: CaptureWish;
  readonly news: Latch.Latch;
  messages: Array<Waiting>;
  bytes: number;
  leftOut: number;
  /** As it was last told. */
  toldLeftOut: number;
}

/** Of one program; nobody captures yet. */
export const openCaptures: Effect.Effect<Captures> = Effect.map(Clock.Clock, (clock) => {
  const queues = new Set<Queue>();
  return {
    get isOn() {
      return queues.size > 0;
    },
    get isFull() {
      return queues.size >= CAPTURES_MAX;
    },
    saw: (message) => {
      for (const queue of queues) if (queue.wish.protocols.includes(message.protocol)) put(queue, message, clock);
    },
    open: (wish) =>
      Effect.gen(function* () {
        const news = Latch.makeUnsafe(false);
        const queue: Queue = { wish, news, messages: [], bytes: 0, leftOut: 0, toldLeftOut: 0 };
        queues.add(queue);
        yield* Effect.addFinalizer(() => Effect.sync(() => queues.delete(queue)));
        return Effect.andThen(
          news.await,
          Effect.sync(() => taken(queue)),
        );
      }),
  };
});

const put = (queue: Queue, message: CapturedMessage, clock: Clock.Clock): void => {
  const size = message.bytes.length;
  if (queue.messages.length >= CAPTURE_MESSAGES_MAX || queue.bytes + size > CAPTURE_BYTES_MAX) queue.leftOut += 1;
  else {
    queue.messages.push({ ...message, atMs: clock.currentTimeMillisUnsafe() });
    queue.bytes += size;
  }
  queue.news.openUnsafe();
};

/** The oldest of what waits, cleared, and how many were left out where that has changed. */
const taken = (queue: Queue): ReadonlyArray<CaptureLine> => {
  const lines: Array<CaptureLine> = [];
  for (const message of queue.messages.splice(0, WRITTEN_AT_ONCE)) {
    queue.bytes -= message.bytes.length;
    const line = lineOf(message, queue.wish);
    if (line === undefined) queue.leftOut += 1;
    else lines.push(line);
  }
  if (queue.leftOut !== queue.toldLeftOut) lines.push({ leftOut: queue.leftOut });
  queue.toldLeftOut = queue.leftOut;
  if (queue.messages.length === 0) queue.news.closeUnsafe();
  return lines;
};

const UNKNOWN: CapturedPlace = { host: "0.0.0.0", port: 0 };
const lineOf = (
  { protocol, transport, isSent, own = UNKNOWN, peer, bytes, atMs }: Waiting,
  clearance: Clearance,
): CaptureLine | undefined => {
  const message = shownMessage(protocol, bytes, clearance);
  if (message === undefined) return undefined;
  const [from, to] = isSent ? [own, peer] : [peer, own];
  return { atMs, protocol, transport, from, to, message: base64Of(message) };
};
