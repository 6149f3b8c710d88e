/**
 * Equivalent entropy, summed: a claim becomes a route when the bits of distinct validated calls, one after another, reach
 * what the domain requires. docs/protocol/pvp.md#what-a-proof-is-worth. A table that one actor owns and these functions
 * change.
 *
 *   (number, Node-ID, VServiceID) --> bits of call 1 + bits of call 2 + ... >= requiredBits --> route
 *                                     a wrong guess, or none after the gate: back to 0
 *
 * Without the return to 0 a thief would need no luck but patience: with a hundred calls to guess at, two right guesses of
 * 6 bits are all but sure. With it, a row of right guesses can begin at each call, and has to be right as a whole: by c
 * calls of m guesses each, with a chance of m^c * 2^-requiredBits at most. After n calls his chance is no more than n times
 * that, for each claim that he has.
 *
 * Who may keep his sum without a proof? Only one who chose to before he knew anything of when this call was, or whether a
 * guess at it was right: leaving out a call is then like not having been called. That is so for "unreachable", which is
 * said of nobody whose guess was in when the gate opened, of nobody who may have been sent a user name of B or C, and of
 * nobody who was tried by a method before; see validation/originator.ts. All others must prove the call or begin anew:
 * "refused" and "broken". "declined" has proved it, and grants nothing. DECISIONS.md D-041.
 */
import { type CallTimes, keepNewest } from "../../codecs/shared/mod.ts";
import { ROUND_MS } from "../validation/mod.ts";

/**
 * A claim's name in the ledger. `by`: the VService of ours whose agents made the calls. Each sums for itself: another's
 * agents could make up calls that a thief proves, or that the owner cannot.
 */
export const claimName = (of: {
  readonly by: bigint;
  readonly number: string;
  readonly nodeId: string;
  readonly vservice: bigint;
}): string => `${of.by}/${of.number}/${of.nodeId}/${of.vservice}`;

/** What a proved call is worth, and when it was proved. */
interface Proof extends CallTimes {
  readonly bits: number;
  readonly atMs: number;
}

/** What is known of one claim: calls already counted, and what each is worth. */
interface Account {
  /** By start and stop of the call. */
  readonly calls: Map<string, Proof>;
}

export interface Ledger {
  readonly requiredBits: number;
  /** T. */
  readonly roundMs: number;
  readonly accounts: Map<string, Account>;
}

/** The default and the range an operator may choose from. */
export const REQUIRED_BITS = 12;
export const REQUIRED_BITS_MAX = 64;
/** Claims remembered; the one heard of longest ago is forgotten first, and must be proved anew. */
export const ACCOUNTS_MAX = 200_000;
/** The bits of so many calls are enough for any requirement, unless they are worth less than one each. */
const CALLS_COUNTED_MAX = 64;
/**
 * A proof is as old as the call, and counts no longer than a route lives: who gave a number back proves nothing by calls
 * of the time when he had it. Overview §9.2.
 */
export const PROOF_LIFETIME_MS = 60 * 86_400_000;

export const openLedger = (requiredBits: number = REQUIRED_BITS, roundMs: number = ROUND_MS): Ledger => {
  if (!(requiredBits >= 1 && requiredBits <= REQUIRED_BITS_MAX))
    throw new Error(`requiredBits ${requiredBits} is outside 1..${REQUIRED_BITS_MAX}`);
  return { requiredBits, roundMs, accounts: new Map() };
};

export interface Credited {
  /** The sum so far. */
  readonly bits: number;
  /** How many calls it is the sum of. */
  readonly calls: number;
  readonly isRoute: boolean;
}

/** Counts one validated call for a claim. Proved once more, it is worth the lesser of both. */
export const credit = (
  ledger: Ledger,
  claim: string,
  { startMs, stopMs }: CallTimes,
  bits: number,
  atMs: number,
): Credited => {
  const call = `${startMs}/${stopMs}`;
  const account = ledger.accounts.get(claim) ?? { calls: new Map() };
  const { calls } = account;
  keepNewest(ledger.accounts, ACCOUNTS_MAX, claim, account);
  for (const [name, proof] of calls) if (atMs - proof.atMs >= PROOF_LIFETIME_MS) calls.delete(name);
  const before = calls.get(call);
  if (before === undefined) keepNewest(calls, CALLS_COUNTED_MAX, call, { startMs, stopMs, bits, atMs });
  else calls.set(call, { ...before, bits: Math.min(before.bits, bits) });
  const sum = sumOf(calls.values(), atMs, ledger.roundMs);
  return { ...sum, isRoute: sum.bits >= ledger.requiredBits };
};

/** What a claim has proved and still counts at that hour. */
export const provedBy = ({ accounts, roundMs }: Ledger, claim: string, atMs: number): Omit<Credited, "isRoute"> =>
  sumOf(accounts.get(claim)?.calls.values() ?? [], atMs, roundMs);

/**
 * The bits of those proofs that still count. Calls that overlap, or have less than 2T between them, may be one call that
 * was reported twice (by an agent and by a call detail record, by two legs of a conference): who knows one knows much of
 * the other. Together they count as one, with the least of their bits.
 */
const sumOf = (proofs: Iterable<Proof>, atMs: number, roundMs: number = ROUND_MS): Omit<Credited, "isRoute"> => {
  const fresh = [...proofs].filter((proof) => atMs - proof.atMs < PROOF_LIFETIME_MS);
  const apart: Array<{ stopMs: number; bits: number }> = [];
  for (const { startMs, stopMs, bits } of fresh.sort((a, b) => a.startMs - b.startMs)) {
    const last = apart.at(-1);
    if (last === undefined || startMs - last.stopMs >= 2 * roundMs) apart.push({ stopMs, bits });
    else Object.assign(last, { stopMs: Math.max(last.stopMs, stopMs), bits: Math.min(last.bits, bits) });
  }
  return { bits: apart.reduce((total, { bits }) => total + bits, 0), calls: apart.length };
};

/**
 * A call that the claimant guessed at and did not prove. It need not have said so: a server that sees its guess fail may as
 * well fall silent. True when it had proved anything before.
 */
export const discredit = (ledger: Ledger, claim: string): boolean => ledger.accounts.delete(claim);
