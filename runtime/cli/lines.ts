/**
 * A file of names, one line each: the last line of a name counts, none is ever rewritten.
 *
 *   alice scrypt 15 8 1 ...
 *   bob gone
 *
 * A crash tears at most the line that was not acknowledged yet. Who runs sees another's change at the next look.
 */
import { statSync } from "node:fs";
import { Effect } from "effect";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";

export interface LineFile<A> {
  readonly file: string;
  /** What a line is: `account`. */
  readonly what: string;
  /** Of the words after the name; undefined when they are none. */
  readonly read: (words: ReadonlyArray<string>) => A | undefined;
}
export interface Lines<A> {
  readonly now: ReadonlyMap<string, A>;
  /** As they were last. */
  readonly gone: ReadonlyMap<string, A>;
}

const GONE = "gone";

export const removeLine = (folder: Folder, { file }: LineFile<unknown>, name: string): Effect.Effect<void, Stopped> =>
  folder.append(file, `${name} ${GONE}`);

export const readLines = <A>(folder: Folder, of: LineFile<A>): Effect.Effect<Lines<A>, Stopped> =>
  Effect.flatMap(folder.read(of.file), (text = "") =>
    Effect.suspend(() => {
      const [now, gone] = [new Map<string, A>(), new Map<string, A>()];
      const lines = text.split("\n").slice(0, -1); // what stands after the last line's end was torn by a crash
      for (const [i, line] of lines.entries()) {
        if (line === "") continue;
        const [name = "", ...words] = line.split(" ");
        const value = of.read(words);
        if (words[0] === GONE) {
          if (now.has(name)) gone.set(name, now.get(name)!);
          now.delete(name);
        } else if (value !== undefined) now.set(name, value);
        else return Effect.fail(stopped("damaged", `${folder.at(of.file)}: line ${i + 1} is no ${of.what}`));
      }
      return Effect.succeed({ now, gone });
    }),
  );

/** The lines as they stand at each look. Later than at first a file that cannot be read holds nobody, and the log says why. */
export const followLines = Effect.fnUntraced(function* <A>(folder: Folder, of: LineFile<A>) {
  let seen = stampOf(folder, of);
  let { now } = yield* readLines(folder, of);
  const look = Effect.gen(function* () {
    const stamp = stampOf(folder, of);
    if (stamp === seen) return now;
    seen = stamp;
    now = yield* Effect.matchEffect(readLines(folder, of), {
      onSuccess: (lines) => Effect.succeed(lines.now),
      onFailure: ({ why }) => Effect.as(Effect.logError(`${of.what}s.unreadable`, why), new Map<string, A>()),
    });
    return now;
  });
  return look;
});

const stampOf = (folder: Folder, { file }: LineFile<unknown>): string => {
  try {
    const { mtimeMs, size, ino } = statSync(folder.at(file));
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "none";
  }
};
