/**
 * The transactions of one proxy: found, stepped, timed, and what they send. RFC 3261 §17, RFC 6026.
 *
 *   response --> client ----pass, fail----> context        context ---ask---> client --> send
 *   request, again, ACK --> server <--------respond------- context
 *
 * No transaction has a fiber, a queue or a scope: it is a snapshot in a map, and its timers lie in the wheel. DECISIONS.md D-360.
 * Requirements: RFC 3261 §17.1.1.2, §18.1.2.
 */
import {
  ackOf,
  cancelOf,
  type Header,
  printSip,
  responseTo,
  type SipRequest,
  type SipResponse,
} from "../../codecs/sip/mod.ts";
import type { Machine, Snapshot } from "../kit/mod.ts";
import { serverKeyOf } from "../sip/mod.ts";
import { type ClientFailure, proxyInviteClient } from "./invite-client.ts";
import { proxyInviteServer } from "./invite-server.ts";
import { proxyRequestClient } from "./request-client.ts";
import { proxyRequestServer } from "./request-server.ts";
import { ClientTransaction, ServerTransaction, type Timed } from "./transaction.ts";
import type { Destination, Source } from "./types.ts";
import { type Timer, Wheel } from "./wheel.ts";

export interface TransactionUser<C> {
  readonly send: (to: Destination, bytes: Uint8Array) => void;
  readonly passed: (client: ClientTransaction<C>, response: SipResponse, nowMs: number) => void;
  readonly failed: (client: ClientTransaction<C>, why: ClientFailure, nowMs: number) => void;
  /** A timer that the core has started itself. */
  readonly fired: (what: C, timer: string, nowMs: number) => void;
}

const NOTHING = new Uint8Array();
/** States in which a client sends nothing again; what a machine's context says is not asked for in them. */
const LIGHT = new Set(["accepted", "answered"]);
type AnyMachine = Machine<any, any, any>;
const clientMachine = (isInvite: boolean): AnyMachine => (isInvite ? proxyInviteClient : proxyRequestClient);
const serverMachine = (isInvite: boolean): AnyMachine => (isInvite ? proxyInviteServer : proxyRequestServer);
/** The request whose transaction was looked for last, and by which name. */
interface Asked {
  readonly request: SipRequest | undefined;
  readonly source: Source | undefined;
  readonly method: string;
  readonly key: string;
}

export class Transactions<C extends Timed> {
  readonly clients = new Map<string, ClientTransaction<C>>();
  readonly servers = new Map<string, ServerTransaction<C>>();
  /** Held for sending again. */
  bytes = 0;
  private readonly user: TransactionUser<C>;
  private readonly t1Ms: number;
  private readonly wheel: Wheel<any>;
  /** By machine: in a light state all its transactions share one snapshot. */
  private readonly lightSnapshots = new Map<AnyMachine, Snapshot<any>>();
  private asked: Asked = { request: undefined, source: undefined, method: "", key: "" };

  constructor(user: TransactionUser<C>, t1Ms: number, nowMs: number) {
    this.user = user;
    this.t1Ms = t1Ms;
    this.wheel = new Wheel(nowMs);
  }

  get size(): number {
    return this.clients.size + this.servers.size;
  }

  /** Sends a request and waits for its responses. */
  ask(request: SipRequest, bytes: Uint8Array, to: Destination, context: C | undefined, nowMs: number) {
    const machine = clientMachine(request.method === "INVITE");
    const { snapshot, actions } = machine.start({ isReliable: to.transport !== "UDP", t1Ms: this.t1Ms });
    const client = new ClientTransaction<C>(request, bytes, to, context, snapshot);
    this.clients.set(client.key, client);
    this.bytes += bytes.length;
    this.performClient(client, actions, undefined, nowMs);
    return client;
  }

  /** The transaction that a request began. An INVITE that nobody answers soon is answered with 100. */
  serve(request: SipRequest, source: Source, nowMs: number): ServerTransaction<C> {
    const machine = serverMachine(request.method === "INVITE");
    const { snapshot, actions } = machine.start({ isReliable: source.transport !== "UDP", t1Ms: this.t1Ms });
    const key = this.keyOf(request, source, request.method);
    const server = new ServerTransaction<C>(key, request, source, snapshot);
    this.servers.set(key, server);
    this.performServer(server, actions, nowMs);
    return server;
  }

  serverOf(request: SipRequest, source: Source, method: string): ServerTransaction<C> | undefined {
    return this.servers.get(this.keyOf(request, source, method));
  }

  /** Made once: a request that is not known yet is mostly served next. */
  private keyOf(request: SipRequest, source: Source, method: string): string {
    const { asked } = this;
    if (asked.request === request && asked.method === method && asked.source === source) return asked.key;
    const key = serverKeyOf(source.who ?? source.host, request, method);
    this.asked = { request, source, method, key };
    return key;
  }

  received(client: ClientTransaction<C>, response: SipResponse, nowMs: number): void {
    const isProvisional = response.status < 200;
    client.hasProvisional ||= isProvisional;
    this.stepClient(client, { type: kindOf(response.status) }, response, nowMs);
    if (isProvisional) this.sendCancel(client, nowMs);
  }

  /** Its message could not be delivered. */
  unreachable(client: ClientTransaction<C>, nowMs: number): void {
    this.stepClient(client, { type: "unreachable" }, undefined, nowMs);
  }

  respond(server: ServerTransaction<C>, response: SipResponse, nowMs: number): void {
    if (this.servers.get(server.key) !== server) return;
    this.hold(server, printSip(response));
    this.tell(server, kindOf(response.status), nowMs);
    // In `accepted` nothing is sent again: the called side does that.
    if (server.isInvite && response.status >= 200 && response.status < 300) this.hold(server, NOTHING);
  }

  tell(server: ServerTransaction<C>, type: string, nowMs: number): void {
    this.stepServer(server, { type }, nowMs);
  }

  /** CANCEL, now or with the first provisional response. RFC 3261 §9.1. */
  cancel(client: ClientTransaction<C>, more: ReadonlyArray<Header>, nowMs: number): void {
    client.cancelWith ??= more;
    this.sendCancel(client, nowMs);
  }

  start(what: C, timer: string, ms: number, nowMs: number): void {
    this.stop(what, timer);
    this.begin(what, timer, ms, nowMs);
  }

  stop(of: Timed, name: string): void {
    taken(of, name)?.stop();
  }

  nextMs(): number | undefined {
    return this.wheel.nextMs();
  }

  due(nowMs: number): void {
    this.wheel.due(nowMs, (what: Timed, name: string) => {
      taken(what, name);
      if (what instanceof ClientTransaction)
        this.stepClient(what, { type: "timerFired", timer: name }, undefined, nowMs);
      else if (what instanceof ServerTransaction) this.stepServer(what, { type: "timerFired", timer: name }, nowMs);
      else this.user.fired(what as C, name, nowMs);
    });
  }

  private stepServer(server: ServerTransaction<C>, event: object, nowMs: number): void {
    const machine = serverMachine(server.isInvite);
    const { snapshot, actions } = machine.step(server.snapshot, event);
    server.snapshot = this.shared(machine, snapshot);
    this.performServer(server, actions, nowMs);
  }

  private stepClient(client: ClientTransaction<C>, event: object, response: SipResponse | undefined, nowMs: number) {
    if (this.clients.get(client.key) !== client) return;
    const machine = clientMachine(client.isInvite);
    const { snapshot, actions } = machine.step(client.snapshot, event);
    client.snapshot = this.shared(machine, snapshot);
    this.performClient(client, actions, response, nowMs);
  }

  private performClient(
    client: ClientTransaction<C>,
    actions: ReadonlyArray<any>,
    response: SipResponse | undefined,
    nowMs: number,
  ): void {
    const { status } = client.snapshot;
    if (status === "done") this.drop(client);
    for (const action of actions) {
      switch (action.type) {
        case "send":
          this.user.send(client.to, client.bytes);
          break;
        case "acknowledge":
          this.acknowledge(client, response!);
          break;
        case "startTimer":
          this.begin(client, action.timer, action.ms, nowMs);
          break;
        case "stopTimer":
          this.stop(client, action.timer);
          break;
        case "pass":
          this.user.passed(client, response!, nowMs);
          break;
        case "fail":
          this.user.failed(client, action.why, nowMs);
          break;
      }
    }
    if (LIGHT.has(client.snapshot.value as string)) this.lighten(client);
  }

  private performServer(server: ServerTransaction<C>, actions: ReadonlyArray<any>, nowMs: number): void {
    for (const action of actions) {
      switch (action.type) {
        case "send":
          if (server.unanswered !== undefined) this.hold(server, printSip(responseTo(server.unanswered, 100)));
          this.user.send(server.to, server.last);
          break;
        case "startTimer":
          this.begin(server, action.timer, action.ms, nowMs);
          break;
        case "stopTimer":
          this.stop(server, action.timer);
          break;
      }
    }
    if (server.snapshot.status !== "done") return;
    this.hold(server, NOTHING);
    if (this.servers.get(server.key) === server) this.servers.delete(server.key);
  }

  /** The same snapshot, or one that says as much. */
  private shared(machine: AnyMachine, snapshot: Snapshot<any>): Snapshot<any> {
    if (!LIGHT.has(snapshot.value as string)) return snapshot;
    const known = this.lightSnapshots.get(machine);
    if (known === undefined) this.lightSnapshots.set(machine, snapshot);
    return known ?? snapshot;
  }

  private begin(of: Timed, name: string, ms: number, nowMs: number): void {
    const timer = this.wheel.start(nowMs, ms, of, name);
    timer.next = of.timers;
    of.timers = timer;
  }

  private sendCancel(client: ClientTransaction<C>, nowMs: number): void {
    const { cancelWith, isCancelled, hasProvisional, request } = client;
    if (cancelWith === undefined || isCancelled || !hasProvisional || request === undefined) return;
    client.isCancelled = true;
    const cancel = cancelOf(request);
    const whole = { ...cancel, headers: [...cancel.headers, ...cancelWith] };
    this.ask(whole, printSip(whole), client.to, undefined, nowMs);
    this.stepClient(client, { type: "cancelled" }, undefined, nowMs);
  }

  private hold(server: ServerTransaction<C>, bytes: Uint8Array): void {
    server.unanswered = undefined;
    this.bytes += bytes.length - server.last.length;
    server.last = bytes;
  }

  /** Made once, and sent again as often as the refusal comes. */
  private acknowledge(client: ClientTransaction<C>, response: SipResponse): void {
    if (client.request !== undefined) {
      const ack = printSip(ackOf(client.request, response));
      // On a stream it is sent once, and the transaction is over already.
      if (this.clients.get(client.key) === client) this.bytes += ack.length - client.bytes.length;
      client.bytes = ack;
      client.request = undefined;
    }
    this.user.send(client.to, client.bytes);
  }

  /** What only an unanswered request needs. */
  private lighten(client: ClientTransaction<C>): void {
    this.bytes -= client.bytes.length;
    client.bytes = NOTHING;
    if (!client.isAbandoned) client.request = undefined;
  }

  private drop(client: ClientTransaction<C>): void {
    this.bytes -= client.bytes.length;
    client.bytes = NOTHING;
    if (this.clients.get(client.key) === client) this.clients.delete(client.key);
  }
}

/** The timer of that name, which its owner has no more. */
const taken = (of: Timed, name: string): Timer<unknown> | undefined => {
  let before: Timer<unknown> | undefined;
  for (let timer = of.timers; timer !== undefined; before = timer, timer = timer.next) {
    if (timer.name !== name) continue;
    if (before === undefined) of.timers = timer.next;
    else before.next = timer.next;
    timer.next = undefined;
    return timer;
  }
  return undefined;
};

const kindOf = (status: number): "provisional" | "success" | "refusal" =>
  status < 200 ? "provisional" : status < 300 ? "success" : "refusal";
