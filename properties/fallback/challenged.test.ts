/** A call is moved by a trunk that asks who we are. RFC 3261 §22; docs/protocol/media.md#fallback */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { headerOf, type SipRequest } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { lawsOn } from "../kit/law.ts";
import { openEnd } from "../media/ends.ts";
import { answer } from "../proxy/world.ts";
import { awaited, clear, isQuiet, ringing, toAgentOf } from "./world.ts";

const law = lawsOn("challenged", () => memoryLayer({ seed: 5 }), runVirtual);
const OURS = { realm: "carrier.example", user: "acme", password: "correct horse" };
const asks = (nonce: string, realm = OURS.realm) => [
  `Proxy-Authenticate: Digest realm="${realm}", nonce="${nonce}", qop="auth"`,
];
const nonceIn = (request: SipRequest) => /nonce="([^"]*)"/.exec(headerOf(request, "Proxy-Authorization") ?? "")?.[1];
const countIn = (request: SipRequest) => /nc=([0-9a-f]{8})/.exec(headerOf(request, "Proxy-Authorization") ?? "")?.[1];

law(
  "INVITE and BYE go out again with credentials, and what follows brings them along",
  Effect.gen(function* () {
    const { a, b, rings, talk, hangUp } = yield* ringing("call-1", { asWhom: [OURS] });
    const to = toAgentOf(b);
    same([headerOf(rings, "CSeq"), nonceIn(rings)], ["1 INVITE", undefined]);
    yield* b.phone.send(answer(rings, 407, { tag: "asks", contact: "", lines: asks("one") }), to);
    const again = yield* awaited(b.phone, "INVITE", headerOf(rings, "Call-ID"));
    same([headerOf(again, "CSeq"), nonceIn(again), countIn(again)], ["2 INVITE", "one", "00000001"]);
    same([again.uri, headerOf(again, "From")], [rings.uri, headerOf(rings, "From")]);
    // It had grown old.
    yield* b.phone.send(answer(again, 407, { tag: "old", contact: "", lines: asks("two") }), to);
    const third = yield* awaited(b.phone, "INVITE", headerOf(rings, "Call-ID"));
    same([headerOf(third, "CSeq"), nonceIn(third)], ["3 INVITE", "two"]);
    const far = yield* openEnd();
    yield* b.phone.send(answer(third, 200, { tag: "taken", contact: b.phone.contact, ...clear(far.port) }), to);
    same(headerOf(yield* awaited(b.phone, "ACK", headerOf(rings, "Call-ID")), "CSeq"), "3 ACK");
    yield* talk(1);
    ok(far.came.length > 8, String(far.came.length));
    same(a.fallback.counts(), { "caller moved": 1 });
    yield* hangUp("a");
    const bye = yield* awaited(b.phone, "BYE", headerOf(rings, "Call-ID"));
    same([headerOf(bye, "CSeq"), nonceIn(bye), countIn(bye)], ["4 BYE", "two", "00000002"]);
    yield* b.phone.send(answer(bye, 407, { contact: "", lines: asks("three") }), to);
    const last = yield* awaited(b.phone, "BYE", headerOf(rings, "Call-ID"));
    same([headerOf(last, "CSeq"), nonceIn(last)], ["5 BYE", "three"]);
    yield* b.phone.send(answer(last, 200), to);
    yield* Effect.sleep(40_000);
    same([a.records.length, a.agent.counters().underWay, yield* a.relay.calls], [1, 0, []]);
  }),
);

for (const [what, asWhom, second] of [
  ["of another realm", [{ ...OURS, realm: "other.example" }], undefined],
  ["that are wrong", [{ ...OURS, realm: undefined }], "one"],
] as const)
  law(
    `credentials ${what} leave the call where it is`,
    Effect.gen(function* () {
      const { a, b, rings, talk } = yield* ringing("call-1", { asWhom });
      const refused = (request: SipRequest) =>
        b.phone.send(answer(request, 407, { tag: "asks", contact: "", lines: asks("one") }), toAgentOf(b));
      yield* refused(rings);
      if (second !== undefined) {
        const again = yield* awaited(b.phone, "INVITE", headerOf(rings, "Call-ID"));
        same(nonceIn(again), second);
        yield* refused(again);
      }
      yield* talk(20);
      same(a.fallback.counts(), { "caller refused": 1 });
      yield* Effect.sleep(40_000);
      same([a.records, a.agent.counters().underWay], [[], 0]);
    }),
  );

law(
  "a trunk that asks for ever is answered four times",
  Effect.gen(function* () {
    const { a, b, rings } = yield* ringing("call-1", { asWhom: [OURS] });
    let asked = rings;
    for (let i = 0; i < 5; i++) {
      yield* b.phone.send(answer(asked, 407, { tag: `t${i}`, contact: "", lines: asks(`n${i}`) }), toAgentOf(b));
      if (i < 4) asked = yield* awaited(b.phone, "INVITE", headerOf(rings, "Call-ID"));
    }
    yield* Effect.sleep(10_000);
    same(a.fallback.counts(), { "caller refused": 1 });
  }),
);

law(
  "a call that was cancelled is not sent again with credentials",
  Effect.gen(function* () {
    const { a, b, rings, hangUp } = yield* ringing("call-1", { asWhom: [OURS] });
    const to = toAgentOf(b);
    yield* b.phone.send(answer(rings, 180), to);
    yield* hangUp("a");
    const cancel = yield* awaited(b.phone, "CANCEL");
    yield* b.phone.send(answer(cancel, 200), to);
    yield* b.phone.send(answer(rings, 407, { tag: "asks", contact: "", lines: asks("one") }), to);
    yield* awaited(b.phone, "ACK", headerOf(rings, "Call-ID"));
    ok(yield* isQuiet(b.phone));
    yield* Effect.sleep(40_000);
    same([a.fallback.counts(), a.agent.counters().underWay], [{}, 0]);
  }),
);
