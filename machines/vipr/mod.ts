/** What a ViPR server decides besides its protocols: when proofs suffice; and what it remembers of each number. */
export type { CallName, ViprEvent } from "./events.ts";
export {
  ACCOUNTS_MAX,
  type Credited,
  claimName,
  credit,
  discredit,
  type Ledger,
  openLedger,
  PROOF_LIFETIME_MS,
  REQUIRED_BITS,
  REQUIRED_BITS_MAX,
} from "./ledger.ts";
export { type NodeRoom, nodeOrder, nodesToTry } from "./spread.ts";
export {
  type ClaimStory,
  FACTS_ALL_MAX,
  FACTS_MAX,
  type Fact,
  remember,
  type Stories,
  type Story,
  stories,
  storyOf,
  type Waiting,
} from "./story.ts";
