/** The three machines of validation: their laws, and the paths that a proof may take. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { type E164, e164, nodeIdFrom, ntpMs, unixMs, unixMsOf, vserviceId } from "../../codecs/shared/mod.ts";
import { parseUserName, printUserName, type ValAnswer } from "../../codecs/validation/mod.ts";
import {
  type CallFacts,
  CLAIMS_MAX,
  CLAIMS_OF_NODE_MAX,
  type ClaimVerdict,
  equivalentBits,
  formsFor,
  GATE_MS_MAX,
  originatorPassword,
  type PvpAttemptAction,
  type PvpAttemptEvent,
  type PvpAttemptInput,
  type PvpCandidate,
  type PvpClaim,
  type PvpForm,
  type PvpOriginatorAction,
  type PvpOriginatorEvent,
  type PvpOriginatorInput,
  type PvpTerminatorEvent,
  pvpAttempt,
  pvpOriginator,
  pvpTerminator,
  ROUND_MS,
  TV_MS_MAX,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { anyCallFacts, nodeIds, numbers, vservices } from "./arbitrary.ts";

const call: CallFacts = {
  called: e164("+14085555432"),
  calling: e164("+33123456789"),
  startMs: unixMsOf(ntpMs(3_976_214_403_000)),
  stopMs: unixMsOf(ntpMs(3_976_214_500_000)),
};
const claim: PvpClaim = { nodeId: nodeIdFrom(2n), vservice: vserviceId(7n) };
const formOf = (method: PvpForm["method"]): PvpForm => ({ method, version: 1, bits: 0, revealed: 0 });
const attempt: PvpAttemptInput = {
  call,
  claim,
  form: formOf("A"),
  nodeId: nodeIdFrom(1n),
  domain: "a.example",
  instantMs: unixMsOf(ntpMs(3_976_214_450_000)),
  roundMs: ROUND_MS,
  windowMs: TV_MS_MAX,
  guessesBefore: 0,
};
const info = { number: call.called, ticket: "dGlja2V0", routes: [{ sipUris: ["sip:x@b.example:5061"] }] };
const granted: ValAnswer = { type: "valinfo", info };

const attemptEvents: fc.Arbitrary<PvpAttemptEvent> = fc.oneof(
  fc.constantFrom<PvpAttemptEvent>(
    { type: "resolved", host: "192.0.2.1", port: 5621 },
    { type: "unresolved", why: "not found" },
    { type: "connected" },
    { type: "committed" },
    { type: "opened" },
    { type: "shut" },
    { type: "secured" },
    { type: "wrongPassword" },
    { type: "answered", answer: granted },
    { type: "answered", answer: { type: "valerror", code: 403 } },
    { type: "lost", why: "reset" },
  ),
);
const attempts = fc.record(
  {
    call: anyCallFacts,
    claim: fc.record({ nodeId: nodeIds, vservice: vservices }, { noNullPrototype: true }),
    nodeId: nodeIds,
  },
  { noNullPrototype: true },
);
const granting: ReadonlyArray<PvpAttemptEvent> = [
  { type: "resolved", host: "192.0.2.1", port: 5621 },
  { type: "connected" },
  { type: "committed" },
  { type: "opened" },
  { type: "secured" },
  { type: "answered", answer: granted },
];
machineLaws(
  pvpAttempt,
  { inputs: attempts.map((given) => ({ ...attempt, ...given })), events: () => attemptEvents },
  { plays: [{ input: attempt, events: granting }] },
);

const claimOf = (nodeId: bigint): PvpClaim => ({ nodeId: nodeIdFrom(nodeId), vservice: vserviceId(7n) });
const verdictOf = (nodeId: bigint, verdict: ClaimVerdict["verdict"] = "refused", method: "A" | "B" = "A") =>
  ({ ...claimOf(nodeId), method, bits: 0, verdict, why: "x", code: 403, info }) as ClaimVerdict;
const { claim: _, form: __, guessesBefore: ___, ...ofCall } = attempt;
const originator: PvpOriginatorInput = {
  ...ofCall,
  forms: ["A", "B"].map((method) => formOf(method as "A")),
  waitMs: 0,
  lot: 0,
};
const fewNodes = fc.bigInt({ min: 0n, max: 5n });
machineLaws(pvpOriginator, {
  inputs: fc
    .record(
      {
        call: anyCallFacts,
        waitMs: fc.nat(86_400_000),
        lot: fc.nat(),
        forms: fc.subarray(["A", "B"] as const).map((methods) => methods.map(formOf)),
      },
      { noNullPrototype: true },
    )
    .map((given) => ({ ...originator, ...given })),
  events: () =>
    fc.oneof<fc.Arbitrary<PvpOriginatorEvent>[]>(
      fc.array(fewNodes, { maxLength: 12 }).map((nodes) => ({ type: "found", claims: nodes.map(claimOf) }) as const),
      fc.constantFrom<PvpOriginatorEvent>({ type: "notFound", why: "no answer" }, { type: "turned" }),
      fewNodes.map((nodeId) => ({ type: "committed", claim: claimOf(nodeId) }) as const),
      fc
        .tuple(fewNodes, fc.constantFrom<ClaimVerdict["verdict"]>("refused", "validated", "unreachable", "broken"))
        .map(([nodeId, verdict]) => ({ type: "attempted", verdict: verdictOf(nodeId, verdict) }) as const),
    ),
});

const candidate: PvpCandidate = { ...call, id: 4, vservice: vserviceId(7n), isLocked: false };
const parties = { originator: nodeIdFrom(1n), terminator: nodeIdFrom(2n), vservice: vserviceId(7n) };
const name = userNameFor("A", call, parties, unixMs(0), ROUND_MS);
const elsewhere = printUserName({ ...name, terminator: nodeIdFrom(3n) });
const terminator = { nodeIds: [nodeIdFrom(2n)], roundMs: ROUND_MS };
const proved: ReadonlyArray<PvpTerminatorEvent> = [
  { type: "named", userName: printUserName(name) },
  { type: "candidates", candidates: [candidate] },
  { type: "secured" },
  { type: "asked", request: { number: call.called, domain: "a.example" } },
  { type: "granted", info },
];
machineLaws(
  pvpTerminator,
  {
    inputs: fc.constant(terminator),
    events: () =>
      fc.oneof<fc.Arbitrary<PvpTerminatorEvent>[]>(
        fc
          .constantFrom(printUserName(name), elsewhere, "alice", "")
          .map((userName) => ({ type: "named", userName }) as const),
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
  },
  { plays: [{ input: terminator, events: proved }] },
);

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
const [connected, committed, opened, shut, secured, wrong] = [
  { type: "connected" },
  { type: "committed" },
  { type: "opened" },
  { type: "shut" },
  { type: "secured" },
  { type: "wrongPassword" },
] as const;
const lost = { type: "lost", why: "reset" } as const;
/** A claim that has guessed, and was answered. */
const answeredTo = [resolved, connected, committed, opened] as const;

test("an attempt is one handshake by one method; a wrong guess is refused", () => {
  for (const method of ["A", "B", "C"] as const) {
    const orders = attemptOrders({ ...attempt, form: formOf(method) }, ...answeredTo, wrong);
    same(methodsIn(orders), [method]);
    same(verdictIn(orders), { ...claim, method, bits: 0, verdict: "refused" });
    const dialled = orders.find((order) => order.type === "dial");
    ok(dialled?.type === "dial" && dialled.userName.includes(call.called) === (method !== "C"));
  }
});

test("the gate: no guess is answered before it is open, and who gives none is unreachable unless he knows of the times", () => {
  const before = attemptOrders(attempt, resolved, connected, committed);
  ok(before.some(({ type }) => type === "commit") && !before.some(({ type }) => type === "proceed"));
  ok(attemptOrders(attempt, ...answeredTo).some(({ type }) => type === "proceed"));
  // By A a claimant without a guess is out of this call, in whatever way it ended; so is one that was too late for the gate.
  const firstOnes = [[], [resolved], [resolved, connected]];
  for (const events of firstOnes) {
    same(verdictIn(attemptOrders(attempt, ...events, shut))?.verdict, "unreachable");
    if (events.length === 0) continue;
    for (const end of [lost, wrong]) same(verdictIn(attemptOrders(attempt, ...events, end))?.verdict, "unreachable");
  }
  same(verdictIn(attemptOrders(attempt, resolved, connected, committed, shut))?.verdict, "unreachable");
  // By B, C and A of version 2 the user name contains something of the call's times: who has received it can no longer be unreachable.
  for (const form of [formOf("B"), formOf("C"), { ...formOf("A"), version: 2 } as const])
    for (const end of [lost, wrong, shut, { type: "timerFired", timer: "handshake" } as const]) {
      const verdict = (...before: ReadonlyArray<PvpAttemptEvent>) =>
        verdictIn(attemptOrders({ ...attempt, form }, ...before, end))?.verdict;
      same(verdict(resolved, connected), "broken");
      if (end.type !== "timerFired") same(verdict(resolved), "unreachable");
    }
  // Who gave one, and then goes, is not.
  for (const end of [lost, wrong])
    same(verdictIn(attemptOrders(attempt, resolved, connected, committed, end))?.verdict, "broken");
  same(verdictIn(attemptOrders(attempt, ...answeredTo, lost))?.verdict, "broken");
  same(verdictIn(attemptOrders(attempt, ...answeredTo, secured, lost))?.verdict, "broken");
  same(verdictIn(attemptOrders(attempt, ...answeredTo, shut)), undefined); // it is open already
});

test("a claim that proves itself is asked, and its grant reported with what the proof is worth", () => {
  const orders = attemptOrders(attempt, ...answeredTo, secured, { type: "answered", answer: granted });
  ok(orders.some((order) => order.type === "ask" && order.request.domain === "a.example"));
  const verdict = verdictIn(orders);
  ok(verdict?.verdict === "validated" && verdict.info === info && verdict.method === "A");
  same(verdict.bits, equivalentBits(call, ROUND_MS, "A"));
});

test("a proof is worth less for each guess at the call that was answered before, and for a stop known more closely", () => {
  const startMs = unixMs(call.startMs + 900_000); // far from a full hour
  const long = { ...call, startMs, stopMs: unixMs(startMs + 640_000) };
  const worth = (change: Partial<PvpAttemptInput>) =>
    verdictIn(
      attemptOrders({ ...attempt, call: long, ...change }, ...answeredTo, secured, {
        type: "answered",
        answer: granted,
      }),
    )!.bits;
  same(worth({ form: formOf("B") }), 12);
  for (const guessesBefore of [1, 3, 63])
    same(worth({ form: formOf("B"), guessesBefore }), 12 - Math.log2(1 + guessesBefore));
  same(worth({ form: formOf("B"), guessesBefore: 2 ** 20 }), 0);
  same(worth({ windowMs: 40_000 }), 2 + 6);
  // For each bit of its times that was told, for its half hour, and for an end that lies near another call's.
  same(worth({ form: { ...formOf("B"), version: 2, bits: 3, revealed: 3 } }), 12 - 3);
  same(worth({ form: { ...formOf("A"), version: 2 } }), Math.log2(180) + 6);
  const apart = (startMs: number, stopMs: number) => worth({ apart: { startMs, stopMs } });
  const far = Number.POSITIVE_INFINITY;
  same([apart(far, far), apart(far, 0), apart(0, far), apart(2_700, 2_700)], [worth({}), 6, 6, 0]);
  same([apart(far, 5_000), apart(5_000, 5_000)], [Math.log2(12) + 6, 2 * Math.log2(12)]);
});

test("an answer for another number is no validation, an error code declines", () => {
  const answer = (given: ValAnswer) =>
    verdictIn(attemptOrders(attempt, ...answeredTo, secured, { type: "answered", answer: given }));
  // Also one that differs in a digit.
  for (const number of ["+19", call.called.replace(/.$/, (last) => String((Number(last) + 1) % 10))])
    same(answer({ type: "valinfo", info: { ...info, number: e164(number) } })?.verdict, "broken");
  const declined = answer({ type: "valerror", code: 403 });
  ok(declined?.verdict === "declined" && declined.code === 403 && declined.bits > 0);
});

test("docs/protocol/pvp.md#limits: connect 10 s, handshake 20 s, exchange 10 s, each ends the attempt", () => {
  const timers = attemptOrders(attempt, ...answeredTo, secured).flatMap((order) =>
    order.type === "startTimer" ? [`${order.timer} ${order.ms}`] : [],
  );
  same(timers, ["connect 10000", "connect 10000", "handshake 20000", "exchange 10000"]);
  const late = (timer: "connect" | "handshake" | "exchange", ...before: ReadonlyArray<PvpAttemptEvent>) =>
    verdictIn(attemptOrders(attempt, ...before, { type: "timerFired", timer }))?.verdict;
  same(late("connect"), "unreachable");
  same(late("connect", resolved), "unreachable");
  same(late("handshake", resolved, connected), "unreachable");
  same(late("handshake", resolved, connected, committed), "broken");
  same(late("handshake", ...answeredTo), "broken");
  same(late("exchange", ...answeredTo, secured), "broken");
  same(late("connect", resolved, connected), undefined); // a stale one
});

/** An originator that has found these claims and may try them: what it does from there. */
const proving = (claims: ReadonlyArray<PvpClaim>, input: Partial<PvpOriginatorInput> = {}) => {
  const before: ReadonlyArray<PvpOriginatorEvent> = [
    { type: "timerFired", timer: "Tv" },
    { type: "found", claims },
    { type: "turned" },
  ];
  let step = pvpOriginator.start({ ...originator, ...input });
  for (const event of before) step = pvpOriginator.step(step.snapshot, event);
  return {
    orders: () => step.actions,
    tell: (...events: ReadonlyArray<PvpOriginatorEvent>): ReadonlyArray<PvpOriginatorAction> =>
      events.flatMap((event) => {
        step = pvpOriginator.step(step.snapshot, event);
        return step.actions;
      }),
    isDone: () => pvpOriginator.isDone(step.snapshot),
  };
};
const claimsOf = (...nodeIds: ReadonlyArray<bigint>) => nodeIds.map(claimOf);
const commits = (nodeId: bigint) => ({ type: "committed", claim: claimOf(nodeId) }) as const;
const ends = (nodeId: bigint, verdict?: ClaimVerdict["verdict"], method?: "A" | "B") =>
  ({ type: "attempted", verdict: verdictOf(nodeId, verdict, method) }) as const;
/** Orders in short: "A 2" an attempt by A at node 2, "open 2", "validated 2" when it is settled. */
const told = (orders: ReadonlyArray<PvpOriginatorAction>): ReadonlyArray<string> =>
  orders.map((order) => {
    switch (order.type) {
      case "attempt":
        return `${order.input.form.method} ${order.input.claim.nodeId}`;
      case "open":
      case "shut":
        return `${order.type} ${order.claim.nodeId}`;
      case "settle":
        return `${order.verdict.verdict} ${order.verdict.nodeId}`;
      case "startTimer":
      case "stopTimer":
        return `${order.type} ${order.timer}`;
      default:
        return order.type;
    }
  });

test("the originator has its turn for all claims before it tries the first", () => {
  let step = pvpOriginator.start({ ...originator, waitMs: 30_000 });
  same(step.actions, [{ type: "startTimer", timer: "Tv", ms: 30_000 }]);
  step = pvpOriginator.step(step.snapshot, { type: "timerFired", timer: "Tv" });
  same(told(step.actions), ["startTimer query", "lookUp"]);
  const claims = Array.from({ length: 100 }, (_, i) => claimOf(BigInt(i % 90)));
  step = pvpOriginator.step(step.snapshot, { type: "found", claims });
  same(step.actions, [
    { type: "stopTimer", timer: "query" },
    { type: "takeTurn", claims: CLAIMS_MAX },
  ]);
  step = pvpOriginator.step(step.snapshot, { type: "turned" });
  same(told(step.actions), ["startTimer gate", ...Array.from({ length: CLAIMS_MAX }, (_, i) => `A ${i}`)]);
});

test("the gate opens when every claim has guessed or has ended, for all at once", () => {
  const { tell, orders } = proving(claimsOf(2n, 3n, 4n));
  same(orders()[0], { type: "startTimer", timer: "gate", ms: GATE_MS_MAX });
  same(told(tell(commits(2n), ends(3n, "unreachable"))), ["unreachable 3"]);
  same(told(tell(commits(2n))), ["note"]); // twice is once
  same(told(tell(commits(4n))), ["stopTimer gate", "open 2", "open 4"]);
});

test("the gate opens when its time is over, for those who are there, and the others are out of this call, by every method", () => {
  const { tell, isDone } = proving(claimsOf(2n, 3n, 4n));
  same(told(tell(commits(3n), { type: "timerFired", timer: "gate" })), ["shut 2", "open 3", "shut 4"]);
  same(told(tell(commits(2n))), ["note"]); // too late
  same(told(tell(ends(2n, "unreachable"), ends(3n))), ["unreachable 2"]);
  // B begins when the last has ended by A, and for nobody but those whom it refused.
  same(told(tell(ends(4n, "unreachable"))), ["unreachable 4", "startTimer gate", "B 3"]);
  same(told(tell(commits(3n), ends(3n, "validated", "B"))), ["stopTimer gate", "open 3", "validated 3", "report"]);
  ok(isDone());
});

test("docs/protocol/pvp.md#the-gate: all by A, then those that failed by B, which counts the guesses that A has answered", () => {
  const { tell } = proving(claimsOf(2n, 3n, 4n, 5n));
  tell(commits(2n), commits(3n), commits(4n), ends(5n, "unreachable"));
  same(told(tell(ends(2n), ends(3n), ends(4n, "validated"))), ["validated 4", "startTimer gate", "B 2", "B 3"]);
  const { tell: again } = proving(claimsOf(2n, 3n, 4n, 5n));
  again(commits(2n), commits(3n), commits(4n), ends(5n, "unreachable"));
  const attempts = again(ends(2n), ends(3n), ends(4n, "broken")).flatMap((order) =>
    order.type === "attempt" ? [[order.input.form.method, order.input.claim.nodeId, order.input.guessesBefore]] : [],
  );
  same(attempts, [
    ["B", 2n, 3],
    ["B", 3n, 3],
  ]);
});

test("only by the first method may a claim be unreachable: who cannot be reached by B is refused", () => {
  const { tell } = proving(claimsOf(2n, 3n));
  same(told(tell(commits(2n), commits(3n), ends(2n), ends(3n))).slice(2), ["open 3", "startTimer gate", "B 2", "B 3"]);
  same(told(tell(ends(2n, "unreachable", "B"))), ["refused 2"]);
  same(told(tell({ type: "timerFired", timer: "gate" })), ["shut 3"]);
  const [settled, report] = tell(ends(3n, "unreachable", "B"));
  same([settled], [{ type: "settle", verdict: { ...claimsOf(3n)[0], method: "B", bits: 0, verdict: "refused" } }]);
  ok(report?.type === "report" && report.outcome.type === "tried");
  same(
    report.outcome.verdicts.map(({ nodeId, verdict }) => `${nodeId} ${verdict}`),
    ["2 refused", "3 refused"],
  );
});

test("docs/protocol/pvp.md#user-name: B alone without a caller id; C alone for a private domain, whose user names contain no number", () => {
  const named = { call, instantMs: attempt.instantMs, roundMs: ROUND_MS };
  const blind = proving(claimsOf(2n), { forms: formsFor({ ...named, call: { ...call, calling: undefined } }) });
  same(told(blind.orders()), ["startTimer gate", "B 2"]);
  same(told(blind.tell(commits(2n), ends(2n, "refused", "B"))).slice(-2), ["refused 2", "report"]);
  const hidden = proving(claimsOf(2n), { forms: formsFor({ ...named, isPrivate: true }) });
  same(told(hidden.orders()), ["startTimer gate", "C 2"]);
  same(told(hidden.tell(commits(2n), ends(2n))).slice(-2), ["refused 2", "report"]);
});

test("the originator settles each claim as it comes, and reports them in the order in which they were found", () => {
  const { tell, isDone } = proving(claimsOf(4n, 3n, 2n));
  tell(commits(2n), commits(3n), commits(4n));
  same(told(tell(ends(2n, "validated"))), ["validated 2"]);
  same(told(tell(ends(4n, "declined"))), ["declined 4"]);
  const report = tell(ends(3n, "broken")).at(-1);
  ok(report?.type === "report" && report.outcome.type === "tried" && isDone());
  same(
    report.outcome.verdicts.map(({ nodeId }) => nodeId),
    [4n, 3n, 2n],
  );
});

test("the originator takes few claims of one node, however many VServices it names, and everybody else's", () => {
  const greedy = Array.from({ length: 5 }, (_, i) => ({ nodeId: nodeIdFrom(1n), vservice: vserviceId(BigInt(i)) }));
  const tried = (lot: number) =>
    proving([...greedy, { nodeId: nodeIdFrom(2n), vservice: vserviceId(0n) }], { lot })
      .orders()
      .flatMap((order) => (order.type === "attempt" ? [order.input.claim] : []));
  for (let lot = 0; lot < 10; lot++)
    same(
      tried(lot).map(({ nodeId }) => nodeId),
      [...Array.from({ length: CLAIMS_OF_NODE_MAX }, () => 1n), 2n],
    );
  // Which of them is drawn for each call: each has its turn.
  const chosen = Array.from({ length: 5 }, (_, lot) => tried(lot).slice(0, -1)).flat();
  for (const { vservice } of greedy) same(chosen.filter((claim) => claim.vservice === vservice).length, 2);
});

test("the originator reports nobody when nobody claims, and that it could not ask", () => {
  const querying = pvpOriginator.step(pvpOriginator.start(originator).snapshot, {
    type: "timerFired",
    timer: "Tv",
  }).snapshot;
  const outcome = (event: PvpOriginatorEvent) => pvpOriginator.step(querying, event).actions.at(-1);
  same(outcome({ type: "found", claims: [] }), { type: "report", outcome: { type: "tried", verdicts: [] } });
  same(outcome({ type: "notFound", why: "x" }), {
    type: "report",
    outcome: { type: "notFound", reason: "failed", why: "x" },
  });
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

test("docs/protocol/pvp.md#candidates: one that is free gets its password, all else is simulated", () => {
  same(given(named, found(candidate)), originatorPassword(name, call, ROUND_MS));
  same(given(named, found()), undefined);
  same(given(named, found(candidate, { ...candidate, id: 5 })), undefined);
  same(given(named, found({ ...candidate, isLocked: true })), undefined);
  same(given({ type: "named", userName: "alice" }), undefined);
});

test("a name for another server's node is turned away before any password, and is nobody's failure", () => {
  ok(parseUserName(elsewhere).ok);
  const outcome = { type: "foreign" } as const;
  same(terminatorOrders({ type: "named", userName: elsewhere }), [{ type: "hangUp" }, { type: "report", outcome }]);
});

test("a wrong password is charged to the call, and to nothing when it was simulated", () => {
  const failed = { type: "failed", isWrongPassword: true, why: "" } as const;
  const charged = (...events: ReadonlyArray<PvpTerminatorEvent>) =>
    terminatorOrders(...events).flatMap((order) => (order.type === "charge" ? [order.failed] : []));
  same(charged(named, found(candidate), failed), [[{ id: 4, method: "A" }]]);
  same(charged(named, found(), failed), [[]]);
  same(charged(named, found(candidate), { ...failed, isWrongPassword: false }), []);
  same(charged(named, found(candidate), { type: "lost", why: "" }), []);
});

test("who proved a call is granted that call's number and service, and no other number", () => {
  const proved = [named, found(candidate), secured] as const;
  const asked = (number: E164) => ({ type: "asked", request: { number, domain: "a.example" } }) as const;
  const orders = terminatorOrders(...proved, asked(call.called), { type: "granted", info });
  ok(orders.some((order) => order.type === "grant" && order.vservice === 7n && order.number === call.called));
  ok(orders.some((order) => order.type === "answer" && order.answer.type === "valinfo"));
  const other = terminatorOrders(...proved, asked(e164("+15551234567")));
  ok(!other.some((order) => order.type === "grant"));
  ok(other.some((order) => order.type === "answer" && order.answer.type === "valerror" && order.answer.code === 404));
  const unproved = terminatorOrders(named, found(candidate), asked(call.called));
  ok(!unproved.some((order) => order.type === "grant" || order.type === "answer"));
});
