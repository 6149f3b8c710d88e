/**
 * Rows go in; telephone calls, and what is left aside, come out, each once and each counted.
 *
 *   row without legs --> aside, by its fault
 *   row with legs ----> table ---- complete ---> judge --> call | aside, by its reason
 */
import type { CdrRow, RowFault } from "../../codecs/cdr/mod.ts";
import type { CallAside, Judge, JudgedCall } from "./judge.ts";
import { type CallTable, type RecordedCall, takeRow, takeSettled } from "./table.ts";

export type AsideReason = RowFault | CallAside;

export type Outcome =
  | { readonly type: "call"; readonly call: JudgedCall; readonly of: RecordedCall }
  | {
      readonly type: "aside";
      readonly file: string;
      readonly lines: ReadonlyArray<number>;
      readonly reason: AsideReason;
      /** For people, without a number: what in the row, or why a text is no number. */
      readonly detail: string | undefined;
    };

export interface IntakeCounts {
  readonly rows: number;
  readonly calls: number;
  readonly aside: Readonly<Record<string, number>>;
}

export interface Intake {
  readonly take: (file: string, rows: ReadonlyArray<CdrRow>, nowMs?: number) => ReadonlyArray<Outcome>;
  /** Calls without a further row since `untilMs`, at most so many; all by default. */
  readonly settle: (untilMs?: number, callsMax?: number) => ReadonlyArray<Outcome>;
  readonly counts: () => IntakeCounts;
  /** The latest time that a row had: the clock of a file that is read faster than it was written. */
  readonly newestMs: () => number;
}

export const intake = (judge: Judge, table: CallTable): Intake => {
  const aside: Record<string, number> = {};
  let [rows, calls, newestMs] = [0, 0, 0];
  const judged = (call: RecordedCall): Outcome => {
    const judgement = judge(table, call);
    if (judgement.call !== undefined) {
      calls += 1;
      return { type: "call", call: judgement.call, of: call };
    }
    const { aside: reason, detail } = judgement;
    aside[reason] = (aside[reason] ?? 0) + 1;
    return { type: "aside", file: call.file, lines: call.lines, reason, detail };
  };
  return {
    take: (file, more, nowMs) => {
      const outcomes: Array<Outcome> = [];
      for (const row of more) {
        // A line of names, or of something else than calls, is none.
        if (row.legs.length > 0 || row.fault !== undefined || row.atMs !== undefined) rows += 1;
        if (row.atMs !== undefined && row.atMs > newestMs) newestMs = row.atMs;
        if (row.fault !== undefined) {
          aside[row.fault] = (aside[row.fault] ?? 0) + 1;
          const { place, fault: reason, detail } = row;
          outcomes.push({ type: "aside", file, lines: [place.line], reason, detail });
        }
        for (const call of takeRow(table, file, row, nowMs ?? newestMs)) outcomes.push(judged(call));
      }
      return outcomes;
    },
    settle: (untilMs = Number.POSITIVE_INFINITY, callsMax = Number.POSITIVE_INFINITY) =>
      takeSettled(table, untilMs, callsMax).map(judged),
    counts: () => ({ rows, calls, aside: { ...aside } }),
    newestMs: () => newestMs,
  };
};
