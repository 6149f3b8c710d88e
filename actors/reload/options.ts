/** What a node is told before it starts. */

import type { Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { peerTiming, storageTiming } from "../../machines/reload/mod.ts";
import type { Credentials, StoreShape } from "../ports/mod.ts";
import type { Carry } from "./outgoing.ts";

/** Times in milliseconds. */
export interface NodeLimits {
  /** Successors and predecessors, each. At least 3, RFC 6940 §10.1; with 20 a ring survives the death of half its nodes. */
  readonly neighbours: number;
  /** At least 16, RFC 6940 §10.7.4.3. */
  readonly fingers: number;
  /** Streams from others at once. */
  readonly linksMax: number;
  /** The least time without an acknowledgement before a link is doubted. */
  readonly rtoMsMin: number;
  /** How long a doubtful link is kept. */
  readonly holdMs: number;
  /** After a loss, before new replicas are made. */
  readonly holdDownMs: number;
  /** From a change of neighbours to the Update that tells it. */
  readonly reactMs: number;
  /** For the whole join. */
  readonly joinMs: number;
  /** For a polite farewell when the scope closes; 0 goes without one, as a crash does. */
  readonly leaveMs: number;
  /** Messages a second that one neighbour is listened to, with two seconds' worth at once. */
  readonly messagesPerSecond: number;
  /** Messages longer than this leave in fragments, RFC 6940 §6.7; 0 for never: a stream carries any length. */
  readonly fragmentBytes: number;
  /** Which messages carry our certificate: all, none that goes to a neighbour and no further, or beside that only answers. */
  readonly carry: Carry;
}
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
  /** The signed document that says so, as received: without it this node cannot tell others of it. */
  readonly document?: string;
  /** The document of the configuration server now; asked for before ours expires. */
  readonly refetch?: Effect.Effect<string | undefined>;
  /** An IP address; port 0 takes a free one. */
  readonly listen: Endpoint;
  /** Where others reach us, when that is not where we listen. */
  readonly advertise?: Endpoint;
  /** Where nodes were when this one last ran: tried beside the bootstrap nodes, or a restarted first node begins alone. */
  readonly known?: ReadonlyArray<Endpoint>;
  /** Applications others may reach through us, by Application-ID. */
  readonly applications?: Readonly<Record<number, Endpoint>>;
  /** May this node form the overlay alone? Default: when it is the first bootstrap node, or there is none. */
  readonly first?: boolean;
  readonly limits?: Partial<NodeLimits>;
  /**
   * Where what others store here, and what we have stored elsewhere, outlives the process; several nodes may share one.
   * Without it a node that starts again begins without values.
   */
  readonly store?: StoreShape;
  /** Whether its certificate is stored in the overlay for others to find, RFC 6940 §8. Default true. */
  readonly publishesCertificate?: boolean;
}
