/** Whole federations from a seed: no checker is violated, the same seed is the same run, a violation becomes a short file. */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planOf } from "../../runtime/federation/draw.ts";
import { isFederationFile, readFile, writeFile } from "../../runtime/federation/file.ts";
import { ladderOf } from "../../runtime/federation/ladder.ts";
import { ADVERSARIES, type Plan } from "../../runtime/federation/plan.ts";
import { runPlan } from "../../runtime/federation/run.ts";
import { shrinkViolation } from "../../runtime/federation/shrink-violation.ts";
import { replayCommand } from "../../runtime/replay.ts";
import { isWhole, longTest, test } from "../kit/harness.ts";
import { BORIS, callAt, plan } from "./plans.ts";

const MINUTES = 3;
const SHRINK_RUNS_MAX = 20;
for (const seed of isWhole ? [2, 21] : [2])
  test(`federation of seed ${seed}: every checker holds`, async () => {
    const told: Array<number> = [];
    const { violation, calls, simulatedMs } = await runPlan(planOf(seed, MINUTES), undefined, (ms) => told.push(ms));
    same(violation, undefined);
    ok(calls > 0);
    same(
      [...told].sort((a, b) => a - b),
      told,
    );
    ok(told.length > 6 * MINUTES && told.at(-1)! <= simulatedMs, told.join()); // each ten seconds
  });

test("federation: the same plan is the same run, event for event; another seed is another", async () => {
  const drawn = planOf(7, MINUTES);
  same(planOf(7, MINUTES), drawn);
  const [one, two, other] = [await runPlan(drawn), await runPlan(drawn), await runPlan({ ...drawn, seed: 8 })];
  same(one.events, two.events);
  same(one.hash, two.hash);
  ok(one.hash !== other.hash);
});

test("federation: seeds draw every kind of fault and of adversary, and each call and target is a number of the plan", () => {
  const plans = Array.from({ length: 100 }, (_, seed) => planOf(seed, 30));
  const kinds = new Set(plans.flatMap(({ adversaries }) => adversaries.map(({ kind }) => kind)));
  same([...kinds].sort(), [...ADVERSARIES].sort());
  same(new Set(plans.flatMap(({ faults }) => faults.map(({ type }) => type))).size, 12);
  for (const { companies, calls, adversaries } of plans) {
    const numbers = new Set(companies.flatMap((company) => company.numbers));
    for (const { called, calling, from } of calls) {
      ok(numbers.has(called) && (calling === undefined || numbers.has(calling)));
      ok(!companies.find(({ name }) => name === from)!.numbers.includes(called), "a call leaves its company");
    }
    for (const { targets } of adversaries) ok(targets.length > 0 && targets.every((number) => numbers.has(number)));
  }
});

const played = async (more: Partial<Plan>) => {
  const { violation, events } = await runPlan({ ...plan, ...more });
  same(violation, undefined);
  return events.map(({ what, detail = "" }) => `${what} ${detail}`);
};

test("federation: a member forges messages and claims where its own are taken, and each forged one is refused", async () => {
  const adversary = { kind: "messagesForger", name: "x1.example", atMs: 1_000, targets: [BORIS], strength: 1 } as const;
  const lines = await played({ adversaries: [adversary] });
  ok(lines.includes("forged messages 11, claims among them"), lines.join("\n"));
});

test("federation: a forged request of the next configuration is none once that configuration has come", async () => {
  const adversary = {
    kind: "messagesForger",
    name: "x1.example",
    atMs: 30_000,
    targets: [BORIS],
    strength: 1,
  } as const;
  // The forger has begun by then, and has not come to that request.
  const fault = { type: "newConfiguration", atMs: 32_000, forMs: 0, storesPerSecond: 12 } as const;
  await played({ adversaries: [adversary], faults: [fault] });
});

test("federation: certificates of nodes end and are renewed, documents follow each other: nothing that counts is lost", async () => {
  const document = { type: "newConfiguration", forMs: 0, storesPerSecond: 150 } as const;
  const lines = await played({
    minutes: 3,
    calls: [callAt(1_000, 17_000), callAt(150_000, 10_000)],
    faults: [
      { ...document, atMs: 20_000 },
      { type: "membershipEnds", company: "c2.example", atMs: 50_000, forMs: 20_000 },
      { ...document, atMs: 60_000, storesPerSecond: 151 },
    ],
  });
  const [ended, ...later] = lines.slice(lines.indexOf("certificates of its nodes have ended "));
  ok(ended !== undefined && later.includes(`published ${BORIS}`), lines.join("\n"));
});

/** Much that has nothing to do with it, and a thief to whom the telephone network leads calls. */
const violated: Plan = {
  ...planOf(3, 2),
  ...plan,
  companies: [...plan.companies, { name: "c3.example", numbers: ["+88813001"], nodes: 1, skewMs: 300, diskMs: 5 }],
  calls: [
    callAt(1_000, 17_000),
    { atMs: 70_000, from: "c3.example", called: "+88812001", talkMs: 8_000 },
    { atMs: 100_000, from: "c2.example", called: "+88813001", talkMs: 9_000 },
  ],
  faults: [{ type: "slowDisk", company: "c3.example", atMs: 5_000, forMs: 10_000, byMs: 100 }],
  adversaries: [
    { kind: "thief", name: "x1.example", atMs: 0, targets: [BORIS], strength: 1 },
    { kind: "forger", name: "x2.example", atMs: 2_000, targets: [BORIS], strength: 1 },
  ],
  planted: ["misdialled"],
};

longTest(
  "federation: a violation is shrunk to the calls and the adversary that make it, and its file is played again as it was",
  async () => {
    const found = await runPlan(violated);
    same(found.violation?.checker, "route", found.violation?.why);
    const least = await shrinkViolation(violated, found, undefined, SHRINK_RUNS_MAX);
    same(least.outcome.violation?.checker, "route");
    same([least.plan.faults.length, least.plan.adversaries.length], [0, 1]);
    ok(least.plan.calls.length <= 2, `${least.plan.calls.length} calls`); // as many as prove the bits that a route must have
    same(least.plan.companies.length, 2);
    const folder = mkdtempSync(join(tmpdir(), "vipr-"));
    try {
      const file = join(folder, "least.trace");
      const text = writeFile(least.plan, least.outcome);
      writeFileSync(file, text);
      ok(isFederationFile(readFileSync(file)));
      same(readFile(text), {
        plan: least.plan,
        violation: least.outcome.violation,
        hash: least.outcome.hash,
        events: least.outcome.events,
      });
      same(await replayCommand([file]), 0);
      // Another plan under the same events is another run.
      writeFileSync(file, text.replace('"seed":5', '"seed":6'));
      same(await replayCommand([file]), 1);
      writeFileSync(file, text.replace('"calls":[', '"callz":['));
      same(await replayCommand([file]), 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test("federation: a ladder has a column for each party, and an arrow from one to the other", () => {
  const events = [
    { atMs: 1_500, from: "a", to: "b", what: "calls" },
    { atMs: 2_000, from: "b", what: "proved", detail: "3 bits" },
    { atMs: 2_500, from: "b", to: "a", what: "ticket granted" },
    { atMs: 3_000, from: "checker", what: "VIOLATED call" },
  ];
  const { head, line } = ladderOf(events);
  same(head.trimEnd(), "    time s  a            b");
  same(events.map(line), [
    "     1.500       o------------>        calls",
    "     2.000       |            o        proved 3 bits",
    "     2.500       <------------o        ticket granted",
    "     3.000       |            |        checker: VIOLATED call",
  ]);
});

test("federation: a file that is none is refused with its line", () => {
  throws(() => readFile("{}"), /line 1: a file of version/);
  throws(() => readFile(`{"format":"vipr federation","version":1,"plan":{}}\n`), /line 1: the plan has no list/);
  throws(
    () => readFile(`{"format":"vipr federation","version":1,"plan":${JSON.stringify(plan)}}\n{}`),
    /line 2: no verdict/,
  );
});
