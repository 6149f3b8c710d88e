/** One link: numbers, acknowledgements, the timer of RFC 6298, doubt and loss. RFC 6940 §6.6. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import type { FramedMessage } from "../../codecs/reload/mod.ts";
import {
  maskFor,
  type ReloadLinkAction,
  type ReloadLinkEvent,
  type ReloadLinkInput,
  reloadLink,
  withReceived,
} from "../../machines/reload/mod.ts";
import { reloadMachines } from "../fuzz/machines.ts";
import { runs, test } from "../kit/harness.ts";
import { subjectLaws } from "../kit/machine-laws.ts";
import { ack, data, message, post } from "./link-events.ts";

const input: ReloadLinkInput = { rtoMsMin: 1_000, holdMs: 30_000 };
const linkOf = () => {
  let snapshot = reloadLink.start(input).snapshot;
  const tell = (event: ReloadLinkEvent): ReadonlyArray<ReloadLinkAction> => {
    const step = reloadLink.step(snapshot, event);
    snapshot = step.snapshot;
    return step.actions;
  };
  return { tell, value: () => snapshot.value, context: () => snapshot.context };
};
const states = (actions: ReadonlyArray<ReloadLinkAction>) =>
  actions.flatMap((action) => (action.type === "report" ? [action.state] : []));

test("RFC 6940 §6.6.2: the first message has number 0, and every message is acknowledged", () => {
  const link = linkOf();
  assert.deepEqual(link.tell(post(0))[0], { type: "write", frame: { type: "data", frame: { sequence: 0, message } } });
  assert.deepEqual((link.tell(post(1))[0] as { frame: FramedMessage }).frame.frame, { sequence: 1, message });
  assert.deepEqual(link.tell(data(0)), [
    { type: "write", frame: { type: "ack", frame: { sequence: 0, received: 0 } } },
    { type: "deliver", message },
  ]);
  // Received before: 0. For message 2 the bit N-M = 2 is set, the second from below.
  assert.deepEqual(link.tell(data(2))[0], {
    type: "write",
    frame: { type: "ack", frame: { sequence: 2, received: 0b10 } },
  });
});

test("RFC 6940 §6.6.2: the mask of what was received, against its definition", () => {
  const nothing: ReturnType<typeof withReceived> = { highest: undefined, before: 0 };
  const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 80 }), { maxLength: 40 });
  const starts = fc.constantFrom(0, 2 ** 31 - 40, 2 ** 32 - 40); // at the last two the numbers wrap
  fc.assert(
    fc.property(numbers, starts, fc.integer({ min: 0, max: 90 }), (received, start, n) => {
      const numbered = (of: number) => (start + of) % 2 ** 32;
      const mask = maskFor(
        numbered(n),
        received.reduce((kept, one) => withReceived(numbered(one), kept), nothing),
      );
      const highest = Math.max(...received);
      // Numbers 32 below the highest are not in the mask, now or when they came.
      const isSure = (back: number) =>
        highest - (n - back) <= 32 && received.every((one) => Math.abs(one - highest) <= 32);
      for (let back = 1; back <= 32; back++)
        if (isSure(back)) assert.equal((mask >>> (back - 1)) & 1, received.includes(n - back) ? 1 : 0);
      assert.ok(mask >= 0 && mask < 2 ** 32);
    }),
    { numRuns: runs },
  );
});

// RFC 6940 §6.6.5
test("RFC 6298 §2: the timer follows the round trips, and is never below its minimum", () => {
  const link = linkOf();
  link.tell(post(0));
  link.tell(ack(0, 800)); // SRTT 800, RTTVAR 400: RTO 2400
  assert.equal(link.context().rtoMs, 2_400);
  link.tell(post(1_000));
  assert.deepEqual(link.tell(ack(1, 1_800)), [{ type: "stopTimer", timer: "rto" }]); // RTTVAR 300: RTO 2000
  assert.equal(link.context().rtoMs, 2_000);
  for (let i = 2; i < 40; i++) {
    link.tell(post(2_000 + i));
    link.tell(ack(i, 2_001 + i));
  }
  assert.equal(link.context().rtoMs, 1_000);
});

// RFC 6940 §6.6
test("RFC 6940 §6.6.5: a silent link is doubtful, then well again or lost", () => {
  const silent = linkOf();
  silent.tell(post(0));
  assert.deepEqual(states(silent.tell({ type: "timerFired", timer: "rto", atMs: 1_000 })), []);
  assert.deepEqual(states(silent.tell({ type: "timerFired", timer: "rto", atMs: 2_000 })), ["doubtful"]);
  assert.deepEqual(states(silent.tell(ack(0, 2_500))), ["open"]);
  assert.equal(silent.value(), "open");
  const dead = linkOf();
  dead.tell(post(0));
  dead.tell({ type: "timerFired", timer: "rto", atMs: 1_000 });
  dead.tell({ type: "timerFired", timer: "rto", atMs: 2_000 });
  assert.deepEqual(dead.tell({ type: "timerFired", timer: "hold", atMs: 32_000 }), [
    { type: "report", state: "lost", why: "silent" },
    { type: "close" },
  ]);
});

test("one late waking is no loss: an acknowledgement that was there all along counts", () => {
  const link = linkOf();
  link.tell(post(0));
  link.tell({ type: "timerFired", timer: "rto", atMs: 9_000 });
  assert.deepEqual(link.tell(ack(0, 9_001)), [{ type: "stopTimer", timer: "rto" }]);
  link.tell(post(10_000));
  assert.deepEqual(states(link.tell({ type: "timerFired", timer: "rto", atMs: 60_000 })), []);
});

subjectLaws(...reloadMachines);
