/**
 * Calls that are due, one at a time for each queue. A queue has the calls from one VService of ours to one number.
 *
 *   due --> enter --> first      validate it --> leave --> the calls behind it are due again
 *              +----> behind     it waits here
 *              +----> crowded    too many wait here: again later
 *
 * A sum counts one call after another, and a wrong guess sets it back to 0. Each claimant knows at our Finished whether it
 * guessed rightly, and decides when we learn of it: with several calls at once it would answer where it was right, and delay
 * where it was wrong until it had a route. A table that one actor owns and these functions change. DECISIONS.md D-044.
 */
import type { Vcr } from "../../codecs/shared/mod.ts";

export interface CallQueues<A> {
  /** For each queue with a call in validation: the calls behind it. */
  readonly behind: Map<string, Array<A>>;
  count: number;
}

/**
 * Calls behind one. Where claimants are slow they wait for hours, and the called side deletes its record after two days: what
 * it cannot prove then would count against it.
 */
export const QUEUED_CALLS_MAX = 256;

export const openCallQueues = <A>(): CallQueues<A> => ({ behind: new Map(), count: 0 });

export const queueOf = ({ vservice, called }: Pick<Vcr, "vservice" | "called">): string => `${vservice}/${called}`;

/** `first`: no call of its queue was in validation, and now this one is. `crowded`: it was not taken. */
export const enter = <A>(lines: CallQueues<A>, line: string, item: A): "first" | "behind" | "crowded" => {
  const behind = lines.behind.get(line);
  if (behind === undefined) {
    lines.behind.set(line, []);
    return "first";
  }
  if (behind.length >= QUEUED_CALLS_MAX) return "crowded";
  behind.push(item);
  lines.count += 1;
  return "behind";
};

/** The validation of the queue's first call is over. Gives the calls behind it, in order, which must enter again when due. */
export const leave = <A>(lines: CallQueues<A>, line: string): ReadonlyArray<A> => {
  const behind = lines.behind.get(line) ?? [];
  lines.behind.delete(line);
  lines.count -= behind.length;
  return behind;
};

/** Calls that another server validates from now on are behind none here. */
export const dropBehind = <A>(lines: CallQueues<A>, isGone: (item: A) => boolean): void => {
  for (const [line, behind] of lines.behind) {
    const left = behind.filter((item) => !isGone(item));
    lines.count -= behind.length - left.length;
    lines.behind.set(line, left);
  }
};
