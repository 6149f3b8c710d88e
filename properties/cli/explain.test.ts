/** `vipr explain` as an operator runs it: a process that asks a server's admin port, with the token of its directory. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect, Logger } from "effect";
import { type AdminAnswer, type AdminRequest, handleAdmin } from "../../actors/admin/mod.ts";
import { openAuditLog } from "../../actors/vipr/audit-log.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { e164, nodeIdFrom, ntpMs, orderSeal, unixMs, unixMsOf, vserviceId } from "../../codecs/shared/mod.ts";
import { callStore } from "../../machines/validation/mod.ts";
import {
  auditTable,
  type ClaimSum,
  claimName,
  currentReport,
  logOf,
  record,
  type ViprEvent,
} from "../../machines/vipr/mod.ts";
import { serveAdmin } from "../../runtime/admin.ts";
import { newToken, writeDoor } from "../../runtime/cli/door.ts";
import { type Folder, openFolder, STORE_FILE } from "../../runtime/cli/folder.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { test } from "../kit/harness.ts";
import { vipr, withFolder } from "./processes.ts";

const NUMBER = e164("+14085555432");
const call = { startMs: ntpMs(3_976_214_403_000), stopMs: ntpMs(3_976_214_500_000) };

test("explain: a running server tells a number's story to whoever may read its directory; unknown, wrong and away are told", () =>
  withFolder(async (path) => {
    const told = auditTable(12);
    const waiting = [{ call, dueMs: 1e13, worthBits: 9 }];
    record(
      told,
      { type: "vcr", direction: "sent", number: NUMBER, call, hasCaller: true, dueMs: 1e13, worthBits: 9 },
      0,
    );
    const away = await vipr(["explain", NUMBER, "--data", path]);
    same([away.code, away.out], [3, ""]);
    same(existsSync(join(path, STORE_FILE)), false); // nothing is made by asking
    await Effect.runPromise(
      Effect.gen(function* () {
        const token = newToken();
        const stands = { isPublished: false, waiting, proved: () => ({ bits: 0, calls: 0 }) };
        const explain = (number: string) =>
          Effect.sync(() =>
            number === NUMBER ? currentReport(logOf(told, e164(number)), e164(number), 12, stands) : undefined,
          );
        const times = { startedMs: 0, certificateEndsMs: 0 };
        // No node is asked by this order.
        const answer = handleAdmin({ node: undefined as never, token, times, explain });
        const at = yield* serveAdmin({ host: "127.0.0.1", port: 0 }, answer);
        yield* writeDoor(yield* openFolder(path), { ...at, token });
        yield* Effect.promise(async () => {
          const asked = (...more: ReadonlyArray<string>) => vipr(["explain", ...more, "--data", path]);
          const [text, json, unknown, wrong] = await Promise.all([
            asked("0014085555432"),
            asked(NUMBER, "--json"),
            asked(e164("+49301234567")),
            asked("nobody"),
          ]);
          same([text.code, text.err], [0, ""]);
          ok(text.out.includes("No route yet: no call has been looked at."), text.out);
          const { number, source, story } = JSON.parse(json.out);
          same([number, source, story.sent], [NUMBER, "server", 1]);
          same([unknown.code, unknown.out.includes("Nothing is known of it here.")], [1, true]);
          same([wrong.code, wrong.out], [2, ""]);
          ok(wrong.err.includes('"nobody" is no telephone number'), wrong.err);
        });
        yield* writeDoor(yield* openFolder(path), { ...at, token: "another's" });
        const stranger = yield* Effect.promise(() => vipr(["explain", NUMBER, "--data", path]));
        same([stranger.code, stranger.out], [3, ""]);
        ok(
          /whoever answers at .* is not the server of .*; and there is no values.sqlite/.test(stranger.err),
          stranger.err,
        );
        const unasked = yield* answer({
          method: "POST",
          path: "/explain",
          host: "127.0.0.1",
          authorization: "Bearer guess",
          body: JSON.stringify({ number: NUMBER }),
        });
        same(unasked.status, 401);
        // A seal is good for its own order.
        const body = JSON.stringify({ number: NUMBER });
        const asked = { method: "POST", path: "/explain", host: "127.0.0.1", body };
        const authorization = orderSeal(token, "0".repeat(32), "/explain", body);
        same((yield* answer({ ...asked, authorization })).status, 200);
        same((yield* answer({ ...asked, authorization: `Bearer ${token}` })).seal, undefined);
        for (const other of [{ path: "/find" }, { body: JSON.stringify({ number: e164("+49301234567") }) }])
          same((yield* answer({ ...asked, authorization, ...other })).status, 401);
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    );
  }));

const claim = { nodeId: nodeIdFrom(2n ** 127n), vservice: vserviceId(7n) };
const heard = (nowMs: number): ReadonlyArray<ViprEvent> => [
  { type: "vcr", direction: "sent", number: NUMBER, call, hasCaller: true, dueMs: nowMs, worthBits: 9.5 },
  { type: "lookedUp", number: NUMBER, call, claims: 1, claimants: [claim] },
  {
    type: "attempted",
    number: NUMBER,
    by: vserviceId(3n),
    call,
    attempt: {
      ...claim,
      method: "A",
      verdict: "validated",
      bits: 7.5,
      info: { number: NUMBER, ticket: "", routes: [] },
    },
    tries: 2,
  },
  { type: "proved", number: NUMBER, by: vserviceId(3n), claim, bits: 7.5, calls: 1, required: 12 },
];
/** A server's directory as it lies there when the server has gone: one call proved, and one that waits. */
const leave = Effect.fnUntraced(function* (path: string, nowMs: number) {
  const folder = yield* openFolder(path);
  const store = yield* openSqlite({ file: folder.at(STORE_FILE) });
  const told = yield* openAuditLog({ store, requiredBits: 12 });
  for (const event of heard(nowMs)) told.record(event, nowMs);
  const records = yield* openRecords(store, callStore([nodeIdFrom(1n)]));
  const name = claimName({
    by: vserviceId(3n),
    number: NUMBER,
    nodeId: claim.nodeId.toString(16),
    vservice: vserviceId(7n),
  });
  const unixCall = { startMs: unixMsOf(call.startMs), stopMs: unixMsOf(call.stopMs) };
  yield* records.proved({ claim: name, call: unixCall, bits: 7.5, atMs: unixMs(nowMs) });
  const vcr = { direction: "sent", called: NUMBER, calling: undefined, vservice: vserviceId(3n) } as const;
  yield* records.sent({ vcr: { ...vcr, ...unixCall }, dueMs: unixMs(nowMs + 3_600_000) });
});

/** Another program has the port of a server that was killed: whatever it answers, the store is read, and it learns no token. */
const strangersAt = Effect.fnUntraced(function* (folder: Folder, ask: () => ReturnType<typeof vipr>) {
  const [token, forged] = [newToken(), { story: { number: NUMBER, sent: 99 } }];
  const heard: Array<AdminRequest> = [];
  const answers: Array<(request: AdminRequest) => AdminAnswer> = [
    () => ({ status: 200, body: forged }),
    () => ({ status: 404, body: { error: "nothing here" } }),
    ({ authorization }) => ({ status: 200, body: forged, seal: authorization.slice(-64) }),
  ];
  for (const answer of answers) {
    const handle = (request: AdminRequest) =>
      Effect.sync(() => {
        heard.push(request);
        return answer(request);
      });
    yield* writeDoor(folder, { ...(yield* serveAdmin({ host: "127.0.0.1", port: 0 }, handle)), token });
    const { code, out, err } = yield* Effect.promise(ask);
    same([code, JSON.parse(out).source, err], [0, "store", ""]);
  }
  same(heard.length, answers.length);
  ok(!JSON.stringify(heard).includes(token));
  yield* writeDoor(folder, { host: "127.0.0.1", port: 1, token: "t" });
});

test("explain: where no server runs its store is read and that is said; a server without a port has it, and that is told", () =>
  withFolder(async (path) => {
    const nowMs = Date.now();
    const run = <A, E>(work: Effect.Effect<A, E, any>) =>
      Effect.runPromise(Effect.scoped(Effect.provide(work, Logger.layer([]))) as Effect.Effect<A, E>);
    const folder = await run(openFolder(path));
    await run(leave(path, nowMs));
    // Left behind by a kill: nobody is at that port.
    await run(writeDoor(folder, { host: "127.0.0.1", port: 1, token: "t" }));
    const asked = (...more: ReadonlyArray<string>) => vipr(["explain", ...more, "--data", path]);
    await run(strangersAt(folder, () => asked(NUMBER, "--json")));
    const [text, json, unknown] = await Promise.all([
      asked(NUMBER),
      asked(NUMBER, "--json"),
      asked(e164("+49301234567")),
    ]);
    ok(text.out.startsWith(`No server runs in ${path}: this is what its store tells.\n\n${NUMBER}\n`), text.out);
    for (const line of [
      /the call of 2026-01-01 .* waits: due .*, in (60|59) min, worth at most \d+\.\d bits/,
      /called it: .*, 97 s; to be validated .*, worth at most 9\.5 bits/,
      /80000000…\/7 by A, asked of the call of .*: validated, 7\.5 bits/,
      /7\.5 bits of 12 by 1 call in a row, 4\.5 bits missing/,
      /only guessed came so far: at most 1 in 45/,
      /No route yet: 4\.5 bits are missing, one more call of some .* The next call is looked at /,
    ])
      ok(line.test(text.out), `${line}\n${text.out}`);
    same([text.code, text.err], [0, ""]);
    const { source, story } = JSON.parse(json.out);
    same([json.code, source, story.facts.length, story.waiting.length], [0, "store", 4, 1]);
    same(
      story.claims.map(({ bits, calls }: ClaimSum) => [bits, calls]),
      [[7.5, 1]],
    );
    same([unknown.code, unknown.out.includes("Nothing is known of it here.")], [1, true]);

    await run(
      Effect.gen(function* () {
        yield* openSqlite({ file: folder.at(STORE_FILE) });
        const held = yield* Effect.promise(() => asked(NUMBER));
        same([held.code, held.out], [6, ""]);
        ok(held.err.includes("no admin port to be asked at (--admin none)"), held.err);
      }),
    );
    writeFileSync(folder.at(STORE_FILE), "not a database, and longer than its header is: ".repeat(20));
    const damaged = await asked(NUMBER);
    same([damaged.code, damaged.out], [9, ""]);
  }));
