/** The three machines of validation: their laws, and the paths that a proof may take. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { parseUserName, printUserName, type ValAnswer } from "../../codecs/validation/mod.ts";
import {
  CLAIMS_MAX,
  CLAIMS_OF_NODE_MAX,
  type ClaimVerdict,
  type KnownCall,
  originatorPassword,
  type PvpAttemptAction,
  type PvpAttemptEvent,
  type PvpAttemptInput,
  type PvpCandidate,
  type PvpClaim,
  type PvpOriginatorEvent,
  type PvpTerminatorEvent,
  pvpAttempt,
  pvpOriginator,
  pvpTerminator,
  ROUND_MS,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { knownCalls, nodeIds, numbers, vservices } from "./arbitrary.ts";

const call: KnownCall = {
  called: "+14085555432",
  calling: "+33123456789",
  startMs: 3_976_214_403_000,
  stopMs: 3_976_214_500_000,
};
const claim = { nodeId: 2n, vservice: 7n };
const attempt: PvpAttemptInput = {
  call,
  claim,
  nodeId: 1n,
  domain: "a.example",
  instant: 3_976_214_450,
  roundMs: ROUND_MS,
};
const info = { number: call.called, ticket: "dGlja2V0", routes: [{ sipUris: ["sip:x@b.example:5061"] }] };
const granted: ValAnswer = { type: "valinfo", info };

const attemptEvents: fc.Arbitrary<PvpAttemptEvent> = fc.oneof(
  fc.constantFrom<PvpAttemptEvent>(
    { type: "resolved", host: "192.0.2.1", port: 5621 },
    { type: "unresolved", why: "not found" },
    { type: "connected" },
    { type: "secured" },
    { type: "wrongPassword" },
    { type: "answered", answer: granted },
    { type: "answered", answer: { type: "valerror", code: 403 } },
    { type: "lost", why: "reset" },
  ),
);
const attempts = fc.record(
  {
    call: knownCalls,
    claim: fc.record({ nodeId: nodeIds, vservice: vservices }, { noNullPrototype: true }),
    nodeId: nodeIds,
  },
  { noNullPrototype: true },
);
machineLaws(pvpAttempt, { inputs: attempts.map((given) => ({ ...attempt, ...given })), events: () => attemptEvents });

const verdictOf = (nodeId: bigint): ClaimVerdict => ({
  nodeId,
  vservice: 7n,
  method: "A",
  bits: 0,
  verdict: "refused",
});
const fewNodes = fc.bigInt({ min: 0n, max: 9n });
machineLaws(pvpOriginator, {
  inputs: fc
    .record({ call: knownCalls, waitMs: fc.nat(86_400_000) }, { noNullPrototype: true })
    .map(({ call, waitMs }) => {
      const { claim: _, ...rest } = attempt;
      return { ...rest, call, waitMs };
    }),
  events: () =>
    fc.oneof<fc.Arbitrary<PvpOriginatorEvent>[]>(
      fc
        .array(fewNodes, { maxLength: 12 })
        .map((nodes) => ({ type: "found", claims: nodes.map((nodeId) => ({ nodeId, vservice: 7n })) }) as const),
      fc.constant({ type: "notFound", why: "no answer" } as const),
      fewNodes.map((nodeId) => ({ type: "attempted", verdict: verdictOf(nodeId) }) as const),
    ),
});

const candidate: PvpCandidate = { ...call, id: 4, vservice: 7n, isLocked: false };
const parties = { originator: 1n, terminator: 2n, vservice: 7n };
const name = userNameFor("A", call, parties, 0, ROUND_MS);
const terminator = { nodeIds: [2n], roundMs: ROUND_MS };
machineLaws(pvpTerminator, {
  inputs: fc.constant(terminator),
  events: () =>
    fc.oneof<fc.Arbitrary<PvpTerminatorEvent>[]>(
      fc.constantFrom(printUserName(name), "alice", "").map((userName) => ({ type: "named", userName }) as const),
      fc
        .array(fc.record({ id: fc.nat(), isLocked: fc.boolean() }, { noNullPrototype: true }), { maxLength: 2 })
        .map(
          (given) => ({ type: "candidates", candidates: given.map((some) => ({ ...candidate, ...some })) }) as const,
        ),
      fc.constant({ type: "secured" } as const),
      fc.boolean().map((isWrongPassword) => ({ type: "failed", isWrongPassword, why: "x" }) as const),
      fc
        .oneof(fc.constant(call.called), numbers)
        .map((number) => ({ type: "asked", request: { number, domain: "a.example" } }) as const),
      fc.constantFrom<PvpTerminatorEvent>(
        { type: "granted", info },
        { type: "declined", code: 403 },
        { type: "malformed", why: "x" },
        { type: "lost", why: "x" },
      ),
    ),
});

/** The orders that a row of events brings, from the start. */
const attemptOrders = (
  input: PvpAttemptInput,
  ...events: ReadonlyArray<PvpAttemptEvent>
): ReadonlyArray<PvpAttemptAction> => {
  let step = pvpAttempt.start(input);
  const orders = [...step.actions];
  for (const event of events) {
    step = pvpAttempt.step(step.snapshot, event);
    orders.push(...step.actions);
  }
  return orders;
};
const verdictIn = (orders: ReadonlyArray<PvpAttemptAction>): ClaimVerdict | undefined => {
  const report = orders.find((order) => order.type === "report");
  return report?.type === "report" ? report.verdict : undefined;
};
const methodsIn = (orders: ReadonlyArray<PvpAttemptAction>) =>
  orders.flatMap((order) => (order.type === "dial" ? [order.userName.split(";")[1]] : []));

const resolved = { type: "resolved", host: "192.0.2.1", port: 5621 } as const;
const [connected, secured, wrong] = [{ type: "connected" }, { type: "secured" }, { type: "wrongPassword" }] as const;

test("profile §2, order: A, then B on a new stream when A fails; refused when both fail", () => {
  const both = attemptOrders(attempt, resolved, connected, wrong, connected, wrong);
  same(methodsIn(both), ["A", "B"]);
  same(verdictIn(both), { ...claim, method: "B", bits: 0, verdict: "refused" });
});

test("profile §2, order: without a caller id B is the only one", () => {
  const blind = { ...attempt, call: { ...call, calling: undefined } };
  const orders = attemptOrders(blind, resolved, connected, wrong);
  same([methodsIn(orders), verdictIn(orders)?.verdict], [["B"], "refused"]);
});

test("profile §2, order: a private domain's claims are tried by C alone, which tells no number and no caller", () => {
  const orders = attemptOrders({ ...attempt, isPrivate: true }, resolved, connected, wrong);
  same([methodsIn(orders), verdictIn(orders)?.verdict], [["C"], "refused"]);
  const dialled = orders.find((order) => order.type === "dial");
  ok(dialled?.type === "dial" && !dialled.userName.includes(call.called) && !dialled.userName.includes("3312345"));
});

test("a claim that proves itself is asked, and its grant reported with what the proof is worth", () => {
  const orders = attemptOrders(attempt, resolved, connected, secured, { type: "answered", answer: granted });
  ok(orders.some((order) => order.type === "ask" && order.request.domain === "a.example"));
  const verdict = verdictIn(orders);
  ok(verdict?.verdict === "validated" && verdict.bits > 0 && verdict.info === info && verdict.method === "A");
});

test("an answer for another number is no validation, an error code declines", () => {
  const answer = (given: ValAnswer) =>
    verdictIn(attemptOrders(attempt, resolved, connected, secured, { type: "answered", answer: given }));
  same(answer({ type: "valinfo", info: { ...info, number: "+19" } })?.verdict, "broken");
  const declined = answer({ type: "valerror", code: 403 });
  ok(declined?.verdict === "declined" && declined.code === 403 && declined.bits > 0);
});

test("profile §2, timers: connect 10 s, handshake 20 s, exchange 10 s, each ends the attempt", () => {
  const timers = attemptOrders(attempt, resolved, connected, secured).flatMap((order) =>
    order.type === "startTimer" ? [`${order.timer} ${order.ms}`] : [],
  );
  same(timers, ["connect 10000", "connect 10000", "handshake 20000", "exchange 10000"]);
  const late = (timer: "connect" | "handshake" | "exchange", ...before: ReadonlyArray<PvpAttemptEvent>) =>
    verdictIn(attemptOrders(attempt, ...before, { type: "timerFired", timer }))?.verdict;
  same(late("connect"), "unreachable");
  same(late("connect", resolved), "unreachable");
  same(late("handshake", resolved, connected), "broken");
  same(late("exchange", resolved, connected, secured), "broken");
  same(late("connect", resolved, connected), undefined); // a stale one
  const lost = { type: "lost", why: "reset" } as const;
  const verdicts = [[resolved], [resolved, connected], [resolved, connected, secured]].map(
    (before) => verdictIn(attemptOrders(attempt, ...before, lost))?.verdict,
  );
  same(verdicts, ["unreachable", "broken", "broken"]);
});

test("the originator tries all claims at once, settles each as it comes, and reports them in order", () => {
  const { claim: _, ...rest } = attempt;
  let step = pvpOriginator.start({ ...rest, waitMs: 30_000 });
  same(step.actions, [{ type: "startTimer", timer: "Tv", ms: 30_000 }]);
  step = pvpOriginator.step(step.snapshot, { type: "timerFired", timer: "Tv" });
  same(
    step.actions.map(({ type }) => type),
    ["startTimer", "lookUp"],
  );
  const claims = Array.from({ length: 100 }, (_, i) => ({ nodeId: BigInt(i % 90), vservice: 7n }));
  step = pvpOriginator.step(step.snapshot, { type: "found", claims });
  const begun = step.actions.flatMap((action) => (action.type === "attempt" ? [action.input.claim.nodeId] : []));
  const all = Array.from({ length: CLAIMS_MAX }, (_, i) => BigInt(i));
  same(begun, all);
  for (const nodeId of begun.toReversed()) {
    step = pvpOriginator.step(step.snapshot, { type: "attempted", verdict: verdictOf(nodeId) });
    same(step.actions[0], { type: "settle", verdict: verdictOf(nodeId) });
    same(step.actions.length, nodeId === 0n ? 2 : 1); // the dawdler's is the last, and nobody waited for it
  }
  const report = step.actions.find((action) => action.type === "report");
  ok(report?.type === "report" && report.outcome.type === "tried" && pvpOriginator.isDone(step.snapshot));
  same(
    report.outcome.verdicts.map(({ nodeId }) => nodeId),
    all,
  );
});

test("the originator takes few claims of one node, however many VServices it names, and everybody else's", () => {
  const { claim: _, ...rest } = attempt;
  const querying = pvpOriginator.step(pvpOriginator.start({ ...rest, waitMs: 0 }).snapshot, {
    type: "timerFired",
    timer: "Tv",
  }).snapshot;
  const greedy = Array.from({ length: CLAIMS_MAX }, (_, i) => ({ nodeId: 1n, vservice: BigInt(i) }));
  const claims = [...greedy, { nodeId: 2n, vservice: 0n }];
  let step = pvpOriginator.step(querying, { type: "found", claims });
  const tried: Array<PvpClaim> = [];
  for (const action of step.actions) if (action.type === "attempt") tried.push(action.input.claim);
  for (const claim of tried)
    step = pvpOriginator.step(step.snapshot, { type: "attempted", verdict: { ...verdictOf(0n), ...claim } });
  ok(pvpOriginator.isDone(step.snapshot));
  same(
    tried.map(({ nodeId }) => nodeId),
    [...Array.from({ length: CLAIMS_OF_NODE_MAX }, () => 1n), 2n],
  );
});

test("the originator reports nobody when nobody claims, and that it could not ask", () => {
  const { claim: _, ...rest } = attempt;
  const querying = pvpOriginator.step(pvpOriginator.start({ ...rest, waitMs: 0 }).snapshot, {
    type: "timerFired",
    timer: "Tv",
  }).snapshot;
  const outcome = (event: PvpOriginatorEvent) => pvpOriginator.step(querying, event).actions.at(-1);
  same(outcome({ type: "found", claims: [] }), { type: "report", outcome: { type: "tried", verdicts: [] } });
  same(outcome({ type: "notFound", why: "x" }), { type: "report", outcome: { type: "notFound", why: "x" } });
  same(outcome({ type: "timerFired", timer: "query" })?.type, "report");
});

const terminatorOrders = (...events: ReadonlyArray<PvpTerminatorEvent>) => {
  let step = pvpTerminator.start(terminator);
  const orders = [...step.actions];
  for (const event of events) {
    step = pvpTerminator.step(step.snapshot, event);
    orders.push(...step.actions);
  }
  return orders;
};
const named: PvpTerminatorEvent = { type: "named", userName: printUserName(name) };
const found = (...candidates: ReadonlyArray<PvpCandidate>): PvpTerminatorEvent => ({ type: "candidates", candidates });
const given = (...events: ReadonlyArray<PvpTerminatorEvent>) => {
  const give = terminatorOrders(...events).find((order) => order.type === "give");
  return give?.type === "give" ? give.password : "none given";
};

test("profile §2, candidates: one that is free gets its password, all else is simulated", () => {
  same(given(named, found(candidate)), originatorPassword(name, call, ROUND_MS));
  same(given(named, found()), undefined);
  same(given(named, found(candidate, { ...candidate, id: 5 })), undefined);
  same(given(named, found({ ...candidate, isLocked: true })), undefined);
  same(given({ type: "named", userName: "alice" }), undefined);
  const elsewhere = parseUserName(printUserName({ ...name, terminator: 3n }));
  ok(elsewhere.ok);
  same(given({ type: "named", userName: printUserName({ ...name, terminator: 3n }) }), undefined);
});

test("a wrong password is charged to the call, and to nothing when it was simulated", () => {
  const failed = { type: "failed", isWrongPassword: true, why: "" } as const;
  const charged = (...events: ReadonlyArray<PvpTerminatorEvent>) =>
    terminatorOrders(...events).flatMap((order) => (order.type === "charge" ? [order.id] : []));
  same(charged(named, found(candidate), failed), [4]);
  same(charged(named, found(), failed), []);
  same(charged(named, found(candidate), { ...failed, isWrongPassword: false }), []);
  same(charged(named, found(candidate), { type: "lost", why: "" }), []);
});

test("who proved a call is granted that call's number and service, and no other number", () => {
  const proved = [named, found(candidate), secured] as const;
  const asked = (number: string) => ({ type: "asked", request: { number, domain: "a.example" } }) as const;
  const orders = terminatorOrders(...proved, asked(call.called), { type: "granted", info });
  ok(orders.some((order) => order.type === "grant" && order.vservice === 7n && order.number === call.called));
  ok(orders.some((order) => order.type === "answer" && order.answer.type === "valinfo"));
  const other = terminatorOrders(...proved, asked("+15551234567"));
  ok(!other.some((order) => order.type === "grant"));
  ok(other.some((order) => order.type === "answer" && order.answer.type === "valerror" && order.answer.code === 404));
  const unproved = terminatorOrders(named, found(candidate), asked(call.called));
  ok(!unproved.some((order) => order.type === "grant" || order.type === "answer"));
});
