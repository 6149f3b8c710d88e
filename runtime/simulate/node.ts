/**
 * A simulated node: the node of machines/node, whole and unchanged, with virtual time, a simulated network and keys. All orders
 * of an event are performed before the next event; an answer of the keys is the next.
 *
 *   network --> accepted, connected, received, lost --+                +--> write, dial, close, pause, resume --> network
 *   agenda ---> timerFired ---------------------------+--> handle -----+--> startTimer, stopTimer -------------> agenda
 *   keys -----> signed, signatureVerified, ... -------+                +--> sign, verifySignature, verifyChain -> keys
 *   request, leave -----------------------------------+                +--> ended, state ----------------------> the simulation
 *
 * DECISIONS.md D-285.
 */
import type { Destination, Endpoint, NodeId, Request } from "../../codecs/reload/mod.ts";
import {
  type Core,
  handle,
  type NodeEvent,
  type NodeOrder,
  type NodeReport,
  type NodeSettings,
  openNode,
} from "../../machines/node/mod.ts";
import type { PeerSettings, PeerState } from "../../machines/reload/mod.ts";
import type { Agenda } from "./agenda.ts";
import type { Issued, SimulatedKeys } from "./keys.ts";
import type { Network, Station, StreamEnd } from "./network.ts";
import { makeTimers, type Timers } from "./timers.ts";

/** How a request of the simulation's ended. */
export type Ended = Omit<NodeReport & { readonly type: "ended" }, "type" | "ref">;

/** What a node uses of the simulation that it is in. */
export interface World {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly keys: SimulatedKeys;
  readonly at: (endpoint: Endpoint) => SimNode | undefined;
  /** Steps that machines have made. */
  readonly steps: Record<string, number>;
}

export interface SimNodeSettings {
  readonly index: number;
  readonly side: 0 | 1;
  readonly issued: Issued;
  readonly node: NodeSettings;
  readonly peer: PeerSettings;
}

export class SimNode implements Station {
  readonly id: NodeId;
  readonly index: number;
  readonly side: 0 | 1;
  readonly core: Core;
  readonly sign: Issued["sign"];
  readonly ends = new Map<number, StreamEnd>();
  alive = true;
  state: PeerState = "joining";
  private readonly world: World;
  private readonly peer: PeerSettings;
  private readonly timers: Timers;
  private readonly waiting = new Map<number, (end: Ended) => void>();
  private readonly events: Array<NodeEvent> = [];
  private isHandling = false;
  private accepted = 0;
  private requests = 0;

  constructor(world: World, { index, side, issued, node, peer }: SimNodeSettings) {
    this.world = world;
    this.index = index;
    this.side = side;
    this.sign = issued.sign;
    this.peer = peer;
    this.id = node.self;
    this.core = openNode({ ...node, isTraced: true });
    this.timers = makeTimers(world.agenda);
  }

  /** Begins to join. */
  join(): void {
    this.tell({ type: "join", settings: this.peer });
  }

  /** Is in the ring from now on, with the links that it has. */
  place(): void {
    this.tell({ type: "placed", settings: this.peer });
  }

  /** Sends its Leave requests and hands over its values; `state` becomes "left". */
  leave(): void {
    this.tell({ type: "leave" });
  }

  crash(): void {
    this.timers.stopAll();
    this.waiting.clear();
    this.world.network.vanish(this);
  }

  /** `ended` is never called when the node goes before the answer comes. */
  request(to: Destination, body: Request, ended: (end: Ended) => void): void {
    const ref = ++this.requests;
    this.waiting.set(ref, ended);
    const verifiesValues = body.type === "fetchReq";
    this.tell({ type: "requested", request: { ref, destinations: [to], body, verifiesValues } });
  }

  readonly nextAccepted = (): number => --this.accepted;
  readonly opened = (as: "accepted" | "connected", link: number, to: Station): void => {
    const { peer, core } = to as SimNode;
    const { certificates } = core.settings;
    this.tell({ type: as, link, stream: { ...peer.endpoint, certificates } });
  };
  readonly received = (link: number, bytes: Uint8Array): void => this.tell({ type: "received", link, bytes });
  readonly lost = (link: number, why: string): void => this.tell({ type: "lost", link, why });

  private tell(event: NodeEvent): void {
    if (!this.alive) return;
    this.events.push(event);
    if (this.isHandling) return;
    this.isHandling = true;
    for (let next = this.events.shift(); next !== undefined && this.alive; next = this.events.shift())
      this.handle(next);
    this.isHandling = false;
  }

  private handle(event: NodeEvent): void {
    const answers: Array<NodeEvent> = [];
    for (let next: NodeEvent | undefined = event; next !== undefined; next = answers.shift())
      for (const order of handle(this.core, next, this.world.agenda.nowMs)) {
        const answer = this.perform(order);
        if (answer !== undefined) answers.push(answer);
      }
  }

  private perform(order: NodeOrder): NodeEvent | undefined {
    const { keys, steps } = this.world;
    switch (order.type) {
      case "sign":
        return { type: "signed", token: order.token, value: this.sign(order.bytes) };
      case "verifySignature": {
        const holds = keys.verify(order.certificate, order.bytes, order.signature);
        return { type: "signatureVerified", token: order.token, holds };
      }
      case "verifyChain":
        return { type: "chainVerified", token: order.token, facts: keys.facts(order.chain[0]!) };
      case "startTimer": {
        const { timer, ms } = order;
        this.timers.start(timer, ms, () => this.tell({ type: "timerFired", timer }));
        return undefined;
      }
      case "stopTimer":
        this.timers.stop(order.timer);
        return undefined;
      case "stepped":
        steps[order.machine] = (steps[order.machine] ?? 0) + 1;
        return undefined;
      case "ended":
      case "state":
        this.report(order);
        return undefined;
      default:
        this.transport(order);
        return undefined;
    }
  }

  private transport(order: NodeOrder): void {
    const { network } = this.world;
    if (order.type === "dial") {
      this.dial(order);
      return;
    }
    const end = "link" in order ? this.ends.get(order.link) : undefined;
    if (end === undefined) return;
    if (order.type === "write") network.send(end, order.bytes);
    else if (order.type === "resume") network.resume(end);
    else if (order.type === "pause") end.isReading = false;
    else network.close(end);
  }

  private dial({ link, endpoint }: NodeOrder & { readonly type: "dial" }): void {
    const { agenda, network, at } = this.world;
    const other = at(endpoint);
    const failed = (why: string) => this.tell({ type: "unreachable", link, why });
    if (other === undefined || other === this) agenda.after(0, () => failed("nobody there"));
    else network.open(this, link, other, (isUp) => (isUp ? undefined : failed("no stream")));
  }

  private report(report: NodeReport & { readonly type: "ended" | "state" }): void {
    if (report.type === "ended") {
      const ended = this.waiting.get(report.ref);
      this.waiting.delete(report.ref);
      ended?.(report);
      return;
    }
    this.state = report.state;
    if (this.state === "left" || this.state === "failed") this.crash();
  }
}
