/** Metrics as `vipr status` and `vipr doctor` read them back, from programs of ours alone: their text is known to be well formed. */

export interface ReadSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
export type ReadMetrics = ReadonlyMap<string, ReadonlyArray<ReadSample>>;

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

export const readMetrics = (text: string): ReadMetrics => {
  const all = new Map<string, Array<ReadSample>>();
  for (const line of text.split("\n")) {
    const [, name, inner = "", value] = line.startsWith("#") ? [] : (SAMPLE.exec(line) ?? []);
    if (name === undefined) continue;
    const labels = Object.fromEntries(
      [...inner.matchAll(LABEL)].map(([, key, quoted = ""]) => [
        key!,
        quoted.replace(/\\(.)/g, (_, sign) => (sign === "n" ? "\n" : sign)),
      ]),
    );
    all.set(name, [...(all.get(name) ?? []), { labels, value: Number(value) }]);
  }
  return all;
};

const withLabels =
  (labels: Readonly<Record<string, string>>) =>
  (one: ReadSample): boolean =>
    Object.entries(labels).every(([key, value]) => one.labels[key] === value);

/** The one sample of that name, or the first with these labels. */
export const sampleOf = (
  metrics: ReadMetrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined => metrics.get(name)?.find(withLabels(labels))?.value;

export const sumOf = (metrics: ReadMetrics, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  (metrics.get(name) ?? []).filter(withLabels(labels)).reduce((sum, { value }) => sum + value, 0);
