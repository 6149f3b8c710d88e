/** The line through measured values: whether they grow, and how sure that is. Least squares. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}
export interface Slope {
  /** Means of the first and of the last tenth of what is looked at. */
  readonly first: number;
  readonly last: number;
  /** Of its first and of its second half: what a collector lets rise for minutes and takes back is told by its least. */
  readonly least: readonly [number, number];
  readonly perHour: number;
  /** The standard deviation of `perHour`: twice as much is chance, where one sample says nothing of the next. */
  readonly noise: number;
}

const HOUR_MS = 3_600_000;
const rounded = (value: number): number => Number(value.toPrecision(4));
const mean = (all: ReadonlyArray<number>): number => all.reduce((sum, one) => sum + one, 0) / all.length;

const leastOf = (all: ReadonlyArray<Sample>): number => rounded(Math.min(...all.map((one) => one.value)));

/** Of the last two thirds: what begins is not what lasts. */
export const slopeOf = (all: ReadonlyArray<Sample>): Slope => {
  const samples = all.slice(Math.floor(all.length / 3));
  const [atMs, value] = [mean(samples.map((one) => one.atMs)), mean(samples.map((one) => one.value))];
  const spread = samples.reduce((sum, one) => sum + (one.atMs - atMs) ** 2, 0);
  const slope = samples.reduce((sum, one) => sum + (one.atMs - atMs) * (one.value - value), 0) / spread;
  const left = samples.reduce((sum, one) => sum + (one.value - value - slope * (one.atMs - atMs)) ** 2, 0);
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  return {
    first: rounded(mean(samples.slice(0, tenth).map((one) => one.value))),
    last: rounded(mean(samples.slice(-tenth).map((one) => one.value))),
    least: [leastOf(samples.slice(0, samples.length / 2)), leastOf(samples.slice(samples.length / 2))],
    perHour: rounded(slope * HOUR_MS),
    noise: rounded(Math.sqrt(left / Math.max(1, samples.length - 2) / spread) * HOUR_MS),
  };
};
