/** What `vipr fuzz` makes of other people's machines and codecs, and that it knows ours. */
import { ok, rejects, deepStrictEqual as same } from "node:assert";
import type { FuzzExample, FuzzReport } from "../../runtime/fuzz/protocol.ts";
import { SHARED_BYTES } from "../../runtime/fuzz/protocol.ts";
import { runs, test } from "../kit/harness.ts";
import type { Law } from "../kit/laws.ts";
import { replayExample, runLaws } from "./engine.ts";
import { ownTargets } from "./own.ts";
import * as strangers from "./strangers.ts";
import { lawsOfTarget, lawsOfValue, NoTarget } from "./targets.ts";

const engineOf = (laws: ReadonlyArray<Law>, reports: Array<FuzzReport>) => ({
  target: "here",
  laws,
  shared: new Int32Array(new SharedArrayBuffer(SHARED_BYTES)),
  tell: (report: FuzzReport) => void reports.push(report),
});
const LIMITS = { seed: 1, runs: 60, timeMs: undefined };

/** Counter-examples by law. */
const brokenIn = async (value: unknown, name: string): Promise<ReadonlyArray<FuzzExample>> => {
  const reports: Array<FuzzReport> = [];
  await runLaws(engineOf(lawsOfValue(value, name), reports), LIMITS);
  return reports.flatMap((report) => (report.type === "broken" ? [report.example] : []));
};
const briefly = (all: ReadonlyArray<FuzzExample>) => all.map(({ law, shown }) => [law, ...shown]);

test("fuzz: a race in a stranger's machine is found, and its counter-example is the shortest", async () => {
  const [found, ...more] = briefly(await brokenIn(strangers.racing, "racing"));
  same([found!.length, more], [3, []]); // its law, and two events: with one event nothing can pass another
  const [law, typed, answered] = found!.map((line) => line.replace(/"(ab?c?)"/, "TEXT"));
  same(law, "racing: what is shown is what was asked for");
  same([typed, answered], ['event 1: {"type":"typed","text":TEXT}', 'event 2: {"type":"answered","to":TEXT}']);
  same(briefly(await brokenIn(strangers.sound, "sound")), []);
});

test("fuzz: of a machine about which nothing is said, events are found in its own text", async () => {
  const [found, ...more] = await brokenIn(strangers.till, "till");
  same(more, []);
  same(found!.law, "till: a step leaves the state before it as it was");
  const types = found!.shown.map((line) => /"type":"([^"]*)"/.exec(line)![1]);
  same(types, ["add", "pay", "xstate.after.1000.till.paid"]);
  ok(found!.shown[1]!.includes('"code":"4711"'), found!.shown[1]);
});

test("fuzz: what an invoked actor gives is an event too", async () => {
  const found = await brokenIn(strangers.asking, "asking");
  same(
    briefly(found).map(([law]) => law),
    ["asking: no event makes it throw"],
  );
  ok(found[0]!.shown.length === 1 && found[0]!.shown[0]!.includes("xstate.done.actor.ask"), found[0]!.shown.join());
});

test("fuzz: a length that a codec believes is found, and nothing else", async () => {
  const [found, ...more] = await brokenIn(strangers.believing, "believing");
  same(more, []);
  same([found!.law, /^RangeError: /.test(found!.why)], ["believing: any bytes give a value or a refusal", true]);
});

test("fuzz: the same seed finds the same, and a counter-example replays by its value and by its seed", async () => {
  const [one, other] = [await brokenIn(strangers.racing, "racing"), await brokenIn(strangers.racing, "racing")];
  same(one, other);
  const { value: _, ...bySeed } = one[0]!;
  for (const example of [one[0]!, bySeed]) {
    const reports: Array<FuzzReport> = [];
    await replayExample(engineOf(lawsOfValue(strangers.racing, "racing"), reports), example);
    same(
      reports.map(({ type }) => type),
      ["broken"],
    );
    await replayExample(engineOf(lawsOfValue(strangers.sound, "racing"), reports), one[0]!);
    same(
      reports.map(({ type }) => type),
      ["broken", "held"],
    );
  }
});

test("fuzz: what is no target is told apart from what breaks", async () => {
  const refused = (target: string, why: RegExp) =>
    rejects(lawsOfTarget(target), (error) => error instanceof NoTarget && why.test(error.message));
  await refused("nope", /nothing is called "nope"/);
  await refused("./nope.mjs#a", /cannot be loaded/);
  await refused(`${import.meta.dirname}/strangers.ts#nope`, /exports no "nope", but asking, believing/);
  await refused(`${import.meta.dirname}/strangers.ts#neither`, /neither a machine of XState/);
});

/** Each of them is asked at length by its own room's tests. */
const OWN_RUNS = Math.min(runs, 10);

test("fuzz: every codec and machine of ours that it names holds", async () => {
  const all = await ownTargets();
  for (const name of ["VapMessage", "MessageContents", "TlsHandshake", "Ticket", "inviteClient", "reloadLink"])
    ok(
      all.some((one) => one.name === name),
      name,
    );
  same(all.length, new Set(all.map(({ name }) => name)).size);
  for (const { lawsOf } of all) {
    const reports: Array<FuzzReport> = [];
    await runLaws(engineOf(lawsOf(), reports), { ...LIMITS, runs: OWN_RUNS });
    same(
      reports.flatMap((report) => (report.type === "broken" ? [report.example] : [])),
      [],
    );
  }
});
