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
import { e164, ntpMs, unixMs, unixMsOf, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import {
  encodeProof,
  encodeRecord,
  proofKey,
  proofPrefix,
  recordKey,
  type StoredProof,
  timeOfKey,
} from "../../codecs/validation/mod.ts";
import { type CallStore, expireCalls, type StoredCall } from "../../machines/validation/mod.ts";
import { PROOF_LIFETIME_MS, SENT_LIFETIME_MS } from "../../machines/vipr/mod.ts";
import { removePages, seldomSaid } from "../kit/mod.ts";
import {
  type Change,
  type ClusterShape,
  partitionOf,
  type SharedRow,
  type StoreFailed,
  type StoreShape,
} from "../ports/mod.ts";
import {
  ASKED,
  followedReceived,
  followedSent,
  PROOFS,
  RECEIVED,
  restoreReceived,
  SENT,
  type StoredWork,
  sentRow,
  storedWork,
  type Waiting,
} from "./stored-records.ts";

export interface Records extends StoredWork {
  /** The work of these parts of the VServices, as another member of the cluster has left it. */
  readonly load: (partitions: ReadonlySet<number>) => Effect.Effect<StoredWork, StoreFailed>;
  /** A sent call that another member has stored; undefined: no such row. */
  readonly followSent: (row: SharedRow) => Waiting | undefined;
  /** A received call that another member has stored, or has counted failed attempts at. */
  readonly followReceived: (row: SharedRow) => Effect.Effect<void>;
  /** Removes a row that says what another one says already. */
  readonly forget: (row: SharedRow) => Effect.Effect<void>;
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
  /** It is validated, or will not be. */
  readonly done: (waiting: Waiting) => Effect.Effect<void>;
  /** Removes what is past its retention, in memory and in the store. */
  readonly expire: Effect.Effect<void>;
  readonly proved: (proof: StoredProof) => Effect.Effect<void>;
  readonly disproved: (claim: string) => Effect.Effect<void>;
  /** Tells the operator, once in a while. */
  readonly failed: (fault: StoreFailed) => Effect.Effect<void>;
}

/** Dummy rows, and how many there are of them. */
const NOBODY = "vcrNobody";
const NOBODY_ROWS_MAX = 256;
/** Call agents reconnect within minutes. Until then no VService is published, and its calls could not be validated. */
const AFTER_RESTART_MS = 300_000;

const NO_WORK: StoredWork = { waiting: [], asked: [], proofs: [] };

const forgetful: Omit<Records, "expire"> = {
  ...NO_WORK,
  failed: () => Effect.void,
  load: () => Effect.succeed(NO_WORK),
  followSent: () => undefined,
  followReceived: () => Effect.void,
  forget: () => Effect.void,
  received: () => Effect.void,
  charged: () => Effect.void,
  sent: () => Effect.void,
  asking: () => Effect.void,
  unasked: () => Effect.void,
  done: () => Effect.void,
  proved: () => Effect.void,
  disproved: () => Effect.void,
};

/** For writes of which nothing was acknowledged: a failure is logged. */
type LogFailure = (work: Effect.Effect<unknown, StoreFailed>) => Effect.Effect<void>;
const SAME_EVERY_MS = 60_000;
/** While the store is away each call that is due would have a line of its own. */
const tellsFault = (): Records["failed"] => {
  const said = seldomSaid({ everyMs: SAME_EVERY_MS });
  return ({ reason, why }) =>
    said(reason, ([passed]) => Effect.logWarning("vipr.records", { reason, why, more: passed?.more ?? 0 }));
};

export const openRecords = Effect.fn("vipr.records")(function* (
  store: StoreShape | undefined,
  calls: CallStore,
  graceMs: number = AFTER_RESTART_MS,
  /** Undefined: the store is this server's own, and so is all the work in it. */
  cluster?: Pick<ClusterShape, "held">,
): Effect.fn.Return<Records, StoreFailed> {
  const inMemory = Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
    Effect.sync(() => void expireCalls(calls, nowMs)),
  );
  if (store === undefined) return { ...forgetful, expire: inMemory };

  const failed = tellsFault();
  const logFailure: LogFailure = (work) => Effect.catch(Effect.asVoid(work), failed);
  const write = (change: Change) => store.write([change]);
  const forget = ({ table, key }: SharedRow) => logFailure(write({ type: "remove", table, key }));
  const onDisk = Effect.all([expireOnDisk(store, RECEIVED), expireOnDisk(store, ASKED), expireProofs(store)]);
  if (cluster === undefined) yield* Effect.all([expireOnDisk(store, ASKED), expireProofs(store)]);
  yield* restoreReceived(store, calls);
  const initial = cluster === undefined ? yield* storedWork(store, graceMs, () => true) : NO_WORK;
  return {
    load: (partitions) => storedWork(store, 0, (vservice) => partitions.has(partitionOf(vservice))),
    followSent: (row) => (row.table === SENT ? followedSent(row) : undefined),
    followReceived: (row) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
        const twice = row.table === RECEIVED ? followedReceived(calls, row, nowMs) : undefined;
        return twice !== undefined && cluster?.held().has(partitionOf(twice.vservice)) === true
          ? forget({ ...row, key: twice.key })
          : Effect.void;
      }),
    forget,
    failed,
    received: (call) => write(rowOf(RECEIVED, call)),
    charged: (those) =>
      logFailure(
        store.write(
          those.map((call, i) =>
            call === undefined
              ? rowOf(NOBODY, { ...nobody, keepUntilMs: unixMs(i % NOBODY_ROWS_MAX) })
              : rowOf(RECEIVED, call),
          ),
        ),
      ),
    ...sentRecords(store, logFailure),
    expire: Effect.andThen(
      inMemory,
      // One member is enough.
      Effect.suspend(() => (cluster?.held().has(0) === false ? Effect.void : logFailure(onDisk))),
    ),
    proved: (proof) => {
      const key = proofKey(proof.claim, proof.call);
      const dueMs = proof.atMs + PROOF_LIFETIME_MS;
      return logFailure(write({ type: "put", table: PROOFS, key, value: encodeProof(proof), dueMs }));
    },
    disproved: (claim) => logFailure(forgetProofs(store, claim)),
    ...initial,
  };
});

/** The rows of sent calls: that they wait, and that claimants were asked about them. */
const sentRecords = (
  store: StoreShape,
  logFailure: LogFailure,
): Pick<Records, "sent" | "asking" | "unasked" | "done"> => {
  const write = (change: Change) => store.write([change]);
  const off = new WeakSet<Waiting>();
  /** A key is a hash of its record: made once for each call that waits. */
  const keys = new WeakMap<Waiting, Uint8Array>();
  const keyOf = (waiting: Waiting): Uint8Array => {
    const key = keys.get(waiting) ?? recordKey(waiting.vcr, waiting.dueMs);
    keys.set(waiting, key);
    return key;
  };
  const offOf = (waiting: Waiting): Change => ({ type: "remove", table: SENT, key: keyOf(waiting) });
  /** When each call that is asked about now was asked. */
  const askedKeys = new WeakMap<Waiting, Uint8Array>();
  return {
    sent: (waiting) => write(sentRow(waiting, keyOf(waiting))),
    asking: Effect.fnUntraced(function* (waiting) {
      const { vcr } = waiting;
      const key = recordKey(vcr, unixMs((yield* Clock.currentTimeMillis) + SENT_LIFETIME_MS));
      yield* store.write([offOf(waiting), { type: "put", table: ASKED, key, value: encodeRecord({ vcr }) }]);
      off.add(waiting);
      askedKeys.set(waiting, key);
    }),
    unasked: (waiting) => {
      const key = askedKeys.get(waiting);
      return key === undefined ? Effect.void : logFailure(write({ type: "remove", table: ASKED, key }));
    },
    // If this fails the call waits again after a restart: no claimant was asked about it.
    done: (waiting) => (off.has(waiting) ? Effect.void : logFailure(write(offOf(waiting)))),
  };
};

/** A record of the same size as a call's. */
const nobody: Omit<StoredCall, "id" | "keepUntilMs"> = {
  called: e164("+1000000000000"),
  calling: e164("+1000000000000"),
  startMs: unixMsOf(ntpMs(0)),
  stopMs: unixMsOf(ntpMs(0)),
  vservice: vserviceId(0n),
  attempts: { caller: 0, times: 0 },
};

const rowOf = (table: string, call: Omit<StoredCall, "id">): Change => {
  const vcr: Vcr = { ...call, direction: "received" };
  const value = encodeRecord({ vcr, attempts: call.attempts });
  return { type: "put", table, key: recordKey(vcr, call.keepUntilMs), value, isShared: table === RECEIVED };
};

/** The oldest stand first. */
const expireOnDisk = Effect.fnUntraced(function* (store: StoreShape, table: string) {
  const nowMs = yield* Clock.currentTimeMillis;
  const over = Effect.map(store.scan(table), (rows) => rows.filter(({ key }) => timeOfKey(key) <= nowMs));
  yield* removePages(store, table, over);
});

const expireProofs = (store: StoreShape) =>
  Effect.flatMap(Clock.currentTimeMillis, (nowMs) => removePages(store, PROOFS, store.due(PROOFS, nowMs)));

const forgetProofs = (store: StoreShape, claim: string) =>
  removePages(store, PROOFS, store.scan(PROOFS, { prefix: proofPrefix(claim) }));
