/** What `vipr calls` is told by a call agent: calls, counts, what could not be read; and no number whole. */
import { ok, deepStrictEqual as same, strictEqual } from "node:assert";
import { Effect, Logger } from "effect";
import fc from "fast-check";
import { type AdminRequest, CALL_ROWS_MAX, type CallsReport, handleCalls } from "../../actors/admin/mod.ts";
import { makeMessageLog, openUnreadableLog, UNREADABLE_NEWEST_MAX } from "../../actors/proxy/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { readDatagram } from "../../codecs/sip/mod.ts";
import { serveAdmin } from "../../runtime/admin.ts";
import { askAdmin } from "../../runtime/admin-client.ts";
import { openAgentAdmin, reportOf } from "../../runtime/cli/agent-admin.ts";
import { callsText } from "../../runtime/cli/calls-text.ts";
import { stopped } from "../../runtime/cli/exit.ts";
import type { Folder } from "../../runtime/cli/folder.ts";
import { readConfig } from "../../runtime/config/mod.ts";
import { runs, test, testEffect } from "../kit/harness.ts";
import { answer, invite, PBX, TRUNK, World } from "../proxy/world.ts";

const reading = readConfig({
  file: "vipr.toml",
  text: '[numbers]\ncountry = "US"\nown = ["+14085550200..+14085550299"]\n[[trunk]]\nname = "one"\n[[trunk]]\nname = "two"\n',
});
ok(reading.type === "read");
const { configuration } = reading;

const counts = {
  calls: 3,
  answered: 1,
  viaVipr: 0,
  failedOver: 0,
  refusedByLimit: 0,
  loops: 0,
  strangers: 0,
  unreadable: 1,
  strayResponses: 0,
};

/** Of a core, as the actor gives it. */
const reportFrom = Effect.fnUntraced(function* (world: World, messages: ReadonlyArray<string> = []) {
  const unreadable = yield* openUnreadableLog;
  for (const text of messages) {
    const found = readDatagram(utf8(text));
    if (found !== undefined && !("type" in found))
      unreadable.note({ transport: "UDP", host: "2001:db8::9", port: 5_060 }, found.error);
  }
  const { calls, transactions } = world.core.size;
  const counters = () => ({ ...counts, fellBack: { refused: 2 }, underWay: calls, transactions, unwritten: 0 });
  const newestCalls = (max: number) => world.core.newestCalls(max);
  return reportOf(configuration, { counters, newestCalls, unreadable }, world.nowMs - 90_000, world.nowMs);
});

const UNREADABLE =
  "INVITE sip:+49305550901@h SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1;49305550901=a;49305550901=b\r\n\r\n";

testEffect(
  "calls under way with trunk, time and masked numbers, newest first; what could not be read with place and reason",
  Effect.gen(function* () {
    const world = new World();
    const out = invite({ callId: "up", branch: "z9hG4bK-up" });
    const sent = world.from(PBX, out).find(({ to }) => to.host === TRUNK.host);
    world.from(TRUNK, answer(sent!.message, 200, { contact: "<sip:t@198.51.100.1>" }));
    world.pass(65_000);
    world.from(PBX, invite({ callId: "rings", branch: "z9hG4bK-rings" }));
    const report = yield* reportFrom(world, [UNREADABLE]);
    strictEqual(report.underWay, 2);
    const [rings, up] = report.calls;
    same(
      [rings, up].map((row) => row && [row.direction, row.state, row.by, row.seconds, row.calling, row.called]),
      [
        ["sent", "ringing", "", 0, null, null],
        ["sent", "up", "one", 65, "+14…01", "+49…01"],
      ],
    );
    same(report.upSeconds, 90);
    same(report.reasons.fellBack, { refused: 2 });
    strictEqual(report.unreadable.length, 1);
    strictEqual(report.unreadable[0]!.from, "udp:[2001:db8::9]:5060");
    same(Object.values(report.reasons.unreadable!), [1]);
    ok(!/\d{5}/.test(JSON.stringify(report).replaceAll("2023-11", "")), JSON.stringify(report));
    const text = callsText(report);
    for (const part of ["agent: 2 calls under way, up 0:01:30", "-> ", "+49…01", "0:01:05", "rings", "refused  2"])
      ok(text.includes(part), `${part} in\n${text}`);
  }),
);

testEffect(
  "there are few rows, however many calls and whatever comes",
  Effect.gen(function* () {
    const world = new World();
    const more = 5;
    for (let i = 0; i < CALL_ROWS_MAX + more; i++)
      world.from(PBX, invite({ callId: `c${i}`, branch: `z9hG4bK-${i}`, from: `<sip:+1408555${1_000 + i}@h>;tag=t` }));
    const report = yield* reportFrom(
      world,
      Array.from({ length: 1_000 }, (_, i) => UNREADABLE.replaceAll("49305550901=", `p${i}x=`)),
    );
    strictEqual(report.calls.length, CALL_ROWS_MAX);
    strictEqual(report.underWay, CALL_ROWS_MAX + more);
    strictEqual(report.unreadable.length, UNREADABLE_NEWEST_MAX);
    ok(Object.keys(report.reasons.unreadable!).length <= 256);
  }),
);

test("a reason shows no digits in a row, whatever the message has in it", () => {
  fc.assert(
    fc.property(fc.string(), fc.bigInt({ min: 10_000n, max: 10n ** 15n }), (text, number) => {
      const log = Effect.runSync(openUnreadableLog);
      log.note(
        { transport: "TCP", host: "192.0.2.1", port: 1 },
        {
          _tag: "SipMalformed",
          at: `${text}${number}`,
          why: `${number}${text}`,
        },
      );
      const [entry] = log.newest();
      ok(!`${entry!.place}${entry!.reason}`.includes(String(number)));
      ok(entry!.place.length <= 120 && entry!.reason.length <= 120);
    }),
    { numRuns: runs },
  );
});

const EMPTY: CallsReport = {
  version: 1,
  program: "agent",
  upSeconds: 1,
  underWay: 0,
  calls: [],
  counters: {},
  reasons: {},
  unreadable: [],
};
const asked: AdminRequest = { method: "GET", path: "/calls.json", host: "127.0.0.1:1", authorization: "", body: "" };

testEffect(
  "the admin port answers this machine's own names, one path and one method",
  Effect.gen(function* () {
    const handle = handleCalls(Effect.succeed(EMPTY));
    const statusOf = (more: Partial<AdminRequest>) => Effect.map(handle({ ...asked, ...more }), ({ status }) => status);
    same(yield* statusOf({}), 200);
    same(yield* statusOf({ host: "evil.example" }), 421);
    same(yield* statusOf({ path: "/ring.json" }), 404);
    same(yield* statusOf({ method: "POST" }), 405);
    same((yield* handle({ ...asked, method: "POST" })).allow, "GET");
    const at = yield* serveAdmin({ host: "127.0.0.1", port: 0 }, handle);
    const { status, body } = yield* askAdmin(at, "/calls.json");
    same([status, body], [200, EMPTY]);
  }).pipe(Effect.scoped),
);

testEffect(
  "a full disk takes the report away, and not the agent; a port that is taken is told",
  Effect.gen(function* () {
    const unreadable = yield* openUnreadableLog;
    const proxy = {
      listening: [],
      counters: () => ({ ...counts, fellBack: {}, underWay: 0, transactions: 0, unwritten: 0 }),
      newestCalls: () => [],
      unreadable,
      messages: makeMessageLog(() => 0),
      placeOf: () => ({ side: "stranger" as const, name: "" }),
    };
    const full = { path: "", write: () => Effect.fail(stopped("diskFull", "the disk is full")) };
    const folder = { ...full, remove: () => Effect.void } as unknown as Folder;
    strictEqual(yield* openAgentAdmin(folder, () => configuration, proxy), "admin    not served: the disk is full");
    const taken = yield* serveAdmin({ host: "127.0.0.1", port: 0 }, handleCalls(Effect.succeed(EMPTY)));
    const config = { ...configuration.config, agent: { ...configuration.config.agent, admin: taken } };
    const failed = yield* Effect.flip(openAgentAdmin(folder, () => ({ ...configuration, config }), proxy));
    strictEqual(failed.code, 5);
  }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
);
