/**
 * A node hosted by hand: without Effect, fibers or sockets, at a time that the test sets. Its keys are real; a neighbour is a
 * member whose packets the test writes.
 */
import * as assert from "node:assert/strict";
import { Effect } from "effect";
import type { Credentials, Keys } from "../../actors/ports/mod.ts";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { FramedMessage, identityOf, type NodeId, Packet, Payload } from "../../codecs/reload/mod.ts";
import { concat } from "../../codecs/shared/mod.ts";
import { cut, decode, emptyRemainder, encode } from "../../codecs/wire/mod.ts";
import {
  type Core,
  handle,
  type NodeCoreLimits,
  type NodeEvent,
  type NodeOrder,
  type NodeReport,
  openNode,
} from "../../machines/node/mod.ts";
import { coreLimits } from "./security-host.ts";

type KeysShape = Keys["Service"];

export interface PlainNodeOptions {
  readonly self: NodeId;
  readonly credentials: Credentials;
  readonly overlay: OverlayConfiguration;
  readonly nowMs: number;
  readonly limits?: Partial<NodeCoreLimits>;
}

export class PlainNode {
  readonly core: Core;
  nowMs: number;
  /** What the node has reported, in its order. */
  readonly reports: Array<NodeReport> = [];
  /** Packets that it has written, with the time. */
  readonly sent: Array<{ readonly atMs: number; readonly link: number; readonly packet: Packet }> = [];
  readonly closed: Array<number> = [];
  private readonly keys: KeysShape;
  private readonly credentials: Credentials;
  private readonly timers = new Map<string, number>();
  private readonly plans: Array<{ readonly dueMs: number; readonly act: () => void }> = [];
  private sequence = 0;

  constructor(keys: KeysShape, { self, credentials, overlay, nowMs, limits = {} }: PlainNodeOptions) {
    this.keys = keys;
    this.credentials = credentials;
    this.nowMs = nowMs;
    const { certificates, roots, key } = credentials;
    // Neighbours here acknowledge nothing, and are not to be doubted for it.
    const patient = { ...coreLimits, rtoMsMin: 3_600_000, ...limits };
    const identity = identityOf(certificates[0]!);
    const facts = Effect.runSync(Effect.orDie(keys.verifyChain(certificates, roots, nowMs)));
    const seed = new Uint8Array(32).fill(Number(self & 0xffn));
    this.core = openNode({
      self,
      facts,
      certificates,
      algorithm: key.algorithm,
      identity,
      overlay,
      roots,
      seed,
      limits: patient,
    });
  }

  tell(event: NodeEvent): void {
    const events: Array<NodeEvent> = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift())
      for (const order of handle(this.core, next, this.nowMs)) {
        const answer = this.perform(order);
        if (answer !== undefined) events.push(answer);
      }
  }

  /** A link that a member has dialled. */
  link(link: number, { certificates }: Credentials): void {
    this.tell({ type: "accepted", link, stream: { host: "10.0.0.1", port: 1, certificates } });
  }

  /** A packet from a neighbour. */
  receive(link: number, ...packets: ReadonlyArray<Packet>): void {
    const frames = packets.map((packet) =>
      encode(FramedMessage, { type: "data", frame: { sequence: this.sequence++, message: encode(Packet, packet) } }),
    );
    this.tell({ type: "received", link, bytes: concat(...frames) });
  }

  /** Lets time pass: timers fire, and plans are acted on, in the order in which they are due. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (true) {
      const [timer, timerMs = Number.POSITIVE_INFINITY] = [...this.timers].sort(([, a], [, b]) => a - b)[0] ?? [];
      const plan = this.plans.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      const dueMs = Math.min(timerMs, plan?.dueMs ?? Number.POSITIVE_INFINITY);
      if (dueMs > untilMs) break;
      this.nowMs = dueMs;
      if (plan !== undefined && plan.dueMs === dueMs) {
        this.plans.splice(this.plans.indexOf(plan), 1);
        plan.act();
      } else {
        this.timers.delete(timer!);
        this.tell({ type: "timerFired", timer: timer! });
      }
    }
    this.nowMs = untilMs;
  }

  after(ms: number, act: () => void): void {
    this.plans.push({ dueMs: this.nowMs + ms, act });
  }

  get running(): ReadonlyArray<string> {
    return [...this.timers.keys()];
  }

  private perform(order: NodeOrder): NodeEvent | undefined {
    switch (order.type) {
      case "sign": {
        const value = Effect.runSync(this.keys.sign(this.credentials.key, order.bytes));
        return { type: "signed", token: order.token, value };
      }
      case "verifySignature": {
        const { token, certificate, bytes, signature, algorithm } = order;
        const holds = Effect.runSync(this.keys.verify(certificate, bytes, signature, algorithm));
        return { type: "signatureVerified", token, holds };
      }
      case "verifyChain": {
        const checked = Effect.runSync(Effect.option(this.keys.verifyChain(order.chain, order.roots, this.nowMs)));
        return {
          type: "chainVerified",
          token: order.token,
          facts: checked._tag === "Some" ? checked.value : undefined,
        };
      }
      case "startTimer":
        this.timers.set(order.timer, this.nowMs + order.ms);
        return;
      case "stopTimer":
        this.timers.delete(order.timer);
        return;
      case "write":
        this.wrote(order.link, order.bytes);
        return;
      case "close":
        this.closed.push(order.link);
        return;
      case "serve":
      case "ended":
      case "heard":
      case "state":
        this.reports.push(order);
    }
  }

  private wrote(link: number, bytes: Uint8Array): void {
    for (const { type, frame } of cut(FramedMessage, emptyRemainder, bytes, 0xff_ffff).messages) {
      const packet = type === "data" ? decode(Packet, frame.message) : undefined;
      if (packet?.ok) this.sent.push({ atMs: this.nowMs, link, packet: packet.value });
    }
  }
}

/** Certificates that a packet carries. */
export const carried = (packet: Packet): number => {
  const read = decode(Payload, packet.payload);
  return read.ok ? read.value.security.certificates.length : assert.fail("no payload");
};
