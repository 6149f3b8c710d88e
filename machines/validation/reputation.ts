/**
 * How often peers have failed lately: those that fail often are delayed, then refused.
 * docs/protocol/pvp.md#wrong-passwords.
 *
 *   failures in the window    0 .. slowFrom   welcome      slowFrom .. refuseFrom   slowed      refuseFrom ..   refused
 *
 * Failures are counted for an address together with the Node-ID that the peer gives (many peers may share an address, and
 * the Node-ID is not proved), and for the address alone. A success clears the former. It takes one failure off the latter,
 * once for each call that was proved: a guesser with a call of its own cannot clear its address with it, and an honest peer
 * whose method A fails, since the two numbers had two calls, is not counted for that. Every failure counts, whatever its
 * cause: otherwise the count would show whether the call exists.
 *
 * A table that one actor owns and these functions change. DECISIONS.md D-032.
 */
import { addNewest, keepNewest } from "../../codecs/shared/mod.ts";

export type Reputation = "welcome" | "slowed" | "refused";

export interface Reputations {
  readonly limits: ReputationLimits;
  readonly peers: Map<string, { readonly failures: number; readonly sinceMs: number }>;
  /** Calls whose proof has taken a failure off an address, the oldest first. */
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

/** Takes one failure off, for the first proof of that call. */
export const forgivePeer = ({ peers, proved }: Reputations, peer: string, call: number): void => {
  const known = peers.get(peer);
  if (proved.has(call)) return;
  addNewest(proved, PROVED_MAX, call);
  if (known !== undefined) peers.set(peer, { ...known, failures: Math.max(0, known.failures - 1) });
};
