/**
 * What guessing brings, measured. A guesser has watched ten thousand calls of the same kind and knows how they are spread,
 * to the second and around the hour; then it guesses at ten thousand others. A call that it guesses right is worth
 * 2^bits of tries: its luck, summed so and divided by the tries, may not exceed 1. Last, guessers who tell one another.
 */
import { ok } from "node:assert";
import { type CallTimes, e164, nodeIdFrom, ntpMsOf, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import {
  equivalentBits,
  instantWithin,
  type PvpAttemptInput,
  type PvpOriginatorAction,
  type PvpOriginatorEvent,
  pvpOriginator,
  ROUND_MS,
  roundNearest,
} from "../../machines/validation/mod.ts";
import { credit, discredit, openLedger } from "../../machines/vipr/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { HOUR_MS, hourly } from "./arbitrary.ts";

const CALLS = 10_000;
const GUESSES = 8;
const WIDE = 2 ** 30;
const drawOf = (seed: number) => {
  const chance = chanceOf(seed);
  const unit = () => (chance.between(0, WIDE - 1) + 0.5) / WIDE;
  const bell = () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit());
  return { unit, bell, wait: (meanMs: number) => -Math.log(unit()) * meanMs };
};
type Draw = ReturnType<typeof drawOf>;

/** When calls start, in ms after a full hour. */
const evenly = ({ unit }: Draw) => unit() * 3_600_000;
const around =
  (widthMs: number) =>
  ({ bell }: Draw) =>
    bell() * widthMs;
const after =
  (meanMs: number) =>
  ({ wait }: Draw) =>
    wait(meanMs);

const callsOf = (seed: number, starts: (draw: Draw) => number, meanMs: number): ReadonlyArray<CallTimes> => {
  const draw = drawOf(seed);
  return Array.from({ length: CALLS }, () => {
    const startMs = HOUR_MS + 4 * 3_600_000 + Math.round(starts(draw));
    return { startMs: unixMs(startMs), stopMs: unixMs(startMs + Math.round(draw.wait(meanMs))) };
  });
};

/** What has to be guessed: with A both times as they are; with B the distances from the instant in the user name. */
const secretOf = (method: "A" | "B", call: CallTimes, at: number): string => {
  const [start, stop] = [call.startMs, call.stopMs].map((ms) => roundNearest(ntpMsOf(ms), ROUND_MS).ms);
  if (method === "A") return `${start}/${stop}`;
  const told = Math.floor(ntpMsOf(instantWithin(call, at)) / ROUND_MS) * ROUND_MS;
  return `${told - start!}/${stop! - told}`;
};

/** The guesses that were worth most on the calls watched, and what they brought on the others, for each try. */
const luckOf = (method: "A" | "B", starts: (draw: Draw) => number, meanMs: number) => {
  const [watched, others] = [callsOf(1, starts, meanMs), callsOf(2, starts, meanMs)];
  const { unit } = drawOf(3);
  const worth = new Map<string, number>();
  for (const call of watched) {
    const secret = secretOf(method, call, unit());
    worth.set(secret, (worth.get(secret) ?? 0) + 2 ** equivalentBits(call, ROUND_MS, method));
  }
  const best = [...worth].sort((a, b) => b[1] - a[1]).slice(0, GUESSES);
  const guesses = new Set(best.map(([secret]) => secret));
  const right = others.filter((call) => guesses.has(secretOf(method, call, unit())));
  const bits = right.map((call) => equivalentBits(call, ROUND_MS, method));
  const tries = CALLS * guesses.size;
  return {
    luck: bits.reduce((sum, each) => sum + 2 ** each, 0) / tries,
    /** The share of tries that made a route by themselves. */
    routes: (requiredBits: number) => bits.filter((each) => each >= requiredBits).length / tries,
  };
};

const MEANS_MS = [60_000, 300_000];

test("guessing without knowledge of the times: no guess brings more than its bits say", () => {
  for (const method of ["A", "B"] as const)
    for (const meanMs of MEANS_MS) {
      const { luck } = luckOf(method, evenly, meanMs);
      ok(luck <= 1, `${method}, calls of ${meanMs} ms: ${luck}`);
    }
});

test("on the hour: 10,000 calls clustered there do not validate on fewer bits than required, however close together", () => {
  for (const meanMs of MEANS_MS)
    for (const widthMs of [2_000, 20_000, 60_000, 300_000])
      for (const starts of [around(widthMs), after(widthMs)])
        for (const method of ["A", "B"] as const) {
          const { luck, routes } = luckOf(method, starts, meanMs);
          const what = `${method}, ${widthMs} ms around the hour, calls of ${meanMs} ms`;
          for (const requiredBits of [6, 8, 10, 12])
            ok(routes(requiredBits) <= 2 ** -requiredBits, `${what}: ${routes(requiredBits)} at ${requiredBits} bits`);
          // Within 2T a start counts 2 bits. Calls that all begin on the second have none: 1.4 was measured.
          ok(luck <= 2, `${what}: ${luck}`);
        }
});

test("patience: a thief who is given a hundred calls to guess at, and an owner who proves nineteen of twenty", () => {
  const [BITS, REQUIRED, OFFERED, THIEVES] = [6, 12, 100, 3_000];
  const { unit } = drawOf(4);
  /** The calls that it takes until somebody who proves one with this chance has a route. */
  const routeAfter = (chance: number): number => {
    const ledger = openLedger(REQUIRED);
    for (let call = 1; call <= OFFERED; call++)
      if (unit() >= chance) discredit(ledger, "claim");
      else if (credit(ledger, "claim", hourly(call), BITS, call).isRoute) return call;
    return Number.POSITIVE_INFINITY;
  };
  const thieves =
    Array.from({ length: THIEVES }, () => routeAfter(2 ** -BITS)).filter(Number.isFinite).length / THIEVES;
  const bound = OFFERED * 2 ** -REQUIRED;
  ok(thieves > 0 && thieves <= bound + 3 * Math.sqrt(bound / THIEVES), `${thieves} against ${bound}`);
  const owners = Array.from({ length: 1_000 }, () => routeAfter(0.95));
  ok(owners.filter((calls) => calls <= 6).length > 990);
});

/**
 * Claimants of one call who share all that they learn, against the originator's own machine. A call is one of PLACES, each as
 * likely; B's user name shows in which of HINTS groups it is.
 */
const [PLACES, HINTS] = [64, 4];
interface Shared {
  readonly wrong: ReadonlySet<number>;
  readonly right: number | undefined;
  readonly hint: number | undefined;
}
interface Coalition {
  /** The place that this member guesses at now; undefined: it waits, and sees what the others hear. */
  readonly guess: (member: number, method: "A" | "B", shared: Shared) => number | undefined;
  /** Whether a member with a right guess proves it; otherwise it fails, and informs the other members. */
  readonly owns: (member: number, method: "A" | "B") => boolean;
}

/** One call put to the proof: the verdict on each member. */
const verdictsOn = (place: number, members: number, { guess, owns }: Coalition, isBlind = false) => {
  const call = { called: e164("+1"), calling: isBlind ? undefined : e164("+2"), startMs: unixMs(0), stopMs: unixMs(0) };
  const wrong = new Set<number>();
  let [right, hint]: [number | undefined, number | undefined] = [undefined, undefined];
  const attempts = new Map<bigint, { input: PvpAttemptInput; guess: number | undefined }>();
  const verdicts = new Map<number, { readonly verdict: string; readonly bits: number }>();
  const due: Array<PvpOriginatorEvent> = [
    { type: "timerFired", timer: "Tv" },
    {
      type: "found",
      claims: Array.from({ length: members }, (_, i) => ({ nodeId: nodeIdFrom(BigInt(i)), vservice: vserviceId(0n) })),
    },
    { type: "turned" },
  ];
  const named = (method: "A" | "B") => ({ method, version: 1, bits: 0, revealed: 0 }) as const;
  const input = {
    call,
    forms: isBlind ? [named("B")] : [named("A"), named("B")],
    nodeId: nodeIdFrom(99n),
    domain: "",
    instantMs: unixMs(0),
    roundMs: ROUND_MS,
    windowMs: 0,
    waitMs: 0,
    lot: 0,
  };
  let step = pvpOriginator.start(input);
  const end = (
    { claim, form: { method }, guessesBefore }: PvpAttemptInput,
    verdict: "validated" | "refused" | "unreachable",
  ) => {
    attempts.delete(claim.nodeId);
    const untold = method === "A" ? PLACES : PLACES / HINTS;
    const bits = verdict === "validated" ? Math.max(0, Math.log2(untold / (1 + guessesBefore))) : 0;
    due.push({ type: "attempted", verdict: { ...claim, method, bits, verdict, why: "", info: {} as never } as never });
  };
  const perform = (order: PvpOriginatorAction) => {
    if (order.type === "settle") verdicts.set(Number(order.verdict.nodeId), order.verdict);
    if (order.type === "attempt") attempts.set(order.input.claim.nodeId, { input: order.input, guess: undefined });
    if (order.type === "attempt" && order.input.form.method === "B") hint = place % HINTS;
    if (order.type !== "open" && order.type !== "shut") return;
    const attempt = attempts.get(order.claim.nodeId)!;
    if (order.type === "shut") return end(attempt.input, "unreachable");
    const isRight = attempt.guess === place;
    if (isRight) right = place;
    else wrong.add(attempt.guess!);
    end(
      attempt.input,
      isRight && owns(Number(order.claim.nodeId), attempt.input.form.method as "A") ? "validated" : "refused",
    );
  };
  while (!pvpOriginator.isDone(step.snapshot)) {
    for (const attempt of attempts.values()) {
      const {
        claim,
        form: { method },
      } = attempt.input;
      if (attempt.guess !== undefined || method === "C") continue;
      attempt.guess = guess(Number(claim.nodeId), method, { wrong, right, hint });
      if (attempt.guess !== undefined) due.push({ type: "committed", claim });
    }
    step = pvpOriginator.step(step.snapshot, due.shift() ?? { type: "timerFired", timer: "gate" });
    step.actions.forEach(perform);
  }
  return verdicts;
};

/** The first that it may still be, beginning at another one for each member. */
const untried = (member: number, { wrong, right, hint }: Shared): number => {
  if (right !== undefined) return right;
  const step = hint === undefined ? 1 : HINTS;
  let at = hint === undefined ? member : hint + HINTS * member;
  while (wrong.has(at % PLACES)) at += step;
  return at % PLACES;
};
const always = () => true;
const coalitions: Readonly<Record<string, Coalition>> = {
  "each for itself": { guess: (member, _, shared) => untried(member, shared), owns: always },
  "all share, and keep quiet in A": {
    guess: (member, _, shared) => untried(member, shared),
    owns: (_, m) => m === "B",
  },
  "pawns guess, the first one waits for their answer": {
    guess: (member, _, shared) => (member > 0 || shared.right !== undefined ? untried(member, shared) : undefined),
    owns: always,
  },
  "they refuse A, and close their doors before B unless one was right": {
    guess: (member, method, shared) =>
      method === "A" || shared.right !== undefined ? untried(member, shared) : undefined,
    owns: always,
  },
  "the first one waits for B's hint to choose its guess for A": {
    guess: (member, method, shared) =>
      member > 0 || method === "B" || shared.hint !== undefined ? untried(member, shared) : undefined,
    owns: always,
  },
};

test("coalition: whatever k claimants tell one another, each call brings none of them more than its tries", () => {
  for (const [name, coalition] of Object.entries(coalitions))
    for (const members of [1, 2, 3, 8])
      for (const isBlind of [false, true]) {
        const all = Array.from({ length: PLACES }, (_, place) => verdictsOn(place, members, coalition, isBlind));
        for (let member = 0; member < members; member++) {
          const bits = all.flatMap((one) => (one.get(member)?.verdict === "validated" ? one.get(member)!.bits : []));
          const luck = bits.reduce((sum, each) => sum + 2 ** each, 0) / PLACES;
          ok(luck <= (isBlind ? 1 : 2) + 1e-9, `${name}, member ${member} of ${members}, ${isBlind}: ${luck}`);
        }
      }
});

test("coalition: with patience k claimants come to b bits by c calls with a chance of k * n * m^c * 2^-b at most", () => {
  const [REQUIRED, OFFERED, ROUNDS, MEMBERS] = [12, 50, 120, 4];
  const { unit } = drawOf(5);
  for (const [name, coalition] of Object.entries(coalitions))
    for (const [isBlind, guesses] of [
      [true, 1], // B alone, 4 bits: three calls
      [false, 2], // A, 6 bits, and B, which is worth 1.7 when four were asked by A
    ] as const) {
      let routes = 0; // each weighed with m^-c
      for (let round = 0; round < ROUNDS; round++) {
        const ledger = openLedger(REQUIRED);
        const arrived = new Set<number>();
        for (let call = 0; call < OFFERED; call++)
          for (const [member, { verdict, bits }] of verdictsOn(
            Math.floor(unit() * PLACES),
            MEMBERS,
            coalition,
            isBlind,
          )) {
            if (verdict === "refused") discredit(ledger, `${member}`);
            if (verdict !== "validated" || arrived.has(member)) continue;
            const { isRoute, calls } = credit(ledger, `${member}`, hourly(call), bits, call);
            if (!isRoute) continue;
            arrived.add(member);
            routes += guesses ** -calls;
          }
      }
      const bound = MEMBERS * OFFERED * 2 ** -REQUIRED;
      const chance = routes / ROUNDS;
      ok(chance <= bound + 3 * Math.sqrt(bound / ROUNDS), `${name}, blind ${isBlind}: ${chance} against ${bound}`);
    }
});
