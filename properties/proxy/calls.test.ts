/** Calls through the proxy core: whole, in both directions, with everything that may happen on the way. RFC 3261 §16. */
import { deepStrictEqual as same } from "node:assert";
import { headerOf, listOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { test } from "../kit/harness.ts";
import { answer, invite, PBX, shown, TRUNK, World, within } from "./world.ts";

// RFC 3261 §16.2, §16.6, §16.7, §17.1.1.2, §17.1.1.3, §17.2.1; ViPR overview §4, §5.1
test("a call out: everything passes, the trunk's dialog is the record", () => {
  const world = new World();
  const sent = world.from(PBX, invite());
  same(shown(sent), ["INVITE 198.51.100.1"]);
  const out = sent[0]!.message as SipRequest;
  same(headerOf(out, "Max-Forwards"), "69");
  same(listOf(out, "Record-Route"), ["<sip:192.0.2.1:5060;lr>"]);
  same(out.uri, "sip:+49305550901@198.51.100.1");
  same(shown(world.from(TRUNK, answer(out, 180))), ["180 192.0.2.11"]);
  world.pass(3_000);
  const [up] = world.from(TRUNK, answer(out, 200));
  same(shown([up!]), ["200 192.0.2.11"]);
  const startMs = world.nowMs;
  const response = up!.message as SipResponse;
  same(shown(world.from(PBX, within("ACK", invite(), response))), ["ACK 198.51.100.1"]);
  same(world.saved.size, 1);
  world.pass(60_000);
  const [bye] = world.from(PBX, within("BYE", invite(), response));
  same(shown([bye!]), ["BYE 198.51.100.1"]);
  same(listOf(bye!.message, "Route"), []);
  const stopMs = world.nowMs;
  world.pass(30);
  same(world.ended.length, 0);
  same(shown(world.from(TRUNK, answer(bye!.message, 200))), ["200 192.0.2.11"]);
  const [report] = world.ended;
  same([report!.direction, report!.trunk, report!.startMs, report!.stopMs], ["sent", "one", startMs, stopMs]);
  same(report!.from, '"Anna Field" <sip:+14085550201@192.0.2.11>;tag=anna');
  world.pass(70_000);
  same(world.core.size, { transactions: 0, calls: 0, bytes: 0 });
});
