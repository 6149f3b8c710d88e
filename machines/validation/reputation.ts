/**
 * How often peers failed of late, so that those who fail often are slowed and then refused.
 * docs/protocol/pvp.md#wrong-passwords.
 *
 *   failures in the window    0 .. slowFrom   welcome      slowFrom .. refuseFrom   slowed      refuseFrom ..   refused
 *
 * A peer is its address and the Node-ID it gives, both for itself: an address alone may be that of many, and a Node-ID
 * alone is not proved. A success makes a peer welcome again. An address, behind which there may be guessers as well, is
 * forgiven no more than one failure, and that once for each call that was proved: who has a call of his own cannot wash
 * himself with it, and honest peers, whose method A fails where a pair of numbers had two calls, are not charged for it.
 * What they failed at does not matter: a failure that did not count would tell of what it was.
 *
 * A table that one actor owns and these functions change. DECISIONS.md D-032.
 */
import { addNewest, keepNewest } from "../../codecs/shared/mod.ts";

export type Reputation = "welcome" | "slowed" | "refused";

export interface Reputations {
  readonly limits: ReputationLimits;
  readonly peers: Map<string, { readonly failures: number; readonly sinceMs: number }>;
  /** Calls whose proof has forgiven somebody, the oldest first. */
  readonly proved: Set<number>;
}
export interface ReputationLimits {
  readonly slowFrom: number;
  readonly refuseFrom: number;
  readonly windowMs: number;
}

export const reputationLimits: ReputationLimits = { slowFrom: 20, refuseFrom: 100, windowMs: 600_000 };
const PEERS_MAX = 10_000;
const PROVED_MAX = 10_000;

export const reputations = (limits: ReputationLimits = reputationLimits): Reputations => ({
  limits,
  peers: new Map(),
  proved: new Set(),
});

export const reputationOf = ({ limits, peers }: Reputations, peer: string, atMs: number): Reputation => {
  const known = peers.get(peer);
  if (known === undefined || atMs - known.sinceMs >= limits.windowMs) return "welcome";
  if (known.failures >= limits.refuseFrom) return "refused";
  return known.failures >= limits.slowFrom ? "slowed" : "welcome";
};

export const peerFailed = ({ limits, peers }: Reputations, peer: string, atMs: number): void => {
  const known = peers.get(peer);
  const isOld = known === undefined || atMs - known.sinceMs >= limits.windowMs;
  const reputation = isOld ? { failures: 1, sinceMs: atMs } : { ...known, failures: known.failures + 1 };
  keepNewest(peers, PEERS_MAX, peer, reputation);
};

export const peerSucceeded = ({ peers }: Reputations, peer: string): void => {
  peers.delete(peer);
};

/** One failure less, for the first proof of that call. */
export const forgivePeer = ({ peers, proved }: Reputations, peer: string, call: number): void => {
  const known = peers.get(peer);
  if (proved.has(call)) return;
  addNewest(proved, PROVED_MAX, call);
  if (known !== undefined) peers.set(peer, { ...known, failures: Math.max(0, known.failures - 1) });
};
