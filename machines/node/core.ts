/**
 * The state of a node, and how its parts speak to each other: by work in one list, which node.ts hands out until it is empty.
 *
 *   event --> a part --> orders, for the host --> ... answers come back as events, by their token
 *                   \--> work, for another part --> ...
 *
 * Everything here is plain data: a `structuredClone` of it is the node at that moment.
 */
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { Certificates, type NodeId, overlayHash, type Packet, x509 } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import type { Snapshot, Step } from "../kit/mod.ts";
import {
  type Gathering,
  nothingGathered,
  type Bucket as RateBucket,
  type RingView,
  type reloadPeer,
} from "../reload/mod.ts";
import { type Chance, chanceOf } from "./chance.ts";
import type { StorageState } from "./disk.ts";
import { type LinkTable, makeLinkTable } from "./link-table.ts";
import { makeSeenRequests, type SeenRequests } from "./seen-requests.ts";
import { learnNames, makeTrust, type Trust } from "./trust.ts";
import type { Counter, LookUp, NodeNote, NodeOrder, NodeSettings } from "./types.ts";
import type { CertificateFetch, Job, OwnRequest, Repeat, WaitingMessage, Work } from "./work.ts";

export interface Core {
  readonly settings: NodeSettings;
  /** Of the overlay's name. */
  readonly overlayHash: number;
  /** The certificate list that most of our messages carry, encoded once. */
  readonly carried: Uint8Array;
  overlay: OverlayConfiguration;
  roots: ReadonlyArray<Uint8Array>;
  view: RingView;
  /** Others can fetch our certificate from the overlay, as far as we know. */
  isPublished: boolean;
  /** Of the event that is being handled: its time, and the orders that it leads to. */
  nowMs: number;
  orders: Array<NodeOrder>;
  readonly work: Array<Work>;
  readonly chance: Chance;
  readonly trust: Trust;
  readonly jobs: Map<number, Job>;
  tokens: number;
  readonly table: LinkTable;
  readonly rates: Map<NodeId, RateBucket>;
  readonly requests: Map<bigint, OwnRequest>;
  /** Refused, and waiting to be repeated. */
  readonly repeats: Map<number, Repeat>;
  /** Transactions of the owner's requests, by its number for each. */
  readonly owned: Map<number, bigint>;
  readonly seen: SeenRequests;
  /** The newest of our own that have ended. */
  readonly lookUps: Array<LookUp>;
  fragments: Gathering;
  /** Packets from this node to itself. */
  readonly loopback: Array<Packet>;
  isLooping: boolean;
  readonly waiting: Set<WaitingMessage>;
  readonly fetches: Map<string, CertificateFetch>;
  readonly absentUntilMs: Map<string, number>;
  /** Undefined before it begins to join. */
  peer: ReturnType<typeof reloadPeer.start>["snapshot"] | undefined;
  /** Undefined where the owner serves the requests for values. */
  storage: StorageState | undefined;
  readonly counters: Record<Counter, number>;
  quietUntilMs: number;
  /** Whether messages are shown as `captured`. */
  isCaptured: boolean;
}

export const openCore = (settings: NodeSettings): Core => {
  const core = emptyCore(settings);
  learnNames(core.trust, settings.certificates[0]!, settings.facts);
  return core;
};

const emptyCore = (settings: NodeSettings): Core => ({
  settings,
  overlayHash: overlayHash(settings.overlay.name),
  carried: encode(Certificates, settings.certificates.map(x509)),
  overlay: settings.overlay,
  roots: settings.overlay.rootCertificates.length > 0 ? settings.overlay.rootCertificates : settings.roots,
  view: { self: settings.self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] },
  isPublished: false,
  nowMs: 0,
  orders: [],
  work: [],
  chance: chanceOf(settings.seed),
  trust: makeTrust(),
  jobs: new Map(),
  tokens: 0,
  table: makeLinkTable(),
  rates: new Map(),
  requests: new Map(),
  repeats: new Map(),
  owned: new Map(),
  seen: makeSeenRequests(),
  lookUps: [],
  fragments: nothingGathered,
  loopback: [],
  isLooping: false,
  waiting: new Set(),
  fetches: new Map(),
  absentUntilMs: new Map(),
  peer: undefined,
  storage: undefined,
  counters: noCounts(),
  quietUntilMs: 0,
  isCaptured: false,
});

const noCounts = (): Record<Counter, number> => ({
  forwarded: 0,
  delivered: 0,
  refused: 0,
  dropped: 0,
  repeated: 0,
  badSignatures: 0,
  garbage: 0,
  certificatesFetched: 0,
});

/** Under a new token. */
export const begin = (core: Core, job: Job): number => {
  core.jobs.set(++core.tokens, job);
  return core.tokens;
};

export const note = (core: Core, level: NodeNote["level"], what: string, about: NodeNote["about"]): void =>
  void core.orders.push({ type: "note", level, what, about });

/** What a machine begins with, as its first event. */
export const startOf = (input: unknown): { readonly type: string } =>
  ({ type: "(start)", input }) as { readonly type: string };

/** A machine has made a step, or has begun. */
export const stepped = <S extends Step<Snapshot<unknown>, unknown>>(
  core: Core,
  machine: string,
  run: string,
  event: { readonly type: string },
  step: S,
): S => {
  if (core.settings.isTraced) core.orders.push({ type: "stepped", machine, run, event, step });
  return step;
};

export const drop = (core: Core, why: string): void => {
  core.counters.dropped++;
  note(core, "debug", "reload.dropped", { why });
};

/** For whoever captures what goes over the links. */
export const capture = (core: Core, link: number, isSent: boolean, message: Uint8Array): void => {
  if (core.isCaptured) core.orders.push({ type: "captured", link, isSent, message });
};
