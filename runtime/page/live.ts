/**
 * One look at the programs for all pages that are open, and to each page what has changed since it was last told.
 *
 *   first page opens --> a look every LOOK_MS --> parts that changed --> each page's own heap --> written when it has room
 *   last page closes --> no more looks
 *
 * A part that changes twice before a slow page has read it is sent once, as it is then; of events the newest are kept.
 * DECISIONS.md D-275.
 */
import { Effect, FiberSet, Latch, type Scope } from "effect";
import { HAPPENINGS_MAX, type Happening, type Live } from "../../actors/admin/mod.ts";
import { newsOf, type PageProgram, partsOf } from "./programs.ts";

/** Between two looks. */
const LOOK_MS = 500;
/** Between two writes to one page. */
const WRITE_MS = 100;

/** What one open page has not been told yet. */
interface Watcher {
  /** The newest text of each part that changed. */
  readonly parts: Map<string, string>;
  events: ReadonlyArray<string>;
  /** Open as long as there is anything. */
  readonly news: Latch.Latch;
}

export const openLive = Effect.fn("page.live")(function* (
  programs: ReadonlyArray<PageProgram>,
): Effect.fn.Return<Live, never, Scope.Scope> {
  const watchers = new Set<Watcher>();
  const known = new Map<string, string>();
  const lasts = new Map<string, number>();
  const run = yield* FiberSet.makeRuntime<never>();
  let isLooking = false;

  const say = (part: string, value: unknown) => {
    const text = JSON.stringify(value);
    if (known.get(part) === text) return;
    known.set(part, text);
    for (const { parts, news } of watchers) {
      parts.set(part, text);
      news.openUnsafe();
    }
  };
  const tell = (program: string, happenings: ReadonlyArray<Happening>) => {
    const texts = happenings.map((happening) => JSON.stringify({ program, ...happening }));
    for (const watcher of watchers) {
      watcher.events = [...watcher.events, ...texts].slice(-HAPPENINGS_MAX);
      watcher.news.openUnsafe();
    }
  };
  const lookAt = Effect.fnUntraced(function* (program: PageProgram) {
    const { at, parts } = yield* partsOf(program);
    for (const [part, value] of Object.entries(parts)) say(`${program.name} ${part}`, value);
    if (at === undefined) return;
    const { last, happenings } = yield* newsOf(at, lasts.get(program.name) ?? 0);
    lasts.set(program.name, last);
    if (happenings.length > 0) tell(program.name, happenings);
  });
  const look = Effect.forEach(programs, lookAt, { concurrency: "unbounded", discard: true });
  /** Ends by itself: to end it from outside could end the one that a page has begun in the same moment. */
  const looks = Effect.gen(function* () {
    while (watchers.size > 0) {
      yield* Effect.catchCause(look, (cause) => Effect.logError("page.look", cause));
      yield* Effect.sleep(LOOK_MS);
    }
    isLooking = false;
  });
  const open = Effect.sync(() => {
    const watcher: Watcher = { parts: new Map(known), events: [], news: Latch.makeUnsafe(known.size > 0) };
    // Events are for pages that are open: the first one is told those that the programs still have.
    if (watchers.size === 0) lasts.clear();
    watchers.add(watcher);
    if (!isLooking) run(looks);
    isLooking = true;
    return watcher;
  });
  const close = (watcher: Watcher) => Effect.sync(() => watchers.delete(watcher));

  say(
    "programs",
    programs.map(({ data: _, ...shown }) => shown),
  );
  return (write) => Effect.acquireUseRelease(open, (watcher) => writing(watcher, write), close);
});

const writing = (watcher: Watcher, write: (text: string) => Effect.Effect<void>): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      yield* watcher.news.await;
      watcher.news.closeUnsafe();
      const { parts, events } = watcher;
      const text = [
        ...[...parts].map(([part, value]) => blockOf("part", `{"part":${JSON.stringify(part)},"value":${value}}`)),
        ...(events.length === 0 ? [] : [blockOf("happenings", `[${events.join(",")}]`)]),
      ].join("");
      parts.clear();
      watcher.events = [];
      yield* write(text);
      yield* Effect.sleep(WRITE_MS);
    }),
  );

/** JSON has no line breaks of its own. */
const blockOf = (event: string, data: string): string => `event: ${event}\ndata: ${data}\n\n`;
