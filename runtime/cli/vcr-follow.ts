/**
 * `vipr vcr follow`: one file as the exchange writes it, until it is stopped.
 *
 *   look --bytes--> rows --> importer           idle --> calls without a row since settleMs are complete
 */
import { Clock, Effect, type Scope } from "effect";
import type { Ports } from "../node.ts";
import { beginOf } from "../records/fingerprint.ts";
import { openTail, type TailStep } from "../records/tail.ts";
import { missing } from "./config-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import { complain, say } from "./output.ts";
import { progressOn } from "./progress.ts";
import {
  type FileReading,
  openRecordProgram,
  published,
  type RecordFlags,
  type RecordReading,
} from "./record-program.ts";
import { type Printer, printerFor, zoneText } from "./vcr-print.ts";

/** Between two looks at a file in which there was nothing new. */
const LOOK_MS = 250;
/** Failures to read, one after another, before the program gives up: a disk that is away comes back, or does not. */
const FAILURES_MAX = 240;

export const vcrFollow = Effect.fn("cli.vcrFollow")(function* (
  named: string | undefined,
  flags: RecordFlags,
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  const program = yield* openRecordProgram(flags);
  const path =
    named ?? program.configuration.config.records.file ?? (yield* missing("records.file", "or a file to follow"));
  yield* Effect.forkScoped(Effect.catch(published(program), ({ why }) => Effect.sync(() => complain(why))));
  yield* noteFollowed(program, path);
  say(`follows ${path}`);
  yield* followRecords(program, path, printerFor(flags.json, flags.json));
});

/** On disk, so that whoever is killed now and started again knows since when what is renamed beside it is ours. */
const noteFollowed = Effect.fnUntraced(function* ({ keep, importer, newestMs }: RecordReading, path: string) {
  if ([...keep.files.values()].some((place) => place.path === path)) return;
  const atMs = yield* Clock.currentTimeMillis;
  yield* importer.take(path, [], beginOf(keep.nextFileId(), path, atMs), newestMs());
});

/** Until the scope closes, or the file cannot be read for long. */
export const followRecords = Effect.fn("cli.followRecords")(function* (
  records: RecordReading,
  path: string,
  printer: Pick<Printer, "print" | "flush">,
): Effect.fn.Return<void, Stopped, Scope.Scope> {
  yield* noteFollowed(records, path);
  const tail = yield* Effect.acquireRelease(
    Effect.sync(() => openTail(path, () => records.keep.files.values())),
    (open) => Effect.sync(() => open.close()),
  );
  const { importer, newestMs, settleMs } = records;
  let reading: FileReading | undefined;
  let name = path;
  let shiftMs = 0;
  let progress = progressOn(path);
  const take = Effect.fnUntraced(function* (step: TailStep) {
    switch (step.type) {
      case "begun":
        reading = yield* records.reading(step.file.fd, step.file.path, step.file.known);
        name = step.file.path;
        progress = progressOn(name);
        // So that it is known again, should it be renamed before the first of its rows is on disk.
        if (step.file.known === undefined) yield* importer.take(name, [], yield* reading.place, newestMs());
        return;
      case "bytes": {
        const rows = reading!.reader.push(step.bytes);
        const place = yield* reading!.place;
        const nowMs = Math.min(newestOf(rows, newestMs()), yield* Clock.currentTimeMillis);
        printer.print(yield* importer.take(name, rows, place, nowMs));
        printer.print(yield* importer.settle(nowMs - settleMs));
        progress(place.offset, step.size);
        const now = reading!.reader.zoneShiftMs();
        if (now !== shiftMs) complain(zoneText(name, now));
        shiftMs = now;
        return;
      }
      case "ended":
        if (step.why === "truncated") complain(`${name}: was truncated; it is read from its begin`);
        reading = undefined;
        return;
      case "idle":
        printer.print(yield* importer.settle((yield* Clock.currentTimeMillis) - settleMs));
        printer.flush();
        return yield* Effect.sleep(LOOK_MS);
    }
  });
  for (let failures = 0; ; ) {
    const step = yield* Effect.result(
      Effect.try({ try: () => tail.step(), catch: (cause) => (cause as Error).message }),
    );
    if (step._tag === "Success") {
      failures = 0;
      yield* take(step.success);
      continue;
    }
    if (failures === 0) complain(`cannot read ${name}: ${step.failure}; tried again`);
    if (++failures > FAILURES_MAX) return yield* stopped("usage", `cannot read ${name}: ${step.failure}`);
    yield* Effect.sleep(LOOK_MS);
  }
});

const newestOf = (rows: ReadonlyArray<{ readonly atMs: number | undefined }>, newestMs: number): number =>
  rows.reduce((newest, { atMs }) => (atMs !== undefined && atMs > newest ? atMs : newest), newestMs);
