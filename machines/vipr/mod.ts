/** What a ViPR server decides besides its protocols: when proofs suffice. */
export {
  ACCOUNTS_MAX,
  type Credited,
  credit,
  type Ledger,
  openLedger,
  REQUIRED_BITS,
  REQUIRED_BITS_MAX,
} from "./ledger.ts";
