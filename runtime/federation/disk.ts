/** A disk that can be slow, full, lost, and off: memory's store with what may go wrong around it. */
import { Effect } from "effect";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { memoryStore } from "../store/memory.ts";

export class Disk implements StoreShape {
  private store = memoryStore();
  /** Of each write. */
  slowMs: number;
  isFull = false;
  /** The power is off: nothing is written any more, and nothing read. */
  isOff = false;
  /** It says that it has what it has not. */
  forgets = false;
  /** It says that it has removed what it has not. */
  hoards = false;
  constructor(slowMs: number) {
    this.slowMs = slowMs;
  }

  /** Another one in its place, empty. */
  lose(): void {
    this.store = memoryStore();
  }

  readonly write: StoreShape["write"] = (changes) =>
    Effect.suspend(() => {
      const done = Effect.suspend(() => {
        if (this.isOff) return off;
        if (this.isFull) return Effect.fail(new StoreFailed({ reason: "full", why: "no room on the simulated disk" }));
        const kept = this.hoards ? changes.filter(({ type }) => type !== "remove") : changes;
        return this.forgets ? Effect.void : this.store.write(kept);
      });
      return this.slowMs === 0 ? done : Effect.andThen(Effect.sleep(this.slowMs), done);
    });
  readonly read: StoreShape["read"] = (...of) => this.unlessOff(() => this.store.read(...of));
  readonly scan: StoreShape["scan"] = (...of) => this.unlessOff(() => this.store.scan(...of));
  readonly due: StoreShape["due"] = (...of) => this.unlessOff(() => this.store.due(...of));

  private unlessOff<A>(work: () => Effect.Effect<A, StoreFailed>): Effect.Effect<A, StoreFailed> {
    return Effect.suspend(() => (this.isOff ? off : work()));
  }
}

const off = Effect.fail(new StoreFailed({ reason: "closed", why: "the power is off" }));
