/** Traces: what was written is the same when gone through again, a change is found, and no trace disturbs what it watches. */

import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Logger } from "effect";
import { drive, mailbox, Watch } from "../../actors/kit/mod.ts";
import { publishNumber } from "../../actors/reload/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { e164, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import {
  type ReloadTransactionAction,
  type ReloadTransactionEvent,
  reloadTransaction,
} from "../../machines/reload/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { replayCommand, replayTrace } from "../../runtime/replay.ts";
import { openTrace, TRACED, traceCbor } from "../../runtime/trace.ts";
import { test } from "../kit/harness.ts";
import { overlayOf } from "../reload/ring-of-nodes.ts";

const NUMBER = e164("+14085550001");

const inFolder = async (use: (file: string) => Promise<void> | void): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-trace-"));
  try {
    await use(join(folder, "x.cbor"));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Three nodes and a number, traced; the warnings that were logged. */
const overlayTraced = async (file: string, bytesMax?: number) => {
  const warnings: Array<unknown> = [];
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel === "Warn") warnings.push(message);
  });
  const life = Effect.gen(function* () {
    const overlay = yield* overlayOf(7);
    const node = yield* overlay.join();
    const goes = yield* overlay.join();
    const { replicas } = yield* publishNumber(node, NUMBER, vserviceId(1n), 3_600);
    yield* Effect.sleep(60_000);
    yield* goes.leave; // its links close after its peer's machine has ended
    yield* Effect.sleep(1_000);
    return replicas.length;
  });
  const program = Effect.gen(function* () {
    const watcher = yield* openTrace(file, bytesMax);
    return yield* Effect.provideService(Effect.scoped(life), Watch, watcher);
  });
  const replicas = await runVirtual(
    program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 7 })), Effect.provide(Logger.layer([logger]))),
  );
  return { replicas, warnings };
};

const recordsOf = (bytes: Uint8Array): Array<any> => traceCbor.decodeMultiple(bytes) as Array<any>;
const fileOf = (records: ReadonlyArray<unknown>): Uint8Array =>
  Uint8Array.from(records.flatMap((record) => [...traceCbor.encode(record)]));

/** What a handful of steps of one machine leave in a file. */
const oneRun = async (file: string, events: ReadonlyArray<ReloadTransactionEvent>): Promise<Uint8Array> => {
  const program = Effect.gen(function* () {
    const watcher = yield* openTrace(file);
    const box = yield* mailbox<ReloadTransactionEvent>(16);
    for (const event of events) yield* box.tell(event);
    const driven = drive(reloadTransaction, { retransmitMs: 100 }, box, (_: ReloadTransactionAction) => Effect.void);
    yield* Effect.provideService(driven, Watch, watcher);
  });
  await Effect.runPromise(Effect.scoped(program));
  return new Uint8Array(readFileSync(file));
};
const answered: ReloadTransactionEvent = {
  type: "answered",
  signer: nodeIdFrom(2n ** 128n - 1n),
  body: { type: "pingAns", value: { responseId: 2n ** 64n - 1n, time: 1n } },
};
const fired: ReloadTransactionEvent = { type: "timerFired", timer: "retransmit" };

test("trace: an overlay's life gone through again is the same, and holds neither messages nor the number", () =>
  inFolder(async (file) => {
    same((await overlayTraced(file)).warnings, []);
    const bytes = new Uint8Array(readFileSync(file));
    const records = recordsOf(bytes).slice(1);
    same([...new Set(records.map(({ machine }) => machine))].toSorted(), [...TRACED.keys()].toSorted());
    const { runs, steps, difference, broken } = replayTrace(bytes);
    same([difference, broken, steps], [undefined, undefined, records.length]);
    same(runs, records.filter(({ event }) => event.type === "(start)").length);
    ok(runs > 20 && steps > 100, `${runs} runs, ${steps} steps`);
    const outgoing = records.filter(({ event }) => event.type === "outgoing");
    ok(outgoing.length > 0 && outgoing.every(({ event }) => event.message.length === 0));
    ok(!Buffer.from(bytes).includes(NUMBER.slice(1)));
    same(await replayCommand([file]), 0);
  }));

test("trace: an unlisted machine leaves nothing, a hidden field nothing of its bytes", () =>
  inFolder(async (file) => {
    const secret = utf8("correct horse");
    const attach = { type: "attachReq", body: { ufrag: secret, password: secret, candidates: [{ data: secret }] } };
    const program = Effect.gen(function* () {
      const { saw } = yield* openTrace(file);
      const step = { snapshot: undefined, actions: [{ type: "request", body: attach }] };
      for (const machine of ["reloadPeer", "tlsClient", "enrolClient", "vapServer", "call", "(new)"])
        saw(machine, "", attach, step, 1);
    });
    await Effect.runPromise(Effect.scoped(program));
    const bytes = readFileSync(file);
    same(
      recordsOf(bytes)
        .slice(1)
        .map(({ machine }) => machine),
      ["reloadPeer"],
    );
    ok(!bytes.includes("correct horse"));
  }));

test("trace: one changed order anywhere is found, with its run and step", () =>
  inFolder(async (file) => {
    const records = recordsOf(await oneRun(file, [fired, fired, answered]));
    same(records.length, 5);
    for (let at = 1; at < records.length; at++) {
      const { run } = records[at];
      const changes: ReadonlyArray<(actions: Array<any>) => Array<any>> = [
        (actions) => actions.slice(1),
        (actions) => [...actions, { type: "send" }],
        ([first, ...others]) => [{ ...first, ms: 7 }, ...others],
      ];
      for (const change of changes) {
        const { actions, ...others } = records[at];
        const { difference } = replayTrace(fileOf(records.with(at, { ...others, actions: change(actions) })));
        same([difference?.machine, difference?.run, difference?.step], ["reloadTransaction", run, at - 1]);
      }
    }
    writeFileSync(file, fileOf(records.with(2, { ...records[2], actions: [] })));
    same(await replayCommand([file]), 1);
  }));

test("trace: a file cut anywhere is told with the byte, and what is whole before it is gone through", () =>
  inFolder(async (file) => {
    const whole = await oneRun(file, [fired, answered]);
    const ends = recordsOf(whole).map((_, i, all) => fileOf(all.slice(0, i + 1)).length);
    same(ends.at(-1), whole.length);
    for (let size = 0; size < whole.length; size++) {
      const { steps, broken, difference } = replayTrace(whole.slice(0, size));
      const records = ends.filter((end) => end <= size).length;
      const start = ends[records - 1] ?? 0;
      same([difference, steps], [undefined, Math.max(0, records - 1)]);
      if (size === start && size > 0) same(broken, undefined);
      else same([broken?.at, broken?.isCutOff], [start, records > 0]);
    }
    writeFileSync(file, whole.slice(0, -1));
    same(await replayCommand([file]), 2);
  }));

test("trace: what is no trace is told with the byte, and nothing is gone through", () =>
  inFolder(async (file) => {
    const [header, start, ...others] = recordsOf(await oneRun(file, [answered]));
    const first = traceCbor.encode(header).length;
    const wrongs: ReadonlyArray<readonly [number, Uint8Array]> = [
      [0, utf8("nonsense, and more of it")],
      [0, fileOf([{ ...header, version: 2 }, start])],
      [first, fileOf([header, 7])],
      [first, fileOf([header, { ...start, machine: "nobody" }])],
      [first, fileOf([header, { ...start, machine: "__proto__" }])],
      [first, fileOf([header, ...others])],
      [first, Uint8Array.from([...traceCbor.encode(header), ...Array(50_000).fill(0x81)])],
      [first + traceCbor.encode(start).length, fileOf([header, start, start])],
    ];
    for (const [at, bytes] of wrongs) {
      const { steps, broken } = replayTrace(bytes);
      same([steps, broken?.at], [0, at]);
      writeFileSync(file, bytes);
      same(await replayCommand([file]), 2);
    }
    same(await replayCommand([`${file}.missing`]), 2);
    same(await replayCommand([]), 2);
  }));

test("trace: a full file ends the trace at a whole record with one warning", () =>
  inFolder(async (file) => {
    const { replicas, warnings } = await overlayTraced(file, 20_000);
    same(warnings.length, 1);
    ok(replicas > 0);
    const bytes = new Uint8Array(readFileSync(file));
    ok(bytes.length > 10_000 && bytes.length <= 20_000);
    const { steps, difference, broken } = replayTrace(bytes);
    same([difference, broken, steps], [undefined, undefined, recordsOf(bytes).length - 1]);
  }));

test("trace: a full disk ends the trace with one warning, and the overlay does not notice", async () => {
  if (!existsSync("/dev/full")) return;
  const { replicas, warnings } = await overlayTraced("/dev/full");
  same(warnings.length, 1);
  ok(/ENOSPC|No space left/.test(JSON.stringify(warnings)), JSON.stringify(warnings));
  ok(replicas > 0);
});

test("trace: a file that cannot be opened is told before anything starts", async () => {
  const failed = await Effect.runPromise(Effect.flip(Effect.scoped(openTrace("/nowhere/x.cbor"))));
  same(failed._tag, "TraceFailed");
  ok(failed.why.length > 0);
});
