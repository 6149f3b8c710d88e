/**
 * A search that is led by coverage: an input that counts a counter for the first time, or twice, or four times as often as any
 * before it, is kept, and changed further. DECISIONS.md D-263.
 *
 *   corpus -- one of it, changed --> run --> counters --> new? --> corpus
 *                                     +--> throws --> made smaller --> crasher
 */
import { Chance } from "../../kit/chance.ts";
import { type Change, KINDS, mutated } from "../../kit/changes.ts";
import type { Feed } from "./targets.ts";

export interface SearchOptions {
  readonly feed: Feed;
  readonly counters: ReadonlyArray<Uint32Array>;
  readonly seeds: ReadonlyArray<Uint8Array>;
  readonly marks?: ReadonlyArray<Uint8Array> | undefined;
  readonly seed: number;
}
export interface Crasher {
  readonly bytes: Uint8Array;
  readonly why: string;
}

/** An input never grows beyond this. */
const INPUT_BYTES_MAX = 8_192;
const CHANGES_MAX = 6;
const CRASHERS_MAX = 20;
const SHRINKS_MAX = 2_000;
/** Counters that one byte may cost on average; what takes more grows faster than its input. */
const COUNTS_PER_BYTE_MAX = 4_000;
const COUNTS_BASE = 1_000_000;

export class CoverageSearch {
  readonly #options: SearchOptions;
  readonly #chance: Chance;
  /** For each row of counters, which powers of two each has reached. */
  readonly #reached: Array<Uint32Array> = [];
  readonly corpus: Array<Uint8Array> = [];
  readonly crashers = new Map<string, Crasher>();
  executions = 0;

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    for (const bytes of options.seeds) this.#take(bytes);
  }

  /** Counters that some input has counted. */
  get covered(): number {
    return this.#reached.reduce((sum, row) => sum + row.reduce((count, bits) => count + (bits === 0 ? 0 : 1), 0), 0);
  }

  /** So many more executions. */
  run(executions: number): void {
    const { corpus } = this;
    if (corpus.length === 0) corpus.push(Uint8Array.of(0));
    for (let i = 0; i < executions; i++) {
      // The newer half is looked at more often: what it has found is young.
      const from = this.#chance.below(2) === 0 ? corpus.length >> 1 : 0;
      const parent = corpus[from + this.#chance.below(corpus.length - from)]!;
      this.#take(mutated(parent, this.#changes(), corpus, this.#options.marks));
    }
  }

  #changes(): ReadonlyArray<Change> {
    const chance = this.#chance;
    const count = chance.below(3) === 0 ? 1 + chance.below(CHANGES_MAX) : 1;
    return Array.from({ length: count }, () => ({
      kind: chance.of(KINDS),
      at: chance.next(),
      size: chance.next(),
      to: chance.next(),
    }));
  }

  #take(bytes: Uint8Array): void {
    if (bytes.length > INPUT_BYTES_MAX) return;
    const thrown = this.#run(bytes);
    const { isNew, counts } = this.#look();
    if (thrown !== undefined) this.#crashed(bytes, thrown);
    else if (counts > COUNTS_BASE + COUNTS_PER_BYTE_MAX * bytes.length) this.#slow(bytes, counts);
    else if (isNew) this.corpus.push(bytes.slice());
  }

  /** Undefined: it held. */
  #run(bytes: Uint8Array): string | undefined {
    this.executions += 1;
    try {
      this.#options.feed(bytes.slice());
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
    return undefined;
  }

  /** Whether a counter has got further than ever, and what all have counted; all begin anew. */
  #look(): { readonly isNew: boolean; readonly counts: number } {
    let [isNew, counts] = [false, 0];
    for (const [at, row] of this.#options.counters.entries()) {
      let reached = this.#reached[at];
      if (reached === undefined) {
        reached = new Uint32Array(row.length);
        this.#reached[at] = reached;
      }
      // Most counters are zero, and two of them are looked at as one number.
      const pairs = new Float64Array(row.buffer, row.byteOffset, row.length >> 1);
      for (let pair = 0; pair < pairs.length; pair++) {
        if (pairs[pair] === 0) continue;
        for (let i = 2 * pair; i < 2 * pair + 2; i++) {
          const count = row[i]!;
          if (count === 0) continue;
          counts += count;
          const bit = 1 << (31 - Math.clz32(count));
          if ((reached[i]! & bit) === 0) {
            reached[i]! |= bit;
            isNew = true;
          }
          row[i] = 0;
        }
      }
    }
    return { isNew, counts };
  }

  /** One that takes too much is kept as it is: a smaller one would take less, and each try as long. */
  #slow(bytes: Uint8Array, counts: number): void {
    const why = `${counts} branches and calls for ${bytes.length} bytes`;
    if (!this.crashers.has("slow")) this.crashers.set("slow", { bytes: bytes.slice(), why });
  }

  /** One of each reason is kept, as small as it gets by leaving bytes out. */
  #crashed(bytes: Uint8Array, why: string): void {
    const reason = why.replace(/\d+/g, "N").split("\n")[0]!;
    if (this.crashers.has(reason) || this.crashers.size >= CRASHERS_MAX) return;
    const isSame = (other: Uint8Array) => {
      const found = this.#run(other);
      this.#look();
      return found !== undefined && found.replace(/\d+/g, "N").split("\n")[0] === reason;
    };
    this.crashers.set(reason, { bytes: smaller(bytes, isSame), why });
  }
}

const smaller = (bytes: Uint8Array, isSame: (bytes: Uint8Array) => boolean): Uint8Array => {
  let [now, tries] = [bytes, 0];
  for (let size = bytes.length >> 1; size >= 1; size = size >> 1)
    for (let at = 0; at < now.length && tries < SHRINKS_MAX; tries++) {
      const without = Uint8Array.from([...now.subarray(0, at), ...now.subarray(at + size)]);
      if (isSame(without)) now = without;
      else at += size;
    }
  return now;
};

/** Of a corpus those that together reach every counter, the smallest first, as far as they fit. */
export const minimised = (
  corpus: ReadonlyArray<Uint8Array>,
  { feed, counters }: Pick<SearchOptions, "feed" | "counters">,
  inputsMax: number,
  bytesMax: number,
): ReadonlyArray<Uint8Array> => {
  const reachedBy = (bytes: Uint8Array): ReadonlyArray<number> => {
    for (const row of counters) row.fill(0);
    try {
      feed(bytes.slice());
    } catch {
      return []; // a crasher is kept elsewhere
    }
    let base = 0;
    return counters.flatMap((row) => {
      const found = Array.from(row, (count, i) => (count > 0 ? base + i : -1)).filter((at) => at >= 0);
      base += row.length;
      return found;
    });
  };
  const small = corpus.filter(({ length }) => length <= bytesMax).sort((one, other) => one.length - other.length);
  const seen = new Set<number>();
  const kept: Array<Uint8Array> = [];
  for (const bytes of small) {
    const reached = reachedBy(bytes);
    if (reached.every((one) => seen.has(one))) continue;
    for (const one of reached) seen.add(one);
    kept.push(bytes);
  }
  for (const row of counters) row.fill(0);
  // The later ones reach what is hard to reach.
  return kept.slice(-inputsMax);
};
