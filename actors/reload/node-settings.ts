/** What a node's options and the configuration in force mean for its machines. */
import { expiryOf, type OverlayConfiguration, unsupportedIn } from "../../codecs/overlay/mod.ts";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { type PeerPolicy, type PeerSettings, peerTiming } from "../../machines/reload/mod.ts";
import type { NodeLimits, NodeOptions } from "./options.ts";

/** Why a node of ours does not join under this configuration at all; in words for its operator. */
export const objectionTo = (overlay: OverlayConfiguration, nowMs: number): string | undefined => {
  const missing = unsupportedIn(overlay);
  if (missing.length > 0) return `the configuration asks for what this node cannot: ${missing.join(", ")}`;
  return expiryOf(overlay, nowMs);
};

/** The bootstrap nodes that the node was started with count on where a new document names none. */
export const policyOf = (
  now: OverlayConfiguration,
  { overlay, known = [] }: NodeOptions,
  endpoint: Endpoint,
): PeerPolicy => {
  const listed = now.bootstrapNodes.length > 0 ? now.bootstrapNodes : overlay.bootstrapNodes;
  return {
    bootstrap: [...listed, ...known].filter((node) => !isSame(node, endpoint)),
    reactive: now.chordReactive,
    updateMs: now.chordUpdateIntervalS * 1000,
    pingMs: now.chordPingIntervalS * 1000,
  };
};

export const peerSettings = (
  options: NodeOptions,
  limits: NodeLimits,
  self: NodeId,
  endpoint: Endpoint,
  startedMs: number,
): PeerSettings => {
  const { overlay, applications = {}, first } = options;
  const firstListed = overlay.bootstrapNodes[0];
  const { bootstrap, reactive, updateMs: update, pingMs: ping } = policyOf(overlay, options, endpoint);
  return {
    self,
    endpoint,
    bootstrap,
    mayBeFirst: first ?? (firstListed === undefined || isSame(firstListed, endpoint)),
    applications: Object.entries(applications).map(([id, endpoint]) => ({ application: Number(id), endpoint })),
    neighbours: limits.neighbours,
    fingers: limits.fingers,
    reactive,
    timing: { ...peerTiming, react: limits.reactMs, update, ping, leave: limits.leaveMs },
    startedMs,
  };
};

const isSame = (one: Endpoint, other: Endpoint): boolean => one.host === other.host && one.port === other.port;
