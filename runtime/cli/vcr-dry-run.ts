/** `vipr vcr import --dry-run`: what would be imported of each line, and why not; nothing is stored or uploaded. */
import { Effect } from "effect";
import { type ConfigFlags, loadConfig } from "./config-file.ts";
import type { Stopped } from "./exit.ts";
import { progressOn } from "./progress.ts";
import { openPieces } from "./record-files.ts";
import { recordIntake } from "./record-intake.ts";
import { printerFor } from "./vcr-print.ts";

export interface DryRunFlags extends ConfigFlags {
  readonly json: boolean;
  readonly format?: string | undefined;
}

export const dryRun = Effect.fn("cli.vcrDryRun")(function* (
  files: ReadonlyArray<string>,
  flags: DryRunFlags,
): Effect.fn.Return<void, Stopped> {
  const configuration = yield* loadConfig(flags);
  const { intake, readerFor } = yield* recordIntake(configuration, flags.format);
  const printer = printerFor(flags.json);
  for (const file of files) {
    const progress = progressOn(file);
    const pieces = yield* openPieces(file);
    const reader = yield* readerFor(file, pieces.head);
    for (const { bytes, end } of pieces.all()) {
      printer.print(intake.take(file, reader.push(bytes)));
      progress(end, pieces.size);
    }
    printer.print(intake.take(file, reader.end()));
    printer.zone(file, reader.zoneShiftMs());
  }
  printer.print(intake.settle());
  printer.summary(intake.counts());
});
