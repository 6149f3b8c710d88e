/**
 * A file of names, one line each: the last line of a name counts, none is ever rewritten.
 *
 *   alice scrypt 15 8 1 ...
 *   bob gone
 *
 * A crash tears at most the line that was not acknowledged yet. Who runs sees another's change at the next look.
 */
import { statSync } from "node:fs";
import { Effect, type Scope } from "effect";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";

export interface LineFile<A> {
  readonly file: string;
  /** What a line is: `account`. */
  readonly what: string;
  /** Of the words after the name; undefined when they are none. */
  readonly read: (words: ReadonlyArray<string>, name: string) => A | undefined;
  /** Whether who runs goes on with what it has, without those that were removed, when a line is damaged; else with nobody. */
  readonly isKept?: boolean;
}
export interface Lines<A> {
  readonly now: ReadonlyMap<string, A>;
  /** As they were last. */
  readonly gone: ReadonlyMap<string, A>;
}
interface Found<A> extends Lines<A> {
  /** The lines that are none of the file's, by number from 1. */
  readonly damaged: ReadonlyArray<number>;
}

const GONE = "gone";

export const removeLine = (folder: Folder, { file }: LineFile<unknown>, name: string): Effect.Effect<void, Stopped> =>
  folder.append(file, `${name} ${GONE}`);

export const readLines = <A>(folder: Folder, of: LineFile<A>): Effect.Effect<Lines<A>, Stopped> =>
  Effect.flatMap(findLines(folder, of), (found) =>
    found.damaged.length === 0 ? Effect.succeed(found) : stopped("damaged", whyOf(folder, of, found)),
  );

const findLines = <A>(folder: Folder, of: LineFile<A>): Effect.Effect<Found<A>, Stopped> =>
  Effect.map(folder.read(of.file), (text = "") => {
    const [now, gone, damaged] = [new Map<string, A>(), new Map<string, A>(), [] as number[]];
    const lines = text.split("\n").slice(0, -1); // what stands after the last line's end was torn by a crash
    for (const [i, line] of lines.entries()) {
      if (line === "") continue;
      const [name = "", ...words] = line.split(" ");
      const value = of.read(words, name);
      if (words[0] === GONE) {
        if (now.has(name)) gone.set(name, now.get(name)!);
        now.delete(name);
      } else if (value !== undefined) now.set(name, value);
      else damaged.push(i + 1);
    }
    return { now, gone, damaged };
  });

const whyOf = (folder: Folder, { file, what }: LineFile<unknown>, { damaged }: Found<unknown>): string =>
  `${folder.at(file)}: line ${damaged[0]} is no ${what}`;

/**
 * The lines as they stand at each look. Later than at first, a line that cannot be read is told to the log. Those before and
 * after it are not taken for the whole then: an older line of its name would count again.
 */
export const followLines = Effect.fnUntraced(function* <A>(folder: Folder, of: LineFile<A>) {
  let seen = stampOf(folder, of);
  let { now } = yield* readLines(folder, of);
  const nobody: Found<A> = { now: new Map(), gone: new Map(), damaged: [] };
  const look = Effect.gen(function* () {
    const stamp = stampOf(folder, of);
    if (stamp === seen && stamp !== CHANGING) return now;
    seen = stamp;
    const found = yield* Effect.catch(findLines(folder, of), ({ why }) =>
      Effect.as(Effect.logError(`${of.what}s.unreadable`, why), undefined),
    );
    if (found?.damaged.length === 0) now = found.now;
    else {
      if (found !== undefined) yield* Effect.logError(`${of.what}s.unreadable`, whyOf(folder, of, found));
      now = of.isKept === true ? without(now, found ?? nobody) : nobody.now;
    }
    return now;
  });
  return look;
});

const LOOK_MS = 1_000;

/** Looks each second until the scope closes: what is changed counts a second later. */
export const lookAgain = (look: Effect.Effect<unknown>): Effect.Effect<unknown, never, Scope.Scope> =>
  Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(LOOK_MS), look)));

const without = <A>(known: ReadonlyMap<string, A>, { now, gone }: Lines<A>): ReadonlyMap<string, A> =>
  new Map([...known].filter(([name]) => now.has(name) || !gone.has(name)));

/** File systems keep times so coarse: another change within it may leave time and size as they are. */
const COARSE_MS = 100;
const CHANGING = "changing";

const stampOf = (folder: Folder, { file }: LineFile<unknown>): string => {
  try {
    const { mtimeMs, size, ino } = statSync(folder.at(file));
    return Date.now() - mtimeMs < COARSE_MS ? CHANGING : `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "none";
  }
};
