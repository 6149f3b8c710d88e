/** Whatever neighbours send, the core throws nothing, forgets everything in time, and other calls go on. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { printSip, readDatagram, type SipResponse } from "../../codecs/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { answer, invite, PBX, PEERS, type Place, request, shown, sourceOf, TRUNK, World, within } from "./world.ts";

const out = (world: World, callId: string) =>
  world.from(PBX, invite({ callId, branch: `z9hG4bK${callId}` })).at(-1)!.message;

/** What a neighbour may send at any time, changed at some places. */
const samples = (() => {
  const world = new World();
  const sent = out(world, "sample");
  const ok200 = answer(sent, 200);
  const up = world.from(TRUNK, ok200)[0]!.message as SipResponse;
  return [
    invite(),
    request("OPTIONS", { uri: "sip:192.0.2.1" }),
    request("REGISTER"),
    request("CANCEL"),
    request("ACK"),
    request("SUBSCRIBE"),
    within("BYE", invite(), up),
    within("INVITE", invite(), up, { cseq: 2 }),
    answer(sent, 180),
    ok200,
    answer(sent, 503),
    answer(sent, 407),
  ].map(printSip);
})();
const changed = fc
  .record({
    at: fc.nat(samples.length - 1),
    places: fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 6 }),
    cut: fc.option(fc.nat(1_500)),
  })
  .map(({ at, places, cut }) => {
    const bytes = samples[at]!.slice();
    for (const [place, byte] of places) bytes[place % bytes.length] = byte;
    return cut === null ? bytes : bytes.subarray(0, cut);
  });
const place = fc.constantFrom<Place>(PBX, TRUNK, { host: "203.0.113.9", port: 5060 });

const play = (world: World, steps: ReadonlyArray<readonly [Place, Uint8Array, number]>) => {
  for (const [from, bytes, waitMs] of steps) {
    const found = readDatagram(bytes);
    if (found !== undefined && "type" in found) world.core.receive(sourceOf(from), found, world.nowMs);
    else if (found !== undefined) world.core.unreadable(sourceOf(from), found);
    world.core.take();
    world.pass(waitMs);
  }
};

test("hostile: changed messages from anywhere end nothing but themselves, and leave nothing behind", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(place, changed, fc.nat(3_000)), { maxLength: 30 }), (steps) => {
      const world = new World();
      const asked = invite({ callId: "good", branch: "z9hG4bKgood" });
      const good = world.from(PBX, asked).at(-1)!.message;
      play(world, steps);
      const up = world.from(TRUNK, answer(good, 200));
      // After its own time-out there is nothing left to answer.
      const isThere = up.length > 0;
      if (isThere && world.nowMs - 1_700_000_000_000 < 5_000) same(shown(up), ["200 192.0.2.11"]);
      world.pass(400_000);
      const { transactions, bytes } = world.core.size;
      same([transactions, bytes], [0, 0]);
    }),
    { numRuns: runs },
  ));

test("hostile: a flood of INVITEs stays within the limits, and the call that is up is hung up as ever", () => {
  const world = new World({ limits: { transactionsMax: 500, sameCallMax: 10_000 } });
  const asked = invite();
  const first = world.from(PBX, asked).at(-1)!.message;
  const up = world.from(TRUNK, answer(first, 200))[0]!.message as SipResponse;
  let refused = 0;
  for (let i = 0; i < 2_000; i++) {
    const [trying] = world.from(PBX, invite({ callId: `flood-${i}`, branch: `z9hG4bKflood${i}` }));
    if (shown([trying!])[0]!.startsWith("503")) refused += 1;
    ok(world.core.size.transactions <= 502);
  }
  ok(refused > 1_500);
  world.pass(40_000);
  const [bye] = world.from(PBX, within("BYE", asked, up));
  world.from(TRUNK, answer(bye!.message, 200));
  same(world.ended.length, 1);
});

test("hostile: large messages are held up to a limit of bytes", () => {
  const world = new World({ limits: { bytesMax: 100_000, sameCallMax: 10_000 } });
  const lines = [`X-Large: ${"a".repeat(20_000)}`];
  const statuses = Array.from({ length: 12 }, (_, i) =>
    shown(world.from(PBX, invite({ callId: `large-${i}`, branch: `z9hG4bKlarge${i}`, lines })))[0]!.slice(0, 3),
  );
  same([statuses[0], statuses.at(-1)], ["INV", "503"]);
  ok(world.core.size.bytes < 150_000);
});

// RFC 3261 §16.7
test("hostile: a trunk that rings, says yes to CANCEL and never ends the call is forgotten. RFC 3261 §9.1", () => {
  const world = new World();
  const sent = out(world, "rings");
  world.from(TRUNK, answer(sent, 180));
  const [, cancel] = world.from(PBX, request("CANCEL", { callId: "rings", branch: "z9hG4bKrings" }));
  same(shown([cancel!]), ["CANCEL 198.51.100.1"]);
  world.from(TRUNK, answer(cancel!.message, 200));
  world.pass(120_000);
  const { transactions, bytes } = world.core.size;
  same([transactions, bytes], [0, 0]);
});

test("hostile: calls that are refused over a stream leave nothing, and their bytes are not counted for ever", () => {
  const peers = PEERS.map((peer) => (peer.side === "trunk" ? { ...peer, transport: "TCP" as const } : peer));
  const world = new World({ peers });
  for (const callId of ["a", "b", "c"]) {
    const sent = out(world, callId);
    same(shown(world.from({ ...TRUNK, transport: "TCP", stream: 4 }, answer(sent, 486))), [
      "ACK 198.51.100.1",
      "486 192.0.2.11",
    ]);
    world.from(PBX, request("ACK", { callId, branch: `z9hG4bK${callId}` }));
  }
  world.pass(120_000);
  const { transactions, bytes } = world.core.size;
  same([transactions, bytes], [0, 0]);
});
