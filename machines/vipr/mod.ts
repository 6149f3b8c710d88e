/** What a ViPR server decides besides its protocols: when proofs suffice; and what it remembers of each number. */
export type { Fact } from "../../codecs/vipr/mod.ts";
export { ASKED_LIFETIME_MS, ASKED_MAX, type AskedCalls, ask, askedCalls, unask } from "./asked.ts";
export { type CallName, callNameOf, type ViprEvent } from "./events.ts";
export {
  ACCOUNTS_MAX,
  type Credited,
  claimName,
  credit,
  discredit,
  type Ledger,
  openLedger,
  PROOF_LIFETIME_MS,
  provedBy,
  REQUIRED_BITS,
  REQUIRED_BITS_MAX,
} from "./ledger.ts";
export { LINE_MAX, type Lines, lineOf, openLines, stepOut, stepUp } from "./lines.ts";
export { type NodeRoom, nodeOrder, nodesToTry } from "./spread.ts";
export {
  type ClaimStory,
  FACTS_ALL_MAX,
  FACTS_MAX,
  remember,
  type StandsNow,
  type Stories,
  type Story,
  stories,
  storyFrom,
  storyNow,
  storyOf,
  type Waiting,
} from "./story.ts";
export {
  STORY_LIFETIME_MS,
  type StoryChange,
  type StoryChanges,
  storyRows,
} from "./story-rows.ts";
export { type ClaimSum, factOf, ledgerName, NOTHING_YET, summed } from "./sum.ts";
