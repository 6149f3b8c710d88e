/** `vipr replay`: every run of a trace through today's machines, on this runtime; the same events must give the same orders. */
import { readFileSync, statSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";
import { command, Wrong } from "./cli/options.ts";
import { complain, say } from "./cli/output.ts";
import { exitCode } from "./command/exit-codes.ts";
import { replayTable } from "./command/tables/trials.ts";
import { isFederationFile } from "./federation/file.ts";
import { bared, TRACE_BYTES_MAX, TRACE_FORMAT, TRACE_VERSION, TRACED, type TraceRecord, traceCbor } from "./trace.ts";

export interface Difference {
  readonly machine: string;
  readonly run: number;
  /** 0 is the start. */
  readonly step: number;
  readonly event: unknown;
  /** Which of the step's orders, from 0; and what the trace and the machine say it is. */
  readonly order: number;
  readonly expected: unknown;
  readonly found: unknown;
}
export interface Replayed {
  readonly runs: number;
  readonly steps: number;
  readonly difference: Difference | undefined;
  /** `at` in bytes from the file's start. When cut off, everything before was replayed; else nothing was. */
  readonly broken: { readonly at: number; readonly why: string; readonly isCutOff: boolean } | undefined;
}

export const replayCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(replayTable, args, async ({ json, step }, [file]) => {
    const bytes = bytesOf(file!);
    if (isFederationFile(bytes)) {
      if (json) throw new Wrong("--json: a federation is drawn as text");
      return (await import("./federation/replay.ts")).replayFederation(file!, bytes, step);
    }
    if (step) throw new Wrong("--step: this is no file of a federation");
    const replayed = replayTrace(bytes);
    const code = tell(file!, replayed, json);
    if (json) say(JSON.stringify(jsonOf(replayed)));
    return code;
  });

const bytesOf = (file: string): Uint8Array => {
  try {
    if (statSync(file).size > TRACE_BYTES_MAX) throw new Error(`over ${TRACE_BYTES_MAX} bytes`);
    return readFileSync(file);
  } catch (error) {
    throw new Wrong(`${file}: ${(error as Error).message}`);
  }
};

const jsonOf = ({ runs, steps, difference, broken }: Replayed) => ({
  runs,
  steps,
  broken: broken ?? null,
  difference:
    difference === undefined
      ? null
      : {
          ...difference,
          event: shown(difference.event),
          expected: shown(difference.expected),
          found: shown(difference.found),
        },
});

const shown = (value: unknown) => inspect(value, { depth: 8, breakLength: 110, maxArrayLength: 40 });

const tell = (file: string, { runs, steps, difference, broken }: Replayed, json: boolean): number => {
  if (broken !== undefined) complain(`vipr replay: ${file}: byte ${broken.at}: ${broken.why}`);
  if (broken !== undefined && !broken.isCutOff) return exitCode.usage;
  if (difference === undefined) {
    if (!json) say(`${runs} runs, ${steps} steps, all the same`);
    return broken === undefined ? exitCode.done : exitCode.usage;
  }
  if (json) return exitCode.fault;
  const { machine, run, step, event, order, expected, found } = difference;
  say(`${machine}, run ${run}, step ${step}, order ${order}: not the same
event     ${shown(event)}
expected  ${shown(expected)}
found     ${shown(found)}`);
  return 1;
};

/** Stops at the first difference. Whatever the bytes are, it does not throw. */
export const replayTrace = (bytes: Uint8Array): Replayed => {
  const { records, broken } = read(bytes);
  const done = { runs: 0, steps: 0, difference: undefined, broken };
  if (broken !== undefined && !broken.isCutOff) return done;
  const runs = new Map<number, { readonly snapshot: unknown; readonly step: number }>();
  let steps = 0;
  for (const { machine, run, event, actions } of records) {
    const { machine: of, hidden } = TRACED.get(machine)!;
    const before = runs.get(run);
    let found: unknown = [];
    try {
      const after = before === undefined ? of.start((event as any).input) : of.step(before.snapshot as never, event);
      found = roundTrip(bared(after.actions, hidden));
      runs.set(run, { snapshot: after.snapshot, step: (before?.step ?? -1) + 1 });
    } catch (error) {
      found = [{ type: "(threw)", why: String(error) }];
    }
    steps += 1;
    if (isDeepStrictEqual(actions, found)) continue;
    const difference = { machine, run, step: (before?.step ?? -1) + 1, event, ...firstUnlike(actions, found as never) };
    return { runs: runs.size, steps, difference, broken };
  }
  return { ...done, runs: runs.size, steps };
};

const roundTrip = (value: unknown): unknown => bared(traceCbor.decode(traceCbor.encode(value)));

const firstUnlike = (expected: ReadonlyArray<unknown>, found: ReadonlyArray<unknown>) => {
  let order = 0;
  while (order < expected.length && isDeepStrictEqual(expected[order], found[order])) order++;
  return { order, expected: expected[order] ?? "(nothing)", found: found[order] ?? "(nothing)" };
};

/** The records, each checked; a file that ends within a record gives those before it. */
const read = (
  bytes: Uint8Array,
): { readonly records: ReadonlyArray<TraceRecord>; readonly broken: Replayed["broken"] } => {
  const records: Array<TraceRecord> = [];
  const started = new Map<number, string>();
  let hasHeader = false;
  try {
    if (bytes.length === 0) throw new Error("empty, no trace");
    traceCbor.decodeMultiple(bytes, (item) => {
      const value = bared(item);
      if (hasHeader) records.push(checked(value, started));
      else if (!isHeader(value)) throw new Error(`no ${TRACE_FORMAT} of version ${TRACE_VERSION}`);
      hasHeader = true;
    });
    return { records, broken: undefined };
  } catch (error) {
    const { lastPosition, incomplete, message } = error as Error & { lastPosition?: number; incomplete?: boolean };
    const isCutOff = hasHeader && incomplete === true;
    const why = isCutOff ? "the last record is cut off; those before it were replayed" : message;
    return { records, broken: { at: lastPosition ?? 0, why, isCutOff } };
  }
};

const isHeader = (value: any): boolean => value?.format === TRACE_FORMAT && value.version === TRACE_VERSION;

/** Throws what is wrong with the record: its reader adds where. */
const checked = (value: any, started: Map<number, string>): TraceRecord => {
  const { machine, run, event, actions } = value ?? {};
  if (typeof machine !== "string" || !Number.isSafeInteger(run) || !Array.isArray(actions))
    throw new Error("no record");
  if (typeof event?.type !== "string") throw new Error("a record without an event");
  if (!TRACED.has(machine)) throw new Error(`no machine here is called ${JSON.stringify(machine.slice(0, 80))}`);
  const isStart = event.type === "(start)";
  if (isStart === started.has(run)) throw new Error(`run ${run} ${isStart ? "starts twice" : "has no start"}`);
  if (!isStart && started.get(run) !== machine) throw new Error(`run ${run} is of another machine`);
  started.set(run, machine);
  return value;
};
