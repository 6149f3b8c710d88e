/**
 * Reads call records and says what is amiss with them: each problem is logged with its line and costs that line only.
 *
 *   chunks of text --> reader --> calls, problems --> log     no call at all --> NoUsableCalls
 */
import { Data, Effect } from "effect";
import {
  asteriskReader,
  type CdrCall,
  type CdrOptions,
  type CdrProblem,
  type CdrReading,
} from "../../codecs/cdr/mod.ts";

/** A file of this many calls is read; what follows is left aside, and said so. */
export const CALLS_MAX = 1_000_000;
/** Problems are counted all, and kept up to here. */
export const PROBLEMS_MAX = 10_000;

export class NoUsableCalls extends Data.TaggedError("NoUsableCalls")<{
  readonly why: string;
  /** The first problem, if there was one. */
  readonly first: CdrProblem | undefined;
}> {}

/** `chunks`: the file's text in order, cut anywhere; one string is a whole file. */
export const importCdr = Effect.fn("cdr.import")(function* (chunks: Iterable<string>, options: CdrOptions = {}) {
  const reader = asteriskReader(options);
  if (reader === undefined)
    return yield* new NoUsableCalls({ why: `unknown time zone ${options.zone}`, first: undefined });
  const calls: Array<CdrCall> = [];
  const problems: Array<CdrProblem> = [];
  const counts = { error: 0, skipped: 0 };
  const keep = Effect.fnUntraced(function* (reading: CdrReading) {
    for (const call of reading.calls) if (calls.length < CALLS_MAX) calls.push(call);
    for (const problem of reading.problems) {
      counts[problem.kind] += 1;
      if (problems.length < PROBLEMS_MAX) problems.push(problem);
      const said = { line: problem.line, reason: problem.reason };
      yield* problem.kind === "error" ? Effect.logWarning("cdr.error", said) : Effect.logDebug("cdr.skipped", said);
    }
  });
  for (const chunk of chunks) yield* keep(reader.push(chunk));
  yield* keep(reader.end());
  if (calls.length >= CALLS_MAX) yield* Effect.logWarning("cdr.tooMany", { kept: CALLS_MAX });
  if (calls.length === 0) {
    const first = problems.find(({ kind }) => kind === "error") ?? problems[0];
    return yield* new NoUsableCalls({ why: "no line tells an answered call", first });
  }
  yield* Effect.logInfo("cdr.read", { calls: calls.length, errors: counts.error, skipped: counts.skipped });
  return { calls, problems } satisfies CdrReading as CdrReading;
});
