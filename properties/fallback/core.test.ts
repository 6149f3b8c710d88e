/** The heart of the fallback by itself: what it sends to whom, its limits, and whatever comes in any order. docs/protocol/media.md#fallback */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  headerOf,
  parseSip,
  printSdp,
  type Sdp,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  sessionIn,
} from "../../codecs/sip/mod.ts";
import { FALLBACKS_MAX, FallbackCore, type FallbackOrder } from "../../machines/fallback/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { audio } from "../media/ends.ts";
import { answer, invite, request, within } from "../proxy/world.ts";

const OURS: Sdp = audio(30_000, "RTP/AVP");
const THEIRS = { body: printSdp(audio(4_000, "RTP/AVP")) };

class World {
  nowMs = 1_000_000;
  readonly orders: Array<FallbackOrder> = [];
  readonly core = new FallbackCore(
    {
      own: { host: "127.0.0.1", port: 2 },
      agent: { host: "127.0.0.1", port: 1 },
      mark: "mark",
      matchDigits: 5,
      answerMs: 6_000,
      numbers: () => ({ calling: "14085550201", called: "+49305550901" }),
      silence: () => ({ media: "m", ms: 60_000 }),
    },
    this.nowMs,
  );

  /** What is sent in answer to it; the relay answers at once. */
  do(work: (core: FallbackCore) => void, relay: "takes" | "refuses" = "takes"): ReadonlyArray<SipMessage> {
    work(this.core);
    const sent: Array<SipMessage> = [];
    for (let orders = this.core.take(); orders.length > 0; orders = this.core.take())
      for (const order of orders) {
        this.orders.push(order);
        if (order.type === "media")
          this.core.relayed(order.id, relay === "takes" ? { sdp: OURS } : { refused: "noCodec" }, this.nowMs);
        if (order.type !== "send") continue;
        const read = parseSip(order.bytes);
        if (!read.ok) throw new Error(`sent no SIP: ${read.error.why}`);
        sent.push(read.value);
      }
    return sent;
  }
  receive(message: SipMessage): ReadonlyArray<SipMessage> {
    return this.do((core) => core.receive(message, this.nowMs));
  }
  pass(ms: number): ReadonlyArray<SipMessage> {
    const until = this.nowMs + ms;
    const sent: Array<SipMessage> = [];
    for (let next = this.core.nextMs(); next !== undefined && next <= until; next = this.core.nextMs()) {
      this.nowMs = Math.max(this.nowMs, next);
      sent.push(...this.do((core) => core.due(this.nowMs)));
    }
    this.nowMs = until;
    return sent;
  }
  count(type: FallbackOrder["type"]): number {
    return this.orders.filter((order) => order.type === type).length;
  }
  get outcomes(): ReadonlyArray<string> {
    return this.orders.flatMap((order) => (order.type === "outcome" ? [`${order.role} ${order.what}`] : []));
  }
}
const words = (sent: ReadonlyArray<SipMessage>) =>
  sent.map((message) => (message.type === "request" ? message.method : String(message.status)));

/** A call of ours that is in trouble, and its INVITE to the trunk. */
const calling = (key = "k") => {
  const world = new World();
  world.do((core) => core.up(key, "caller", invite()));
  const [out] = world.do((core) => core.trouble(key, "m", false, world.nowMs));
  return { world, out: out as SipRequest };
};

test("fallback core: the INVITE is the PBX's, with our sound and names of its own", () => {
  const { out } = calling();
  same([out.method, out.uri], ["INVITE", invite().uri]);
  ok(headerOf(out, "From")!.startsWith('"Anna Field" <sip:+14085550201@192.0.2.11>;tag=mark'));
  same(headerOf(out, "To"), headerOf(invite(), "To"));
  ok(headerOf(out, "Call-ID") !== "call-1");
  const sdp = sessionIn(out);
  ok(sdp.ok && sdp.value.media[0]!.port === 30_000);
});

test("fallback core: a call that failed is tried no second time, whatever the other side tells", () => {
  const { world, out } = calling();
  world.receive(answer(out, 486));
  same(world.outcomes, ["caller refused"]);
  same(words(world.do((core) => core.trouble("k", "m", true, world.nowMs))), []);
  world.pass(60_000);
  same(words(world.do((core) => core.trouble("k", "m", false, world.nowMs))), []);
});

test("fallback core: a 2xx that comes again has its ACK again; one of another fork has ACK and BYE", () => {
  const { world, out } = calling();
  const taken = answer(out, 200, THEIRS);
  same(words(world.receive(taken)), ["ACK"]);
  same(words(world.receive(taken)), ["ACK"]);
  same(words(world.receive(answer(out, 200, { ...THEIRS, tag: "fork" }))), ["ACK", "BYE"]);
  same([world.outcomes, world.count("move")], [["caller moved"], 1]);
});

test("fallback core: the network's re-INVITE is settled anew, and its other requests have an answer", () => {
  const { world, out } = calling();
  const taken = answer(out, 200, THEIRS);
  world.receive(taken);
  const again = (method: string, more = {}) => within(method, out, taken, { isBack: true, ...more });
  const replies = world.receive(again("INVITE", { cseq: 7, ...THEIRS }));
  same(words(replies), ["200"]);
  ok(sessionIn(replies[0] as SipResponse).ok);
  same(words(world.receive(again("INVITE", { cseq: 8 }))), ["488"]);
  same(words(world.receive(again("UPDATE", { cseq: 9 }))), ["200"]);
  same(words(world.receive(again("OPTIONS", { cseq: 10 }))), ["200"]);
  same(words(world.receive(again("REFER", { cseq: 11 }))), ["405"]);
  same(words(world.receive(again("BYE", { cseq: 12 }))), ["200"]);
  same([world.count("hangUp"), world.core.size.legs], [1, 0]);
  same(words(world.receive(again("BYE", { cseq: 13 }))), ["481"]);
});

test("fallback core: who ends hangs up what it has moved, and cancels what it has not", () => {
  const { world, out } = calling();
  world.receive(answer(out, 200, THEIRS));
  world.do((core) => core.up("other", "caller", invite()));
  const [second] = world.do((core) => core.trouble("other", "m", false, world.nowMs));
  world.receive(answer(second!, 180));
  same(words(world.do((core) => core.stop(world.nowMs))).sort(), ["BYE", "CANCEL"]);
});

test("fallback core: so many calls are moved at once, and no more", () => {
  const world = new World();
  for (let i = 0; i <= FALLBACKS_MAX; i++) {
    world.do((core) => core.up(`k${i}`, "caller", invite()));
    world.do((core) => core.trouble(`k${i}`, `m${i}`, false, world.nowMs));
  }
  same([world.core.size.legs, world.outcomes], [FALLBACKS_MAX, ["caller limit"]]);
});

test("fallback core: an INVITE that nobody has taken is refused; so is a second one for the same call", () => {
  const world = new World();
  world.do((core) => core.up("k", "callee", invite()));
  const trunk = (callId: string) => invite({ callId, branch: `z9hG4bK-${callId}` });
  same(words(world.receive(trunk("unasked"))), ["480"]);
  ok(world.core.takes(trunk("one"), "pstn", world.nowMs) && world.core.takes(trunk("two"), "pstn", world.nowMs));
  same(words(world.receive(trunk("one"))), ["200"]);
  same(words(world.receive(trunk("two"))), ["480"]);
  ok(!world.core.takes(trunk("three"), "pstn", world.nowMs));
});

test("fallback core: an answer is repeated until its ACK has come, and without one for 64 T1 there is BYE", () => {
  const world = new World();
  world.do((core) => core.up("k", "callee", invite()));
  ok(world.core.takes(invite(), "pstn", world.nowMs));
  same(words(world.receive(invite())), ["200"]);
  const repeated = words(world.pass(31_900));
  ok(repeated.length > 6 && repeated.every((word) => word === "200"), repeated.join());
  same([words(world.pass(200))[0], world.outcomes, world.count("move")], ["BYE", ["callee noAck"], 0]);
});

/** Whatever comes, in any order, about two calls and from any dialog of theirs. */
type Deed = (world: World, sent: ReadonlyArray<SipRequest>) => ReadonlyArray<SipMessage>;
const key = fc.constantFrom("a", "b");
const role = fc.constantFrom("caller", "callee");
const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.tuple(key, role).map(
    ([key, role]): Deed =>
      (world) =>
        world.do((core) => core.up(key, role as "caller", invite())),
  ),
  key.map(
    (key): Deed =>
      (world) =>
        world.do((core) => core.over(key, world.nowMs)),
  ),
  fc.tuple(key, fc.boolean(), fc.constantFrom("takes", "refuses")).map(
    ([key, isNotice, relay]): Deed =>
      (world) =>
        world.do((core) => core.trouble(key, key, isNotice, world.nowMs), relay as "takes"),
  ),
  fc.tuple(fc.nat(5), fc.constantFrom(100, 180, 200, 401, 487, 503), fc.boolean()).map(
    ([i, status, hasSdp]): Deed =>
      (world, sent) => {
        const to = sent.at(-1 - i);
        return to === undefined ? [] : world.receive(answer(to, status, hasSdp ? THEIRS : {}));
      },
  ),
  fc.tuple(fc.nat(3), fc.constantFrom("BYE", "ACK", "CANCEL", "INVITE", "UPDATE", "INFO")).map(
    ([i, method]): Deed =>
      (world) => {
        const callId = `t${i}`;
        const more = method === "INVITE" || method === "UPDATE" ? THEIRS : {};
        const branch = method === "ACK" ? "z9hG4bK-ack" : `z9hG4bK-t${i}`;
        const message = request(method, { callId, branch, ...more });
        if (method === "INVITE") world.core.takes(message, "pstn", world.nowMs);
        return world.receive(message);
      },
  ),
  fc.integer({ min: 0, max: 40_000 }).map(
    (ms): Deed =>
      (world) =>
        world.pass(ms),
  ),
);
test("fallback core: whatever comes in any order, nothing throws, and when all calls are over nothing is left", () =>
  fc.assert(
    fc.property(fc.array(deeds, { maxLength: 40 }), (all) => {
      const world = new World();
      const sent: Array<SipRequest> = [];
      for (const deed of all)
        for (const message of deed(world, sent)) if (message.type === "request") sent.push(message);
      for (const key of ["a", "b"]) world.do((core) => core.over(key, world.nowMs));
      world.pass(200_000);
      same({ ...world.core.size }, { known: 0, legs: 0, transactions: 0, asked: 0 });
    }),
    { numRuns: runs },
  ));
