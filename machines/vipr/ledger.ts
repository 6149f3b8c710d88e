/**
 * Equivalent entropy, summed: a claim becomes a route when the bits of distinct validated calls, one after another, reach
 * what the domain requires. Profile §2, "Equivalent entropy". A table that one actor owns and these functions change.
 *
 *   (number, Node-ID, VServiceID) --> bits of call 1 + bits of call 2 + ... >= requiredBits --> route
 *                                     a call that it does not prove: back to 0
 *
 * Without the return to 0 a thief would need no luck but patience: with a hundred calls to guess at, two right guesses of
 * 6 bits are all but sure. With it, a row of right guesses can begin at each call, and be right as a whole with the chance
 * 2^-requiredBits: his chance after n calls stays below n * 2^-requiredBits.
 */

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

/** What is known of one claim: calls already counted, as the same call proves nothing twice, and what each is worth. */
interface Account {
  readonly calls: Map<string, { readonly bits: number; readonly atMs: number }>;
}

export interface Ledger {
  readonly requiredBits: number;
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

/** Counts one validated call for a claim. Names are the caller's to choose, one for each claim and each call. */
export const credit = (ledger: Ledger, claim: string, call: string, bits: number, atMs: number): Credited => {
  const account = ledger.accounts.get(claim) ?? { calls: new Map() };
  const { calls } = account;
  ledger.accounts.delete(claim); // and in again: the last in the map is the one heard of last
  ledger.accounts.set(claim, account);
  for (const [name, proof] of calls) if (atMs - proof.atMs >= PROOF_LIFETIME_MS) calls.delete(name);
  if (!calls.has(call)) {
    if (calls.size >= CALLS_COUNTED_MAX) calls.delete(calls.keys().next().value!);
    calls.set(call, { bits, atMs });
  }
  if (ledger.accounts.size > ACCOUNTS_MAX) ledger.accounts.delete(ledger.accounts.keys().next().value!);
  const sum = [...calls.values()].reduce((total, proof) => total + proof.bits, 0);
  return { bits: sum, calls: calls.size, isRoute: sum >= ledger.requiredBits };
};

/** What a claim has proved and still counts at that hour. */
export const provedBy = (ledger: Ledger, claim: string, atMs: number): Omit<Credited, "isRoute"> => {
  const calls = [...(ledger.accounts.get(claim)?.calls.values() ?? [])];
  const fresh = calls.filter((proof) => atMs - proof.atMs < PROOF_LIFETIME_MS);
  return { bits: fresh.reduce((total, proof) => total + proof.bits, 0), calls: fresh.length };
};

/**
 * A call that the claimant was asked about and did not prove. It need not have said so: a server that sees its guess fail
 * may as well fall silent. True when it had proved anything before.
 */
export const discredit = (ledger: Ledger, claim: string): boolean => ledger.accounts.delete(claim);
