/** What the overlay's rows ask of a ring of nodes, ours or a peer's, all in this process. */
import { cpuMs, median } from "../kit.ts";

export interface LookUpRing {
  /** Stores a value by each of the first `count` nodes. */
  readonly storeAll: (count: number) => Promise<void>;
  /** Of a value, from a node, both counted from 0; rejects where it is not there. */
  readonly lookUp: (node: number, value: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Made when it is first asked for, with values stored, and kept for all rounds. */
export const keptRing = (open: () => Promise<LookUpRing>, values: number): (() => Promise<LookUpRing>) => {
  let made: Promise<LookUpRing> | undefined;
  const make = async (): Promise<LookUpRing> => {
    const ring = await open();
    await ring.storeAll(values);
    return ring;
  };
  return () => {
    made ??= make();
    return made;
  };
};

/** So many look-ups, one after the other, of values from nodes that are far from them as often as near. */
export const lookUps = async (
  { lookUp }: LookUpRing,
  count: number,
  values: number,
): Promise<{ readonly aCpuSecond: number; readonly medianMs: number }> => {
  const tookMs: Array<number> = [];
  const from = cpuMs();
  for (let i = 0; i < count; i++) {
    const startedMs = performance.now();
    await lookUp(i * 7, (i * 13) % values);
    tookMs.push(performance.now() - startedMs);
  }
  return { aCpuSecond: (1_000 * count) / (cpuMs() - from), medianMs: median(tookMs) };
};
