/**
 * Plays a plan: builds the federation, lets happen what is planned, waits until all is quiet, looks at everything once more,
 * and shuts it down.
 *
 *   overlay, companies, numbers --> calls, faults, adversaries --> all healed, quiet --> last checks --> shutdown, leaks
 */
import { Cause, Clock, Effect, Exit, Fiber, FiberSet, Layer, Logger, Scope } from "effect";
import { Arithmetic, Keys } from "../../actors/ports/mod.ts";
import { makePstn } from "../../actors/pstn/mod.ts";
import { e164, unixMs } from "../../codecs/shared/mod.ts";
import { openOverlay } from "../demo/overlay.ts";
import { memoryLayer, runVirtual } from "../memory.ts";
import { Stopped } from "../simulate/stages.ts";
import { attack } from "./adversaries.ts";
import { Checks, type Violation } from "./checks.ts";
import { befall, publishNumbers, startAgain } from "./faults.ts";
import { credulous, rememberingKeys } from "./keys.ts";
import { checkRing } from "./last-checks.ts";
import { crashParty, enrolParty, type Federation, startParty } from "./party.ts";
import type { Plan, PlannedCall } from "./plan.ts";
import { makeTrace, type TraceEvent } from "./trace.ts";
import { arithmeticHere, leftOpen, onHost, openHost, openWorld } from "./world.ts";

/** From the end of the plan until the last checks: repairs, validations and records that are still due. */
const QUIET_MS = 90_000;
/** Two rings that each have several nodes look for one another every ten minutes, spread by a quarter (machines/reload/partition.ts). */
const QUIET_AFTER_PARTITION_MS = 840_000;
/** A company that has not started by then when all is whole does not start at all. */
const START_MS_MAX = 300_000;
/** For calls that are being set up when the plan ends, beyond their talk. */
const LAST_CALL_MS = 70_000;
/** Of virtual time: a third of all jumps of a federation at rest was for this when it was a second. */
const STOP_EVERY_MS = 10_000;
const WHY_MAX = 400;
const LOOK_EVERY_MS = 10_000;
const JUMPS_MAX = 1_000_000_000;
const START_MS = 1_301_616_000_000;

export interface Outcome {
  readonly violation: Violation | undefined;
  readonly calls: number;
  /** Calls that went over the Internet. */
  readonly sipCalls: number;
  readonly routes: number;
  readonly simulatedMs: number;
  readonly events: ReadonlyArray<TraceEvent>;
  readonly hash: string;
}

/** How far a plan has come, which is over when all has come to rest. */
export const simulatedText = (simulatedMs: number, minutes: number): string =>
  `${(simulatedMs / 60_000).toFixed(1)} minutes simulated, of ${minutes} and until all has come to rest`;

/** Rejects with `Stopped` when it is stopped. `tell`: how much has been simulated, now and then. */
export const runPlan = (
  plan: Plan,
  isStopped: () => boolean = () => false,
  tell: (simulatedMs: number) => void = () => {},
): Promise<Outcome> =>
  runVirtual(
    Effect.gen(function* () {
      const clock = yield* Clock.Clock;
      let zeroMs = START_MS;
      const trace = makeTrace(() => clock.currentTimeMillisUnsafe() - zeroMs);
      const checks = new Checks(plan, trace);
      const defects = Logger.make(({ message, cause }) => {
        const text = [message].flat().map(String).join(" ");
        if (/died/i.test(text) && Cause.hasDies(cause))
          checks.violated("defect", `${text}: ${Cause.pretty(cause)}`.slice(0, WHY_MAX));
      });
      const world = yield* openWorld(plan, trace);
      const scope = yield* Scope.make();
      const counts = yield* play({ plan, world, checks }, () => {
        zeroMs = clock.currentTimeMillisUnsafe();
      }).pipe(
        Effect.raceFirst(stopping(isStopped, () => tell(clock.currentTimeMillisUnsafe() - START_MS))),
        Scope.provide(scope),
        Effect.provide(Logger.layer([defects])),
        Effect.catchCause((cause) =>
          Effect.sync(() => {
            if (isStopped()) throw new Stopped();
            checks.violated("defect", Cause.pretty(cause).slice(0, WHY_MAX));
            return { calls: 0, sipCalls: 0, routes: 0 };
          }),
        ),
      );
      yield* Scope.close(scope, Exit.void);
      yield* Effect.sleep(1);
      const left = leftOpen(world);
      if (left.length > 0) checks.violated("leak", left.join(", "));
      trace.record("world", "end", { detail: `${world.chunks} chunks` });
      return {
        ...counts,
        violation: checks.violation,
        simulatedMs: clock.currentTimeMillisUnsafe() - START_MS,
        events: trace.events,
        hash: trace.hash(),
      } satisfies Outcome;
    }).pipe(
      Effect.provideService(Arithmetic, arithmeticHere),
      (whole) =>
        Effect.flatMap(Keys, (keys) =>
          Effect.provideService(
            whole,
            Keys,
            plan.planted?.includes("credulous") === true ? credulous(rememberingKeys(keys)) : rememberingKeys(keys),
          ),
        ),
      Effect.provide(Layer.merge(memoryLayer({ seed: plan.seed }), Logger.layer([]))),
    ),
    START_MS,
    JUMPS_MAX,
  );

const stopping = (isStopped: () => boolean, tell: () => void): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.sleep(STOP_EVERY_MS),
      Effect.suspend(() => {
        tell();
        return isStopped() ? Effect.die(new Stopped()) : Effect.void;
      }),
    ),
  );

const play = Effect.fn("federation.play")(function* (
  { plan, world, checks }: Pick<Federation, "plan" | "world" | "checks">,
  begin: () => void,
) {
  const { trace } = world;
  const around = yield* Effect.scope;
  const exchange = openHost(world, "pstn");
  const pstn = yield* makePstn({ skewMsMax: 0, skewBetweenMsMax: 0, lasting: true, setupMs: [1_000, 4_000] }).pipe(
    onHost(world, exchange),
  );
  const users = [...plan.companies.map(({ name, nodes }) => [name, nodes] as const), ...membersOf(plan)].flatMap(
    ([name, nodes]) => Array.from({ length: nodes }, (_, i) => `${i + 1}.${name}`),
  );
  const operator = openHost(world, "operator");
  const overlay = yield* openOverlay(users).pipe(onHost(world, { ...operator, address: "127.0.0.1" }));
  const nodes = new Map([[overlay.operator.nodeId, "operator"]]);
  const federation: Federation = { plan, world, checks, overlay, pstn, parties: new Map(), nodes, others: [] };
  yield* Effect.addFinalizer(() => Effect.forEach([...federation.parties.values()], crashParty, { discard: true }));
  for (const company of plan.companies) {
    const party = yield* enrolParty(federation, { ...company, publishes: company.numbers });
    yield* startParty(federation, party);
  }
  const parties = [...federation.parties.values()];
  yield* Effect.forEach(parties, (party) => publishNumbers(federation, party), { concurrency: "unbounded" });
  begin();
  yield* plant(federation);

  const counts = { calls: 0, sipCalls: 0, routes: 0 };
  const tasks = yield* FiberSet.make();
  const look = Effect.sync(() => {
    for (const { name, life } of parties) if (life !== undefined) checks.routes(name, life.running.routes.all());
  });
  yield* FiberSet.run(tasks, Effect.forever(Effect.andThen(Effect.sleep(LOOK_EVERY_MS), look)));
  const startMs = yield* Clock.currentTimeMillis;
  const planned = [
    ...plan.calls.map((call) => ({ atMs: call.atMs, task: place(federation, call, counts) })),
    ...plan.faults.map((fault) => ({ atMs: fault.atMs, task: befall(federation, fault) })),
    ...plan.adversaries.map((one) => ({ atMs: one.atMs, task: attack(federation, one) })),
  ].sort((a, b) => a.atMs - b.atMs);
  for (const { atMs, task } of planned) {
    const early = startMs + atMs - (yield* Clock.currentTimeMillis);
    if (early > 0) yield* Effect.sleep(early);
    yield* FiberSet.run(tasks, Scope.provide(task, around));
  }
  const left = startMs + plan.minutes * 60_000 - (yield* Clock.currentTimeMillis);
  yield* Effect.sleep(Math.max(0, left));
  yield* settle(federation);
  yield* look;
  checks.noneRings();
  yield* checkRing(federation);
  for (const { life } of parties) counts.routes += life?.running.routes.all().length ?? 0;
  trace.record("world", "played", { detail: JSON.stringify(counts) });
  return counts;
});

/** What a test breaks on purpose, as far as it is broken here. */
const plant = Effect.fnUntraced(function* ({ plan: { planted = [] }, world: { network, hosts } }: Federation) {
  const at = { host: "127.9.9.9", port: 9 };
  if (planted.includes("forgetful")) for (const { disks } of hosts.values()) disks.server.forgets = true;
  if (planted.includes("hoarding")) for (const { disks } of hosts.values()) disks.server.hoards = true;
  if (planted.includes("unclosed"))
    yield* network.listen(at, () => Effect.void).pipe(Scope.provide(yield* Scope.make()));
  if (!planted.includes("dies")) return;
  yield* network.listen(at, () => Effect.die(new Error("planted")));
  yield* Effect.ignore(network.dial(at));
});

/** The nodes that adversaries enrol. */
const membersOf = ({ adversaries }: Plan): ReadonlyArray<readonly [name: string, nodes: number]> =>
  adversaries.map(({ name, strength }) => [name, strength] as const);

/** Everything is whole again, and all that is due has had its time. */
const settle = Effect.fnUntraced(function* (federation: Federation) {
  const { world, plan, parties } = federation;
  const longest = Math.max(0, ...plan.calls.map(({ talkMs }) => talkMs));
  const faults = Math.max(0, ...plan.faults.map(({ atMs, forMs }) => atMs + forMs - plan.minutes * 60_000));
  yield* Effect.sleep(Math.max(longest + LAST_CALL_MS, faults + 1_000));
  for (const { name } of plan.companies)
    yield* Effect.timeoutOption(startAgain(federation, parties.get(name)!), START_MS_MAX);
  world.trace.record("world", "quiet");
  const isParted = plan.faults.some(({ type }) => type === "partition");
  yield* Effect.sleep(plan.waitMs[1] + (isParted ? QUIET_AFTER_PARTITION_MS : QUIET_MS));
});

const place = Effect.fnUntraced(function* (
  { world, parties, checks }: Federation,
  { from, calling, called, talkMs }: PlannedCall,
  counts: { calls: number; sipCalls: number },
) {
  const party = parties.get(from);
  const life = party?.life;
  if (party === undefined || life === undefined) return; // nobody can pick up a telephone there
  const { trace } = world;
  const call = {};
  const startMs = unixMs(yield* Clock.currentTimeMillis);
  checks.began(call);
  counts.calls += 1;
  const to = [...parties.values()].find(({ numbers }) => numbers.includes(called))?.name;
  trace.record(from, "calls", { ...(to === undefined ? {} : { to }), detail: called });
  const placed = life.running.agent
    .placeCall({
      calling: calling === undefined ? undefined : e164(calling),
      called: e164(called),
      talkMs,
      startMs,
      durationMs: talkMs,
    })
    .pipe(onHost(world, party.host));
  // With the programs ends the call, and nothing has to come of it.
  const fiber = yield* Effect.forkIn(placed, life.scope);
  const ended = yield* Fiber.await(fiber);
  checks.ended(call);
  if (Exit.isFailure(ended)) {
    trace.record(from, "call ended with the programs", { detail: called });
    return;
  }
  const outcome = ended.value;
  if (outcome.via === "sip") counts.sipCalls += 1;
  const why = outcome.via === "sip" ? undefined : outcome.fellBack;
  trace.record(from, `call by ${outcome.via}`, {
    ...(to === undefined ? {} : { to }),
    detail: why === undefined ? called : `${called}: ${why}`,
  });
  if (outcome.via === "failed") checks.violated("call", `${from}'s call to ${called} was not carried: ${outcome.why}`);
});
