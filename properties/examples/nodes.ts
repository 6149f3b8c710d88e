/**
 * Nodes of an overlay embedded without Effect: each is a state and a function of events, here in one program, on a network and a
 * clock of its own.
 *
 *   dial --> accepted, connected      write --(DELAY_MS)--> received      close --> lost       startTimer --> timerFired
 *   sign, verifySignature, verifyChain --> the keys' answer, as the next event
 *
 * nodes.test.ts gives it keys and certificates, and lets three nodes make a ring.
 */
import type { Endpoint } from "../../codecs/reload/mod.ts";
import {
  type CertifiedFacts,
  type Core,
  handle,
  type NodeEvent,
  type NodeOrder,
  type NodeReport,
  type NodeSettings,
  openNode,
} from "../../machines/node/mod.ts";

const DELAY_MS = 10;

/** What a host lends a node. A host whose keys take time gives the answers later, in any order. */
export interface NodeKeys {
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly verify: (certificate: Uint8Array, bytes: Uint8Array, signature: Uint8Array, by: "ecdsa" | "rsa") => boolean;
  /** Undefined where the chain is not valid. */
  readonly facts: (
    chain: ReadonlyArray<Uint8Array>,
    roots: ReadonlyArray<Uint8Array>,
    atMs: number,
  ) => CertifiedFacts | undefined;
}

/** Virtual time, and the members by their addresses. */
export class Wire {
  nowMs: number;
  private readonly members = new Map<string, Member>();
  private readonly agenda: Array<{ readonly dueMs: number; readonly act: () => void }> = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  add(endpoint: Endpoint, settings: NodeSettings, keys: NodeKeys): Member {
    const member = new Member(this, endpoint, settings, keys);
    this.members.set(`${endpoint.host}:${endpoint.port}`, member);
    return member;
  }

  at({ host, port }: Endpoint): Member | undefined {
    return this.members.get(`${host}:${port}`);
  }

  /** Those that are due at one time act in the order in which they were planned. */
  after(ms: number, act: () => void): void {
    const dueMs = this.nowMs + ms;
    const at = this.agenda.findIndex((other) => other.dueMs > dueMs);
    this.agenda.splice(at < 0 ? this.agenda.length : at, 0, { dueMs, act });
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let next = this.agenda[0]; next !== undefined && next.dueMs <= untilMs; next = this.agenda[0]) {
      this.agenda.shift();
      this.nowMs = next.dueMs;
      next.act();
    }
    this.nowMs = untilMs;
  }
}

/** The far end of a link: whose it is, and its number there. */
interface End {
  readonly member: Member;
  readonly link: number;
}

export class Member {
  readonly node: Core;
  /** What the node reports to its owner, in its order. */
  readonly reports: Array<NodeReport> = [];
  private readonly wire: Wire;
  private readonly endpoint: Endpoint;
  private readonly keys: NodeKeys;
  private readonly ends = new Map<number, End>();
  /** Bytes of links that the node does not read now. */
  private readonly unread = new Map<number, Array<Uint8Array>>();
  /** By name, the start that counts: a new one replaces the old. */
  private readonly timers = new Map<string, object>();
  private accepted = 0;

  constructor(wire: Wire, endpoint: Endpoint, settings: NodeSettings, keys: NodeKeys) {
    this.wire = wire;
    this.endpoint = endpoint;
    this.keys = keys;
    this.node = openNode(settings);
  }

  /** All orders of an event are performed before the next event; an answer that is there at once is the next. */
  tell(first: NodeEvent): void {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift())
      for (const order of handle(this.node, event, this.wire.nowMs)) {
        const answer = this.perform(order);
        if (answer !== undefined) events.push(answer);
      }
  }

  private perform(order: NodeOrder): NodeEvent | undefined {
    const { keys, wire } = this;
    switch (order.type) {
      case "sign":
        return { type: "signed", token: order.token, value: keys.sign(order.bytes) };
      case "verifySignature": {
        const { token, certificate, bytes, signature, algorithm } = order;
        return { type: "signatureVerified", token, holds: keys.verify(certificate, bytes, signature, algorithm) };
      }
      case "verifyChain": {
        const facts = keys.facts(order.chain, order.roots, wire.nowMs);
        return { type: "chainVerified", token: order.token, facts };
      }
      case "startTimer":
        this.startTimer(order.timer, order.ms);
        return undefined;
      case "stopTimer":
        this.timers.delete(order.timer);
        return undefined;
      case "ended":
      case "serve":
      case "heard":
      case "state":
        this.reports.push(order);
        return undefined;
      default:
        this.transport(order);
        return undefined;
    }
  }

  private transport(order: NodeOrder): void {
    switch (order.type) {
      case "dial":
        this.dial(order.link, order.endpoint);
        break;
      case "write": {
        const end = this.ends.get(order.link);
        if (end !== undefined) this.wire.after(DELAY_MS, () => end.member.receive(end.link, order.bytes));
        break;
      }
      case "resume": {
        const waiting = this.unread.get(order.link) ?? [];
        this.unread.delete(order.link);
        for (const bytes of waiting) this.wire.after(0, () => this.receive(order.link, bytes));
        break;
      }
      case "pause":
        this.unread.set(order.link, []);
        break;
      case "close": {
        const end = this.ends.get(order.link);
        this.ends.delete(order.link);
        if (end !== undefined) this.wire.after(DELAY_MS, () => end.member.lose(end.link));
      }
    }
  }

  private dial(link: number, endpoint: Endpoint): void {
    const other = this.wire.at(endpoint);
    this.wire.after(DELAY_MS, () => {
      if (other === undefined) {
        this.tell({ type: "unreachable", link, why: "nobody listens there" });
        return;
      }
      const theirs = --other.accepted;
      this.ends.set(link, { member: other, link: theirs });
      other.ends.set(theirs, { member: this, link });
      for (const [member, number] of [[other, theirs] as const, [this, link] as const]) member.unread.set(number, []);
      other.tell({ type: "accepted", link: theirs, stream: this.stream });
      this.tell({ type: "connected", link, stream: other.stream });
    });
  }

  private receive(link: number, bytes: Uint8Array): void {
    const waiting = this.unread.get(link);
    if (waiting !== undefined) waiting.push(bytes);
    else if (this.ends.has(link)) this.tell({ type: "received", link, bytes });
  }

  private lose(link: number): void {
    if (this.ends.delete(link)) this.tell({ type: "lost", link, why: "closed by the peer" });
  }

  private get stream() {
    return { ...this.endpoint, certificates: this.node.settings.certificates };
  }

  private startTimer(timer: string, ms: number): void {
    const start = {};
    this.timers.set(timer, start);
    this.wire.after(ms, () => {
      if (this.timers.get(timer) !== start) return;
      this.timers.delete(timer);
      this.tell({ type: "timerFired", timer });
    });
  }
}
