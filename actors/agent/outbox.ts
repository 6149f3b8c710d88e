/**
 * Call records that are on disk until the ViPR server has acknowledged them. draft-jennings-vipr-vap-02 §9.5.
 *
 *   put [records + the caller's own changes] --> one write of the store --> succeeds: nothing takes them away any more
 *                                                     |
 *   table `outbox`, in order <------------------------+
 *     --> upload, UPLOADS_AT_ONCE_MAX at a time --> acknowledged, or refused for what it is --> the row is removed
 *                                              |--> anything else: again, later and later
 *
 * While OUTBOX_WAITING_MAX wait, `put` waits too, which holds a reader of files back. A crash between the acknowledgement
 * and the removal uploads a record twice; for the server both are one. DECISIONS.md D-083, D-093.
 */
import { Effect, Queue, type Scope } from "effect";
import { bigOf, bytesOfBig, type Vcr } from "../../codecs/shared/mod.ts";
import { decodeRecord, encodeRecord } from "../../codecs/validation/mod.ts";
import { doubling, eachPage, type RetryMs, untilStored } from "../kit/mod.ts";
import type { Change, Row, StoreFailed, StoreShape } from "../ports/mod.ts";
import { UPLOADS_AT_ONCE_MAX, type UploadFailed } from "./uploads.ts";

/** Records on disk that wait for the server; some hundred bytes each. */
export const OUTBOX_WAITING_MAX = 1_000_000;
/** Records of one `put`: beside the changes of the caller they fit one write of the store. */
export const OUTBOX_PUT_MAX = 4_000;
/** Records that are read from disk and uploaded together. */
const PAGE_MAX = 256;
const RETRY_MS: RetryMs = [1_000, 60_000];

/** How long an end waits for acknowledgements that are under way. */
const END_MS_MAX = 2_000;
const END_STEP_MS = 20;

export const OUTBOX_TABLE = "outbox";
/** A row's key: its number, eight bytes, so that rows come in the order in which they were put. */
const KEY_BYTES = 8;

export interface OutboxOptions {
  readonly store: StoreShape;
  /** Succeeds with the server's acknowledgement. `openUploads` has one. */
  readonly upload: (vcr: Vcr) => Effect.Effect<void, UploadFailed>;
  /** Default OUTBOX_WAITING_MAX. */
  readonly waitingMax?: number;
}

export interface OutboxCounts {
  /** On disk, not acknowledged yet. */
  readonly waiting: number;
  /** Since it was opened. */
  readonly acknowledged: number;
  /** The server would not have them, whenever asked. */
  readonly refused: number;
}

export interface Outbox {
  /** At most OUTBOX_PUT_MAX records and changes of the caller's own, all or none, durable when it succeeds. Waits while the outbox is full. */
  readonly put: (vcrs: ReadonlyArray<Vcr>, also?: ReadonlyArray<Change>) => Effect.Effect<void, StoreFailed>;
  readonly counts: () => OutboxCounts;
  /** Until nothing waits. */
  readonly drained: Effect.Effect<void>;
}

/** Until the scope closes. Records that waited at the last end are uploaded first. */
export const openOutbox = Effect.fn("agent.outbox")(function* ({
  store,
  upload,
  waitingMax = OUTBOX_WAITING_MAX,
}: OutboxOptions): Effect.fn.Return<Outbox, StoreFailed, Scope.Scope> {
  const counts = { waiting: 0, acknowledged: 0, refused: 0, isAway: false };
  let next = 0n;
  yield* eachPage(store, OUTBOX_TABLE, {}, (rows) =>
    Effect.sync(() => {
      counts.waiting += rows.length;
      next = bigOf(rows.at(-1)!.key) + 1n;
    }),
  );
  if (counts.waiting > 0) yield* Effect.logInfo("agent.outbox.found", { waiting: counts.waiting });
  const filled = yield* Queue.sliding<void>(1);
  const emptied = yield* Queue.sliding<void>(1);

  const put: Outbox["put"] = Effect.fn("agent.outbox.put")(function* (vcrs, also = []) {
    while (vcrs.length > 0 && counts.waiting > 0 && counts.waiting + vcrs.length > waitingMax)
      yield* Queue.take(emptied);
    const rows = vcrs.map((vcr): Change => rowOf(next++, vcr));
    counts.waiting += rows.length;
    const undone = Effect.sync(() => {
      counts.waiting -= rows.length;
    });
    yield* Effect.onError(store.write([...rows, ...also]), () => undone);
    yield* Queue.offer(filled, undefined);
    yield* Queue.offer(emptied, undefined); // another writer may have room as well
  });

  let underWay = 0;
  let isEnding = false;
  const remove = ({ key }: Row) =>
    untilStored("agent.outbox.remove", store.write([{ type: "remove", table: OUTBOX_TABLE, key }]));
  const one = (row: Row) =>
    Effect.suspend(() => {
      if (isEnding) return Effect.void;
      underWay += 1;
      const done = Effect.andThen(uploaded(row, upload, counts), remove(row));
      return Effect.ensuring(
        Effect.andThen(
          done,
          Effect.suspend(() => {
            counts.waiting -= 1;
            return Queue.offer(emptied, undefined);
          }),
        ),
        Effect.sync(() => {
          underWay -= 1;
        }),
      );
    });
  const page = Effect.gen(function* () {
    if (isEnding) return yield* Effect.never;
    const rows = yield* untilStored("agent.outbox.read", store.scan(OUTBOX_TABLE, { rowsMax: PAGE_MAX }));
    if (rows.length === 0) return yield* Queue.take(filled);
    yield* Effect.forEach(rows, one, { concurrency: UPLOADS_AT_ONCE_MAX, discard: true });
  });
  yield* Effect.forkScoped(Effect.forever(page));
  // Runs before that fiber is interrupted: what the server may have stored already is heard of, and goes off the disk.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      isEnding = true;
      for (let waited = 0; underWay > 0 && waited < END_MS_MAX; waited += END_STEP_MS) yield* Effect.sleep(END_STEP_MS);
    }),
  );

  const drained: Effect.Effect<void> = Effect.suspend(() =>
    counts.waiting === 0
      ? Effect.asVoid(Queue.offer(emptied, undefined)) // for whoever else waits
      : Effect.flatMap(Queue.take(emptied), () => drained),
  );
  return { put, counts: () => countsOf(counts), drained } satisfies Outbox as Outbox;
});

/** What the fibers of an outbox share; `isAway`: it has been reported that the server takes nothing. */
type Tally = { -readonly [Key in keyof OutboxCounts]: number } & { isAway: boolean };
const countsOf = ({ waiting, acknowledged, refused }: Tally): OutboxCounts => ({ waiting, acknowledged, refused });

const rowOf = (number: bigint, vcr: Vcr): Change => ({
  type: "put",
  table: OUTBOX_TABLE,
  key: bytesOfBig(number, KEY_BYTES),
  value: encodeRecord({ vcr }),
});

/** Until the server has it, or will never have it. */
const uploaded = Effect.fnUntraced(function* ({ value }: Row, upload: OutboxOptions["upload"], counts: Tally) {
  const record = decodeRecord(value);
  if (record === undefined) return yield* Effect.logError("agent.outbox.unreadable", "a row that is no call record");
  const failed = (failure: UploadFailed) => {
    if (failure.isFinal || counts.isAway) return Effect.void;
    counts.isAway = true;
    return Effect.logWarning("agent.outbox.waits", { waiting: counts.waiting }, failure.reason, failure.why);
  };
  const attempt = Effect.tapError(upload(record.vcr), failed);
  const again = Effect.retry(attempt, { while: ({ isFinal }) => !isFinal, schedule: doubling(RETRY_MS) });
  yield* Effect.matchEffect(again, {
    onSuccess: () =>
      Effect.sync(() => {
        counts.acknowledged += 1;
        counts.isAway = false;
      }),
    onFailure: ({ why }) => {
      counts.refused += 1;
      return Effect.logWarning("agent.outbox.refused", why);
    },
  });
});
