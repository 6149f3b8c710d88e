/**
 * Equivalent entropy, summed: a claim becomes a route when the bits of distinct validated calls, one after another, reach
 * what the domain requires. docs/protocol/pvp.md#what-a-proof-is-worth. A table that one actor owns and these functions
 * change.
 *
 *   (number, Node-ID, VServiceID) --> bits of call 1 + bits of call 2 + ... >= requiredBits --> route
 *                                     a wrong guess, or none after the gate: back to 0
 *
 * Without the return to 0 a thief would need patience and no luck: with a hundred calls to guess at, two right guesses of
 * 6 bits are almost certain. With it, a sequence of right guesses can begin at each call, and must be right as a whole: with
 * c calls of m guesses each the chance is m^c * 2^-requiredBits at most. After n calls it is at most n times that, for each
 * claim of the thief.
 *
 * A claimant may keep its sum without a proof only if it stayed away before it knew anything of when this call was, or
 * whether a guess at it was right: to leave out a call is then the same as not having been called. That holds for
 * "unreachable", which is never the verdict on a claimant whose guess had arrived when the gate opened, that may have been
 * sent a user name of method B or C, or that was tried with another method before; see validation/originator.ts. All others
 * must prove the call or begin again: "refused" and "broken". "declined" has proved it, and grants no ticket. DECISIONS.md D-041.
 */
import { type CallTimes, keepNewest, type VServiceId } from "../../codecs/shared/mod.ts";

/**
 * A claim's name in the ledger. `by`: the VService of ours whose agents made the calls. Each VService has sums of its
 * own: agents of another could invent calls that a thief proves, or that the owner cannot prove.
 */
export const claimName = (of: {
  readonly by: VServiceId;
  readonly number: string;
  readonly nodeId: string;
  readonly vservice: VServiceId;
}): string => `${of.by}/${of.number}/${of.nodeId}/${of.vservice}`;

/** What a proved call is worth, and when it was proved. */
interface Proof {
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
  readonly accounts: Map<string, Account>;
}

/** The default and the range an operator may choose from. */
export const REQUIRED_BITS = 12;
export const REQUIRED_BITS_MAX = 64;
/** Claims with a sum; the one whose last proof is oldest is removed first, and must be proved again. */
export const ACCOUNTS_MAX = 200_000;
/** Those that were proved last. A busy line has many calls of which one end is known, each worth a bit or two. */
const CALLS_COUNTED_MAX = 64;
/**
 * A proof counts no longer than a route lasts: an owner that has given a number back must not prove it with calls of the time
 * when it had the number. Overview §9.2.
 */
export const PROOF_LIFETIME_MS = 60 * 86_400_000;

export const openLedger = (requiredBits: number = REQUIRED_BITS): Ledger => {
  if (!(requiredBits >= 1 && requiredBits <= REQUIRED_BITS_MAX))
    throw new Error(`requiredBits ${requiredBits} is outside 1..${REQUIRED_BITS_MAX}`);
  return { requiredBits, accounts: new Map() };
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
  if (before === undefined) keepNewest(calls, CALLS_COUNTED_MAX, call, { bits, atMs });
  else calls.set(call, { ...before, bits: Math.min(before.bits, bits) });
  const sum = sumOf(calls.values(), atMs);
  return { ...sum, isRoute: sum.bits >= ledger.requiredBits };
};

/** What a claim has proved and still counts at that time. */
export const provedBy = ({ accounts }: Ledger, claim: string, atMs: number): Omit<Credited, "isRoute"> =>
  sumOf(accounts.get(claim)?.calls.values() ?? [], atMs);

/** The bits of those proofs that still count. What two calls have in common counts once already: see sent-calls.ts. */
const sumOf = (proofs: Iterable<Proof>, atMs: number): Omit<Credited, "isRoute"> => {
  const fresh = [...proofs].filter((proof) => atMs - proof.atMs < PROOF_LIFETIME_MS);
  return { bits: fresh.reduce((total, { bits }) => total + bits, 0), calls: fresh.length };
};

/**
 * The claimant guessed at a call and did not prove it, whether it answered so or fell silent when its guess failed. True
 * when it had proved anything before.
 */
export const discredit = (ledger: Ledger, claim: string): boolean => ledger.accounts.delete(claim);

/** Another server counts for these claims from now on. */
export const forgetClaims = (ledger: Ledger, isGone: (claim: string) => boolean): void => {
  for (const claim of ledger.accounts.keys()) if (isGone(claim)) ledger.accounts.delete(claim);
};
