/**
 * Calls whose hour has come, one of a line at a time. A line is a VService of ours and the number that it called.
 *
 *   due --> stepUp --> first      put to the proof --> stepOut --> who stood behind it is due again
 *              +-----> behind     stands here
 *              +-----> crowded    too many stand here: again later
 *
 * A row of proofs counts one call after another, and a wrong guess ends it. Each claimant knows at our Finished whether it
 * guessed rightly, and chooses when we know: with several calls at once it would answer where it was right, and hold back
 * where it was wrong until it had a route. A table that one actor owns and these functions change. DECISIONS.md D-044.
 */
import type { Vcr } from "../../codecs/shared/mod.ts";

export interface Lines<A> {
  /** Of each line with a call under way: who stands behind that. */
  readonly behind: Map<string, Array<A>>;
  count: number;
}

/**
 * Behind one call. They would wait for hours where claimants dawdle, and an owner forgets a call after two days: what it
 * cannot prove then would count against it.
 */
export const LINE_MAX = 256;

export const openLines = <A>(): Lines<A> => ({ behind: new Map(), count: 0 });

export const lineOf = ({ vservice, called }: Pick<Vcr, "vservice" | "called">): string => `${vservice}/${called}`;

/** `first`: nobody of its line is under way, and now it is. `crowded`: it was not taken. */
export const stepUp = <A>(lines: Lines<A>, line: string, item: A): "first" | "behind" | "crowded" => {
  const behind = lines.behind.get(line);
  if (behind === undefined) {
    lines.behind.set(line, []);
    return "first";
  }
  if (behind.length >= LINE_MAX) return "crowded";
  behind.push(item);
  lines.count += 1;
  return "behind";
};

/** The line's call is over. Those who stood behind it, in order: they step up again, each in its turn among other lines. */
export const stepOut = <A>(lines: Lines<A>, line: string): ReadonlyArray<A> => {
  const behind = lines.behind.get(line) ?? [];
  lines.behind.delete(line);
  lines.count -= behind.length;
  return behind;
};
