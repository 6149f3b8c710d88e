/**
 * Rows of record files become call records in the outbox, each once, however often the program ends in between.
 *
 *   rows --> intake --> calls, and what is left aside --> told
 *                         |
 *   calls + waiting calls + the place in the file --> one write of the store
 *
 * What is on disk is what the rows up to the place have given. A disk that refuses holds the reader back. DECISIONS.md D-093.
 */
import { Effect } from "effect";
import type { CdrRow } from "../../codecs/cdr/mod.ts";
import type { Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import type { CallTable, Intake, Outcome } from "../../machines/records/mod.ts";
import type { Outbox } from "../agent/mod.ts";
import { untilStored } from "../kit/mod.ts";
import type { FilePlace, RecordKeep } from "./keep.ts";

/** Calls that are written together. */
const SETTLED_AT_ONCE_MAX = 1_000;

export interface ImporterOptions {
  readonly intake: Intake;
  /** The intake's, of `isKept`. */
  readonly table: CallTable;
  readonly keep: RecordKeep;
  readonly outbox: Pick<Outbox, "put">;
  readonly vservice: VServiceId;
}

export interface RecordImporter {
  /** The rows up to a place in a file. `nowMs`: the clock by which calls settle; the rows' own by default. */
  readonly take: (
    file: string,
    rows: ReadonlyArray<CdrRow>,
    place: FilePlace,
    nowMs?: number,
  ) => Effect.Effect<ReadonlyArray<Outcome>>;
  /** Calls without a further row since then are complete, all of them by default. Ask again until it gives none. */
  readonly settle: (untilMs?: number) => Effect.Effect<ReadonlyArray<Outcome>>;
}

export const recordImporter = ({ intake, table, keep, outbox, vservice }: ImporterOptions): RecordImporter => {
  const commit = Effect.fnUntraced(function* (outcomes: ReadonlyArray<Outcome>, place: FilePlace | undefined) {
    const vcrs = outcomes.flatMap(
      (outcome): ReadonlyArray<Vcr> => (outcome.type === "call" ? [{ ...outcome.call, vservice }] : []),
    );
    const changes = keep.changes(table, place);
    if (vcrs.length > 0 || changes.length > 0) yield* untilStored("records.disk", outbox.put(vcrs, changes));
    return outcomes;
  });
  return {
    take: (file, rows, place, nowMs) => commit(intake.take(file, rows, nowMs), place),
    settle: (untilMs) => commit(intake.settle(untilMs, SETTLED_AT_ONCE_MAX), undefined),
  };
};
