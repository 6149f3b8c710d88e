/**
 * The gate of PVP as a small world: one call of ours, up to three claimants that tell each other everything, and every order in
 * which they answer, dawdle, break off, guess rightly or wrongly, and prove. The machines are the product's, unchanged.
 * docs/protocol/pvp.md#the-gate, docs/security.md. DECISIONS.md D-300.
 *
 *   claimant --> resolved | connected | its guess | secured | answered | lost, an alert, or silence until a timer fires
 *                    \--> pvpAttempt -- committed, attempted --> one queue --> pvpOriginator
 *                             ^------------- open, shut ------------------------------+
 *
 * TLS is left out, and with it the password: a guess is right or wrong as the claimant likes, and only a right one can be
 * secured. What the coalition knows is counted: the answers to guesses that any of them has heard, and the user names sent.
 */
import { e164, nodeIdFrom, ntpMs, unixMsOf, vserviceId } from "../../codecs/shared/mod.ts";
import {
  type CallFacts,
  type ClaimVerdict,
  type PvpAttemptAction,
  type PvpAttemptEvent,
  type PvpAttemptInput,
  type PvpClaim,
  type PvpForm,
  type PvpOriginatorAction,
  type PvpOriginatorEvent,
  type PvpOriginatorInput,
  type PvpTimer,
  pvpAttempt,
  pvpOriginator,
  ROUND_MS,
  TV_MS_MAX,
} from "../../machines/validation/mod.ts";
import { worthOf } from "../../machines/validation/worth.ts";
import type { SmallStep, SmallWorld } from "../kit/explorer.ts";

export interface GateScope {
  readonly claimants: number;
  /** Of the user names, in the order in which they are tried. */
  readonly forms: ReadonlyArray<PvpForm>;
  /** Orders of the originator's that it does not give, for a test: what the explorer must find. */
  readonly plant?: (
    actions: ReadonlyArray<PvpOriginatorAction>,
    event: PvpOriginatorEvent,
  ) => ReadonlyArray<PvpOriginatorAction>;
}

type Originator = ReturnType<typeof pvpOriginator.start>["snapshot"];
type Attempt = ReturnType<typeof pvpAttempt.start>["snapshot"];

interface Claimant {
  /** The attempt that runs, with its timers, and what the originator has told it and it has not heard yet. */
  readonly attempt: Attempt | undefined;
  readonly timers: ReadonlyArray<PvpTimer>;
  readonly inbox: ReadonlyArray<"opened" | "shut">;
  /** Its guess by this method; and what the coalition knew before it: answers heard, and whether a later name was sent. */
  readonly guess: { readonly isRight: boolean; readonly heard: number; readonly isNamedLater: boolean } | undefined;
  /** It has been told something: whether a guess of its own was right, or a user name with something of the times. */
  readonly isTold: boolean;
  readonly settled: ReadonlyArray<ClaimVerdict>;
}

export interface GateWorld {
  readonly originator: Originator;
  readonly timers: ReadonlyArray<string>;
  readonly claimants: ReadonlyArray<Claimant>;
  /** On the way to the originator. */
  readonly mail: ReadonlyArray<PvpOriginatorEvent & { readonly by: number }>;
  /** Answers to guesses that some claimant has heard. */
  readonly heard: number;
  /** The last of the forms whose user name some claimant has received. */
  readonly named: number;
  readonly reports: number;
}

const startMs = unixMsOf(ntpMs(3_976_214_403_000));
const call: CallFacts = {
  called: e164("+14085555432"),
  calling: e164("+33123456789"),
  startMs,
  stopMs: unixMsOf(ntpMs(3_976_214_593_000)),
};
const form = (method: PvpForm["method"], version: 1 | 2 = 1, bits = 0): PvpForm => ({
  method,
  version,
  bits,
  revealed: bits,
});
/** The lists of forms that formsFor gives: for a known caller, a caller with several calls, an unknown one, a private domain. */
export const gateForms: Readonly<Record<string, ReadonlyArray<PvpForm>>> = {
  "A, B": [form("A"), form("B")],
  "A of version 2, B": [form("A", 2, 2), { ...form("B"), revealed: 2 }],
  B: [form("B")],
  C: [form("C")],
};

const inputOf = ({ forms }: GateScope): PvpOriginatorInput => ({
  call,
  forms,
  nodeId: nodeIdFrom(1n),
  domain: "a.example",
  instantMs: unixMsOf(ntpMs(3_976_214_450_000)),
  roundMs: ROUND_MS,
  windowMs: TV_MS_MAX,
  waitMs: 0,
  lot: 0,
});
const claimOf = (by: number): PvpClaim => ({ nodeId: nodeIdFrom(BigInt(by + 2)), vservice: vserviceId(7n) });
const byOf = ({ nodeId }: PvpClaim): number => Number(nodeId) - 2;

/** A world in the middle of an event. */
class GateTurn {
  originator: Originator;
  timers: ReadonlyArray<string>;
  readonly claimants: Array<Claimant>;
  mail: GateWorld["mail"];
  heard: number;
  named: number;
  reports: number;
  readonly #scope: GateScope;

  constructor(scope: GateScope, world: GateWorld) {
    this.#scope = scope;
    this.originator = world.originator;
    this.timers = world.timers;
    this.claimants = [...world.claimants];
    this.mail = world.mail;
    this.heard = world.heard;
    this.named = world.named;
    this.reports = world.reports;
  }

  done(): GateWorld {
    const { originator, timers, claimants, mail, heard, named, reports } = this;
    return { originator, timers, claimants, mail, heard, named, reports };
  }

  change(by: number, to: Partial<Claimant>): void {
    this.claimants[by] = { ...this.claimants[by]!, ...to };
  }

  tellOriginator(event: PvpOriginatorEvent): void {
    const { snapshot, actions } = pvpOriginator.step(this.originator, event);
    this.originator = snapshot;
    for (const action of this.#scope.plant?.(actions, event) ?? actions) this.#ofOriginator(action);
  }

  #ofOriginator(action: PvpOriginatorAction): void {
    switch (action.type) {
      case "attempt": {
        const by = byOf(action.input.claim);
        const { snapshot, actions } = pvpAttempt.start(action.input);
        this.change(by, { attempt: snapshot, timers: [], inbox: [], guess: undefined });
        for (const one of actions) this.#ofAttempt(by, action.input, one);
        return;
      }
      case "open":
      case "shut": {
        const by = byOf(action.claim);
        const what = action.type === "open" ? "opened" : "shut";
        const { attempt, inbox } = this.claimants[by]!;
        // Gates open once: actors/validation/originator.ts.
        if (attempt !== undefined && inbox.length === 0) this.change(by, { inbox: [what] });
        return;
      }
      case "settle":
        this.change(byOf(action.verdict), {
          settled: [...this.claimants[byOf(action.verdict)]!.settled, action.verdict],
        });
        return;
      case "report":
        this.reports += 1;
        return;
      case "startTimer":
        this.timers = [...this.timers.filter((one) => one !== action.timer), action.timer];
        return;
      case "stopTimer":
        this.timers = this.timers.filter((one) => one !== action.timer);
        return;
      default: // the look-up and the turn are answered by `startOf`
    }
  }

  tellAttempt(by: number, event: PvpAttemptEvent): void {
    const { attempt } = this.claimants[by]!;
    if (attempt === undefined) return;
    const input: PvpAttemptInput = attempt.context;
    const { snapshot, actions } = pvpAttempt.step(attempt, event);
    this.change(by, { attempt: snapshot });
    for (const action of actions) this.#ofAttempt(by, input, action);
    if (pvpAttempt.isDone(snapshot)) this.change(by, { attempt: undefined, inbox: [] });
  }

  #ofAttempt(by: number, { claim }: PvpAttemptInput, action: PvpAttemptAction): void {
    const { timers } = this.claimants[by]!;
    switch (action.type) {
      case "commit":
        this.mail = [...this.mail, { type: "committed", claim, by }];
        return;
      case "proceed":
        this.heard += 1;
        this.change(by, { isTold: true });
        return;
      case "report":
        this.mail = [...this.mail, { type: "attempted", verdict: action.verdict, by }];
        return;
      case "startTimer":
        this.change(by, { timers: [...timers.filter((one) => one !== action.timer), action.timer] });
        return;
      case "stopTimer":
        this.change(by, { timers: timers.filter((one) => one !== action.timer) });
        return;
      default: // what the claimant sees of the others is in `does`
    }
  }
}

type Does = readonly [what: string, does: (turn: GateTurn, by: number) => void];

const tells = (what: string, event: PvpAttemptEvent): Does => [what, (turn, by) => turn.tellAttempt(by, event)];
const lost = tells("breaks off", { type: "lost", why: "" });
const alerts = tells("sends the alert of a wrong password", { type: "wrongPassword" });
const indexOf = (forms: ReadonlyArray<PvpForm>, { method }: PvpForm): number =>
  forms.findIndex((one) => one.method === method);

/** What a claimant may do in that state of its attempt. Silence is to do nothing until a timer fires. */
const does = (scope: GateScope, claimant: Claimant, form: PvpForm): ReadonlyArray<Does> => {
  switch (claimant.attempt?.value) {
    case "resolving":
      return [
        tells("answers its AppAttach", { type: "resolved", host: "192.0.2.1", port: 5621 }),
        tells("is not found", { type: "unresolved", why: "" }),
      ];
    case "connecting":
      return [
        [
          `takes the stream, and receives the user name of ${form.method}`,
          (turn, by) => {
            turn.named = Math.max(turn.named, indexOf(scope.forms, form));
            if (form.method !== "A" || form.version !== 1) turn.change(by, { isTold: true });
            turn.tellAttempt(by, { type: "connected" });
          },
        ],
        lost,
        alerts,
      ];
    case "handshaking":
      return [guesses(scope, form, true), guesses(scope, form, false), lost, alerts];
    case "gated":
      return [lost, alerts];
    case "proving":
      return [...(claimant.guess?.isRight ? [tells("proves the call", { type: "secured" })] : []), lost, alerts];
    case "exchanging":
      return [
        answers("grants a ticket", call.called),
        answers("grants one for another number", e164("+14085550000")),
        refuses,
        lost,
      ];
    default:
      return [];
  }
};
const guesses = (scope: GateScope, form: PvpForm, isRight: boolean): Does => [
  isRight ? "guesses rightly" : "guesses wrongly",
  (turn, by) => {
    const guess = { isRight, heard: turn.heard, isNamedLater: turn.named > indexOf(scope.forms, form) };
    turn.change(by, { guess });
    turn.tellAttempt(by, { type: "committed" });
  },
];
const answers = (what: string, number: CallFacts["called"]): Does =>
  tells(what, { type: "answered", answer: { type: "valinfo", info: { number, ticket: "", routes: [] } } });
const refuses = tells("grants nothing", { type: "answered", answer: { type: "valerror", code: 403 } });

function* nextOf(scope: GateScope, world: GateWorld): Generator<SmallStep<GateWorld>> {
  const step = (event: () => string, change: (turn: GateTurn) => void): SmallStep<GateWorld> => {
    const turn = new GateTurn(scope, world);
    change(turn);
    return { event, state: turn.done() };
  };
  const [first, ...mail] = world.mail;
  if (first !== undefined)
    yield step(
      () => `the originator hears: ${first.type} ${first.by}`,
      (turn) => {
        turn.mail = mail;
        const { by: _, ...event } = first;
        turn.tellOriginator(event as PvpOriginatorEvent);
      },
    );
  for (const timer of world.timers)
    yield step(
      () => `the originator's timer ${timer} fires`,
      (turn) => {
        turn.timers = turn.timers.filter((one) => one !== timer);
        turn.tellOriginator({ type: "timerFired", timer: timer as "gate" });
      },
    );
  for (const [by, claimant] of world.claimants.entries()) {
    if (claimant.attempt === undefined) continue;
    for (const [what, act] of does(scope, claimant, claimant.attempt.context.form))
      yield step(
        () => `claimant ${by} ${what}`,
        (turn) => act(turn, by),
      );
    for (const timer of claimant.timers)
      yield step(
        () => `claimant ${by} is silent: its timer ${timer} fires`,
        (turn) => {
          turn.change(by, { timers: claimant.timers.filter((one) => one !== timer) });
          turn.tellAttempt(by, { type: "timerFired", timer });
        },
      );
    const [told, ...inbox] = claimant.inbox;
    if (told !== undefined)
      yield step(
        () => `the attempt at claimant ${by} is told: ${told}`,
        (turn) => {
          turn.change(by, { inbox });
          turn.tellAttempt(by, { type: told });
        },
      );
  }
}

/** The call is due, the overlay has named the claimants, and the attempts begin. */
const startOf = (scope: GateScope): GateWorld => {
  const { snapshot } = pvpOriginator.start(inputOf(scope));
  const none: Claimant = { attempt: undefined, timers: [], inbox: [], guess: undefined, isTold: false, settled: [] };
  const claimants = Array.from({ length: scope.claimants }, () => none);
  const turn = new GateTurn(scope, {
    originator: snapshot,
    timers: [],
    claimants,
    mail: [],
    heard: 0,
    named: -1,
    reports: 0,
  });
  turn.tellOriginator({ type: "timerFired", timer: "Tv" });
  turn.tellOriginator({ type: "found", claims: claimants.map((_, by) => claimOf(by)) });
  turn.tellOriginator({ type: "turned" });
  return turn.done();
};

/** What docs/security.md says of coalitions, of this state. */
const faultOf = (scope: GateScope, world: GateWorld): string | undefined => {
  for (const [by, { settled, guess, isTold }] of world.claimants.entries()) {
    const [verdict, ...others] = settled;
    if (verdict === undefined) continue;
    if (others.length > 0) return `claimant ${by} has two final verdicts`;
    if (verdict.verdict === "unreachable" && isTold)
      return `claimant ${by} counts as unreachable, and has been told something`;
    if (verdict.bits === 0) continue;
    if (guess?.isRight !== true) return `claimant ${by} has proved the call without a right guess`;
    const form = scope.forms.find(({ method }) => method === verdict.method)!;
    const worth = worthOf(call, form, ROUND_MS, TV_MS_MAX) - Math.log2(1 + guess.heard);
    if (verdict.bits > Math.max(0, worth))
      return `claimant ${by} gains ${verdict.bits} bits by a guess after ${guess.heard} answers: ${worth} at most`;
    if (guess.isNamedLater) return `claimant ${by} gains bits by a guess that knew the next user name`;
  }
  return isOver(world) ? faultAtEnd(world) : isStuck(world) ? "nothing can happen any more" : undefined;
};
const isOver = ({ originator }: GateWorld): boolean => pvpOriginator.isDone(originator);
const isStuck = ({ mail, timers, claimants }: GateWorld): boolean =>
  mail.length === 0 && timers.length === 0 && claimants.every(({ attempt }) => attempt === undefined);
const faultAtEnd = ({ claimants, timers, reports, mail }: GateWorld): string | undefined => {
  if (reports !== 1) return `${reports} reports`;
  if (claimants.some(({ settled }) => settled.length !== 1))
    return "the call is over, and a claim is without a verdict";
  const isOpen = claimants.some(({ attempt, timers }) => attempt !== undefined || timers.length > 0);
  return isOpen || timers.length + mail.length > 0 ? "the call is over, and an attempt goes on" : undefined;
};

/** Claimants are not told apart: each is written with its part of the queue and of the originator's lists, and all are sorted. */
const keyOf = ({ originator, timers, claimants, mail, heard, named, reports }: GateWorld): string => {
  const { trying, gated, failed, verdicts, forms, guesses, guessesBefore } = originator.context;
  const texts = claimants.map(({ attempt, timers, inbox, guess, isTold, settled }, by) => {
    const isIn = (claims: ReadonlyArray<PvpClaim>) => claims.some((one) => byOf(one) === by);
    const queued = mail.flatMap((one, i) => (one.by === by ? [`${i}${textOfMail(one)}`] : []));
    const before = attempt?.context.guessesBefore;
    const known = guess === undefined ? "" : `${guess.isRight}${guess.heard}${guess.isNamedLater}`;
    const final = [...settled, ...verdicts.filter((one) => byOf(one) === by)].map(textOfVerdict);
    return [
      attempt?.value,
      before,
      timers,
      inbox,
      known,
      isTold,
      final,
      queued,
      ...[trying, gated, failed].map(isIn),
    ].join("/");
  });
  const counts = [heard, named, reports, guesses, guessesBefore, forms.length];
  return `${originator.value}|${timers}|${counts}|${texts.sort().join("|")}`;
};
const textOfVerdict = ({ verdict, method, bits }: ClaimVerdict): string => `${verdict}${method}${bits}`;
const textOfMail = (event: PvpOriginatorEvent): string =>
  event.type === "attempted" ? textOfVerdict(event.verdict) : event.type;

export const gateWorld = (scope: GateScope): SmallWorld<GateWorld> => ({
  starts: [startOf(scope)],
  next: (world) => nextOf(scope, world),
  key: keyOf,
  fault: (world) => faultOf(scope, world),
});

/** For a trace: where the originator and each attempt stand. */
export const gateText = ({ originator, claimants, heard }: GateWorld): string =>
  `${originator.value}; ${claimants.map(({ attempt, settled }) => settled[0]?.verdict ?? attempt?.value ?? "over").join(", ")}; answers heard: ${heard}`;
