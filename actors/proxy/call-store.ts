/**
 * Calls under way on disk, and the records of those that are over.
 *
 *   save, forget, ended --> pending --> one write for all that came meanwhile --> again, later and later, until it succeeds
 *
 * A call's record and the removal of what was stored of the call are one write: after a crash there is one of them.
 * Nobody who talks waits for it; what says that a call begins or ends goes on when it is written (`after`). DECISIONS.md D-106,
 * D-114. docs/protocol/sip.md#the-call-agents-proxy.
 */
import { Effect, Queue } from "effect";
import { utf8 } from "../../codecs/shared/mod.ts";
import type { CallReport } from "../../machines/proxy/mod.ts";
import { allRows, type RetryMs, untilStored } from "../kit/mod.ts";
import type { Change, StoreShape } from "../ports/mod.ts";
import type { AgentProxyOptions } from "./options.ts";

/** A row for each call that was answered and is not over: its key the call's id. */
export const CALLS_TABLE = "agentCalls";
/** Changes and records that wait for a store that does not answer; beyond, the calls that wait longest are not stored. */
const PENDING_MAX = 200_000;
/** Of one write. */
const BATCH_MAX = 1_000;
/**
 * The first change after a rest is written at once; what follows is gathered for so long: at hundreds of
 * calls a second writes cost more than messages do. What begins or ends a call waits for it, unnoticed. DECISIONS.md D-253.
 */
const GATHER_MS = 25;
const RETRY_MS: RetryMs = [250, 30_000];

export interface CallStore {
  readonly save: (id: string, call: Uint8Array) => void;
  readonly forget: (id: string) => void;
  readonly ended: (report: CallReport) => void;
  /** Called once all that waits now is written; at once where nothing does. */
  readonly after: (then: () => void) => void;
  /** Changes and records that are not written yet. */
  readonly waiting: () => number;
}

export const openCallStore = Effect.fn("proxy.calls")(function* ({
  store,
  record,
}: Pick<AgentProxyOptions, "store" | "record">) {
  const saves = new Map<string, Uint8Array | undefined>();
  let ended: Array<CallReport> = [];
  const waiters: Array<() => void> = [];
  const stirred = yield* Queue.sliding<void>(1);
  const stir = () => void Queue.offerUnsafe(stirred, undefined);

  const save = (id: string, call: Uint8Array | undefined) => {
    if (store === undefined) return;
    if (saves.size >= PENDING_MAX) saves.delete(saves.keys().next().value!);
    saves.set(id, call);
    stir();
  };
  /** What waits now, up to a batch, taken only when it is written. */
  const batch = Effect.gen(function* () {
    const isAll = saves.size <= BATCH_MAX && ended.length <= BATCH_MAX;
    const told = isAll ? waiters.length : 0;
    const reports = ended.slice(0, BATCH_MAX);
    // What is over needs no row, and its row may not come after its record.
    const over = new Set(reports.map(({ id }) => id));
    const rows = [...saves].filter(([id]) => !over.has(id)).slice(0, BATCH_MAX);
    const changes = store === undefined ? [] : [...rows.map(changeOf), ...reports.map(({ id }) => removalOf(id))];
    if (reports.length > 0) yield* record(reports, changes);
    else if (changes.length > 0) yield* store!.write(changes);
    for (const [id, call] of rows) if (saves.get(id) === call) saves.delete(id);
    for (const id of over) saves.delete(id);
    ended = ended.slice(reports.length);
    for (const then of waiters.splice(0, told)) then();
  });
  const write = Effect.gen(function* () {
    yield* Queue.take(stirred);
    while (saves.size > 0 || ended.length > 0) yield* untilStored("proxy.calls.notWritten", batch, RETRY_MS);
    yield* Effect.sleep(GATHER_MS);
  });
  yield* Effect.forkScoped(Effect.forever(write));
  return {
    save,
    forget: (id) => save(id, undefined),
    ended: (report) => {
      if (ended.length >= PENDING_MAX) ended.shift();
      ended.push(report);
      stir();
    },
    after: (then) => {
      if (saves.size + ended.length === 0) then();
      else waiters.push(then);
    },
    waiting: () => saves.size + ended.length,
  } satisfies CallStore as CallStore;
});

const text = new TextDecoder();

/** The calls of before the restart. */
export const storedCalls = (store: StoreShape) =>
  Effect.map(allRows(store, CALLS_TABLE), (rows) =>
    rows.map(({ key, value }) => ({ id: text.decode(key), call: value })),
  );

const changeOf = ([id, call]: readonly [string, Uint8Array | undefined]): Change =>
  call === undefined ? removalOf(id) : { type: "put", table: CALLS_TABLE, key: utf8(id), value: call };
const removalOf = (id: string): Change => ({ type: "remove", table: CALLS_TABLE, key: utf8(id) });
