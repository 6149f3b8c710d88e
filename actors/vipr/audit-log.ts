/**
 * The audit log in a store.
 *
 *   event --> record --> buffer --(some 200 ms)--> by number: read the summary, one write --> store
 *                          |                                                                    |
 *                          +------------------------------ read <-------------------------------+
 *
 * Nobody waits for a write: a crash loses what is in the buffer, and a store that refuses loses the events for which the
 * buffer has no room. Memory holds what is not written yet, and nothing else. Without a store the log lasts as long as the
 * process. DECISIONS.md D-053.
 */
import { Clock, Effect, Queue, Schedule, type Scope, Semaphore } from "effect";
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  type AuditEvent,
  auditKey,
  decodeAudit,
  decodeCount,
  decodeEvent,
  encodeCount,
  type StoredAudit,
} from "../../codecs/vipr/mod.ts";
import {
  auditEventOf,
  auditRows,
  auditTable,
  EVENTS_MAX,
  type LoggedNumber,
  logOf,
  NO_EVENTS,
  record,
  summed,
} from "../../machines/vipr/mod.ts";
import { seldomSaid } from "../kit/mod.ts";
import type { Change, ReadableStore, Row, StoreFailed, StoreShape } from "../ports/mod.ts";
import type { ViprEvent } from "./events.ts";

/** Numbers with rows in the store; the one whose last event is oldest is removed first. As a rule 1 KiB each, at most some 10. */
export const AUDITED_NUMBERS_MAX = 200_000;
/** Events that wait to be written, some 400 bytes each; further ones are lost. */
export const BUFFERED_EVENTS_MAX = 10_000;
/** Events of one write: three changes each at most, of the 10 000 that a write may have. */
export const EVENTS_AT_ONCE_MAX = 2_000;
const NUMBERS_REMOVED_AT_ONCE_MAX = 100;
/** A number has EVENTS_MAX rows; the rest is for rows that a damaged summary left behind. */
const EVENT_ROWS_MAX = EVENTS_MAX + 16;
const BUFFER_MS = 200;
const EXPIRE_EVERY_MS = 3_600_000;
/** The wait after a failed write, and between two warnings about it. */
const RETRY_MS = 10_000;
const WARN_EVERY_MS = 600_000;

/** The names of one company's tables; "" is the server's own, under the names of version 0.1.0. */
export interface AuditTables {
  readonly sums: string;
  readonly events: string;
  readonly count: string;
}
export const auditTables = (tenant = ""): AuditTables => {
  // A table's name has letters and digits alone, a tenant's small letters, digits and hyphens.
  const of = tenant === "" ? "" : `T${tenant.replaceAll("-", "Z")}`;
  return { sums: `stories${of}`, events: `storyFacts${of}`, count: `storyCount${of}` };
};
const COUNT_KEY = Uint8Array.of(0);

/** The audit log of each number: what became of its claims and calls. `explain` is made of it. */
export interface AuditLog {
  /** Returns at once: the store is written later. */
  readonly record: (event: ViprEvent, atMs: number) => void;
  /** Includes events that are not written yet. */
  readonly read: (number: E164) => Effect.Effect<LoggedNumber | undefined>;
}

/** Where the log is kept; without a store in memory alone, of as many numbers as fit. */
export interface AuditLogOptions {
  readonly store: StoreShape | undefined;
  readonly requiredBits: number;
  /** Default AUDITED_NUMBERS_MAX. */
  readonly numbersMax?: number;
  /** Whose log it is. Default: the server's own. */
  readonly tenant?: string;
}

/** Writes what is recorded in batches, until the scope closes. */
export const openAuditLog = Effect.fn("vipr.stories")(function* (
  options: AuditLogOptions,
): Effect.fn.Return<AuditLog, never, Scope.Scope> {
  const { store, requiredBits, numbersMax = AUDITED_NUMBERS_MAX } = options;
  if (store === undefined) {
    const all = auditTable(requiredBits);
    return {
      record: (event, atMs) => record(all, event, atMs),
      read: (number) => Effect.sync(() => logOf(all, number)),
    };
  }
  const tables = auditTables(options.tenant);
  const rows = rowsOf(store, tables, requiredBits, numbersMax);
  const warn = yield* warnings;
  const buffer: Array<BufferedEvent> = [];
  const wake = yield* Queue.sliding<void>(1);
  /** Reads and writes exclude each other, so that a report contains each event once. */
  const alone = Semaphore.withPermit(yield* Semaphore.make(1));
  let lost = 0;

  /** Writes the oldest events of the buffer; they stay there until they are written. */
  const writeSome = alone(
    Effect.suspend(() => {
      const batch = buffer.slice(0, EVENTS_AT_ONCE_MAX);
      const written = Effect.sync(() => void buffer.splice(0, batch.length));
      return rows.write(batch).pipe(Effect.andThen(written), Effect.andThen(rows.shrink));
    }),
  ).pipe(Effect.uninterruptible);
  const writeAll: Effect.Effect<void, StoreFailed> = Effect.suspend(() =>
    buffer.length === 0 ? Effect.void : Effect.andThen(writeSome, writeAll),
  );
  const refused = ({ why }: StoreFailed) =>
    warn(`the store does not take the audit log: ${why}; ${buffer.length} events wait, ${lost} are lost`);

  const serve = Effect.gen(function* () {
    yield* Queue.take(wake);
    yield* Effect.sleep(BUFFER_MS);
    yield* Effect.retry(Effect.tapError(writeAll, refused), Schedule.spaced(RETRY_MS));
  });
  const expire = Effect.catch(alone(rows.expire), refused);
  yield* Effect.addFinalizer(() => Effect.catch(writeAll, refused));
  yield* Effect.forkScoped(Effect.forever(serve));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(expire, Effect.sleep(EXPIRE_EVERY_MS))));

  return {
    record: (event, atMs) => {
      if (buffer.length >= BUFFERED_EVENTS_MAX) lost += 1;
      else buffer.push({ number: event.number, fact: auditEventOf(event, atMs) });
      Queue.offerUnsafe(wake, undefined);
    },
    read: (number) =>
      alone(
        Effect.gen(function* () {
          const none = { kept: undefined, facts: [] };
          const { kept, facts } = yield* Effect.catch(readAudit(store, number, tables), (fault) =>
            Effect.as(refused(fault), none),
          );
          const waiting = buffer.filter((event) => event.number === number).map(({ fact }) => fact);
          if (kept === undefined && waiting.length === 0) return undefined;
          const sum = waiting.reduce(summed, kept?.sum ?? NO_EVENTS);
          return { sum, facts: [...facts, ...waiting] };
        }),
      ),
  };
});

interface BufferedEvent {
  readonly number: E164;
  readonly fact: AuditEvent;
}

/** The rows of a number. Rows that cannot be read are left out, and count as forgotten. */
export const readAudit = Effect.fnUntraced(function* (
  store: ReadableStore,
  number: E164,
  { sums, events } = auditTables(),
): Effect.fn.Return<
  { readonly kept: StoredAudit | undefined; readonly facts: ReadonlyArray<AuditEvent>; readonly damaged: number },
  StoreFailed
> {
  const key = auditKey(number);
  const value = yield* store.read(sums, key);
  const kept = value && decodeAudit(value);
  if (kept === undefined) return { kept, facts: [], damaged: value === undefined ? 0 : 1 };
  const rows = yield* store.scan(events, { prefix: key, rowsMax: EVENT_ROWS_MAX });
  const facts = rows.flatMap((row) => decodeEvent(row.value) ?? []);
  const damaged = rows.length - facts.length;
  if (damaged > 0) yield* Effect.logWarning("vipr.stories", `${damaged} damaged rows of an audit log`);
  return { kept, facts, damaged };
});

/** The rows of all numbers. Their count is a row too, since counting would mean reading them all. */
const rowsOf = (store: StoreShape, tables: AuditTables, requiredBits: number, numbersMax: number) => {
  let known: number | undefined;
  const counted = Effect.suspend(() =>
    known === undefined
      ? Effect.map(store.read(tables.count, COUNT_KEY), (value) => (value === undefined ? 0 : decodeCount(value)))
      : Effect.succeed(known),
  );
  /** All of it or nothing; `more`: by how many the numbers with rows grow. */
  const commit = Effect.fnUntraced(function* (changes: ReadonlyArray<Change>, more: number) {
    const count = Math.max(0, (yield* counted) + more);
    const counting: ReadonlyArray<Change> =
      more === 0 ? [] : [{ type: "put", table: tables.count, key: COUNT_KEY, value: encodeCount(count) }];
    yield* store.write([...changes, ...counting]);
    known = count;
  });

  const eventsGone = (key: Uint8Array) =>
    Effect.map(store.scan(tables.events, { prefix: key, rowsMax: EVENT_ROWS_MAX }), (rows) =>
      rows.map((row): Change => ({ type: "remove", table: tables.events, key: row.key })),
    );
  const forget = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    const gone = yield* Effect.forEach(rows, ({ key }) => eventsGone(key));
    const sums = rows.map(({ key }): Change => ({ type: "remove", table: tables.sums, key }));
    yield* commit([...sums, ...gone.flat()], -rows.length);
  });

  /** What these events change in one number's rows. */
  const changed = Effect.fnUntraced(function* (number: E164, facts: ReadonlyArray<AuditEvent>) {
    const key = auditKey(number);
    const value = yield* store.read(tables.sums, key);
    const sum = value && decodeAudit(value)?.sum;
    const isDamaged = value !== undefined && sum === undefined;
    if (isDamaged) yield* Effect.logWarning("vipr.stories", "a damaged row: the log of its number begins anew");
    const leftBehind = isDamaged ? yield* eventsGone(key) : [];
    const written = auditRows(number, requiredBits, sum, facts);
    const changes: ReadonlyArray<Change> = [
      ...leftBehind,
      ...written.facts.map((change) => ({ ...change, table: tables.events })),
      ...written.sums.map((change) => ({ ...change, table: tables.sums })),
    ];
    return { changes, isNew: value === undefined };
  });

  return {
    write: Effect.fnUntraced(function* (batch: ReadonlyArray<BufferedEvent>) {
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
      while ((known ?? 0) > numbersMax) {
        const many = Math.min(known! - numbersMax, NUMBERS_REMOVED_AT_ONCE_MAX);
        const oldest = yield* store.due(tables.sums, Number.MAX_SAFE_INTEGER, many);
        if (oldest.length === 0) return;
        yield* forget(oldest);
      }
    }),
    expire: Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      while (true) {
        const over = yield* store.due(tables.sums, nowMs, NUMBERS_REMOVED_AT_ONCE_MAX);
        if (over.length === 0) return;
        yield* forget(over);
      }
    }),
  };
};

/** Warns at once, and again only after WARN_EVERY_MS. */
const warnings = Effect.sync(() => {
  const said = seldomSaid({ everyMs: WARN_EVERY_MS });
  return (what: string) => said("", () => Effect.logWarning("vipr.stories", what));
});
