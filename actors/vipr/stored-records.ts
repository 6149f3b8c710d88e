/**
 * What a store has of call records, proofs and work, as a server reads it: when it starts, when it takes over parts of the
 * VServices, and when another member of its cluster has written.
 */
import { Clock, Effect } from "effect";
import {
  type E164,
  equalBytes,
  type UnixMs,
  unixMs,
  type Vcr,
  type VServiceId,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import {
  decodeProof,
  decodeRecord,
  encodeRecord,
  proofPrefix,
  recordKey,
  type StoredProof,
  type StoredRecord,
  timeOfKey,
} from "../../codecs/validation/mod.ts";
import { type CallStore, failCall, findStored, insertCall, removeCall } from "../../machines/validation/mod.ts";
import { credit, openLedger, provedBy, SENT_CALLS_MAX } from "../../machines/vipr/mod.ts";
import { eachPage } from "../kit/mod.ts";
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

type IsOurs = (vservice: VServiceId) => boolean;

/** What the store has of sent calls and of proofs. */
export interface StoredWork {
  /** The calls that waited when the process ended. */
  readonly waiting: ReadonlyArray<Waiting>;
  /** The calls that claimants were asked about before the start, the oldest first. */
  readonly asked: ReadonlyArray<Vcr>;
  /** The proofs of the last run of the process, the oldest first. */
  readonly proofs: ReadonlyArray<StoredProof>;
}

export const RECEIVED = "vcrReceived";
export const SENT = "vcrSent";
export const ASKED = "vcrAsked";
export const PROOFS = "proofs";

export const sentRow = ({ vcr, dueMs, isLate = false }: Waiting, key: Uint8Array = recordKey(vcr, dueMs)) =>
  ({ type: "put", table: SENT, key, value: encodeRecord({ vcr, isLate }), isShared: true }) as const;

export const restoreReceived = Effect.fnUntraced(function* (store: StoreShape, calls: CallStore) {
  const nowMs = yield* Clock.currentTimeMillis;
  yield* eachRow(store, RECEIVED, decodeRecord, (record, key) => {
    if (timeOfKey(key) > nowMs) insertStored(calls, record, timeOfKey(key));
  });
});

const insertStored = (calls: CallStore, { vcr, attempts }: StoredRecord, keepUntilMs: UnixMs): void => {
  const { id, attempts: counted } = insertCall(calls, vcr, unixMs(keepUntilMs - calls.retentionMs));
  for (let attempt = counted.caller; attempt < attempts.caller; attempt++) failCall(calls, id, "A");
  for (let attempt = counted.times; attempt < attempts.times; attempt++) failCall(calls, id, "B");
};

/**
 * Takes over what another member's row says. Where an agent has uploaded the call to two members, the row that ends first counts
 * for all of them; gives the key of the other one.
 */
export const followedReceived = (
  calls: CallStore,
  { key, value }: Row,
  nowMs: number,
): { readonly key: Uint8Array; readonly vservice: VServiceId } | undefined => {
  const record = decodeRecord(value);
  const keepUntilMs = timeOfKey(key);
  if (record === undefined || keepUntilMs <= nowMs) return undefined;
  const stored = findStored(calls, record.vcr);
  if (stored === undefined || stored.keepUntilMs <= keepUntilMs) {
    insertStored(calls, record, keepUntilMs);
    const isNew = stored === undefined || stored.keepUntilMs === keepUntilMs;
    return isNew ? undefined : { key, vservice: stored.vservice };
  }
  removeCall(calls, stored.id);
  insertStored(calls, record, keepUntilMs);
  insertStored(calls, { ...record, attempts: stored.attempts }, keepUntilMs);
  return { key: recordKey({ ...stored, direction: "received" }, stored.keepUntilMs), vservice: stored.vservice };
};

/** Undefined for bytes that no version of this program wrote. */
export const followedSent = ({ key, value }: Row): Waiting | undefined => {
  const read = decodeRecord(value);
  return read && { vcr: read.vcr, dueMs: timeOfKey(key) };
};

/** What the store has of sent calls and proofs of those VServices. Calls due before `graceMs` from now are late, and wait until then. */
export const storedWork = Effect.fnUntraced(function* (
  store: StoreShape,
  graceMs: number,
  isOurs: IsOurs,
): Effect.fn.Return<StoredWork, StoreFailed> {
  return {
    asked: yield* restoreAsked(store, isOurs),
    waiting: yield* restoreSent(store, graceMs, isOurs),
    proofs: yield* restoreProofs(store, isOurs),
  };
});

const restoreSent = Effect.fnUntraced(function* (store: StoreShape, graceMs: number, isOurs: IsOurs) {
  const nowMs = yield* Clock.currentTimeMillis;
  const laterMs = unixMs(nowMs + graceMs);
  const [waiting, early]: [Array<Waiting>, Array<Waiting>] = [[], []];
  const changes: Array<Change> = [];
  yield* eachRow(store, SENT, decodeRecord, ({ vcr, isLate = false }, key) => {
    if (!isOurs(vcr.vservice)) return;
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

const restoreAsked = Effect.fnUntraced(function* (store: StoreShape, isOurs: IsOurs) {
  const asked: Array<Vcr> = [];
  yield* eachRow(store, ASKED, decodeRecord, ({ vcr }) => {
    if (isOurs(vcr.vservice)) asked.push(vcr);
  });
  return asked.slice(-SENT_CALLS_MAX);
});

const restoreProofs = Effect.fnUntraced(function* (store: StoreShape, isOurs: IsOurs) {
  const proofs: Array<StoredProof> = [];
  yield* eachRow(store, PROOFS, decodeProof, (proof) => {
    if (isOurs(ownerOfClaim(proof.claim))) proofs.push(proof);
  });
  return proofs.sort((a, b) => a.atMs - b.atMs);
});

/** Our VService, of a claim as the ledger names it, or of a call queue. */
export const ownerOfClaim = (claim: string): VServiceId => vserviceId(BigInt(/^\d{1,20}(?=\/)/.exec(claim)?.[0] ?? 0));
