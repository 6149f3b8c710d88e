/**
 * Calls that wait for their validation, and whose turn it is, where several companies share a server.
 *
 *   schedule --> a due queue for each company --+-- due, and the company has room --> takeTurn, one company after another
 *                                               |        begun: proving + looking up
 *                                               |        found: the overlay has answered
 *                                               |        ended: proving no more
 *                                               +-- the company's part is used up: it waits, and no other does
 *
 * A company's part of what may run at once is its share of the whole, and one at least. A part that is not used is not lent
 * out: claimants that answer slowly hold what they have for minutes, and its owner would wait for them. Without companies
 * there is one queue, with a part of 1. A table that one actor owns and these functions change. DECISIONS.md D-245.
 */
import { type DueQueue, dropDue, dueQueue, nextDueMs, schedule, takeDue } from "../validation/mod.ts";

export interface Turns<A> {
  readonly validationsMax: number;
  readonly lookUpsMax: number;
  /** Of all companies together. */
  readonly waitingMax: number;
  /** What part of the whole a company may have, 0 to 1; asked each time. */
  readonly partOf: (company: string) => number;
  /** In the order in which they have their turns: who had one last stands last. */
  readonly companies: Map<string, CompanyTurns<A>>;
  waiting: number;
  validating: number;
  lookingUp: number;
}

export interface CompanyTurns<A> {
  readonly queue: DueQueue<A>;
  validating: number;
  lookingUp: number;
}

export const openTurns = <A>(
  of: Pick<Turns<A>, "validationsMax" | "lookUpsMax" | "waitingMax" | "partOf">,
): Turns<A> => ({ ...of, companies: new Map(), waiting: 0, validating: 0, lookingUp: 0 });

/** False: too many wait, and it was not taken. */
export const enqueueTurn = <A>(turns: Turns<A>, company: string, item: A, dueMs: number): boolean => {
  if (turns.waiting >= turns.waitingMax || !schedule(companyOf(turns, company).queue, item, dueMs)) return false;
  turns.waiting += 1;
  return true;
};

/** The next call that is due and may begin; its company's turn is over. Undefined: none. */
export const takeTurn = <A>(
  turns: Turns<A>,
  nowMs: number,
): { readonly company: string; readonly item: A } | undefined => {
  if (turns.validating >= turns.validationsMax || turns.lookingUp >= turns.lookUpsMax) return undefined;
  for (const [company, own] of turns.companies) {
    if (!hasRoom(turns, company, own)) continue;
    const [item] = takeDue(own.queue, nowMs, 1);
    if (item === undefined) continue;
    turns.waiting -= 1;
    turns.companies.delete(company);
    turns.companies.set(company, own);
    return { company, item };
  }
  return undefined;
};

/** When the next call is due that may begin then, as things stand; undefined: none may before something ends. */
export const nextTurnMs = <A>(turns: Turns<A>): number | undefined => {
  if (turns.validating >= turns.validationsMax || turns.lookingUp >= turns.lookUpsMax) return undefined;
  let first: number | undefined;
  for (const [company, own] of turns.companies) {
    const dueMs = nextDueMs(own.queue);
    if (dueMs !== undefined && (first === undefined || dueMs < first) && hasRoom(turns, company, own)) first = dueMs;
  }
  return first;
};

export const turnBegun = <A>(turns: Turns<A>, company: string): void => count(turns, company, 1, 1);
export const turnFound = <A>(turns: Turns<A>, company: string): void => count(turns, company, 0, -1);
export const turnEnded = <A>(turns: Turns<A>, company: string): void => count(turns, company, -1, 0);

/** Each that waits, in no order. */
export const waitingTurns = <A>({ companies }: Turns<A>): ReadonlyArray<A> =>
  [...companies.values()].flatMap(({ queue }) => queue.heap.map(({ item }) => item));

/** Those that another server validates from now on wait no more. */
export const dropTurns = <A>(turns: Turns<A>, isGone: (item: A) => boolean): void => {
  for (const { queue } of turns.companies.values()) {
    const before = queue.heap.length;
    dropDue(queue, isGone);
    turns.waiting -= before - queue.heap.length;
  }
};

/** Of so many, those that one company may have: its part, and one at least. */
export const partOf = (whole: number, part: number): number => Math.max(1, Math.floor(whole * part));

const hasRoom = <A>(turns: Turns<A>, company: string, own: CompanyTurns<A>): boolean => {
  const part = turns.partOf(company);
  return own.validating < partOf(turns.validationsMax, part) && own.lookingUp < partOf(turns.lookUpsMax, part);
};

const companyOf = <A>({ companies, waitingMax }: Turns<A>, company: string): CompanyTurns<A> => {
  const known = companies.get(company);
  if (known !== undefined) return known;
  const made: CompanyTurns<A> = { queue: dueQueue(waitingMax), validating: 0, lookingUp: 0 };
  companies.set(company, made);
  return made;
};

const count = <A>(turns: Turns<A>, company: string, validating: number, lookingUp: number): void => {
  const own = companyOf(turns, company);
  own.validating += validating;
  own.lookingUp += lookingUp;
  turns.validating += validating;
  turns.lookingUp += lookingUp;
};
