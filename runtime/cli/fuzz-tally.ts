/** What a fuzzing run has shown so far, law by law, and how it is told: as text, as JSON, as cases for JUnit. */
import type { FuzzCase } from "../fuzz/junit.ts";
import type { FuzzExample } from "../fuzz/protocol.ts";

interface TalliedLaw {
  readonly name: string;
  runs: number;
  seconds: number;
  example: FuzzExample | undefined;
}

/** A run that has ended. */
export interface FuzzRun {
  readonly target: string;
  readonly examples: ReadonlyArray<FuzzExample>;
  readonly cases: ReadonlyArray<FuzzCase>;
  /** `file`: where the counter-example was written. */
  readonly summary: (file: string | undefined) => object;
  readonly text: (file: string | undefined) => string;
}

export class FuzzTally {
  readonly target: string;
  readonly seed: number;
  laws: ReadonlyArray<TalliedLaw> = [];
  readonly #startedMs = performance.now();
  constructor(target: string, seed: number) {
    this.target = target;
    this.seed = seed;
  }

  begin(names: ReadonlyArray<string>): void {
    this.laws = names.map((name) => ({ name, runs: 0, seconds: 0, example: undefined }));
  }
  /** So many runs of it have been made. */
  held(law: number, runs: number, seconds: number): void {
    Object.assign(this.laws[law]!, { runs, seconds });
  }
  broken(law: number, example: FuzzExample): void {
    this.laws[law]!.example = example;
  }

  get runs(): number {
    return this.laws.reduce((sum, { runs }) => sum + runs, 0);
  }
  get examples(): ReadonlyArray<FuzzExample> {
    return this.laws.flatMap(({ example }) => (example === undefined ? [] : [example]));
  }

  end(isInterrupted: boolean): FuzzRun {
    const { target, seed, laws, runs, examples } = this;
    const seconds = Math.round((performance.now() - this.#startedMs) / 100) / 10;
    const verdict = examples.length > 0 ? "violated" : "held";
    const cut = isInterrupted ? { interrupted: true } : {};
    const asked = laws.filter((law) => law.runs > 0 || law.example !== undefined);
    return {
      target,
      examples,
      cases: asked.map(({ name, runs, seconds, example }) => ({
        name,
        runs,
        seconds,
        ...(example === undefined ? {} : { failure: exampleText(example) }),
      })),
      summary: (file) => ({
        target,
        verdict,
        seed,
        runs,
        seconds,
        ...cut,
        laws: asked.map(({ name, runs, example }) => ({
          name,
          runs,
          verdict: example === undefined ? "held" : "violated",
        })),
        ...(examples[0] === undefined
          ? {}
          : { broken: examples[0].law, shown: examples[0].shown, why: examples[0].why }),
        ...(file === undefined ? {} : { counterExample: file }),
      }),
      text: (file) =>
        [
          ...examples.map((example) => `BROKEN  ${example.law}\n${exampleText(example).replace(/^/gm, "        ")}`),
          `${target}: ${verdict}, ${runs} runs of ${asked.length} laws in ${seconds} s, seed ${seed}${isInterrupted ? ", interrupted" : ""}`,
          ...(file === undefined ? [] : [`again: vipr fuzz --replay ${file}`]),
        ].join("\n"),
    };
  }
}

const exampleText = ({ shown, why }: FuzzExample): string => [...shown, why].join("\n");
