/**
 * Call records in a store: each is written before its upload is acknowledged, and removed when it is no longer needed.
 *
 *   received --> until its retention is over, with its failed attempts: a locked call stays locked
 *   sent ------> until a claimant is asked about it; then as asked, until a record of it is expected no more
 *   proofs ----> until they expire, or the claim fails to prove another call
 *   start -----> all are read; calls that were due meanwhile wait until the call agents are connected again
 *
 * Without a store they last as long as the process. DECISIONS.md D-212.
 */

import { Clock, Effect } from "effect";
import {
  type E164,
  e164,
  equalBytes,
  ntpMs,
  type UnixMs,
  unixMs,
  unixMsOf,
  type Vcr,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import {
  decodeProof,
  decodeRecord,
  encodeProof,
  encodeRecord,
  proofKey,
  proofPrefix,
  recordKey,
  type StoredProof,
  timeOfKey,
} from "../../codecs/validation/mod.ts";
import { type CallStore, expireCalls, failCall, insertCall, type StoredCall } from "../../machines/validation/mod.ts";
import {
  credit,
  openLedger,
  PROOF_LIFETIME_MS,
  provedBy,
  SENT_CALLS_MAX,
  SENT_LIFETIME_MS,
} from "../../machines/vipr/mod.ts";
import { eachPage, removePages } from "../kit/mod.ts";
import {
  type Change,
  type ReadableStore,
  type Row,
  STORE_ROWS_MAX,
  type StoreFailed,
  type StoreShape,
} from "../ports/mod.ts";

/** A sent call that waits, and when it is due. */
export interface Waiting {
  readonly vcr: Vcr;
  readonly dueMs: UnixMs;
  /** It fell due while the process was down, once or more than once. */
  readonly isLate?: boolean;
}

export interface Records {
  readonly received: (call: StoredCall) => Effect.Effect<void, StoreFailed>;
  /** Persists failed attempts. `undefined`: no such call; a dummy row is written so that timing is equal. */
  readonly charged: (calls: ReadonlyArray<StoredCall | undefined>) => Effect.Effect<void>;
  readonly sent: (waiting: Waiting) => Effect.Effect<void, StoreFailed>;
  /**
   * Before claimants are asked about a call: its row is removed, and another one says that they were, so that a record of it
   * which comes again changes nothing, over a restart too. If this fails they must not be asked.
   */
  readonly asking: (waiting: Waiting) => Effect.Effect<void, StoreFailed>;
  /** No claimant could be asked after all. */
  readonly unasked: (waiting: Waiting) => Effect.Effect<void>;
  /** The calls that claimants were asked about before the start, the oldest first. */
  readonly asked: ReadonlyArray<Vcr>;
  /** It is validated, or will not be. */
  readonly done: (waiting: Waiting) => Effect.Effect<void>;
  /** Removes what is past its retention, in memory and in the store. */
  readonly expire: Effect.Effect<void>;
  /** The calls that waited when the process ended. */
  readonly waiting: ReadonlyArray<Waiting>;
  readonly proved: (proof: StoredProof) => Effect.Effect<void>;
  readonly disproved: (claim: string) => Effect.Effect<void>;
  /** The proofs of the last run of the process, the oldest first. */
  readonly proofs: ReadonlyArray<StoredProof>;
}

const RECEIVED = "vcrReceived";
const SENT = "vcrSent";
const ASKED = "vcrAsked";
const PROOFS = "proofs";
/** Dummy rows, and how many there are of them. */
const NOBODY = "vcrNobody";
const NOBODY_ROWS_MAX = 256;
/** Call agents reconnect within minutes. Until then no VService is published, and its calls could not be validated. */
const AFTER_RESTART_MS = 300_000;

const forgetful: Omit<Records, "expire"> = {
  received: () => Effect.void,
  charged: () => Effect.void,
  sent: () => Effect.void,
  asking: () => Effect.void,
  unasked: () => Effect.void,
  asked: [],
  done: () => Effect.void,
  proved: () => Effect.void,
  disproved: () => Effect.void,
  waiting: [],
  proofs: [],
};

/** For writes of which nothing was acknowledged: a failure is logged. */
const logFailure = (work: Effect.Effect<unknown, StoreFailed>): Effect.Effect<void> =>
  Effect.catch(Effect.asVoid(work), ({ why }) => Effect.logWarning("vipr.records", why));

export const openRecords = Effect.fn("vipr.records")(function* (
  store: StoreShape | undefined,
  calls: CallStore,
  graceMs: number = AFTER_RESTART_MS,
): Effect.fn.Return<Records, StoreFailed> {
  const inMemory = Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
    Effect.sync(() => void expireCalls(calls, nowMs)),
  );
  if (store === undefined) return { ...forgetful, expire: inMemory };

  const write = (change: Change) => store.write([change]);
  const off = new WeakSet<Waiting>();
  /** A key is a hash of its record: made once for each call that waits. */
  const keys = new WeakMap<Waiting, Uint8Array>();
  const keyOf = (waiting: Waiting): Uint8Array => {
    const key = keys.get(waiting) ?? recordKey(waiting.vcr, waiting.dueMs);
    keys.set(waiting, key);
    return key;
  };
  /** When each call that is asked about now was asked. */
  const askedKeys = new WeakMap<Waiting, Uint8Array>();
  const asking = Effect.fnUntraced(function* (waiting: Waiting) {
    const { vcr } = waiting;
    const key = recordKey(vcr, unixMs((yield* Clock.currentTimeMillis) + SENT_LIFETIME_MS));
    yield* store.write([offOf(waiting), { type: "put", table: ASKED, key, value: encodeRecord({ vcr }) }]);
    off.add(waiting);
    askedKeys.set(waiting, key);
  });
  const offOf = (waiting: Waiting): Change => ({ type: "remove", table: SENT, key: keyOf(waiting) });
  return {
    received: (call) => write(rowOf(RECEIVED, call)),
    charged: (failed) =>
      logFailure(
        store.write(
          failed.map((call, i) =>
            call === undefined
              ? rowOf(NOBODY, { ...nobody, keepUntilMs: unixMs(i % NOBODY_ROWS_MAX) })
              : rowOf(RECEIVED, call),
          ),
        ),
      ),
    sent: (waiting) => write(sentRow(waiting, keyOf(waiting))),
    asking,
    unasked: (waiting) => {
      const key = askedKeys.get(waiting);
      return key === undefined ? Effect.void : logFailure(write({ type: "remove", table: ASKED, key }));
    },
    asked: yield* restoreAsked(store),
    // If this fails the call waits again after a restart: no claimant was asked about it.
    done: (waiting) => (off.has(waiting) ? Effect.void : logFailure(write(offOf(waiting)))),
    expire: Effect.andThen(
      inMemory,
      logFailure(Effect.all([expireOnDisk(store, RECEIVED), expireOnDisk(store, ASKED), expireProofs(store)])),
    ),
    waiting: yield* restore(store, calls, graceMs),
    proved: (proof) => {
      const key = proofKey(proof.claim, proof.call);
      const dueMs = proof.atMs + PROOF_LIFETIME_MS;
      return logFailure(write({ type: "put", table: PROOFS, key, value: encodeProof(proof), dueMs }));
    },
    disproved: (claim) => logFailure(forgetProofs(store, claim)),
    proofs: yield* restoreProofs(store),
  };
});

/** A record of the same size as a call's. */
const nobody: Omit<StoredCall, "id" | "keepUntilMs"> = {
  called: e164("+1000000000000"),
  calling: e164("+1000000000000"),
  startMs: unixMsOf(ntpMs(0)),
  stopMs: unixMsOf(ntpMs(0)),
  vservice: vserviceId(0n),
  attempts: { caller: 0, times: 0 },
};

const sentRow = ({ vcr, dueMs, isLate = false }: Waiting, key: Uint8Array = recordKey(vcr, dueMs)) =>
  ({ type: "put", table: SENT, key, value: encodeRecord({ vcr, isLate }) }) as const;

const rowOf = (table: string, call: Omit<StoredCall, "id">): Change => {
  const vcr: Vcr = { ...call, direction: "received" };
  const value = encodeRecord({ vcr, attempts: call.attempts });
  return { type: "put", table, key: recordKey(vcr, call.keepUntilMs), value };
};

const restore = Effect.fnUntraced(function* (store: StoreShape, calls: CallStore, graceMs: number) {
  const nowMs = yield* Clock.currentTimeMillis;
  yield* eachRow(store, RECEIVED, decodeRecord, ({ vcr, attempts }, key) => {
    const keepUntilMs = timeOfKey(key);
    if (keepUntilMs <= nowMs) return;
    const { id } = insertCall(calls, vcr, unixMs(keepUntilMs - calls.retentionMs));
    for (let attempt = 0; attempt < attempts.caller; attempt++) failCall(calls, id, "A");
    for (let attempt = 0; attempt < attempts.times; attempt++) failCall(calls, id, "B");
  });
  const laterMs = unixMs(nowMs + graceMs);
  const [waiting, early]: [Array<Waiting>, Array<Waiting>] = [[], []];
  const changes: Array<Change> = [];
  yield* eachRow(store, SENT, decodeRecord, ({ vcr, isLate = false }, key) => {
    const dueMs = timeOfKey(key);
    const isEarly = dueMs < laterMs;
    const call: Waiting = isEarly
      ? { vcr, dueMs: laterMs, isLate: true }
      : { vcr, dueMs, ...(isLate ? { isLate } : {}) };
    (isEarly ? early : waiting).push(call);
    // Version 0.1.0 stored times finer than a millisecond as well; such a row gets the key by which we shall remove it.
    const row = sentRow(call);
    if (!equalBytes(row.key, key)) changes.push({ type: "remove", table: SENT, key }, row);
  });
  for (let at = 0; at < changes.length; at += 2 * STORE_ROWS_MAX)
    yield* store.write(changes.slice(at, at + 2 * STORE_ROWS_MAX));
  return [...waiting, ...early];
});

/** The sent calls to one number in a store that no server has open. Reads them all. */
export const waitingIn = Effect.fnUntraced(function* (store: ReadableStore, number: E164) {
  const waiting: Array<Waiting> = [];
  yield* eachRow(store, SENT, decodeRecord, ({ vcr }, key) => {
    if (vcr.called === number) waiting.push({ vcr, dueMs: timeOfKey(key) });
  });
  return waiting;
});

/** What a server's ledger would count for a claim at that time: of many proofs the last ones. */
export const provedIn = Effect.fnUntraced(function* (store: ReadableStore, claim: string, nowMs: number) {
  const proofs: Array<StoredProof> = [];
  yield* eachRow(store, PROOFS, decodeProof, (proof) => proofs.push(proof), proofPrefix(claim));
  const ledger = openLedger();
  for (const { call, bits, atMs } of proofs.sort((a, b) => a.atMs - b.atMs)) credit(ledger, claim, call, bits, atMs);
  return provedBy(ledger, claim, nowMs);
});

/** In the order of their keys. Rows that cannot be read are left out, and their number is logged. */
const eachRow = Effect.fnUntraced(function* <A>(
  store: ReadableStore,
  table: string,
  read: (value: Uint8Array) => A | undefined,
  use: (record: A, key: Uint8Array) => void,
  prefix: Uint8Array = new Uint8Array(),
) {
  let damaged = 0;
  const take = (rows: ReadonlyArray<Row>) =>
    Effect.sync(() => {
      for (const { key, value } of rows) {
        const record = read(value);
        if (record === undefined) damaged += 1;
        else use(record, key);
      }
    });
  yield* eachPage(store, table, { prefix }, take);
  if (damaged > 0) yield* Effect.logWarning("vipr.records", `${damaged} damaged rows in ${table}`);
});

/** The oldest stand first. */
const expireOnDisk = Effect.fnUntraced(function* (store: StoreShape, table: string) {
  const nowMs = yield* Clock.currentTimeMillis;
  const over = Effect.map(store.scan(table), (rows) => rows.filter(({ key }) => timeOfKey(key) <= nowMs));
  yield* removePages(store, table, over);
});

const restoreAsked = Effect.fnUntraced(function* (store: StoreShape) {
  yield* expireOnDisk(store, ASKED);
  const asked: Array<Vcr> = [];
  yield* eachRow(store, ASKED, decodeRecord, ({ vcr }) => asked.push(vcr));
  return asked.slice(-SENT_CALLS_MAX);
});

const restoreProofs = Effect.fnUntraced(function* (store: StoreShape) {
  yield* expireProofs(store);
  const proofs: Array<StoredProof> = [];
  yield* eachRow(store, PROOFS, decodeProof, (proof) => proofs.push(proof));
  return proofs.sort((a, b) => a.atMs - b.atMs);
});

const expireProofs = (store: StoreShape) =>
  Effect.flatMap(Clock.currentTimeMillis, (nowMs) => removePages(store, PROOFS, store.due(PROOFS, nowMs)));

const forgetProofs = (store: StoreShape, claim: string) =>
  removePages(store, PROOFS, store.scan(PROOFS, { prefix: proofPrefix(claim) }));
