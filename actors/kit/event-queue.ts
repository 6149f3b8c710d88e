/**
 * The events of one mailbox: answers first, then a bounded ring; who tells when it is full waits for room.
 *
 *   put, tell --> ring --> nextNow
 *   answer -------------^
 *
 * One reader, which is called on the scheduler of the fiber that made the queue, once for all events that came meanwhile.
 */
import { Effect, type Scheduler } from "effect";
import { Ring } from "./ring.ts";

/** Somebody who waits for room, with his event. */
export class Waiter<Ev> {
  readonly event: Ev;
  /** Called once the event is in the ring. */
  readonly done: () => void;
  private readonly among: Set<Waiter<Ev>>;

  constructor(event: Ev, done: () => void, among: Set<Waiter<Ev>>) {
    this.event = event;
    this.done = done;
    this.among = among;
  }
  readonly stop = (): void => void this.among.delete(this);
}

export class EventQueue<Ev> {
  private readonly ring: Ring<Ev>;
  private readonly dispatcher: Scheduler.SchedulerDispatcher;
  /** Of the orders of one step, so that there are no more than those. */
  private answers: Array<Ev> | undefined;
  private waiters: Set<Waiter<Ev>> | undefined;
  private reader: (() => void) | undefined;
  private isWaking = false;

  constructor(capacity: number, dispatcher: Scheduler.SchedulerDispatcher) {
    this.ring = new Ring(capacity);
    this.dispatcher = dispatcher;
  }

  /** False when there is no room. */
  put(event: Ev): boolean {
    if (!this.ring.push(event)) return false;
    this.wake();
    return true;
  }

  tell(event: Ev): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.put(event)) return Effect.void;
      return Effect.callback<void>((resume) => Effect.sync(this.waitForRoom(event, () => resume(Effect.void)).stop));
    });
  }

  waitForRoom(event: Ev, done: () => void): Waiter<Ev> {
    this.waiters ??= new Set();
    const waiter = new Waiter(event, done, this.waiters);
    this.waiters.add(waiter);
    return waiter;
  }

  /** An event that was put and is to have been none, if nobody has taken it yet. */
  takeBack(event: Ev): void {
    if (!this.ring.isEmpty) this.ring.remove(event);
  }

  answer(event: Ev): void {
    this.answers ??= [];
    this.answers.push(event);
    this.wake();
  }

  nextNow(): Ev | undefined {
    if (this.answers !== undefined && this.answers.length > 0) return this.answers.shift();
    if (this.waiters !== undefined && this.waiters.size > 0 && this.ring.isEmpty) this.letIn();
    return this.ring.shift();
  }

  get next(): Effect.Effect<Ev> {
    return Effect.suspend(() => {
      const event = this.nextNow();
      if (event !== undefined) return Effect.succeed(event);
      return Effect.callback<Ev>((resume) => {
        this.whenReady(() => {
          const found = this.nextNow();
          if (found === undefined) return;
          this.whenReady(undefined);
          resume(Effect.succeed(found));
        });
        return Effect.sync(() => this.whenReady(undefined));
      });
    });
  }

  whenReady(reader: (() => void) | undefined): void {
    this.reader = reader;
    if (!this.ring.isEmpty || (this.answers?.length ?? 0) > 0) this.wake();
  }

  wake(): void {
    if (this.isWaking || this.reader === undefined) return;
    this.isWaking = true;
    this.dispatcher.scheduleTask(() => {
      this.isWaking = false;
      this.reader?.();
    }, 0);
  }

  /** Those who wait are let in when the ring is empty: all at once, so that one who tells many events waits seldom. */
  private letIn(): void {
    const ready: Array<Waiter<Ev>> = [];
    for (const waiter of this.waiters!) {
      if (!this.ring.push(waiter.event)) break;
      waiter.stop();
      ready.push(waiter);
    }
    this.dispatcher.scheduleTask(() => {
      for (const { done } of ready) done();
    }, 0);
  }
}
