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
