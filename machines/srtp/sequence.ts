/**
 * Which packet a sequence number is, and whether it was seen. RFC 3711 §3.3.1, §3.3.2.
 *
 *   index = rollover counter * 2^16 + sequence number, nearest to the highest one so far
 */

/** RFC 3711 §3.3.2 asks for 64; a path that reorders more is worse than loss. A power of two. */
export const WINDOW = 128;
const NONE = -1;

export type Freshness = "fresh" | "replayed" | "old";

/** The packets of one source so far. */
export class Seen {
  /** The highest index; -1: none yet. */
  highest = NONE;
  /** Added to the numbers of a source that has begun anew; `Restarts`. */
  offset = 0;
  /** Of the last WINDOW indices, each at its place, those that came. */
  private readonly at = new Float64Array(WINDOW).fill(NONE);

  freshness(index: number): Freshness {
    if (index > this.highest) return "fresh";
    if (index <= this.highest - WINDOW || index < 0) return "old";
    return this.at[index % WINDOW] === index ? "replayed" : "fresh";
  }

  /** To be called for what was authentic, after `freshness` has said so. */
  note(index: number): void {
    this.at[index % WINDOW] = index;
    if (index > this.highest) this.highest = index;
  }
}

/** In a row, each one above the other: no disorder on the way, but a source that counts anew. */
export const RESTART_PACKETS = 16;

/**
 * A source that begins its numbers anew, below those it has used, under the same SSRC: a keystream must not be used twice,
 * so that it is heard again only under numbers that go on. Of packets that we send.
 */
export class Restarts {
  private next = -1;
  private count = 0;

  /** Told of a packet that was not fresh; true: from now on its numbers go on from the highest. */
  stale(seen: Seen, sequence: number): boolean {
    this.count = sequence === this.next ? this.count + 1 : 1;
    this.next = (sequence + 1) & 0xffff;
    if (this.count < RESTART_PACKETS) return false;
    seen.offset = (((seen.highest + 1) % 0x1_0000) - sequence) & 0xffff;
    this.fresh();
    return true;
  }
  fresh(): void {
    this.count = 0;
    this.next = -1;
  }
}

const HALF = 0x8000;
const ROUND = 0x1_0000;

/** The index that a sequence number means; below 0 for one before the first. */
export const indexOf = (highest: number, sequence: number): number => {
  if (highest < 0) return sequence;
  const last = highest % ROUND;
  const round = highest - last;
  if (sequence - last > HALF) return round - ROUND + sequence;
  if (last - sequence > HALF) return round + ROUND + sequence;
  return round + sequence;
};
