/**
 * Own entries by name and by end, so that how many there are now costs what has ended since the last question, and not a look at all:
 * it is asked before each store.
 *
 *   entries: name --> entry          ends: second --> the names whose entries end within it
 */
import type { OwnEntry } from "../../codecs/reload/mod.ts";
import { firstOf, put, type Sorted, sorted, valueAt, without } from "../../machines/kit/mod.ts";

export class HeldEntries {
  private readonly entries = new Map<string, OwnEntry>();
  private ends: Sorted<number, Set<string>> = sorted();
  /** Those that say that there is a value: an entry may also say that there is none. */
  private existing = 0;

  get(name: string): OwnEntry | undefined {
    return this.entries.get(name);
  }

  set(name: string, entry: OwnEntry): void {
    this.drop(name);
    this.entries.set(name, entry);
    if (entry.exists) this.existing += 1;
    const second = secondOf(entry);
    const others = valueAt(this.ends, second);
    if (others === undefined) this.ends = put(this.ends, second, new Set([name]));
    else others.add(name);
  }

  private drop(name: string): void {
    const entry = this.entries.get(name);
    if (entry === undefined) return;
    this.entries.delete(name);
    if (entry.exists) this.existing -= 1;
    const second = secondOf(entry);
    const names = valueAt(this.ends, second)!;
    names.delete(name);
    if (names.size === 0) this.ends = without(this.ends, second);
  }

  /** Those that have not ended; what has ended is forgotten. */
  used(nowMs: number): number {
    for (let first = firstOf(this.ends); first !== undefined; first = firstOf(this.ends)) {
      const [second, names] = first;
      if (second > nowMs / 1_000) break;
      for (const name of names) if (this.entries.get(name)!.endMs <= nowMs) this.drop(name);
      if (names.size > 0) break; // the second in which we are
    }
    return this.existing;
  }
}

const secondOf = ({ endMs }: OwnEntry): number => Math.floor(Number(endMs) / 1_000);
