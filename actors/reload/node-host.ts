/**
 * Hosts the node of machines/node: streams, keys and timers, and what stands above the messages.
 *
 *   streams -----> received ---+                              +--> write, dial, close ----> node-streams.ts
 *   Keys --------> signed -----+--> handle --> orders --------+--> sign, verify ----------> Keys
 *   timers ------> timerFired -+                              +--> serve, ended, heard, state --> configuration, requests
 *
 * The orders of one event are performed before the next is taken, answers of ports first, all in the turn in which the bytes
 * came; what a turn has for a link leaves in one write. DECISIONS.md D-267.
 */
import { Effect, type Exit, type Fiber, FiberSet, type Scheduler, type Scope } from "effect";
import {
  type Core,
  handle,
  type NodeEvent,
  type NodeOrder,
  type NodeReport,
  type NodeSettings,
  openNode,
} from "../../machines/node/mod.ts";
import { Captured, type Captures } from "../capture/mod.ts";
import { nextRun, type StepperParts, stepperParts } from "../kit/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, Keys, type StoreShape } from "../ports/mod.ts";
import { NodeStreams } from "./node-streams.ts";
import { storeValues } from "./values-disk.ts";

/** After so many events others who are ready to run have their turn. */
const EVENTS_IN_A_ROW_MAX = 64;

export interface NodeHostHooks {
  /** Where the node's storage keeps its values; without one it gives no order to store them. */
  readonly store?: StoreShape | undefined;
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

interface HostParts extends StepperParts {
  readonly run: (effect: Effect.Effect<unknown>) => Fiber.Fiber<unknown, unknown>;
  readonly dispatcher: Scheduler.SchedulerDispatcher;
  readonly hooks: NodeHostHooks;
  readonly credentials: Credentials;
  readonly keys: Keys["Service"];
  readonly dialer: Dialer["Service"];
  readonly captures: Captures;
}

export const hostNode = Effect.fn("reload.host")(function* (
  settings: NodeSettings,
  credentials: Credentials,
  hooks: NodeHostHooks,
): Effect.fn.Return<NodeHost, never, Dialer | Keys | Scope.Scope> {
  const steps = yield* stepperParts;
  const run = yield* FiberSet.makeRuntime<never>();
  const dispatcher = yield* Effect.withFiber(({ currentDispatcher }) => Effect.succeed(currentDispatcher));
  const ports = { keys: yield* Keys, dialer: yield* Dialer, captures: yield* Effect.service(Captured) };
  const host = new Host(settings, { ...steps, ...ports, run, dispatcher, hooks, credentials });
  yield* Effect.addFinalizer(() => Effect.sync(() => host.stop()));
  return host;
});

class Host implements NodeHost {
  readonly core: Core;
  private readonly parts: HostParts;
  private readonly streams: NodeStreams;
  private readonly events: Array<NodeEvent> = [];
  /** Of ports, to orders of the event under way. */
  private readonly answers: Array<NodeEvent> = [];
  private readonly timers = new Map<string, { readonly stop: () => void }>();
  /** Of the machines that are watched, each under its name: the number of its run. */
  private readonly runs = new Map<string, number>();
  private isPumping = false;
  private isOver = false;

  constructor(settings: NodeSettings, parts: HostParts) {
    this.core = openNode({ ...settings, isTraced: parts.watcher !== undefined });
    this.parts = parts;
    this.streams = new NodeStreams({ ...parts, tell: this.tell });
  }

  readonly tell = (event: NodeEvent): void => {
    if (this.isOver) return;
    this.events.push(event);
    this.pump();
  };

  readonly serve = (stream: ByteStreamShape): Effect.Effect<void> => this.streams.serve(stream);

  stop(): void {
    this.isOver = true;
    for (const timer of this.timers.values()) timer.stop();
    this.timers.clear();
  }

  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      for (let taken = 0; taken < EVENTS_IN_A_ROW_MAX; taken++) {
        const event = this.captureChanged() ?? this.answers.shift() ?? this.events.shift();
        if (event === undefined || this.isOver) break;
        for (const order of handle(this.core, event, this.parts.clock.currentTimeMillisUnsafe())) this.perform(order);
      }
      this.streams.flush();
    } finally {
      this.isPumping = false;
    }
    if (this.answers.length + this.events.length > 0) this.parts.dispatcher.scheduleTask(() => this.pump(), 0);
  }

  /** Whether somebody captures is looked at with each event: it costs nothing, and a capture misses nothing. */
  private captureChanged(): NodeEvent | undefined {
    const { isOn } = this.parts.captures;
    return isOn === this.core.isCaptured ? undefined : { type: "capture", isOn };
  }

  private perform(order: NodeOrder): void {
    const { streams } = this;
    switch (order.type) {
      case "write":
        streams.write(order.link, order.bytes);
        return;
      case "resume":
        streams.resume(order.link);
        return;
      case "pause":
        streams.pause(order.link);
        return;
      case "dial":
        streams.dial(order);
        return;
      case "close":
        streams.close(order.link);
        return;
      case "startTimer":
        this.startTimer(order.timer, order.ms);
        return;
      case "stopTimer":
        this.timers.get(order.timer)?.stop();
        this.timers.delete(order.timer);
        return;
      case "store":
        this.store(order);
        return;
      case "sign":
      case "verifySignature":
      case "verifyChain":
        this.useKeys(order);
        return;
      case "note":
        this.parts.run((order.level === "debug" ? Effect.logDebug : Effect.logWarning)(order.what, order.about));
        return;
      case "sameNode": {
        const { host } = order;
        const { run, hooks } = this.parts;
        run(Effect.andThen(Effect.logError("reload.sameNode", { host }), hooks.sameNode(host)));
        return;
      }
      case "stepped":
        this.saw(order);
        return;
      case "captured": {
        const peer = streams.peerOf(order.link);
        const { isSent, message: bytes } = order;
        this.parts.captures.saw({ protocol: "reload", isSent, transport: "tcp", own: undefined, peer, bytes });
        return;
      }
      default:
        this.parts.hooks.report(order);
    }
  }

  private useKeys(order: NodeOrder & { readonly type: "sign" | "verifySignature" | "verifyChain" }): void {
    const { keys, credentials, clock } = this.parts;
    const { token } = order;
    if (order.type === "sign")
      this.answer(keys.sign(credentials.key, order.bytes), (value) => ({ type: "signed", token, value }));
    else if (order.type === "verifySignature") {
      const { certificate, bytes, signature, algorithm } = order;
      const verifying = keys.verify(certificate, bytes, signature, algorithm);
      this.answer(verifying, (holds) => ({ type: "signatureVerified", token, holds }));
    } else {
      const checking = keys.verifyChain(order.chain, order.roots, clock.currentTimeMillisUnsafe());
      const checked = Effect.catchTag(checking, "CertificateError", ({ reason, why }) =>
        Effect.as(Effect.logDebug("reload.certificateRefused", reason, why), undefined),
      );
      this.answer(checked, (facts) => ({ type: "chainVerified", token, facts }));
    }
  }

  /** An answer that is there at once is the next event. */
  private answer<A>(effect: Effect.Effect<A>, event: (value: A) => NodeEvent): void {
    const take = (exit: Exit.Exit<unknown, unknown>) => {
      if (exit._tag !== "Success" || this.isOver) return;
      this.answers.push(event(exit.value as A));
      this.pump();
    };
    const fiber = this.parts.run(effect);
    const exit = fiber.pollUnsafe();
    if (exit === undefined) fiber.addObserver(take);
    else take(exit);
  }

  private store(order: NodeOrder & { readonly type: "store" }): void {
    const { hooks, run } = this.parts;
    if (hooks.store === undefined) return;
    run(Effect.map(storeValues(hooks.store, order), this.tell));
  }

  private saw({ machine, run, event, step }: NodeOrder & { readonly type: "stepped" }): void {
    const name = `${machine} ${run}`;
    if (event.type === "(start)") this.runs.set(name, nextRun());
    const known = this.runs.get(name);
    if (known === undefined) return; // it has ended: what comes later changes nothing, and has no run to belong to
    this.parts.watcher?.saw(machine, run, event, step, known);
    if (step.snapshot.status !== "active") this.runs.delete(name);
  }

  private startTimer(timer: string, ms: number): void {
    this.timers.get(timer)?.stop();
    const fire = () => {
      this.timers.delete(timer);
      this.tell({ type: "timerFired", timer });
    };
    this.timers.set(timer, this.parts.timers.start(ms, fire));
  }
}
