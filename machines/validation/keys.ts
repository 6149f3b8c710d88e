/**
 * Under which keys of the index a received call stands, so that each user name that may mean it reads one key.
 *
 *   A   caller's hash            A of version 2   caller's hash, half hour
 *   B   called, quarter of an hour, VService      C   start and stop minute, called's hash, VService
 *
 * DECISIONS.md D-051, D-082.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type E164,
  type NodeId,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMsOf,
  utf8,
  type VServiceId,
} from "../../codecs/shared/mod.ts";
import { HALF_HOUR_S, type PvpUserName, vserviceText } from "../../codecs/validation/mod.ts";
import { type CallFacts, calledHash, callerHash, halfHourOf, minutesNear, roundInDirection } from "./secret.ts";

export const BUCKET_MS = 900_000;
/** Of one call: a day, and one more on each side. A longer call is found by its first day only. */
const BUCKETS_MAX = 98;

/** Whose calls they are, and T. */
interface Indexing {
  readonly nodeIds: ReadonlyArray<NodeId>;
  readonly roundMs: number;
}

export interface Key {
  readonly hash: number;
  readonly tag: number;
}

/** Of the calls that a user name may mean. */
export const keyOf = (name: PvpUserName): Key => {
  switch (name.method) {
    case "A":
      return name.version === 1 ? keyA(name.callerHash) : keyA2(name.callerHash, name.halfHour);
    case "B":
      return keyB(name.called, Math.floor(instantOf(name) / BUCKET_MS), name.vservice);
    case "C":
      return keyC(name.startMinute, name.stopMinute, name.calledHash, name.vservice);
  }
};

type Indexed = CallFacts & { readonly vservice: VServiceId };

export const eachKey = (
  { nodeIds, roundMs }: Indexing,
  call: Indexed,
  put: (hash: number, tag: number) => void,
): void => {
  const add = ({ hash, tag }: Key) => put(hash, tag);
  const { called, calling, vservice, startMs, stopMs } = call;
  if (calling !== undefined)
    for (const terminator of nodeIds) {
      const hash = callerHash(called, calling, { terminator, vservice });
      add(keyA(hash));
      for (const halfHour of halfHoursOf(startMs, roundMs)) add(keyA2(hash, halfHour));
    }
  const first = Math.floor((startMs - roundMs / 4) / BUCKET_MS);
  const last = Math.min(first + BUCKETS_MAX - 1, Math.floor((stopMs + roundMs / 4) / BUCKET_MS));
  for (let bucket = first; bucket <= Math.max(first, last); bucket++) add(keyB(called, bucket, vservice));
  const { starts, stops } = minutesNear(call, roundMs);
  const hash = calledHash(called);
  for (const start of starts) for (const stop of stops) add(keyC(start, stop, hash, vservice));
};

/** Whichever way an originator rounds the start. */
const halfHoursOf = (startMs: UnixMs, roundMs: number): ReadonlyArray<number> => {
  const [down, up] = (["d", "u"] as const).map((sent) => halfHourOf(roundInDirection(ntpMsOf(startMs), sent, roundMs)));
  return down === up ? [down!] : [down!, up!];
};

/** The caller's hash covers called number, Node-ID and VService: its 64 bits are the key. */
export const keyA = (hash: string): Key => ({
  hash: Number.parseInt(hash.slice(0, 8), 16),
  tag: Number.parseInt(hash.slice(8), 16),
});
/** The 64 bits as they are, moved by the half hour. */
const keyA2 = (hash: string, halfHour: number): Key => {
  const key = keyA(hash);
  return { hash: (key.hash ^ Math.imul(halfHour / HALF_HOUR_S, 0x9e3779b1)) >>> 0, tag: ~key.tag >>> 0 };
};
export const keyB = (called: E164, bucket: number, vservice: VServiceId): Key => hashed("B", called, bucket, vservice);
const keyC = (start: number, stop: number, hash: string, vservice: VServiceId): Key =>
  hashed("C", start, stop, hash, vservice);

/** Of a hash for which nobody finds a second VService: a tenant's many calls shall not stand under another's key. */
const hashed = (...parts: ReadonlyArray<string | number | VServiceId>): Key => {
  const texts = parts.map((part) => (typeof part === "bigint" ? vserviceText(part) : part));
  const digest = sha256(utf8(texts.join(";")));
  const view = new DataView(digest.buffer, digest.byteOffset);
  return { hash: view.getUint32(0), tag: view.getUint32(4) };
};

/** Of a user name by method B. */
export const instantOf = ({ instant }: { readonly instant: number }): UnixMs => unixMsOf(ntpMs(instant * 1000));
