/**
 * `vipr vcr import`: files to their ends, their calls to the server. What was read before is not read again, by content and
 * not by name; a run that was killed goes on where the disk has it.
 */
import { closeSync, fstatSync } from "node:fs";
import { Effect, type Scope } from "effect";
import { SETTLE_MS } from "../../machines/records/mod.ts";
import type { Ports } from "../node.ts";
import { bytesAt, knownPlace } from "../records/fingerprint.ts";
import { PIECE_BYTES } from "../records/tail.ts";
import { type Stopped, stopped } from "./exit.ts";
import { complain } from "./output.ts";
import { progressOn } from "./progress.ts";
import { openRecordFile } from "./record-files.ts";
import { openRecordProgram, published, type RecordFlags, type RecordProgram } from "./record-program.ts";
import { type Printer, printerFor } from "./vcr-print.ts";

/** Of a file that is read faster than it was written, by its own times: transfers of long calls have rows hours apart. */
const IMPORT_SETTLE_MS = 24 * SETTLE_MS;
const PROGRESS_MS = 10_000;

export const vcrImport = Effect.fn("cli.vcrImport")(function* (
  files: ReadonlyArray<string>,
  flags: RecordFlags,
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  const program = yield* openRecordProgram(flags);
  yield* Effect.forkScoped(Effect.catch(published(program), ({ why }) => Effect.sync(() => complain(why))));
  const printer = printerFor(flags.json);
  for (const file of files) yield* importFile(program, file, printer);
  while (true) {
    const outcomes = yield* program.importer.settle();
    if (outcomes.length === 0) break;
    printer.print(outcomes);
  }
  printer.flush();
  const { outbox, counts } = program;
  yield* Effect.raceFirst(outbox.drained, waitingShown(program));
  const { acknowledged, refused } = outbox.counts();
  printer.summary(counts(), { acknowledged, refused });
  if (refused > 0) return yield* stopped("refused", `${refused} records were refused by the server`);
});

const importFile = Effect.fnUntraced(function* (program: RecordProgram, file: string, printer: Printer) {
  const fd = yield* Effect.acquireRelease(
    Effect.try({
      try: () => openRecordFile(file),
      catch: (cause) => stopped("usage", `cannot read the records: ${(cause as Error).message}`),
    }),
    (open) => Effect.sync(() => closeSync(open)),
  );
  const known = knownPlace(fd, program.keep.files.values());
  const { reader, place } = yield* program.reading(fd, file, known);
  const { importer, newestMs } = program;
  const progress = progressOn(file);
  if (known !== undefined) complain(`${file}: read before up to line ${known.line - 1}; what follows is read`);
  for (let at = known?.offset ?? 0; ; ) {
    const bytes = yield* readable(file, () => bytesAt(fd, at, PIECE_BYTES));
    if (bytes.length === 0) break;
    at += bytes.length;
    printer.print(yield* importer.take(file, reader.push(bytes), yield* place));
    printer.print(yield* importer.settle(newestMs() - IMPORT_SETTLE_MS));
    progress(at, fstatSync(fd).size);
  }
  printer.print(yield* importer.take(file, reader.end(), yield* place));
  printer.zone(file, reader.zoneShiftMs());
}, Effect.scoped);

const readable = <A>(file: string, read: () => A): Effect.Effect<A, Stopped> =>
  Effect.try({ try: read, catch: (cause) => stopped("usage", `cannot read ${file}: ${(cause as Error).message}`) });

/** For as long as the server does not take them. */
const waitingShown = ({ outbox }: RecordProgram): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.sleep(PROGRESS_MS),
      Effect.sync(() => complain(`${outbox.counts().waiting} records wait for the server`)),
    ),
  );
