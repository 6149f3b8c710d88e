/**
 * The report's form: field names are a promise to scripts, docs/operator.md explains them. Nothing in it is secret:
 * Node-IDs, addresses and counts, no key, no password, no telephone number. A file of its own, so that programs that only
 * read reports need nothing else of an overlay.
 */

export const REPORT_VERSION = 1;

export interface SeenNode {
  /** 32 hexadecimal digits. */
  readonly nodeId: string;
  /** Clockwise from this node, as a part of the ring: 0 to 1. */
  readonly distance: number;
  /** Clockwise from identifier 0, as a part of the ring: 0 to 1. */
  readonly place: number;
  /** Where the link to it leads; null without one. */
  readonly address: string | null;
}

/**
 * A look-up of this node's own, as far as it sees its way: the neighbour that was given the request, the one that brought the
 * answer, and who signed it. Node-IDs of 32 hexadecimal digits.
 */
export interface SeenLookUp {
  /** ISO 8601. */
  readonly at: string;
  readonly milliseconds: number;
  /** Clockwise from identifier 0, in thousandths of the ring: all of it would name the number. */
  readonly place: number;
  readonly firstHop: string | null;
  readonly lastHop: string | null;
  readonly responsible: string | null;
  /** Of the node that is responsible. */
  readonly responsiblePlace: number | null;
  /** Links that the answer came over: 0 from this node itself; null without an answer. */
  readonly hops: number | null;
  /** `answer`, `refused`, `timedOut`, `lost`. */
  readonly outcome: string;
}

export interface RingReport {
  readonly version: number;
  readonly overlay: string;
  readonly configurationSequence: number;
  readonly nodeId: string;
  readonly place: number;
  /** Where others reach it. */
  readonly address: string;
  readonly state: string;
  readonly upSeconds: number;
  /** ISO 8601. */
  readonly certificateExpires: string;
  /** Of the ring, 0 to 1. */
  readonly share: number;
  /** Distinct nodes among neighbours, fingers and links, this one included. */
  readonly nodesSeen: number;
  /** The number of nodes in the overlay, estimated from the distances of the neighbours; exact when they are all nodes. */
  readonly nodesEstimated: number;
  /** Nearest first. */
  readonly successors: ReadonlyArray<SeenNode>;
  readonly predecessors: ReadonlyArray<SeenNode>;
  readonly fingers: ReadonlyArray<SeenNode>;
  readonly links: ReadonlyArray<SeenNode>;
  readonly stored: { readonly resources: number; readonly primaries: number; readonly replicas: number };
  readonly quota: {
    readonly limit: number;
    readonly used: number;
    /** How much is stored here for each signer, the largest first. */
    readonly byNode: ReadonlyArray<{ readonly nodeId: string; readonly primaries: number; readonly replicas: number }>;
  };
  /** The newest last. */
  readonly lookUps: ReadonlyArray<SeenLookUp>;
  readonly counters: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
}
