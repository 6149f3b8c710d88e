/** Call agent and border element are two programs: calls are moved as in one. docs/protocol/media.md#two-programs */
import { ok, deepStrictEqual as same } from "node:assert";
import { Deferred, Effect, Exit, Layer, Logger, Schedule, Scope } from "effect";
import fc from "fast-check";
import { lineReader, printLine, readOrder, readReport } from "../../actors/media/control-lines.ts";
import { openMediaControl, serveMediaControl } from "../../actors/media/mod.ts";
import { Dialer } from "../../actors/ports/mod.ts";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import { headerOf, parseSdp, printSdp } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { runs, test } from "../kit/harness.ts";
import { lawsOn } from "../kit/law.ts";
import { audio } from "../media/ends.ts";
import { call, companies } from "./world.ts";

const law = lawsOn("two programs", () => memoryLayer({ seed: 4 }), runVirtual);
const apart = () => companies({ isApart: true }, { isApart: true });
const AT = { host: "127.0.0.1", port: 900, token: "word" };
const sdpOf = (port: number) => audio(port, "RTP/AVP");

for (const deaf of [["a", "b"], ["a"], ["b"]] as const)
  law(
    `${deaf.join(" and ")} hear nothing: the call goes on over the trunk, both ways, until a telephone hangs up`,
    Effect.gen(function* () {
      const world = yield* apart();
      const one = yield* call(world);
      yield* one.talk(2);
      for (const name of deaf) world[name].cut.isCut = true;
      yield* one.talk(40);
      same([world.a.fallback.counts(), world.b.fallback.counts()], [{ "caller moved": 1 }, { "callee moved": 1 }]);
      const { a, b } = yield* one.heard(2);
      ok(a >= 18 && b >= 18, `${a}, ${b}`);
      const { heard } = yield* one.hangUp("b");
      same(headerOf(heard, "Call-ID"), "call-1");
      yield* Effect.sleep(5_000);
      same([world.a.records.length, world.b.records.length], [1, 1]);
      same([yield* world.a.relay.calls, yield* world.b.relay.calls], [[], []]);
    }),
  );

law(
  "a call with good sound is moved by nobody",
  Effect.gen(function* () {
    const { a, b } = yield* apart();
    const one = yield* call({ a, b });
    yield* one.talk(40);
    same([a.fallback.counts(), b.fallback.counts()], [{}, {}]);
  }),
);

const texts = fc.string({ unit: "binary", maxLength: 40 });
const dialogs = fc.record({ callId: texts, from: texts }, { noNullPrototype: true });
const one = <T extends string>(type: T, more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ type: fc.constant(type), ...more }, { noNullPrototype: true });
const [id, name, ms] = [fc.integer(), texts, fc.double({ noNaN: true, noDefaultInfinity: true })];
const orders = fc.oneof(
  one("token", { token: texts }),
  one("offer", { id, call: name }),
  one("settle", { id, call: name, sdp: texts }),
  one("move", { call: name }),
  one("tell", { call: name }),
);
const reports = fc.oneof(
  one("welcome"),
  one("described", { id, sdp: texts }),
  one("refused", { id, reason: fc.constantFrom("noCodec", "unavailable", "limit"), why: texts }),
  one("trouble", { call: name, dialog: dialogs, why: fc.constantFrom("silence", "loss", "reportedLoss", "noticed") }),
  one("quiet", {
    calls: fc.array(fc.record({ call: name, dialog: dialogs, ms }, { noNullPrototype: true }), { maxLength: 4 }),
  }),
);

// docs/protocol/media.md
test("two programs: orders and reports are read as they were written, however their stream is cut", () =>
  fc.assert(
    fc.property(fc.array(fc.oneof(orders, reports), { maxLength: 6 }), fc.array(fc.nat(200)), (all, cuts) => {
      const bytes = concat(...all.map((what) => printLine(what as Parameters<typeof printLine>[0])));
      const read = lineReader();
      const lines: Array<string> = [];
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        lines.push(...read(bytes.subarray(from, from + cut))!);
        from = Math.min(bytes.length, from + cut);
      }
      // JSON knows one zero.
      same(
        lines.map((line) => readOrder(line) ?? readReport(line)),
        all.map((what) => JSON.parse(JSON.stringify(what))),
      );
    }),
    { numRuns: runs },
  ));

test("two programs: whatever a line holds, it is an order, a report or none", () =>
  fc.assert(
    fc.property(fc.oneof(texts, fc.json()), (line) => {
      for (const found of [readOrder(line), readReport(line)])
        ok(found === undefined || typeof found.type === "string");
    }),
    { numRuns: runs },
  ));

/** A relay that is a list of what it was asked. */
const relay = (asked: Array<string>, more: Partial<typeof AT> = {}) => {
  const noting = <A>(what: string, given: A): A => {
    asked.push(what);
    return given;
  };
  return serveMediaControl({
    ...AT,
    ...more,
    moves: () => ({
      offer: (call) => Effect.sync(() => noting(`offer ${call}`, sdpOf(4_000))),
      settle: (call, sdp) => Effect.sync(() => noting(`settle ${call} ${sdp.media[0]?.port}`, sdp)),
      move: (call) => noting(`move ${call}`, true),
      tell: (call) => noting(`tell ${call}`, undefined),
      silence: () => undefined,
      quiet: () => [{ call: "m1", dialog: { callId: "c", from: "f" }, ms: 7_000 }],
    }),
  });
};

law(
  "what is asked, told and quiet arrives as it was said",
  Effect.gen(function* () {
    const [asked, troubles]: [Array<string>, Array<unknown>] = [[], []];
    const { troubled } = yield* relay(asked);
    const moves = yield* openMediaControl({ ...AT, troubled: (trouble) => void troubles.push(trouble) });
    same(moves.silence({ callId: "c", from: "f" }), undefined);
    yield* Effect.sleep(1_500);
    same(printSdp(yield* moves.offer("m1")), printSdp(sdpOf(4_000)));
    const theirs = parseSdp(printSdp(sdpOf(4_002)));
    ok(theirs.ok);
    same(yield* moves.settle("m1", theirs.value), theirs.value);
    moves.tell("m1");
    moves.move("m1");
    const trouble = { call: "m2", dialog: { callId: "d", from: "g" }, why: "silence" } as const;
    troubled(trouble);
    troubled({ ...trouble, dialog: undefined });
    yield* Effect.sleep(100);
    same(asked, ["offer m1", "settle m1 4002", "tell m1", "move m1"]);
    same(troubles, [trouble]);
    const silence = moves.silence({ callId: "c", from: "f" });
    ok(silence?.media === "m1" && silence.ms >= 7_000 && silence.ms < 9_000, JSON.stringify(silence));
    same(moves.silence({ callId: "d", from: "g" }), { media: "m2", ms: 0 });
    same(moves.silence({ callId: "e", from: "g" }), undefined);
  }),
);

test("two programs: over TCP as well", () =>
  Effect.gen(function* () {
    const [asked, welcome]: [Array<string>, Array<unknown>] = [[], []];
    const { listening, troubled } = yield* relay(asked, { port: 0 });
    const trouble = { call: "m2", dialog: { callId: "d", from: "g" }, why: "loss" } as const;
    const told = yield* Deferred.make<void>();
    const moves = yield* openMediaControl({
      ...AT,
      ...listening,
      troubled: (found) => {
        welcome.push(found);
        Deferred.doneUnsafe(told, Effect.void);
      },
    });
    const offered = yield* Effect.retry(moves.offer("m1"), Schedule.spaced(20));
    same(printSdp(offered), printSdp(sdpOf(4_000)));
    troubled(trouble);
    yield* Deferred.await(told);
    same([asked, welcome], [["offer m1"], [trouble]]);
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([]))), Effect.runPromise));

law(
  "a relay that is away refuses at once, and is found again",
  Effect.gen(function* () {
    const asked: Array<string> = [];
    const moves = yield* openMediaControl({ ...AT, troubled: () => {} });
    const refusal = Effect.flip(moves.offer("m1")).pipe(Effect.map(({ reason }) => reason));
    same(yield* refusal, "unavailable");
    const first = yield* Scope.make();
    yield* Scope.provide(relay(asked), first);
    yield* Effect.sleep(20_000);
    yield* moves.offer("m1");
    ok(moves.silence({ callId: "c", from: "f" }) !== undefined);
    yield* Scope.close(first, Exit.void);
    yield* Effect.sleep(1_000);
    same(yield* refusal, "unavailable");
    same(moves.silence({ callId: "c", from: "f" }), undefined);
    yield* relay(asked);
    yield* Effect.sleep(20_000);
    yield* moves.offer("m2");
    same(asked, ["offer m1", "offer m2"]);
  }),
);

law(
  "who has another token, none, or says what is no order, moves nothing and is told nothing",
  Effect.gen(function* () {
    const asked: Array<string> = [];
    const { troubled } = yield* relay(asked);
    const heard: Array<unknown> = [];
    const moves = yield* openMediaControl({ ...AT, token: "worse", troubled: (trouble) => void heard.push(trouble) });
    const dialer = yield* Dialer;
    const move = `{"type":"move","call":"m1"}\n`;
    const word = `{"type":"token","token":"word"}\n`;
    const trouble = { call: "m1", dialog: { callId: "c", from: "f" }, why: "loss" } as const;
    const long = "x".repeat(70_000);
    for (const text of [move, `${word}{"type":"move"}\n${move}`, `${word}[]\n`, long, `${word}${long}`, ""]) {
      const stream = yield* dialer.dial(AT);
      if (text !== "") yield* stream.write(utf8(text));
      yield* Effect.sleep(0);
      if (text === "") troubled(trouble);
      const told: Array<string> = [];
      const listening = Effect.map(stream.read, (bytes) => void told.push(new TextDecoder().decode(bytes)));
      same((yield* Effect.flip(Effect.forever(listening)))._tag, "StreamClosed");
      ok(!told.join("").includes("trouble"), told.join(""));
    }
    troubled(trouble);
    same((yield* Effect.flip(moves.offer("m1"))).reason, "unavailable");
    yield* Effect.sleep(2_000);
    same([asked, heard], [[], []]);
  }),
);
