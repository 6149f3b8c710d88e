/**
 * Equivalent entropy, summed: a claim becomes a route when the bits of distinct validated calls reach what the domain
 * requires. Profile §2, "Equivalent entropy". A table that one actor owns and these functions change in place.
 *
 *   (number, Node-ID, VServiceID) --> bits of call 1 + bits of call 2 + ... >= requiredBits --> route
 */

/** What is known of one claim. */
interface Account {
  bits: number;
  /** Calls already counted: the same call proves nothing twice. */
  readonly calls: Set<string>;
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
const CALLS_COUNTED_MAX = 64;

export const openLedger = (requiredBits: number = REQUIRED_BITS): Ledger => {
  if (!(requiredBits >= 1 && requiredBits <= REQUIRED_BITS_MAX))
    throw new Error(`requiredBits ${requiredBits} is outside 1..${REQUIRED_BITS_MAX}`);
  return { requiredBits, accounts: new Map() };
};

export interface Credited {
  /** The sum so far. */
  readonly bits: number;
  readonly isRoute: boolean;
}

/** Counts one validated call for a claim. Names are the caller's to choose, one for each claim and each call. */
export const credit = (ledger: Ledger, claim: string, call: string, bits: number): Credited => {
  const account = ledger.accounts.get(claim) ?? { bits: 0, calls: new Set() };
  ledger.accounts.delete(claim); // and in again: the last in the map is the one heard of last
  ledger.accounts.set(claim, account);
  if (!account.calls.has(call) && account.calls.size < CALLS_COUNTED_MAX) {
    account.calls.add(call);
    account.bits += bits;
  }
  if (ledger.accounts.size > ACCOUNTS_MAX) ledger.accounts.delete(ledger.accounts.keys().next().value!);
  return { bits: account.bits, isRoute: account.bits >= ledger.requiredBits };
};
