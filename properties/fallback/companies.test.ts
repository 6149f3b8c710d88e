/** Two companies, and a call whose sound on the Internet stops: it goes on over the telephone network. docs/protocol/media.md#fallback */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { headerOf } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { lawsOn } from "../kit/law.ts";
import { audio, openEnd } from "../media/ends.ts";
import { openPhone } from "../proxy/phone.ts";
import { answer, type invite, within } from "../proxy/world.ts";
import {
  awaited,
  CALLED,
  CALLER,
  type Company,
  call,
  clear,
  companies,
  described,
  intrusion,
  isQuiet,
  ringing,
  toAgentOf,
} from "./world.ts";

const law = lawsOn("fallback", () => memoryLayer({ seed: 3 }), runVirtual);
const both = (heard: { readonly a: number; readonly b: number }, packets = 18) =>
  ok(heard.a >= packets && heard.b >= packets, JSON.stringify(heard));

law(
  "sound that stops both ways goes on over the trunk, both ways, and no telephone is asked anything",
  Effect.gen(function* () {
    const { a, b } = yield* companies();
    const one = yield* call({ a, b });
    both(yield* one.heard(2));
    a.cut.isCut = true;
    b.cut.isCut = true;
    yield* one.talk(40);
    same([a.fallback.counts(), b.fallback.counts()], [{ "caller moved": 1 }, { "callee moved": 1 }]);
    both(yield* one.heard(2));
    ok((yield* isQuiet(a.phone)) && (yield* isQuiet(b.phone)));
    const [moved] = yield* a.relay.calls;
    same(moved!.isMoved, true);
    yield* one.hold();
    same(yield* one.heard(1), { a: 10, b: 10 });
    yield* one.hold("sendrecv");
    both(yield* one.heard(2));
    const { told } = yield* one.hangUp("a");
    same(told.status, 200);
    yield* Effect.sleep(5_000);
    same([a.records.length, b.records.length], [1, 1]);
    ok(a.records[0]!.requestUri.includes(CALLED));
    same([a.agent.counters().underWay, b.agent.counters().underWay], [0, 0]);
    same([yield* a.relay.calls, yield* b.relay.calls], [[], []]);
  }),
);

for (const deaf of ["a", "b"] as const)
  law(
    `when ${deaf} alone hears nothing it tells the other side, and the call is moved`,
    Effect.gen(function* () {
      const world = yield* companies();
      const one = yield* call(world);
      yield* one.talk(2);
      world[deaf].cut.isCut = true;
      yield* one.talk(35);
      same([world.a.fallback.counts(), world.b.fallback.counts()], [{ "caller moved": 1 }, { "callee moved": 1 }]);
      both(yield* one.heard(2));
      // The telephones have not heard what the relays told each other.
      ok(one.anna.came.concat(one.ben.came).every(({ bytes }) => bytes[1]! < 192 || bytes[1]! > 223));
    }),
  );

law(
  "the called telephone hangs up: both calls are over",
  Effect.gen(function* () {
    const { a, b } = yield* companies();
    const one = yield* call({ a, b });
    yield* one.talk(1);
    a.cut.isCut = true;
    yield* one.talk(35);
    const { heard } = yield* one.hangUp("b");
    same(headerOf(heard, "Call-ID"), "call-1");
    yield* Effect.sleep(5_000);
    same([a.records.length, b.records.length], [1, 1]);
    same([a.agent.counters().underWay, b.agent.counters().underWay], [0, 0]);
  }),
);

law(
  "good sound, and silence on hold, move nothing",
  Effect.gen(function* () {
    const { a, b } = yield* companies();
    const one = yield* call({ a, b });
    yield* one.talk(40);
    yield* one.hold();
    yield* Effect.sleep(90_000);
    same([a.fallback.counts(), b.fallback.counts()], [{}, {}]);
    same([a.records, b.records], [[], []]);
  }),
);

law(
  "who never answers over the telephone network is cancelled, and the call stays as it is, for good",
  Effect.gen(function* () {
    const { a, b, rings, heard, hangUp } = yield* ringing();
    ok(headerOf(rings, "From")!.includes(CALLER));
    yield* b.phone.send(answer(rings, 180), toAgentOf(b));
    const cancel = yield* awaited(b.phone, "CANCEL");
    yield* b.phone.send(answer(cancel, 200), toAgentOf(b));
    yield* b.phone.send(answer(rings, 487), toAgentOf(b));
    yield* awaited(b.phone, "ACK");
    same(a.fallback.counts(), { "caller noAnswer": 1 });
    yield* Effect.sleep(60_000);
    ok((yield* isQuiet(a.phone)) && (yield* isQuiet(b.phone)));
    a.cut.isCut = false;
    b.cut.isCut = false;
    both(yield* heard(2));
    same((yield* hangUp("a")).told.status, 200);
    yield* Effect.sleep(2_000);
    same([a.records, a.agent.counters().underWay], [[], 0]);
  }),
);

law(
  "who is busy over the telephone network leaves the call as it is, and is called no second time",
  Effect.gen(function* () {
    const { a, b, rings, talk } = yield* ringing();
    yield* b.phone.send(answer(rings, 486), toAgentOf(b));
    yield* awaited(b.phone, "ACK");
    yield* talk(60);
    same(a.fallback.counts(), { "caller refused": 1 });
    ok((yield* isQuiet(a.phone)) && (yield* isQuiet(b.phone)));
  }),
);

law(
  "a caller who hangs up while the call is being moved has it cancelled",
  Effect.gen(function* () {
    const { a, b, rings, hangUp } = yield* ringing();
    yield* b.phone.send(answer(rings, 180), toAgentOf(b));
    const { told } = yield* hangUp("a");
    same(told.status, 200);
    yield* awaited(b.phone, "CANCEL");
    // The answer crosses it.
    yield* b.phone.send(answer(rings, 200, { tag: "late", contact: b.phone.contact, ...clear(4_000) }), toAgentOf(b));
    yield* awaited(b.phone, "ACK");
    const bye = yield* awaited(b.phone, "BYE");
    yield* b.phone.send(answer(bye, 200), toAgentOf(b));
    yield* Effect.sleep(40_000);
    same([a.fallback.counts(), a.agent.counters().underWay], [{}, 0]);
  }),
);

law(
  "an answer without a codec that the telephone has, or without sound, is hung up, and the call stays",
  Effect.gen(function* () {
    const { a, b, rings } = yield* ringing();
    yield* b.phone.send(answer(rings, 200, { tag: "x", contact: b.phone.contact, ...clear(4_000, "9") }), toAgentOf(b));
    yield* awaited(b.phone, "ACK");
    yield* awaited(b.phone, "BYE");
    same(a.fallback.counts(), { "caller media": 1 });
    ok(yield* isQuiet(a.phone));
  }),
);

law(
  "BYE of the telephone network ends the call of the telephones, at both ends",
  Effect.gen(function* () {
    const { a, b, rings, talk } = yield* ringing();
    const far = yield* openEnd();
    const taken = answer(rings, 200, { tag: "taken", contact: b.phone.contact, ...clear(far.port) });
    yield* b.phone.send(taken, toAgentOf(b));
    yield* awaited(b.phone, "ACK");
    yield* talk(1);
    ok(far.came.length > 8, String(far.came.length));
    yield* b.phone.send(within("BYE", rings, taken, { isBack: true, via: b.phone.via }), toAgentOf(b));
    const [toAnna, toBen] = [yield* awaited(a.phone, "BYE", "call-1"), yield* awaited(b.phone, "BYE", "call-1")];
    // Later than any request of the telephones themselves.
    same(
      [toAnna, toBen].map((bye) => headerOf(bye, "CSeq")),
      ["2147483647 BYE", "2147483647 BYE"],
    );
    yield* a.phone.send(answer(toAnna, 200), a.to);
    yield* b.phone.send(answer(toBen, 200), toAgentOf(b));
    yield* Effect.sleep(40_000);
    same([a.agent.counters().underWay, b.agent.counters().underWay], [0, 0]);
    same([yield* a.relay.calls, yield* b.relay.calls], [[], []]);
    same(a.records.length, 1);
  }),
);

law(
  "a caller who is withheld, or whom the trunk would show otherwise, is called for by nobody",
  Effect.gen(function* () {
    for (const [callId, words] of [
      ["anonymous", { from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=x' }],
      ["private", { lines: ["Privacy: id"] }],
      ["main", { lines: ["P-Asserted-Identity: <sip:+14085550200@127.0.0.1>"] }],
      ["extension", { from: "<sip:201@127.0.0.1>;tag=y" }],
    ] as const)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { a, b } = yield* companies();
          const one = yield* call({ a, b }, { callId, ...words });
          yield* one.talk(1);
          a.cut.isCut = true;
          yield* one.talk(30);
          same(a.fallback.counts(), { "caller withheld": 1 }, callId);
        }),
      );
  }),
);

/** Somebody calls by the trunk, with whatever caller. */
const intruded = Effect.fn(function* (b: Company, words: Parameters<typeof invite>[0] = {}) {
  const mallory = yield* openPhone("127.0.0.1");
  const end = yield* openEnd();
  const out = intrusion(b, mallory, { ...described(audio(end.port, "RTP/AVP")), ...words });
  const to = { host: "127.0.0.1", port: b.ports.agentTrunk };
  yield* mallory.send(out, to);
  return { mallory, end, out, to };
});

law(
  "attack: a forged caller takes over no call whose sound is good; it rings as any other",
  Effect.gen(function* () {
    const { a, b } = yield* companies();
    const one = yield* call({ a, b });
    yield* one.talk(10);
    yield* intruded(b);
    const rings = yield* b.phone.request;
    same([rings.method, headerOf(rings, "Call-ID")], ["INVITE", "mallory"]);
    both(yield* one.heard(2));
    same([a.fallback.counts(), b.fallback.counts()], [{}, {}]);
  }),
);

law(
  "attack: while the sound is bad, another caller, one who is withheld, or another number continues no call",
  Effect.gen(function* () {
    const { a, b } = yield* companies({ hasFallback: false });
    const one = yield* call({ a, b });
    yield* one.talk(1);
    b.cut.isCut = true;
    yield* one.talk(27);
    for (const [callId, words] of [
      ["other", { from: "<sip:+14085550202@127.0.0.1>;tag=m" }],
      ["withheld", { from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=m' }],
      ["number", { uri: "sip:+49305550902@127.0.0.1" }],
      ["required", { lines: ["Require: foo"] }],
    ] as const) {
      yield* intruded(b, { callId, branch: `z9hG4bK-${callId}`, ...words });
      const rings = yield* awaited(b.phone, "INVITE", callId);
      yield* b.phone.send(answer(rings, 486), toAgentOf(b));
    }
    same(b.fallback.counts(), {});
    // What would continue it is taken, once; the next one rings.
    const { mallory, out, to } = yield* intruded(b, { callId: "forged", branch: "z9hG4bK-forged" });
    const taken = yield* mallory.response;
    same(taken.status, 200);
    yield* mallory.send(within("ACK", out, taken, { via: mallory.via }), to);
    yield* Effect.sleep(1_000);
    same(b.fallback.counts(), { "callee moved": 1 });
    yield* intruded(b, { callId: "second", branch: "z9hG4bK-second" });
    yield* awaited(b.phone, "INVITE", "second");
  }),
);

law(
  "a call that was taken over the trunk, and not acknowledged, is hung up, and the call stays",
  Effect.gen(function* () {
    const { a, b } = yield* companies({ hasFallback: false });
    const one = yield* call({ a, b });
    b.cut.isCut = true;
    yield* one.talk(27);
    const { mallory } = yield* intruded(b);
    same((yield* mallory.response).status, 200);
    yield* Effect.sleep(33_000);
    same((yield* mallory.request).method, "BYE");
    same(b.fallback.counts(), { "callee noAck": 1 });
    b.cut.isCut = false;
    both(yield* one.heard(2));
  }),
);

law(
  "sound that was bad once and is good again is taken over by nobody, a minute later",
  Effect.gen(function* () {
    const { a, b } = yield* companies({ hasFallback: false });
    const one = yield* call({ a, b });
    b.cut.isCut = true;
    yield* one.talk(27);
    b.cut.isCut = false;
    yield* one.talk(75);
    yield* intruded(b);
    same(headerOf(yield* b.phone.request, "Call-ID"), "mallory");
    same(b.fallback.counts(), {});
  }),
);

law(
  "a call of the trunk that comes before our own hold-down is over continues the call, once its sound has stopped",
  Effect.gen(function* () {
    const { a, b } = yield* companies({ hasFallback: false });
    const one = yield* call({ a, b });
    yield* one.talk(2);
    b.cut.isCut = true;
    yield* one.talk(8);
    yield* intruded(b, { callId: "early", branch: "z9hG4bK-early" });
    const rings = yield* awaited(b.phone, "INVITE", "early");
    yield* b.phone.send(answer(rings, 486), toAgentOf(b));
    yield* one.talk(4);
    const { mallory } = yield* intruded(b);
    same((yield* mallory.response).status, 200);
  }),
);

law(
  "attack: a call on hold is silent, and is continued by no call of the trunk",
  Effect.gen(function* () {
    const { a, b } = yield* companies({ hasFallback: false });
    const one = yield* call({ a, b });
    yield* one.talk(2);
    yield* one.hold();
    yield* Effect.sleep(60_000);
    yield* intruded(b);
    yield* awaited(b.phone, "INVITE", "mallory");
    same(b.fallback.counts(), {});
  }),
);
