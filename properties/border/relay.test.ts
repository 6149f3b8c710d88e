/** A border element's core with a media relay: what it asks, in which order things cross meanwhile, and what a refusal does. */
import { ok, deepStrictEqual as same } from "node:assert";
import { parseSdp, printSdp, type Sdp, type SipRequest } from "../../codecs/sip/mod.ts";
import { test } from "../kit/harness.ts";
import { answer } from "../proxy/world.ts";
import { ACME, AGENT, clearSdp, inner, outer, securedSdp, shown, World } from "./world.ts";

const sdpOf = (text: string): Sdp => {
  const read = parseSdp(text);
  if (!read.ok) throw new Error(read.error.why);
  return read.value;
};
const [INSIDE, OUTSIDE] = [sdpOf(clearSdp("192.0.2.5")), sdpOf(securedSdp("203.0.113.5"))];
const BOB = { tag: "bob", contact: "<sip:bob@10.1.2.3:5062>" };
const relayed = () => new World({ hasRelay: true });
const ended = (world: World): number => world.orders.filter(({ type }) => type === "endMedia").length;

test("border with a relay: a call from outside waits for the relay, and carries its description either way", () => {
  const world = relayed();
  same(shown(world.from(ACME, outer("INVITE"))), []);
  const [{ kind, question }] = world.questions as [(typeof world.questions)[number]];
  same([kind, question.toward, question.from, question.to], ["offer", "inside", "alice", undefined]);
  same(printSdp(question.sdp), securedSdp("198.51.100.7"));
  const [invite] = world.describe(INSIDE);
  same((invite!.message as SipRequest).body.length > 0 && invite!.text.endsWith(printSdp(INSIDE)), true);
  same(world.from(AGENT, answer(invite!.message, 200, { ...BOB, body: clearSdp("10.1.2.3") })), []);
  const asked = world.questions.at(-1)!;
  same([asked.kind, asked.question.toward, asked.question.to], ["answer", "outside", "bob"]);
  same(asked.question.call, question.call);
  const [up] = world.describe(OUTSIDE);
  same(shown([up!]), ["200 198.51.100.7"]);
  ok(up!.text.endsWith(printSdp(OUTSIDE)) && !/10\.1\.2\.3|192\.0\.2/.test(up!.text));
  same([ended(world), world.refused], [0, []]);
});

test("border with a relay: what comes of the call meanwhile waits for its turn: a CANCEL goes after its INVITE", () => {
  const world = relayed();
  world.from(ACME, outer("INVITE"));
  const cancelled = world.from(ACME, outer("CANCEL", { branch: "z9hG4bK-INVITE" }));
  ok(!shown(cancelled).some((one) => one.endsWith("192.0.2.11")), String(shown(cancelled)));
  const sent = shown([...world.describe(INSIDE), ...world.pass(100)]);
  ok(!sent.includes("CANCEL 192.0.2.11") || sent.indexOf("INVITE 192.0.2.11") < sent.indexOf("CANCEL 192.0.2.11"));
  world.pass(200_000);
  same([world.core.size.calls, world.core.size.transactions], [0, 0]);
  same(ended(world), 1);
});

for (const [what, isOurs, status] of [
  ["an offer that the relay will not take", false, 488],
  ["a relay that is full or away", true, 503],
] as const)
  test(`border with a relay: ${what} is ${status}, and nobody inside hears of the call`, () => {
    const world = relayed();
    world.from(ACME, outer("INVITE"));
    same(shown(world.describe({ refused: "a reason", isOurs })), [`${status} 198.51.100.7`]);
    same(world.refused, ["media"]);
    world.pass(100_000);
    same([world.core.size.calls, world.core.size.transactions, ended(world)], [0, 0, 1]);
  });

test("border with a relay: an answer that the relay will not take ends the call: ACK and BYE inside, 488 to the caller", () => {
  const world = relayed();
  world.from(ACME, outer("INVITE"));
  const [invite] = world.describe(INSIDE);
  world.from(AGENT, answer(invite!.message, 200, { ...BOB, body: clearSdp("10.1.2.3") }));
  const sent = world.describe({ refused: "notSecured", isOurs: false });
  same(shown(sent).toSorted(), ["488 198.51.100.7", "ACK 192.0.2.11", "BYE 192.0.2.11"]);
  same(world.refused, ["media"]);
});

// ViPR overview §6.3
test("border with a relay: a call to outside may be in the clear inside; what leaves is the relay's, and secured", () => {
  const world = relayed();
  same(shown(world.from(AGENT, inner("INVITE", { body: clearSdp("10.1.2.3") }))), []);
  same([world.questions[0]!.kind, world.questions[0]!.question.toward], ["offer", "outside"]);
  const [invite] = world.describe(OUTSIDE);
  ok(invite!.text.endsWith(printSdp(OUTSIDE)) && !invite!.text.includes("10.1.2.3"));
  const contact = "<sip:c@acme.example:5061;maddr=198.51.100.7;transport=tls>";
  // An answer in the clear from outside is no answer, whatever the relay would make of it.
  const sent = world.from(
    ACME,
    answer(invite!.message, 200, { tag: "alice", contact, body: clearSdp("198.51.100.7") }),
  );
  const all = shown([
    ...sent,
    ...(world.questions.length > 1 ? world.describe({ refused: "notSecured", isOurs: false }) : []),
  ]);
  same(all.toSorted(), ["488 192.0.2.11", "ACK 198.51.100.7", "BYE 198.51.100.7"]);
});
