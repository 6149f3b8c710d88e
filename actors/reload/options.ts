/**
 * The options that a node is started with, and its limits.
 * Requirements: RFC 6940 §10.7.
 */

import type { Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import type { Carry } from "../../machines/node/mod.ts";
import { peerTiming, storageTiming } from "../../machines/reload/mod.ts";
import type { Credentials, StoreShape } from "../ports/mod.ts";

/** Times in milliseconds. */
export interface NodeLimits {
  /** Successors and predecessors, each. At least 3, RFC 6940 §10.1; with 20 a ring survives the death of half its nodes. */
  readonly neighbours: number;
  /** At least 16, RFC 6940 §10.7.4.3. */
  readonly fingers: number;
  /** Streams from others at once. */
  readonly linksMax: number;
  /** The least time without an acknowledgement after which a link is doubtful. */
  readonly rtoMsMin: number;
  /** How long a doubtful link stays open. */
  readonly holdMs: number;
  /** After a loss, before new replicas are made. */
  readonly holdDownMs: number;
  /** From a change of neighbours to the Update that announces it. */
  readonly reactMs: number;
  /** For the whole join. */
  readonly joinMs: number;
  /** For leaving the ring when the scope closes; 0: no Leave request is sent, as after a crash. */
  readonly leaveMs: number;
  /** Messages a second that are read from one neighbour, with bursts of two seconds' worth. */
  readonly messagesPerSecond: number;
  /** Messages longer than this leave in fragments, RFC 6940 §6.7; 0 for never: a stream carries any length. */
  readonly fragmentBytes: number;
  /** Which messages carry our certificate; see `Carry`. */
  readonly carry: Carry;
}
/** The limits of a node where nothing else is said. */
export const nodeLimits: NodeLimits = {
  neighbours: 20,
  fingers: 16,
  linksMax: 256,
  rtoMsMin: 3_000,
  holdMs: 30_000,
  holdDownMs: storageTiming.holdDown,
  reactMs: peerTiming.react,
  joinMs: 60_000,
  leaveMs: peerTiming.leave,
  messagesPerSecond: 500,
  fragmentBytes: 0,
  carry: "always",
};

export interface NodeOptions {
  /** The certificate holds the Node-ID, as a `reload://` URI of this overlay. */
  readonly credentials: Credentials;
  /** Which Node-ID to be, when the certificate names several. */
  readonly nodeId?: NodeId;
  readonly overlay: OverlayConfiguration;
  /** The signed document that it was read from, as received: without it this node cannot pass it on. */
  readonly document?: string;
  /** Gets the configuration server's document; called before ours expires. */
  readonly refetch?: Effect.Effect<string | undefined>;
  /** An IP address; port 0 takes a free one. */
  readonly listen: Endpoint;
  /** Where others reach us, when that is not where we listen. */
  readonly advertise?: Endpoint;
  /** Addresses of nodes from the last run: tried beside the bootstrap nodes, so that a restarted first node does not begin a
   * second ring. */
  readonly known?: ReadonlyArray<Endpoint>;
  /** Applications others may reach through us, by Application-ID. */
  readonly applications?: Readonly<Record<number, Endpoint>>;
  /** May this node form the overlay alone? Default: when it is the first bootstrap node, or there is none. */
  readonly first?: boolean;
  readonly limits?: Partial<NodeLimits>;
  /**
   * Holds on disk what others store here, and what we have stored elsewhere; several nodes may share one.
   * Without it a node that starts again begins without values.
   */
  readonly store?: StoreShape;
  /** Performed when a node at that host shows another certificate of our Node-ID; the log says so at ERROR anyway. */
  readonly sameNode?: (host: string) => Effect.Effect<void>;
  /** Whether its certificate is stored in the overlay for others to find, RFC 6940 §8. Default true. */
  readonly publishesCertificate?: boolean;
}
