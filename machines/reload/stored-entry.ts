/** A resource as this node stores it: entries by Kind and place, each with its signer and the time it was stored. RFC 6940 §7. */
import type { NodeId, StoredData } from "../../codecs/reload/mod.ts";

/** The owner of the certificate that signed a value, once the signature is verified. */
export interface Signer {
  readonly nodeId: NodeId;
  /** The user names of the certificate, §11.3. */
  readonly users: ReadonlyArray<string>;
  /** DER; stored with the value, as it is sent with it. */
  readonly certificate: Uint8Array;
}
/** For every value of a Store, its signer; undefined where the signature does not hold. */
export type Signers = ReadonlyArray<ReadonlyArray<Signer | undefined>>;

/** What is stored at one place of a resource: a key of a dictionary, an index of an array, the single value. */
export interface StoredEntry {
  readonly data: StoredData;
  readonly signer: Signer;
  /** By our clock. */
  readonly storedMs: number;
  /** Nodes known to hold this version. */
  readonly copies: ReadonlyArray<NodeId>;
  /** The node responsible for the resource has reported, since the ring last changed, that it holds this version. */
  readonly safe: boolean;
  /** Read from disk, and the responsible node has not confirmed since that it holds this version. */
  readonly isRestored?: true;
}
export interface StoredKind {
  readonly generation: bigint;
  /** By place: hex of the key, the index in decimal, or nothing. */
  readonly entries: Readonly<Record<string, StoredEntry>>;
}
export interface Resource {
  readonly id: Uint8Array;
  readonly kinds: Readonly<Record<number, StoredKind>>;
}
