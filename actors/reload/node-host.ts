/**
 * Hosts the node of machines/node: streams, keys and timers, and what stands above the messages.
 *
 *   stream.read --> received --+                              +--> put -----------------> stream
 *   Keys ---------> signed ----+--> handle --> orders --------+--> sign, verify --------> Keys
 *   timers -------> fired -----+                              +--> serve, ended, linked -> peer, storage, configuration
 *
 * The orders of one event are performed before the next is taken, answers of ports first, all in the turn in which the bytes
 * came; what a turn has for a link leaves in one write. DECISIONS.md D-267.
 */
import { Clock, Effect, type Exit, type Fiber, FiberSet, Scheduler, type Scope } from "effect";
import { concat } from "../../codecs/shared/mod.ts";
import {
  type Core,
  handle,
  type NodeEvent,
  type NodeOrder,
  type NodeReport,
  type NodeSettings,
  openNode,
} from "../../machines/node/mod.ts";
import { type StepperParts, stepperParts } from "../kit/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, type DirectStream, directOf, Keys } from "../ports/mod.ts";

/** After so many events others who are ready to run have their turn. */
const EVENTS_IN_A_ROW_MAX = 64;
/** Put on a stream and not taken by its transport: beyond that messages are lost, as datagrams are. */
const WAITING_BYTES_MAX = 2 * 1_048_576;
/** For what was put on a stream before we closed it. */
const FLUSH_MS_MAX = 200;

export interface NodeHostHooks {
  readonly report: (report: NodeReport) => void;
  /** Another node shows a certificate of our Node-ID. */
  readonly sameNode: (host: string) => Effect.Effect<void>;
}

export interface NodeHost {
  readonly core: Core;
  readonly tell: (event: NodeEvent) => void;
  /** For the listener: one stream, until it ends. */
  readonly serve: (stream: ByteStreamShape) => Effect.Effect<void>;
}

interface OpenStream {
  readonly shape: ByteStreamShape;
  readonly direct: DirectStream;
  unsent: Array<Uint8Array>;
  isReading: boolean;
  /** Its reader, which waits until it may read. */
  wake: (() => void) | undefined;
}

type Run = (effect: Effect.Effect<unknown>) => Fiber.Fiber<unknown, unknown>;
type KeysShape = Keys["Service"];

export const hostNode = Effect.fn("reload.host")(function* (
  settings: NodeSettings,
  credentials: Credentials,
  hooks: NodeHostHooks,
): Effect.fn.Return<NodeHost, never, Dialer | Keys | Scope.Scope> {
  const parts = yield* stepperParts;
  const run = yield* FiberSet.makeRuntime<never>();
  const dispatcher = yield* Effect.withFiber((fiber) => Effect.succeed(fiber.currentDispatcher));
  const host = new Host(settings, { ...parts, run, dispatcher, hooks, credentials, keys: yield* Keys, dialer: yield* Dialer });
  yield* Effect.addFinalizer(() => Effect.sync(() => host.stop()));
  return host;
});

interface HostParts extends StepperParts {
  readonly run: Run;
  readonly dispatcher: Scheduler.SchedulerDispatcher;
  readonly hooks: NodeHostHooks;
  readonly credentials: Credentials;
  readonly keys: KeysShape;
  readonly dialer: Dialer["Service"];
}

class Host implements NodeHost {
  readonly core: Core;
  private readonly parts: HostParts;
  private readonly events: Array<NodeEvent> = [];
  /** Of ports, to orders of the event under way. */
  private answers: Array<NodeEvent> = [];
  private readonly streams = new Map<number, OpenStream>();
  private readonly dialling = new Set<number>();
  private readonly timers = new Map<string, { readonly stop: () => void }>();
  /** Streams with something unsent. */
  private readonly written = new Set<OpenStream>();
  private accepted = 0;
  private isPumping = false;
  private isOver = false;

  constructor(settings: NodeSettings, parts: HostParts) {
    this.core = openNode(settings);
    this.parts = parts;
  }

  readonly tell = (event: NodeEvent): void => {
    if (this.isOver) return;
    this.events.push(event);
    this.pump();
  };

  stop(): void {
    this.isOver = true;
    for (const timer of this.timers.values()) timer.stop();
    this.timers.clear();
  }

  readonly serve = (stream: ByteStreamShape): Effect.Effect<void> =>
    Effect.suspend(() => {
      const link = --this.accepted;
      return Effect.scoped(this.converse(link, stream, "accepted"));
    });

  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      for (let taken = 0; taken < EVENTS_IN_A_ROW_MAX; taken++) {
        const event = this.answers.shift() ?? this.events.shift();
        if (event === undefined || this.isOver) break;
        for (const order of handle(this.core, event, this.parts.clock.currentTimeMillisUnsafe())) this.perform(order);
      }
    } finally {
      this.isPumping = false;
      this.flush();
    }
    if (this.answers.length + this.events.length > 0) this.parts.dispatcher.scheduleTask(() => this.pump(), 0);
  }

  private perform(order: NodeOrder): void {
    const { keys, credentials, hooks, run } = this.parts;
    switch (order.type) {
      case "write":
        return this.write(order.link, order.bytes);
      case "resume":
        return this.resume(order.link);
      case "pause": {
        const stream = this.streams.get(order.link);
        if (stream !== undefined) stream.isReading = false;
        return;
      }
      case "dial":
        return this.dial(order);
      case "close":
        return this.close(order.link);
      case "sign":
        return this.answer(keys.sign(credentials.key, order.bytes), (value) => ({ type: "signed", token: order.token, value }));
      case "verifySignature": {
        const { token, certificate, bytes, signature, algorithm } = order;
        const verifying = keys.verify(certificate, bytes, signature, algorithm);
        return this.answer(verifying, (holds) => ({ type: "signatureVerified", token, holds }));
      }
      case "verifyChain":
        return this.verifyChain(order);
      case "startTimer":
        return this.startTimer(order.timer, order.ms);
      case "stopTimer":
        this.timers.get(order.timer)?.stop();
        this.timers.delete(order.timer);
        return;
      case "note": {
        const log = order.level === "debug" ? Effect.logDebug : Effect.logWarning;
        return void run(log(order.what, order.about));
      }
      case "sameNode": {
        const { host } = order;
        return void run(Effect.andThen(Effect.logError("reload.sameNode", { host }), hooks.sameNode(host)));
      }
      default:
        hooks.report(order);
    }
  }

  /** An answer that is there at once is the next event. */
  private answer<A>(effect: Effect.Effect<A>, event: (value: A) => NodeEvent): void {
    const fiber = this.parts.run(effect);
    const done = fiber.pollUnsafe();
    const take = (exit: Exit.Exit<unknown, unknown>) => {
      if (exit._tag !== "Success" || this.isOver) return;
      this.answers.push(event(exit.value as A));
      this.pump();
    };
    if (done === undefined) fiber.addObserver(take);
    else take(done);
  }

  private verifyChain({ token, chain, roots }: NodeOrder & { readonly type: "verifyChain" }): void {
    const { keys, clock } = this.parts;
    const checking = Effect.catchTag(
      keys.verifyChain(chain, roots, clock.currentTimeMillisUnsafe()),
      "CertificateError",
      ({ reason, why }) => Effect.as(Effect.logDebug("reload.certificateRefused", reason, why), undefined),
    );
    this.answer(checking, (facts) => ({ type: "chainVerified", token, facts }));
  }

  private startTimer(timer: string, ms: number): void {
    this.timers.get(timer)?.stop();
    const fire = () => {
      this.timers.delete(timer);
      this.tell({ type: "timerFired", timer });
    };
    this.timers.set(timer, this.parts.timers.start(ms, fire));
  }

  private write(link: number, bytes: Uint8Array): void {
    const stream = this.streams.get(link);
    if (stream === undefined) return;
    stream.unsent.push(bytes);
    this.written.add(stream);
  }

  private flush(): void {
    for (const stream of this.written) this.put(stream);
    this.written.clear();
  }
  private put(stream: OpenStream): void {
    const { unsent } = stream;
    if (unsent.length === 0) return;
    stream.unsent = [];
    const bytes = unsent.length === 1 ? unsent[0]! : concat(...unsent);
    if (stream.direct.put(bytes, WAITING_BYTES_MAX)) return;
    for (const _ of unsent) this.events.push({ type: "unwritten", link: 0 });
  }

  private resume(link: number): void {
    const stream = this.streams.get(link);
    if (stream !== undefined) readOn(stream);
  }

  private close(link: number): void {
    this.dialling.delete(link);
    const stream = this.streams.get(link);
    if (stream === undefined) return;
    this.streams.delete(link);
    this.put(stream);
    readOn(stream); // to learn that the stream has ended
    const flushed = Effect.timeoutOption(stream.direct.flushed ?? Effect.void, FLUSH_MS_MAX);
    this.parts.run(Effect.andThen(flushed, stream.shape.close));
  }
  private dial({ link, endpoint }: NodeOrder & { readonly type: "dial" }): void {
    const { dialer, credentials } = this.parts;
    this.dialling.add(link);
    const attempt = Effect.scoped(
      Effect.flatMap(dialer.dial({ ...endpoint, tls: credentials }), (stream) =>
        this.dialling.delete(link) ? this.converse(link, stream, "connected") : stream.close,
      ),
    );
    this.parts.run(
      Effect.catchTag(attempt, "DialFailed", ({ why }) => Effect.sync(() => this.tell({ type: "unreachable", link, why }))),
    );
  }

  /** Reads the stream, when the node reads it, until it ends. */
  private converse(link: number, shape: ByteStreamShape, as: "accepted" | "connected") {
    return Effect.flatMap(directOf(shape), (direct) => {
      const stream: OpenStream = { shape, direct, unsent: [], isReading: false, wake: undefined };
      this.streams.set(link, stream);
      const { host, port, certificates } = shape.peer;
      this.tell({ type: as, link, stream: { host, port, certificates } });
      const mayRead = Effect.callback<void>((resume) => {
        stream.wake = () => resume(Effect.void);
      });
      const reading = Effect.flatMap(
        Effect.suspend(() => (stream.isReading ? Effect.void : mayRead)),
        () => Effect.map(shape.read, (bytes) => this.tell({ type: "received", link, bytes })),
      );
      const lost = (why: string) =>
        Effect.sync(() => {
          if (!this.streams.delete(link)) return;
          this.tell({ type: "lost", link, why });
        });
      return Effect.ensuring(
        Effect.catchTag(Effect.forever(reading), "StreamClosed", ({ why }) => lost(why)),
        Effect.andThen(lost("closed"), shape.close),
      );
    });
  }
}

const readOn = (stream: OpenStream): void => {
  stream.isReading = true;
  stream.wake?.();
  stream.wake = undefined;
};
