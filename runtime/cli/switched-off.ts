/**
 * Telephone numbers that an operator has switched off, by lines of a file (lines.ts) in a program's directory:
 *
 *   +49305550901 off
 */
import { Effect } from "effect";
import { type E164, normalizeE164 } from "../../codecs/shared/mod.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { type LineFile, readLines, removeLine } from "./lines.ts";

const OFF = "off";

export interface SwitchedOff {
  readonly has: (number: E164) => boolean;
  readonly count: () => number;
  /** False: it was so already. Fails with what the disk says. */
  readonly disable: (number: E164) => Effect.Effect<boolean, string>;
  readonly enable: (number: E164) => Effect.Effect<boolean, string>;
}

/** `what`: a line of it, as `route`; the file is `routes-off`. */
export const openSwitchedOff = Effect.fnUntraced(function* (
  folder: Folder,
  what: "route" | "number" | "call",
): Effect.fn.Return<SwitchedOff, Stopped> {
  const of: LineFile<true> = {
    file: `${what}s-off`,
    what,
    read: ([word], number) => (word === OFF && normalizeE164(number) === number ? true : undefined),
  };
  const off = new Set((yield* readLines(folder, of)).now.keys());
  const written = (work: Effect.Effect<void, Stopped>, then: () => unknown) =>
    Effect.as(
      Effect.mapError(
        Effect.tap(work, () => Effect.sync(then)),
        ({ why }) => why,
      ),
      true,
    );
  return {
    has: (number) => off.has(number),
    count: () => off.size,
    disable: (number) =>
      off.has(number)
        ? Effect.succeed(false)
        : written(folder.append(of.file, `${number} ${OFF}`), () => off.add(number)),
    enable: (number) =>
      off.has(number) ? written(removeLine(folder, of, number), () => off.delete(number)) : Effect.succeed(false),
  };
});
