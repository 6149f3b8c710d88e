/**
 * What the media relay is asked, and what waits meanwhile: the other messages of the call. RFC 3264 §8.
 *
 *   ask --> gate of the call closed, order `media` --> described --> then --> gate open
 */
import { Gate } from "./gate.ts";
import type { BorderOrder, MediaAnswer, MediaQuestion } from "./types.ts";

interface Asked {
  readonly call: string;
  readonly then: (answer: MediaAnswer, nowMs: number) => void;
}

export class Questions {
  private readonly order: (order: BorderOrder) => void;
  private readonly gate = new Gate();
  private readonly asked = new Map<number, Asked>();
  private count = 0;

  constructor(order: (order: BorderOrder) => void) {
    this.order = order;
  }

  /** Those that the relay has not answered yet. */
  get waiting(): number {
    return this.asked.size;
  }

  /** Now, or when what came before it in its call has passed. */
  inOrder(call: string | undefined, work: () => void) {
    if (call === undefined || !this.gate.isClosed(call)) return work();
    this.order({ type: "count", what: this.gate.hold(call, work) ? "held" : "dropped" });
  }

  ask(kind: "offer" | "answer", question: MediaQuestion, then: Asked["then"]) {
    const id = ++this.count;
    const { call } = question;
    this.gate.close(call);
    this.asked.set(id, { call, then });
    this.order({ type: "media", id, kind, question });
  }

  /** The relay has answered. */
  described(id: number, answer: MediaAnswer, nowMs: number) {
    const waiting = this.asked.get(id);
    if (waiting === undefined) return;
    this.asked.delete(id);
    waiting.then(answer, nowMs);
    this.gate.open(waiting.call);
  }
}
