/**
 * Stories of numbers, kept where the server keeps what must outlive it.
 *
 *   event --> hear --> gathered --(some 200 ms)--> by number: read the sum, one write --> store
 *                          |                                                                |
 *                          +---------------------------- told <-----------------------------+
 *
 * Nobody waits for a story: a crash loses what had gathered, and a disk that refuses loses no more than there is no room
 * for here. Memory holds what is not written yet, and nothing else. Without a store stories last as long as the process.
 * DECISIONS.md D-053.
 */
import { Clock, Effect, Queue, Schedule, type Scope, Semaphore } from "effect";
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  decodeCount,
  decodeFact,
  decodeStory,
  encodeCount,
  type Fact,
  type KeptStory,
  storyKey,
} from "../../codecs/vipr/mod.ts";
import {
  FACTS_MAX,
  factOf,
  NOTHING_YET,
  remember,
  type Story,
  stories,
  storyFrom,
  storyOf,
  storyRows,
  summed,
} from "../../machines/vipr/mod.ts";
import type { Change, ReadableStore, Row, StoreFailed, StoreShape } from "../ports/mod.ts";
import type { ViprEvent } from "./events.ts";

/** Numbers with a story on disk; the one heard of longest ago goes first. At most some 10 KiB each, as a rule one. */
export const STORIES_MAX = 200_000;
/** Facts that wait for the disk, some 400 bytes each; further ones are lost. */
export const GATHERED_MAX = 10_000;
/** Written at once: three changes a fact at most, of the store's 10 000. */
export const FACTS_AT_ONCE_MAX = 2_000;
const STORIES_FORGOTTEN_AT_ONCE_MAX = 100;
/** Of one number there are FACTS_MAX; what damage left behind goes with them. */
const FACT_ROWS_MAX = FACTS_MAX + 16;
const GATHER_MS = 200;
const EXPIRE_EVERY_MS = 3_600_000;
/** After a refusal; and how often that is said. */
const RETRY_MS = 10_000;
const TELL_EVERY_MS = 600_000;

const STORIES = "stories";
const FACTS = "storyFacts";
const COUNT = "storyCount";
const COUNT_KEY = Uint8Array.of(0);

export interface Stories {
  /** At once, whatever the disk does. */
  readonly hear: (event: ViprEvent, atMs: number) => void;
  /** Also what is not on disk yet. */
  readonly told: (number: E164) => Effect.Effect<Story | undefined>;
}

export interface StoriesOptions {
  readonly store: StoreShape | undefined;
  readonly requiredBits: number;
  /** Default STORIES_MAX. */
  readonly storiesMax?: number;
}

export const openStories = Effect.fn("vipr.stories")(function* (
  options: StoriesOptions,
): Effect.fn.Return<Stories, never, Scope.Scope> {
  const { store, requiredBits, storiesMax = STORIES_MAX } = options;
  if (store === undefined) {
    const all = stories(requiredBits);
    return {
      hear: (event, atMs) => remember(all, event, atMs),
      told: (number) => Effect.sync(() => storyOf(all, number)),
    };
  }
  const rows = rowsOf(store, requiredBits, storiesMax);
  const complain = yield* complaints;
  const gathered: Array<Heard> = [];
  const wake = yield* Queue.sliding<void>(1);
  /** One at a time reads or writes: whoever is told a story sees each fact once. */
  const alone = Semaphore.withPermit(yield* Semaphore.make(1));
  let lost = 0;

  /** The oldest that have gathered; they stay until they are written. */
  const writeSome = alone(
    Effect.suspend(() => {
      const batch = gathered.slice(0, FACTS_AT_ONCE_MAX);
      const written = Effect.sync(() => void gathered.splice(0, batch.length));
      return rows.write(batch).pipe(Effect.andThen(written), Effect.andThen(rows.shrink));
    }),
  ).pipe(Effect.uninterruptible);
  const writeAll: Effect.Effect<void, StoreFailed> = Effect.suspend(() =>
    gathered.length === 0 ? Effect.void : Effect.andThen(writeSome, writeAll),
  );
  const refused = ({ why }: StoreFailed) =>
    complain(`the disk does not take stories: ${why}; ${gathered.length} facts wait, ${lost} are lost`);

  const serve = Effect.gen(function* () {
    yield* Queue.take(wake);
    yield* Effect.sleep(GATHER_MS);
    yield* Effect.retry(Effect.tapError(writeAll, refused), Schedule.spaced(RETRY_MS));
  });
  const expire = Effect.catch(alone(rows.expire), refused);
  yield* Effect.addFinalizer(() => Effect.catch(writeAll, refused));
  yield* Effect.forkScoped(Effect.forever(serve));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(expire, Effect.sleep(EXPIRE_EVERY_MS))));

  return {
    hear: (event, atMs) => {
      if (gathered.length >= GATHERED_MAX) lost += 1;
      else gathered.push({ number: event.number, fact: factOf(event, atMs) });
      Queue.offerUnsafe(wake, undefined);
    },
    told: (number) =>
      alone(
        Effect.gen(function* () {
          const none = { kept: undefined, facts: [] };
          const { kept, facts } = yield* Effect.catch(readStory(store, number), (fault) =>
            Effect.as(refused(fault), none),
          );
          const waiting = gathered.filter((heard) => heard.number === number).map(({ fact }) => fact);
          if (kept === undefined && waiting.length === 0) return undefined;
          const sum = waiting.reduce(summed, kept?.sum ?? NOTHING_YET);
          return storyFrom(number, requiredBits, sum, [...facts, ...waiting]);
        }),
      ),
  };
});

interface Heard {
  readonly number: E164;
  readonly fact: Fact;
}

/** What is on disk of a number. Rows that cannot be read are passed over; the story counts them as forgotten. */
export const readStory = Effect.fnUntraced(function* (
  store: ReadableStore,
  number: E164,
): Effect.fn.Return<
  { readonly kept: KeptStory | undefined; readonly facts: ReadonlyArray<Fact>; readonly damaged: number },
  StoreFailed
> {
  const key = storyKey(number);
  const value = yield* store.read(STORIES, key);
  const kept = value && decodeStory(value);
  if (kept === undefined) return { kept, facts: [], damaged: value === undefined ? 0 : 1 };
  const rows = yield* store.scan(FACTS, { prefix: key, rowsMax: FACT_ROWS_MAX });
  const facts = rows.flatMap((row) => decodeFact(row.value) ?? []);
  const damaged = rows.length - facts.length;
  if (damaged > 0) yield* Effect.logWarning("vipr.stories", `${damaged} damaged rows of a story`);
  return { kept, facts, damaged };
});

/** The rows of all stories; `count` of them is a row too, since to count them would be to read them all. */
const rowsOf = (store: StoreShape, requiredBits: number, storiesMax: number) => {
  let known: number | undefined;
  const counted = Effect.suspend(() =>
    known === undefined
      ? Effect.map(store.read(COUNT, COUNT_KEY), (value) => (value === undefined ? 0 : decodeCount(value)))
      : Effect.succeed(known),
  );
  /** All of it or none; `more` stories than before. */
  const commit = Effect.fnUntraced(function* (changes: ReadonlyArray<Change>, more: number) {
    const count = Math.max(0, (yield* counted) + more);
    const counting: ReadonlyArray<Change> =
      more === 0 ? [] : [{ type: "put", table: COUNT, key: COUNT_KEY, value: encodeCount(count) }];
    yield* store.write([...changes, ...counting]);
    known = count;
  });

  const factsGone = (key: Uint8Array) =>
    Effect.map(store.scan(FACTS, { prefix: key, rowsMax: FACT_ROWS_MAX }), (rows) =>
      rows.map((row): Change => ({ type: "remove", table: FACTS, key: row.key })),
    );
  const forget = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    const gone = yield* Effect.forEach(rows, ({ key }) => factsGone(key));
    const sums = rows.map(({ key }): Change => ({ type: "remove", table: STORIES, key }));
    yield* commit([...sums, ...gone.flat()], -rows.length);
  });

  /** What these facts change of one number's rows. */
  const changed = Effect.fnUntraced(function* (number: E164, facts: ReadonlyArray<Fact>) {
    const key = storyKey(number);
    const value = yield* store.read(STORIES, key);
    const sum = value && decodeStory(value)?.sum;
    const isDamaged = value !== undefined && sum === undefined;
    if (isDamaged) yield* Effect.logWarning("vipr.stories", "a damaged row: the story begins anew");
    const leftBehind = isDamaged ? yield* factsGone(key) : [];
    const written = storyRows(number, requiredBits, sum, facts);
    const changes: ReadonlyArray<Change> = [
      ...leftBehind,
      ...written.facts.map((change) => ({ ...change, table: FACTS })),
      ...written.sums.map((change) => ({ ...change, table: STORIES })),
    ];
    return { changes, isNew: value === undefined };
  });

  return {
    write: Effect.fnUntraced(function* (batch: ReadonlyArray<Heard>) {
      const byNumber = Map.groupBy(batch, ({ number }) => number);
      const all = yield* Effect.forEach(byNumber, ([number, heard]) =>
        changed(
          number,
          heard.map(({ fact }) => fact),
        ),
      );
      yield* commit(
        all.flatMap(({ changes }) => changes),
        all.filter(({ isNew }) => isNew).length,
      );
    }),
    shrink: Effect.gen(function* () {
      while ((known ?? 0) > storiesMax) {
        const many = Math.min(known! - storiesMax, STORIES_FORGOTTEN_AT_ONCE_MAX);
        const oldest = yield* store.due(STORIES, Number.MAX_SAFE_INTEGER, many);
        if (oldest.length === 0) return;
        yield* forget(oldest);
      }
    }),
    expire: Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      while (true) {
        const over = yield* store.due(STORIES, nowMs, STORIES_FORGOTTEN_AT_ONCE_MAX);
        if (over.length === 0) return;
        yield* forget(over);
      }
    }),
  };
};

/** Says something at once, and again only after a while. */
const complaints = Effect.sync(() => {
  let nextMs = 0;
  return Effect.fnUntraced(function* (what: string) {
    const nowMs = yield* Clock.currentTimeMillis;
    if (nowMs < nextMs) return;
    nextMs = nowMs + TELL_EVERY_MS;
    yield* Effect.logWarning("vipr.stories", what);
  });
});
