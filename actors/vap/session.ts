/**
 * One session of a ViPR server with a call agent: a machine stepped in place, in the turn in which its client's bytes came.
 *
 *   received, lost, settled, learned --> step --> send, close ----> connections
 *                                            --> publish, upload -> handlers, each in a fiber -> settled
 *                                            --> subscribed, taken -> the routes that no agent has yet (kept-routes.ts)
 */
import { Effect } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import { type MakeMac, protect, unprotected, valueIn } from "../../codecs/vap/mod.ts";
import {
  type Notification,
  type VapServerAction,
  type VapServerEvent,
  type VapServerInput,
  vapServer,
} from "../../machines/vap/mod.ts";
import { type OwnOrder, Stepper, type StepperParts } from "../kit/mod.ts";
import type { VapConnection } from "./connection.ts";
import { refusalOf, type VapEvent } from "./events.ts";
import type { VapOrder } from "./handlers.ts";

/** What the sessions of a server share. */
export interface SessionParts {
  readonly steps: StepperParts;
  readonly connections: ReadonlyMap<number, VapConnection>;
  readonly keyOf: (username: string) => Uint8Array | undefined;
  readonly macOf: MakeMac;
  /** Runs it beside, in a fiber. */
  readonly run: (effect: Effect.Effect<unknown>) => void;
  readonly obey: (session: VapSession, order: VapOrder) => void;
  readonly watch: (event: VapEvent) => Effect.Effect<void>;
  readonly registered: (session: VapSession, connection: number) => void;
  readonly subscribed: (session: VapSession, vservice: VServiceId) => Effect.Effect<void>;
  readonly taken: (session: VapSession, route: Pick<Notification, "vservice" | "content">) => Effect.Effect<void>;
  readonly over: (session: VapSession) => void;
}

type Action = OwnOrder<VapServerAction>;

export class VapSession {
  readonly handle: number;
  /** Empty before Register. */
  username = "";
  /** The connection by which the client was last registered. */
  connection: number;
  /** Kept routes that it was told and has not answered, by VService. */
  readonly unanswered = new Map<VServiceId, number>();
  /** How many clients the last `learned` has reached: 0 or 1. */
  reached = 0;
  private readonly parts: SessionParts;
  private readonly stepper: Stepper<VapServerInput, VapServerEvent, VapServerAction, unknown>;
  /** The user that the request at hand names, proved or not. */
  private claimed = "";

  constructor(parts: SessionParts, handle: number, connection: number) {
    this.parts = parts;
    this.handle = handle;
    this.connection = connection;
    const fired = (timer: string, atMs: number) => ({ type: "timerFired", timer, atMs }) as VapServerEvent;
    this.stepper = new Stepper(vapServer as never, parts.steps, {
      instance: String(handle),
      perform: (action) => this.perform(action),
      fired,
      noted: (unexpected) => parts.run(Effect.logDebug("vap.unexpected", unexpected)),
      over: (defect) => this.end(defect),
    });
  }

  start(times: Pick<VapServerInput, "keepaliveMs" | "greetingMs" | "lingerMs">): void {
    this.stepper.start({ ...times, handle: this.handle, connection: this.connection });
  }

  /** An event for a session that is over is dropped. */
  tell(event: VapServerEvent): void {
    if (event.type === "received" && event.message.type.class === "request")
      this.claimed = this.username === "" ? (valueIn(event.message, "username") ?? "") : this.username;
    this.stepper.tell(event);
  }

  /** The server ends. */
  stop(): void {
    this.stepper.stop();
  }

  private end(defect: unknown): void {
    const { parts } = this;
    if (defect !== undefined) {
      parts.run(Effect.logError("machine.died", `${vapServer.id} ${this.handle}`, defect));
      parts.connections.get(this.connection)?.close("displaced", "a fault of the server");
    }
    parts.over(this);
  }

  private perform(action: Action): void {
    const { parts } = this;
    switch (action.type) {
      case "send":
        this.send(action);
        break;
      case "close":
        parts.connections.get(action.connection)?.close(action.reason);
        break;
      case "opened":
        this.username = action.username;
        parts.registered(this, this.connection);
        parts.run(parts.watch({ type: "registered", username: action.username, name: action.name, host: this.host }));
        break;
      case "told":
        this.reached = action.count;
        break;
      case "subscribed":
        parts.run(parts.subscribed(this, action.vservice));
        break;
      case "taken":
        parts.run(parts.taken(this, action));
        break;
      default:
        parts.obey(this, action);
    }
  }

  private get host(): string {
    return this.parts.connections.get(this.connection)?.host ?? "";
  }

  private send({ connection, content, transactionId, username }: Extract<Action, { type: "send" }>): void {
    const { parts } = this;
    const to = parts.connections.get(connection);
    const refusal = content.class === "error" ? refusalOf(content) : undefined;
    if (refusal !== undefined)
      parts.run(parts.watch({ ...refusal, username: username ?? this.claimed, host: to?.host ?? "" }));
    else if (content.method === "register") this.connection = connection;
    if (to === undefined) return;
    const key = username === undefined ? undefined : parts.keyOf(username);
    if (username === undefined) to.send(unprotected(content, transactionId));
    // The user was removed, so that its message cannot be protected: it is not sent.
    else if (key !== undefined) to.send(protect(content, transactionId, { username, key }, parts.macOf));
  }
}
