/**
 * What a bench is made of. A file of this folder exports `contests`; each contest sets a piece of ours beside a peer that
 * does the same work, and `run.ts` plays both in turn in one process.
 *
 *   ours, peer | peer, ours | ours, peer | ...     one figure each a round; the row is the median of the rounds' ratios
 */
import process from "node:process";

export interface Contest {
  /** Begins with the name of the bench: "codec: VAP round trip". */
  readonly name: string;
  /** Of the figures: "1/s" where nothing else is the point. */
  readonly unit: string;
  readonly peerName: string;
  /** One round, some 100 to 300 ms of work: the figure, in `unit`. */
  readonly ours: () => number | Promise<number>;
  /** As `ours`. Throws `PeerMissing` where the peer is not installed. */
  readonly peer: () => number | Promise<number>;
  readonly lowerIsBetter?: boolean;
  /** ROUNDS where it says nothing; `--rounds` goes before both. */
  readonly rounds?: number;
  /** The ratio that we want; the table marks a row that misses it. */
  readonly aim?: number;
}

export interface Bench {
  readonly contests: ReadonlyArray<Contest> | (() => ReadonlyArray<Contest> | Promise<ReadonlyArray<Contest>>);
}

/** As `--json` prints it. `ratio` above 1: ours is better, also where lower figures are. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peerName: string;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly rounds: number;
  readonly aim?: number;
  /** Why there is no peer. */
  readonly missing?: string;
}

/** The peer is not on this machine or does not run under this runtime: the row says so, and nothing failed. */
export class PeerMissing extends Error {}

export const ROUNDS = 7;
/** Compilers settle in some two seconds of work; a contest of slow rounds is not kept waiting for the last of these. */
export const WARM_ROUNDS_MAX = 10;
const WARM_ROUNDS_MIN = 2;
const WARM_MS = 4_000;
const ROUND_MS = 150;
/** So that a look at the clock costs no part of a percent. */
const BATCH_MS = 5;

export const runtimeName: "node" | "deno" | "bun" =
  "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** A clock in ms: the process's own processor time, all its threads together. A neighbour's work does not move it. */
export const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
/** The other clock in ms, for work that waits for a disk or for another process. */
export const wallMs = (): number => performance.now();

/** Calls a second of processor time, over one round. */
export const rateOf = (work: () => unknown, ms: number = ROUND_MS): number => {
  let batch = 1;
  let count = 0;
  const from = cpuMs();
  for (let last = from; ; ) {
    for (let i = 0; i < batch; i++) work();
    count += batch;
    const now = cpuMs();
    if (now - from >= ms) return (1_000 * count) / (now - from);
    if (now - last < BATCH_MS) batch *= 2;
    last = now;
  }
};

/** The same for work that gives a promise; one call after another, by either clock. */
export const rateOfAsync = async (
  work: () => PromiseLike<unknown>,
  ms: number = ROUND_MS,
  clock: () => number = wallMs,
): Promise<number> => {
  let count = 0;
  const from = clock();
  while (clock() - from < ms) {
    await work();
    count++;
  }
  return (1_000 * count) / (clock() - from);
};

/** Bytes in use after a collection: the heap, and what its arrays hold outside. */
const usedBytes = async (): Promise<number> => {
  const bun = (globalThis as { Bun?: { gc: (now: boolean) => void } }).Bun;
  const collect = bun === undefined ? (globalThis as { gc?: () => void }).gc : () => bun.gc(true);
  if (collect === undefined) throw new Error("no garbage collector to call: start the bench by run.ts");
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10)); // finalizers run in their own turn
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return bun === undefined ? heapUsed + Math.max(external, arrayBuffers) : heapUsed; // JSC's heap counts them already
};

/** Whatever is measured lives here meanwhile. */
let measured: unknown;
/** Bytes that what `make` gives holds on to. The runner starts each runtime so that its collector can be called. */
export const heapBytesOf = async (make: () => unknown): Promise<number> => {
  const before = await usedBytes();
  measured = await make();
  const bytes = (await usedBytes()) - before;
  if (measured === undefined) throw new Error("nothing was made");
  measured = undefined;
  return bytes;
};

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The peer's figure, or why there is none. A package that is not installed counts as missing. */
const peerFigure = async ({ peer }: Contest): Promise<number | PeerMissing> => {
  try {
    return await peer();
  } catch (error) {
    if (error instanceof PeerMissing) return error;
    const code = (error as { readonly code?: unknown } | undefined)?.code;
    if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return new PeerMissing("not installed");
    throw error;
  }
};

/** Plays one contest: warm-up, then the rounds; who begins changes from round to round. */
export const play = async (contest: Contest, wantedRounds?: number): Promise<Row> => {
  const rounds = wantedRounds ?? contest.rounds ?? ROUNDS;
  const ours: Array<number> = [];
  const peers: Array<number> = [];
  let missing: string | undefined;
  const playPeer = async () => {
    if (missing !== undefined) return;
    const figure = await peerFigure(contest);
    if (typeof figure === "number") peers.push(figure);
    else missing = figure.message;
  };
  const playRound = async (round: number) => {
    if (round % 2 === 1) await playPeer();
    ours.push(await contest.ours());
    if (round % 2 === 0) await playPeer();
  };
  const from = wallMs();
  for (let warm = 0; warm < WARM_ROUNDS_MAX; warm++) {
    if (warm >= WARM_ROUNDS_MIN && wallMs() - from >= WARM_MS) break;
    await playRound(warm);
  }
  for (const figures of [ours, peers]) figures.length = 0;
  for (let round = 0; round < rounds; round++) await playRound(round);
  const { name, unit, peerName, lowerIsBetter = false, aim } = contest;
  const common = { name, unit, ours: median(ours), peerName, rounds, ...(aim === undefined ? {} : { aim }) };
  if (missing !== undefined) return { ...common, peer: null, ratio: null, min: null, max: null, missing };
  const ratios = ours.map((our, i) => (lowerIsBetter ? peers[i]! / our : our / peers[i]!));
  const [min, max] = [Math.min(...ratios), Math.max(...ratios)];
  return { ...common, peer: median(peers), ratio: median(ratios), min, max };
};

export const contestsOf = async ({ contests }: Bench): Promise<ReadonlyArray<Contest>> =>
  typeof contests === "function" ? await contests() : contests;
