/** The configuration as an authority's flags change it: what is not said stays as it is. */
import { type OverlayConfiguration, viprOverlay, writeOverlay } from "../../codecs/overlay/mod.ts";
import { type Endpoint, type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { addressOf, oneOf, Wrong, wholeOf } from "./options.ts";
import { RELOAD_PORT } from "./ports.ts";

const QUOTA_MAX = 10_000_000;
const RATE_MAX = 100_000;
const BOOTSTRAP_MAX = 64;
const BAD_NODES_MAX = 10_000;

export type OverlayChanges = Partial<
  Pick<
    OverlayConfiguration,
    "bootstrapNodes" | "quota" | "storesPerSecond" | "fetchesPerSecond" | "numberHash" | "badNodes"
  >
>;

export interface OverlayFlags {
  readonly bootstrap?: ReadonlyArray<string> | undefined;
  readonly quota?: string | undefined;
  readonly stores?: string | undefined;
  readonly fetches?: string | undefined;
  readonly "number-hash"?: string | undefined;
  readonly "bad-node"?: ReadonlyArray<string> | undefined;
}

export const overlayChanges = (flags: OverlayFlags): OverlayChanges => {
  const { bootstrap, quota, stores, fetches, "number-hash": hash, "bad-node": bad } = flags;
  return {
    ...(bootstrap === undefined ? {} : { bootstrapNodes: bootstrapOf(bootstrap) }),
    ...(quota === undefined ? {} : { quota: wholeOf(quota, "quota", 1, QUOTA_MAX) }),
    ...(stores === undefined ? {} : { storesPerSecond: wholeOf(stores, "stores", 1, RATE_MAX) }),
    ...(fetches === undefined ? {} : { fetchesPerSecond: wholeOf(fetches, "fetches", 1, RATE_MAX) }),
    ...(hash === undefined ? {} : { numberHash: oneOf(hash, "number-hash", ["sha1", "scrypt"]) }),
    ...(bad === undefined ? {} : { badNodes: badNodesOf(bad) }),
  };
};

const bootstrapOf = (texts: ReadonlyArray<string>): ReadonlyArray<Endpoint> => {
  if (texts.length > BOOTSTRAP_MAX) throw new Wrong(`--bootstrap: over ${BOOTSTRAP_MAX} of them`);
  return texts.map((text) => {
    const at = addressOf(text, "bootstrap", RELOAD_PORT);
    if (at.port === 0 || at.host === "0.0.0.0" || at.host === "::")
      throw new Wrong(`--bootstrap wants where others reach the node, not "${text}"`);
    return at;
  });
};

const badNodesOf = (texts: ReadonlyArray<string>): ReadonlyArray<NodeId> => {
  if (texts.length === 1 && texts[0] === "none") return [];
  if (texts.length > BAD_NODES_MAX) throw new Wrong(`--bad-node: over ${BAD_NODES_MAX} of them`);
  return texts.map((text) => {
    if (!/^[0-9a-f]{32}$/i.test(text)) throw new Wrong(`--bad-node wants 32 hexadecimal digits, not "${text}"`);
    return nodeIdFrom(BigInt(`0x${text}`));
  });
};

export const newOverlay = (name: string, root: Uint8Array, changes: OverlayChanges): OverlayConfiguration =>
  viprOverlay({ name, sequence: 1, rootCertificates: [root], ...changes });

/** What a new overlay lacks; undefined when it lacks nothing. */
export const objectionToNew = (name: string | undefined, { bootstrapNodes }: OverlayChanges): string | undefined => {
  if (name === undefined) return "--name is missing: this directory holds no overlay yet";
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name))
    return `--name wants a DNS name in small letters, not "${name}"`;
  return bootstrapNodes === undefined
    ? "--bootstrap is missing: where the first node will be, or every node would begin a ring of its own"
    : undefined;
};

/** What stands in the way of these changes; undefined when nothing does. */
export const objectionTo = (
  kept: OverlayConfiguration,
  name: string | undefined,
  { numberHash }: OverlayChanges,
): string | undefined => {
  if (name !== undefined && name !== kept.name) return `this directory holds the overlay ${kept.name}`;
  if (numberHash !== undefined && numberHash !== kept.numberHash)
    return `the number hash of an overlay never changes, or its numbers could not be found: it is ${kept.numberHash}`;
  return undefined;
};

export const isSameOverlay = (one: OverlayConfiguration, other: OverlayConfiguration): boolean =>
  writeOverlay(one) === writeOverlay(other);
