/**
 * One node of the small ring: the product's peer machine, unchanged, and what its orders wait for. A host is never changed;
 * two of the same content are one object, so that its number stands for it in the key of a world. DECISIONS.md D-298.
 *
 *   event --> reloadPeer.step (once for each host and event) --> the snapshot after it, and its orders
 *
 * Left out of the snapshot: how often a join was tried and how many rounds were calm. They decide how long a timer runs, and
 * the small world lets each timer fire at any time; so a node that is not taken in tries for good, and not twenty times.
 */
import { type Destination, type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import type { Snapshot } from "../../machines/kit/mod.ts";
import {
  type PeerAction,
  type PeerContext,
  type PeerEvent,
  type PeerSettings,
  type PeerTimer,
  type PendingRequest,
  peerTiming,
  reloadPeer,
} from "../../machines/reload/mod.ts";

/** Where a node stands on the circle, counted from 0. */
export type Place = number;
const SPACING = 1n << 124n;
export const idAt = (place: Place): NodeId => nodeIdFrom(BigInt(place + 1) * SPACING);
export const placeOf = (node: bigint): Place => Number(node / SPACING) - 1;
export const endpointAt = (place: Place) => ({ host: `192.0.2.${place + 1}`, port: 6084 });
export const placeAt = (host: string): Place => Number(host.slice(host.lastIndexOf(".") + 1)) - 1;
export const nameAt = (place: Place): string => `n${place}`;

const texts = new WeakMap<object, string>();
/** A value as one line: Node-IDs by name, bytes in hexadecimal. Once for each object: none of them changes. */
export const textOf = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return plainTextOf(value);
  const held = texts.get(value) ?? plainTextOf(value);
  texts.set(value, held);
  return held;
};
const plainTextOf = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    typeof part === "bigint"
      ? part % SPACING === 0n
        ? nameAt(placeOf(part))
        : `${part % SPACING === 1n ? `${nameAt(placeOf(part))}+` : part}`
      : part instanceof Uint8Array
        ? hexOf(part)
        : part,
  );

/** Equal values are one object, with a number of its own. */
export class Pool<A extends object> {
  readonly #all = new Map<string, A & Numbered>();
  of(text: string, make: () => A): A & Numbered {
    const held = this.#all.get(text);
    if (held !== undefined) return held;
    const made = { ...make(), number: this.#all.size };
    this.#all.set(text, made);
    return made;
  }
}
export interface Numbered {
  readonly number: number;
}

/** A machine at rest, with what each event did to it so far. */
export interface Peer {
  readonly snapshot: Snapshot<PeerContext>;
  readonly steps: Map<string, Stepped>;
}
export interface Stepped {
  readonly peer: Peer & Numbered;
  readonly actions: ReadonlyArray<PeerAction>;
}

export interface Pending {
  /** Of the node's own requests; no two that wait, or are on their way, have the same. */
  readonly transaction: number;
  readonly request: PendingRequest;
  /** The last destination: who may answer. */
  readonly to: Destination;
}

export interface HostState {
  readonly place: Place;
  /** Undefined: not begun, or gone. */
  readonly peer: (Peer & Numbered) | undefined;
  /** It has not been here yet; or has failed, and may come back. */
  readonly mayBegin: "first" | "again" | "never";
  /** By name. */
  readonly timers: ReadonlyArray<PeerTimer>;
  readonly requests: ReadonlyArray<Pending>;
  /** Links that it opens: to a bootstrap node (`isVisit`), or to a node that is expected there. */
  readonly dials: ReadonlyArray<{ readonly to: Place; readonly isVisit: boolean }>;
  /** Nodes that values are handed over to. */
  readonly handing: ReadonlyArray<NodeId>;
}
export type Host = HostState & Numbered;

const peers = new Pool<Peer>();
const hosts = new Pool<HostState>();

export const hostOf = (of: HostState): Host => {
  const requests = of.requests
    .map(({ transaction, request, to }) => `${transaction}${textOf(request)}${textOf(to)}`)
    .sort();
  const dials = of.dials.map(({ to, isVisit }) => `${to}${isVisit}`).sort();
  const text = `${of.place}|${of.peer?.number}|${of.mayBegin}|${of.timers}|${requests}|${dials}|${of.handing.map(placeOf)}`;
  return hosts.of(text, () => of);
};

/** What of the machine's context its future depends on. */
const peerOf = ({ status, value, context }: Snapshot<PeerContext>): Peer & Numbered => {
  const same = { ...context, tries: 0, calm: 1 };
  const { table } = same;
  const set = (nodes: ReadonlyArray<NodeId>) => nodes.map(placeOf).sort();
  const text = [
    textOf(value),
    placeOf(table.self),
    textOf([same.settings.bootstrap, same.settings.neighbours, same.settings.mayBeFirst]),
    table.joined,
    ...[table.linked, table.ready, same.candidates, same.awaited].map(set),
    same.boot === undefined ? "" : placeOf(same.boot),
    same.admitting === undefined ? "" : placeOf(same.admitting),
    same.asking.map(({ node, old }) => `${placeOf(node)}${old}`).sort(),
    same.searching,
    textOf(same.joiners),
    textOf(same.reacting ?? null),
  ].join("|");
  return peers.of(text, () => ({
    snapshot: status === "active" ? reloadPeer.resume(value, same) : { status, value, context: same },
    steps: new Map(),
  }));
};

export const settingsAt = (place: Place, bootstrap: Place, neighbours: number): PeerSettings => ({
  self: idAt(place),
  endpoint: endpointAt(place),
  bootstrap: place === bootstrap ? [] : [endpointAt(bootstrap)],
  mayBeFirst: place === bootstrap,
  applications: [],
  neighbours,
  fingers: 16,
  reactive: true,
  timing: peerTiming,
  startedMs: 0,
});

const started = new Map<string, Stepped>();
export const startPeer = (settings: PeerSettings): Stepped => {
  const name = textOf(settings);
  const held = started.get(name);
  if (held !== undefined) return held;
  const { snapshot, actions } = reloadPeer.start(settings);
  const made = { peer: peerOf(snapshot), actions };
  started.set(name, made);
  return made;
};

/** `name`: of the event, among all that can come to a machine. */
export const stepPeer = (peer: Peer, name: string, event: () => PeerEvent): Stepped => {
  const held = peer.steps.get(name);
  if (held !== undefined) return held;
  const { snapshot, actions } = reloadPeer.step(peer.snapshot, event());
  const made = { peer: peerOf(snapshot), actions };
  peer.steps.set(name, made);
  return made;
};
