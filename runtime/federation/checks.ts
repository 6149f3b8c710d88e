/**
 * What must hold, judged from outside: from what the telephone network carried, what was acknowledged and who owns which
 * number by the plan; never from what a program says of itself. DECISIONS.md D-277.
 *
 *   route         a learned route leads to the number's owner, in each of its addresses
 *   ticket        no ticket is granted to who did not call, no call is let in without one
 *   signature     no node takes what was altered, forged, recorded or signed by a certificate that has ended
 *   acknowledged  what a server or the overlay has acknowledged is there when all is quiet
 *   ring          when all is quiet each node has the right neighbours, and all find the same claims
 *   disk          what has ended is on no disk
 *   call          each call is carried, over the Internet or by a trunk, and ends
 *   leak          after the shutdown nothing listens, no stream is open, nobody waits for a timer
 *   defect        no fiber ends by a defect
 */
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import { parseUri } from "../../codecs/sip/mod.ts";
import type { LearnedRoute } from "../../machines/agent/mod.ts";
import { type CallName, callNameOf, type ViprEvent } from "../../machines/vipr/mod.ts";
import { ownerOf, type Plan } from "./plan.ts";
import type { Trace } from "./trace.ts";

export const CHECKERS = [
  "route",
  "ticket",
  "signature",
  "acknowledged",
  "ring",
  "disk",
  "call",
  "leak",
  "defect",
] as const;
export type Checker = (typeof CHECKERS)[number];

export interface Violation {
  readonly checker: Checker;
  readonly why: string;
}

/** A call that the telephone network carried, by the true time. */
interface Carried {
  readonly from: string;
  readonly called: string;
  readonly startMs: number;
  readonly stopMs: number;
}
/** Both ends of a guess within so much of a call's are no guess that went wrong: who is right knows the call. PVP's T. */
const LUCK_MS = 10_000;

export class Checks {
  /** The first; what comes after it may be its consequence. */
  violation: Violation | undefined;
  private readonly found = new Set<string>();
  private readonly plan: Plan;
  private readonly trace: Trace;
  private readonly carried: Array<Carried> = [];
  private readonly guesses: Array<Carried> = [];
  /** Of each company, the numbers that the overlay has stored for it. */
  readonly published = new Map<string, Set<string>>();
  /** Of each company, the calls it has to validate, by their names. */
  private readonly toValidate = new Map<string, Set<string>>();
  private readonly ringing = new Set<object>();

  constructor(plan: Plan, trace: Trace) {
    this.plan = plan;
    this.trace = trace;
  }

  violated(checker: Checker, why: string): void {
    if (this.found.has(why)) return;
    this.found.add(why);
    this.trace.record("checker", `VIOLATED ${checker}`, { detail: why });
    this.violation ??= { checker, why };
  }

  placed(call: Carried): void {
    this.carried.push(call);
  }
  guessed(guess: Carried): void {
    this.guesses.push(guess);
  }

  /** The times of the last call to that number that is over. */
  overheard(number: string, nowMs: number): Pick<Carried, "startMs" | "stopMs"> | undefined {
    return this.carried.findLast(({ called, stopMs }) => called === number && stopMs <= nowMs);
  }

  routes(company: string, routes: ReadonlyArray<LearnedRoute>): void {
    for (const { number, uris, grantingDomain } of routes) {
      const owner = ownerOf(this.plan, number);
      const strays = [grantingDomain, ...uris.map(hostOf)].filter((domain) => domain !== owner);
      if (strays.length > 0)
        this.violated("route", `${company} has a route to ${number} of ${owner} that leads to ${strays[0]}`);
    }
  }

  /** A call is let in that came over the Internet, though nobody placed it. */
  admitted(company: string, why: string): void {
    this.violated("ticket", `${company} let a call in: ${why}`);
  }

  acknowledged(company: string, vcr: Vcr): void {
    if (vcr.direction === "sent") setOf(this.toValidate, company).add(nameOf(vcr.called, callNameOf(vcr)));
  }
  /** The disk of that company is gone, with what was on it alone. */
  lostDisk(company: string): void {
    this.toValidate.delete(company);
  }

  /** Its nodes have other certificates: what they stored counts by the old ones, until it is stored again. */
  renewed(company: string): void {
    this.published.delete(company);
  }

  /** What a company's server reports. */
  event(company: string, event: ViprEvent): void {
    switch (event.type) {
      case "published":
        setOf(this.published, company).add(event.number);
        return;
      case "granted":
        this.granted(company, event.number, event.domain);
        return;
      case "lookedUp":
      case "lookUpFailed":
      case "dropped":
      case "repeated":
      case "ambiguous":
      case "crowded":
        this.toValidate.get(company)?.delete(nameOf(event.number, event.call));
        return;
    }
  }

  private granted(company: string, number: E164, domain: string): void {
    const calls = this.carried.filter(({ called }) => called === number);
    const isCaller = calls.some(({ from }) => from === domain);
    const isLucky = this.guesses.some(
      (guess) =>
        guess.from === domain &&
        calls.some(
          ({ called, startMs, stopMs }) =>
            called === guess.called &&
            Math.abs(startMs - guess.startMs) < LUCK_MS &&
            Math.abs(stopMs - guess.stopMs) < LUCK_MS,
        ),
    );
    if (!isCaller && !isLucky)
      this.violated("ticket", `${company} granted ${domain} a ticket for ${number}, which it never called`);
  }

  /** At the end: how many calls wait at that company's server, or are being validated. */
  waiting(company: string, waiting: number): void {
    const missing = (this.toValidate.get(company)?.size ?? 0) - waiting;
    if (missing > 0)
      this.violated(
        "acknowledged",
        `${company}'s server has forgotten ${missing} call records that it had acknowledged`,
      );
  }

  began(call: object): void {
    this.ringing.add(call);
  }
  /** Or its caller's programs ended first, and the call with them. */
  ended(call: object): void {
    this.ringing.delete(call);
  }
  noneRings(): void {
    if (this.ringing.size > 0) this.violated("call", `${this.ringing.size} calls never ended`);
  }
}

const hostOf = (text: string): string => {
  const uri = parseUri(text);
  return uri.ok && uri.value.type === "sip" ? uri.value.host : text;
};
const nameOf = (number: string, { startMs, stopMs }: CallName): string => `${number} ${startMs} ${stopMs}`;
const setOf = (map: Map<string, Set<string>>, key: string): Set<string> => {
  const found = map.get(key) ?? new Set();
  map.set(key, found);
  return found;
};
