/**
 * Keeps the messages of a call in their order while the media relay is asked about one of them.
 *
 *   message of a call that waits --> held --> opened: one after the other, until one of them has to wait itself
 */
export class Gate {
  private readonly held = new Map<string, Array<() => void>>();

  isClosed(call: string): boolean {
    return this.held.has(call);
  }

  close(call: string): void {
    if (!this.held.has(call)) this.held.set(call, []);
  }

  /** False: too many wait already, and this is lost, as on a network. */
  hold(call: string, work: () => void): boolean {
    const waiting = this.held.get(call);
    if (waiting === undefined || waiting.length >= HELD_MESSAGES_MAX) return false;
    waiting.push(work);
    return true;
  }

  open(call: string): void {
    const waiting = this.held.get(call) ?? [];
    this.held.delete(call);
    while (waiting.length > 0) {
      const next = waiting.shift()!;
      next();
      const again = this.held.get(call);
      if (again === undefined) continue;
      // What came first is still first.
      again.unshift(...waiting);
      return;
    }
  }
}
/** Of one call. */
export const HELD_MESSAGES_MAX = 32;
