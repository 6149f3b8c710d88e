/** What a server of validations asks its owner, and what its streams share. */
import type { Effect } from "effect";
import type { E164, NodeId, VServiceId } from "../../codecs/shared/mod.ts";
import type { PvpMethod, PvpUserName, ValErrorCode, ValInfo } from "../../codecs/validation/mod.ts";
import type { PvpCandidate, Reputations } from "../../machines/validation/mod.ts";
import type { seldomSaid } from "../kit/mod.ts";
import type { Ephemerals } from "../tls/mod.ts";
import type { PvpCounters } from "./counters.ts";

export interface PvpHandlers {
  /** Received calls that the user name may mean, locked ones included. Use an index: strangers may ask. */
  readonly candidates: (name: PvpUserName) => Effect.Effect<ReadonlyArray<PvpCandidate>>;
  /**
   * A wrong password for this call by that method. Must be counted when this succeeds. The peer does not wait for it, but
   * may measure it on other streams: see `failedWithoutCall`.
   */
  readonly failed: (call: PvpCandidate, method: PvpMethod) => Effect.Effect<void>;
  /** A failure where there was no call, or a locked one: should take as long as `failed`. Default nothing. */
  readonly failedWithoutCall?: Effect.Effect<void>;
  /** The domain has proved that it knows of a call to the number; not that the name is its own. */
  readonly grant: (request: PvpGrantRequest) => Effect.Effect<PvpGrant>;
}
export interface PvpGrantRequest {
  readonly number: E164;
  readonly domain: string;
  readonly vservice: VServiceId;
}
export type PvpGrant =
  | { readonly type: "granted"; readonly valInfo: ValInfo }
  | { readonly type: "refused"; readonly code: ValErrorCode };

/** What the streams of one server share. */
export interface PvpServer {
  readonly nodeIds: ReadonlyArray<NodeId>;
  readonly roundMs: number;
  readonly handlers: PvpHandlers;
  /** Salts are made from it, and what simulates unknown calls. */
  readonly seedKey: Uint8Array;
  /** Pairs of b and g^b computed ahead of the handshakes. */
  readonly ephemerals: Ephemerals;
  readonly counters: PvpCounters;
  /** Lines about streams that came to nothing, of one address once in a while. */
  readonly said: ReturnType<typeof seldomSaid>;
  readonly peers: Reputations;
  /** As `peers`, by address alone: a peer can choose a new Node-ID each time, but hardly a new address. */
  readonly addresses: Reputations;
  /** Open streams by address. An IPv6 /64 counts as one address, here and for the reputation. */
  readonly open: Map<string, number>;
  readonly streamsOfAddressMax: number;
  /** Attempts under way at each call: no more than it has left, or some would not be counted. */
  readonly trying: Map<number, number>;
}
