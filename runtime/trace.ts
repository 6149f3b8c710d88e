/**
 * Writes the events and orders of machines to a file, which `vipr replay` steps through again, later and on any runtime.
 *
 *   { format, version, runtime, startedMs }          a CBOR sequence (RFC 8742): a header,
 *   { machine, run, event, actions }                 then a record a step; a run's first event is (start), with its input
 *
 * Only machines that handle no secret and no phone number are written, and of those the named fields come empty: a
 * machine passes them on unread, so that its steps are the same without them. What remains is visible
 * to any node of the overlay. It includes hashes of numbers, which can be found by trying all numbers: treat it as a log.
 * DECISIONS.md D-054.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import process from "node:process";
// The entry without native code, which crashes Deno and Bun on large files, and without eval: a trace may come from anywhere.
import { Encoder } from "cbor-x/index-no-eval";
import { Clock, Data, Effect, type Scope } from "effect";
import type { Watcher } from "../actors/kit/mod.ts";
import { concat } from "../codecs/shared/mod.ts";
import type { Machine } from "../machines/kit/mod.ts";
import { reloadLink, reloadPeer, reloadStorage, reloadTransaction } from "../machines/reload/mod.ts";

export const TRACE_FORMAT = "vipr-trace";
export const TRACE_VERSION = 1;
/** At this size a trace ends, with a warning. */
export const TRACE_BYTES_MAX = 128 * 1024 * 1024;
/** Buffered before it is written. */
const BUFFERED_BYTES_MAX = 64 * 1024;

export interface TraceHeader {
  readonly format: typeof TRACE_FORMAT;
  readonly version: typeof TRACE_VERSION;
  readonly runtime: string;
  readonly startedMs: number;
}
export interface TraceRecord {
  readonly machine: string;
  readonly run: number;
  readonly event: { readonly type: string };
  readonly actions: ReadonlyArray<unknown>;
}

export interface Traced {
  readonly machine: Machine<any, any, any>;
  /** Byte strings under these names are written empty, wherever they stand. */
  readonly hidden: ReadonlySet<string>;
}
/** An Attach contains ICE credentials, §6.5.1; a configuration document may contain the overlay's shared secret, §11.1. */
const ICE = ["ufrag", "password"];
const traced = (machine: Machine<any, any, any>, hidden: ReadonlyArray<string>) =>
  [machine.id, { machine, hidden: new Set(hidden) }] as const;
/** The events of each of these were checked for secrets. SIP, VAP, TLS, PVP, tickets and enrolment are not traced: theirs have some. */
export const TRACED: ReadonlyMap<string, Traced> = new Map<string, Traced>([
  traced(reloadPeer, [...ICE, "data"]),
  traced(reloadStorage, []),
  traced(reloadTransaction, ICE),
  traced(reloadLink, ["message"]),
]);

/** Whole integers of any size and bytes survive; a record is plain CBOR that any reader reads. */
export const traceCbor = new Encoder({ useRecords: false, tagUint8Array: false });

/** The file cannot be opened. */
export class TraceFailed extends Data.TaggedError("TraceFailed")<{ readonly why: string }> {}

/** A watcher that writes until its scope closes, the file reaches its limit, or a write fails. Machines are not affected. */
export const openTrace = Effect.fn("trace.open")(function* (
  file: string,
  bytesMax = TRACE_BYTES_MAX,
): Effect.fn.Return<Watcher, TraceFailed, Scope.Scope> {
  const services = yield* Effect.context<never>();
  const fd = yield* Effect.try({
    try: () => openSync(file, "w", 0o600),
    catch: (error) => new TraceFailed({ why: (error as Error).message }),
  });
  const writer = writerOf(fd, bytesMax, (why) =>
    Effect.runSyncWith(services)(Effect.logWarning("trace.ended", { file, why })),
  );
  yield* Effect.addFinalizer(() => Effect.sync(writer.close));
  const startedMs = yield* Clock.currentTimeMillis;
  writer.put(() => ({ format: TRACE_FORMAT, version: TRACE_VERSION, runtime, startedMs }) satisfies TraceHeader);
  return {
    saw: (machine, _instance, event, { actions }, run) => {
      const known = TRACED.get(machine);
      if (known !== undefined)
        writer.put(() => ({ machine, run, event: bared(event, known.hidden), actions: bared(actions, known.hidden) }));
    },
  };
});

/** Writes whole records only, until the disk fails or the limit is reached. */
const writerOf = (fd: number, bytesMax: number, warn: (why: string) => void) => {
  let [pending, pendingBytes, bytes, ended]: [Array<Uint8Array>, number, number, boolean] = [[], 0, 0, false];
  const attempt = (work: () => void): void => {
    if (ended) return;
    try {
      work();
    } catch (error) {
      end((error as Error).message);
    }
  };
  const end = (why: string): void => {
    ended = true;
    pending = [];
    warn(why);
  };
  const flush = (): void => {
    const buffered = concat(...pending);
    [pending, pendingBytes] = [[], 0];
    for (let at = 0; at < buffered.length; ) at += writeSync(fd, buffered, at);
  };
  return {
    put: (record: () => unknown): void =>
      attempt(() => {
        const encoded = Uint8Array.from(traceCbor.encode(record()));
        if (bytes + encoded.length > bytesMax) {
          flush();
          return end(`over ${bytesMax} bytes`);
        }
        pending.push(encoded);
        pendingBytes += encoded.length;
        bytes += encoded.length;
        if (pendingBytes >= BUFFERED_BYTES_MAX) flush();
      }),
    close: (): void => {
      attempt(flush);
      ended = true;
      try {
        closeSync(fd);
      } catch {} // nothing is left to be written
    },
  };
};

const nothing: ReadonlySet<string> = new Set();
/** The same value in plain arrays, objects and Uint8Arrays; the bytes of hidden fields are left out. */
export const bared = (value: unknown, hidden = nothing): unknown => {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map((item) => bared(item, hidden));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const field = ([name, item]: [string, unknown]) =>
    [name, hidden.has(name) && item instanceof Uint8Array ? new Uint8Array() : bared(item, hidden)] as const;
  return Object.fromEntries(Object.entries(value).map(field));
};

const versions = process.versions as Readonly<Record<string, string | undefined>>;
const runtime =
  ["deno", "bun", "node"].flatMap((name) => (versions[name] ? [`${name} ${versions[name]}`] : []))[0] ?? "";
