/**
 * What others are asked, and what waits meanwhile: the other messages of the call. RFC 3264 §8, RFC 3263 §4.3.
 *
 *   ask --> gate of the call closed, order `media` or `places` --> answered --> then --> gate open
 */
import { Gate } from "./gate.ts";
import type { BorderOrder, MediaAnswer, MediaQuestion, Place } from "./types.ts";

interface Asked {
  readonly call: string;
  readonly then: (answer: any, nowMs: number) => void;
}

export class Questions {
  private readonly order: (order: BorderOrder) => void;
  private readonly gate = new Gate();
  private readonly asked = new Map<number, Asked>();
  private count = 0;

  constructor(order: (order: BorderOrder) => void) {
    this.order = order;
  }

  /** Those that have not been answered yet. */
  get waiting(): number {
    return this.asked.size;
  }

  /** Now, or when what came before it in its call has passed. */
  inOrder(call: string | undefined, work: () => void) {
    if (call === undefined || !this.gate.isClosed(call)) return work();
    this.order({ type: "count", what: this.gate.hold(call, work) ? "held" : "dropped" });
  }

  /** The media relay. */
  ask(kind: "offer" | "answer", question: MediaQuestion, then: (answer: MediaAnswer, nowMs: number) => void) {
    this.order({ type: "media", id: this.wait(question.call, then), kind, question });
  }

  /** Whoever finds other companies: where that one is reached but where this message has gone. */
  askPlaces(
    call: string,
    besides: Extract<BorderOrder, { readonly type: "places" }>["besides"],
    then: (places: ReadonlyArray<Place>, nowMs: number) => void,
  ) {
    this.order({ type: "places", id: this.wait(call, then), besides });
  }

  answered(id: number, answer: MediaAnswer | ReadonlyArray<Place>, nowMs: number) {
    const waiting = this.asked.get(id);
    if (waiting === undefined) return;
    this.asked.delete(id);
    waiting.then(answer, nowMs);
    this.gate.open(waiting.call);
  }

  private wait(call: string, then: Asked["then"]): number {
    const id = ++this.count;
    this.gate.close(call);
    this.asked.set(id, { call, then });
    return id;
  }
}
