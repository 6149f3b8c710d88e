/** The telephone network: every call reaches its end, and what both ends see of it is as near as PVP needs. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import type { PstnEvent, PstnIncoming } from "../../actors/ports/mod.ts";
import { makePstn, type PstnOptions } from "../../actors/pstn/mod.ts";
import { e164, unixMs } from "../../codecs/shared/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

interface Seen {
  readonly from: ReadonlyArray<PstnEvent>;
  readonly to: ReadonlyArray<PstnEvent>;
  readonly incoming: ReadonlyArray<PstnIncoming>;
}
const carry = (seed: number, calls: number, options: PstnOptions = {}) =>
  runVirtual(
    Effect.gen(function* () {
      const pstn = yield* makePstn(options);
      const to: Array<PstnEvent> = [];
      const from: Array<PstnEvent> = [];
      const incoming: Array<PstnIncoming> = [];
      const tellTo = (event: PstnEvent) => Effect.sync(() => void to.push(event));
      const a = yield* pstn.attach({
        name: "a",
        serves: (n) => n.startsWith("+1"),
        incoming: () => Effect.succeed(tellTo),
      });
      yield* pstn.attach({
        name: "b",
        serves: (n) => n.startsWith("+4"),
        incoming: (call) =>
          Effect.as(
            Effect.sync(() => incoming.push(call)),
            tellTo,
          ),
      });
      const call = {
        calling: e164("+14085550001"),
        called: e164("+49305550001"),
        startMs: unixMs(1_000_000_000),
        durationMs: 90_000,
      };
      for (let i = 0; i < calls; i++) yield* a.place(call, (event) => Effect.sync(() => void from.push(event)));
      return { from, to, incoming } satisfies Seen as Seen;
    }).pipe(Effect.scoped, Effect.provide(memoryLayer({ seed }))),
  );

test("pstn: both ends see one answer and one end, no further apart than T/4 of 2.5 s, each side within 2.4 s of the truth", () =>
  fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const { from, to } = await carry(seed, 1);
      same(
        [from, to].map((events) => events.map(({ type }) => type)),
        [
          ["answered", "ended"],
          ["answered", "ended"],
        ],
      );
      from.forEach((event, i) => {
        const other = to[i]!;
        ok(event.type !== "failed" && other.type !== "failed");
        ok(Math.abs(event.atMs - other.atMs) < 2_500);
        for (const { atMs } of [event, other]) ok(Math.abs(atMs - 1_000_000_000 - (i === 0 ? 0 : 90_000)) <= 2_400);
      });
    }),
    { numRuns: runs },
  ));
test("pstn: the caller's number arrives, is missing or is another, as often as it should", async () => {
  const { incoming } = await carry(4, 600, { callerMissingPercent: 20, callerWrongPercent: 10 });
  const missing = incoming.filter(({ calling }) => calling === undefined).length;
  const right = incoming.filter(({ calling }) => calling === e164("+14085550001")).length;
  const wrong = incoming.length - missing - right;
  ok(missing > 80 && missing < 160 && wrong > 35 && wrong < 90, `${missing} missing, ${wrong} wrong`);
  ok(incoming.every(({ calling }) => calling === undefined || /^\+1408555[0-9]{4}$/.test(calling)));
});
test("pstn: the same seed gives the same network", async () => same(await carry(9, 5), await carry(9, 5)));
test("pstn: numbers that no line serves are answered out there, and lines that left ring no more", () =>
  runVirtual(
    Effect.gen(function* () {
      const pstn = yield* makePstn();
      let rang = 0;
      const line = {
        name: "b",
        serves: () => true,
        incoming: () =>
          Effect.as(
            Effect.sync(() => rang++),
            () => Effect.void,
          ),
      };
      const call = { calling: undefined, called: e164("+49305550001"), startMs: unixMs(0), durationMs: 1 };
      const seen: Array<string> = [];
      const tell = ({ type }: PstnEvent) => Effect.sync(() => void seen.push(type));
      yield* Effect.scoped(Effect.andThen(pstn.attach(line), pstn.place(call, tell)));
      yield* pstn.place(call, tell);
      same([rang, seen], [1, ["answered", "ended", "answered", "ended"]]);
    }).pipe(Effect.provide(memoryLayer({ seed: 2 }))),
  ));
