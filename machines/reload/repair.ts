/**
 * Keeps values where they belong while nodes join and leave: on the responsible peer and its next two successors.
 * RFC 6940 §10.4, §10.5 step 6, §10.7.3. Copies go out a few at a time; one that fails is made again at the next repair.
 */
import type { NodeId, StoreKindData } from "../../codecs/reload/mod.ts";
import type { Of } from "../kit/mod.ts";
import { distance, isResponsible, ownersIn, ownersOf, type RingView } from "./ring.ts";
import type {
  PendingCopy,
  Resource,
  StoredEntry,
  ValueStorageAction,
  ValueStorageContext,
  ValueStorageDecision,
  ValueStorageEvent,
  ValueVersion,
} from "./storage-types.ts";
import { tallies } from "./tally.ts";
import {
  aged,
  entriesOf,
  idOf,
  isLive,
  mapResources,
  resourceAtKey,
  resourcesOf,
  type ValueTable,
  withResource,
} from "./value-table.ts";

/** "its successor in the Neighbor Table and to that peer's successor", §10.4. */
export const REPLICAS = 2;
/** Copies on their way at once. */
const COPYING_MAX = 16;
/** Values in one copy, so that their certificates fit beside them. */
const COPY_VALUES_MAX = 8;

/**
 * Whether a copy at that node counts: it is of the replica set, or no peer yet and about to be. Another would let go of it,
 * and might be back in the set before we saw it leave.
 */
export const mayCount = (view: RingView, id: bigint, node: NodeId): boolean =>
  ownersOf(view, id, REPLICAS + 1).includes(node) ||
  !(view.successors.includes(node) || view.predecessors.includes(node));

/** The replicas of one resource that lack something of it. */
export const dueForReplicas = (
  { view, valueTable }: Pick<ValueStorageContext, "view" | "valueTable">,
  key: string,
): ReadonlyArray<PendingCopy> => {
  const resource = resourceAtKey(valueTable, key);
  if (resource === undefined || !isResponsible(view, idOf(resource))) return [];
  return view.successors
    .slice(0, REPLICAS)
    .flatMap((to, i) => (lacks(resource, to) ? [{ resource: key, to, replica: i + 1 }] : []));
};

const isMissing = (entry: StoredEntry, to: NodeId | undefined): boolean =>
  to === undefined ? !entry.safe : !entry.copies.includes(to);
const lacks = (resource: Resource, to: NodeId | undefined): boolean => {
  for (const [, , entry] of entriesOf(resource)) if (isMissing(entry, to)) return true;
  return false;
};

/** Whether this node belongs to the replica set of the resource: fewer than three predecessors between it and us. */
const isOfReplicaSet = (view: RingView, id: bigint): boolean => {
  const farthest = view.predecessors[REPLICAS];
  return farthest === undefined || (id !== farthest && distance(farthest, id) <= distance(farthest, view.self));
};

/**
 * All copies that other nodes should get from us in the ring as it is now; `before`: as it was until now. The responsible
 * node gets what we read from disk, too, as it may not have it. While a hold-down lasts no new replica is made: "to allow a
 * triggered update to inform it of a better match", §10.7.1.
 */
const allDue = ({ view, valueTable, repairing }: ValueStorageContext, before: RingView): ReadonlyArray<PendingCopy> => {
  const due: Array<PendingCopy> = [];
  if (!view.joined) return due;
  const owners = ownersIn(view);
  for (const [key, resource] of resourcesOf(valueTable)) {
    const id = idOf(resource);
    if (isResponsible(view, id)) due.push(...(repairing ? [] : dueForReplicas({ view, valueTable }, key)));
    else if (isResponsible(before, id) || !isOfReplicaSet(view, id) || isDoubtful(resource)) {
      // "MUST attempt to Store a copy to the correct node unless it knows [it] already has a copy", §6.4.2.3. From afar we
      // do not know which node that is: the overlay does.
      const to = isOfReplicaSet(view, id) ? owners(id, 1)[0] : undefined;
      if (lacks(resource, to)) due.push({ resource: key, to, replica: 1 });
    }
  }
  return due;
};

const isDoubtful = (resource: Resource): boolean => {
  for (const [, , entry] of entriesOf(resource)) if (entry.isRestored) return true;
  return false;
};

/** The ring has changed: what others lack is due, at once or after the hold-down. What is not ours to keep waits for `spring`. */
export const ringChanged = (
  context: ValueStorageContext,
  { view, change, atMs }: Of<ValueStorageEvent, "ring">,
): ValueStorageDecision<"copy" | "handedOver" | "startTimer"> => {
  const valueTable = counted(context.valueTable, context.view, view);
  const changed = { view, valueTable, ...tallies(view, valueTable) };
  if (change === "joined")
    return pump(context, { ...changed, due: allDue({ ...context, ...changed }, context.view) }, atMs);
  const due = context.due.filter(({ to }) => to === undefined || view.linked.includes(to));
  const later = repairLater(context);
  return { ...later, context: { ...changed, due, ...later.context } };
};

/**
 * A node that is gone may come back empty, and one that has left a replica set may have deleted its copies: the copies of
 * both are not counted any more.
 */
const counted = (valueTable: ValueTable, before: RingView, view: RingView): ValueTable => {
  const gone = before.linked.filter((node) => !view.linked.includes(node));
  const ownersOfId = ownersIn(view);
  return mapResources(valueTable, (resource) => {
    const owners = ownersOfId(idOf(resource), REPLICAS + 1);
    const isLess = (node: NodeId) => gone.includes(node) || !owners.includes(node);
    const hasLess = [...entriesOf(resource)].some(([, , entry]) => entry.safe || entry.copies.some(isLess));
    return hasLess
      ? changedIn(resource, (entry) => ({
          ...entry,
          copies: entry.copies.filter((node) => !isLess(node)),
          safe: false,
        }))
      : resource;
  });
};

const changedIn = (resource: Resource, change: (entry: StoredEntry) => StoredEntry): Resource => ({
  ...resource,
  kinds: Object.fromEntries(
    Object.entries(resource.kinds).map(([kind, { generation, entries }]) => [
      kind,
      {
        generation,
        entries: Object.fromEntries(Object.entries(entries).map(([place, entry]) => [place, change(entry)])),
      },
    ]),
  ),
});

const repairLater = ({ repairing, settings: { timing } }: ValueStorageContext): ValueStorageDecision<"startTimer"> => ({
  context: { repairing: true },
  actions: repairing ? [] : [{ type: "startTimer", timer: "repair", ms: timing.holdDown }],
});

export const repairNow = (context: ValueStorageContext, { atMs }: Of<ValueStorageEvent, "timerFired">): Pumped => {
  const due = allDue({ ...context, repairing: false }, context.view);
  return pump(context, { repairing: false, due }, atMs);
};

/**
 * Now and then: what has had its time goes, and what a bad node or a ring that is no more left here; what is missing is made
 * up. A Kind that is gone "MUST be discarded along with any stored information of that Kind", §11.1.
 */
export const spring = (context: ValueStorageContext, atMs: number): Pumped => {
  const { badNodes, kinds } = context.settings;
  const known = new Set(kinds.map(({ kind }) => kind));
  const stays = (entry: StoredEntry, kind: number) =>
    isLive(entry, atMs) && known.has(kind) && !badNodes.includes(entry.signer.nodeId);
  const live = mapResources(context.valueTable, (resource) => filtered(resource, stays));
  const valueTable = tidied(live, context.view);
  const changed = valueTable === context.valueTable ? {} : { valueTable, ...tallies(context.view, valueTable) };
  const due = [...context.due, ...allDue({ ...context, valueTable }, context.view)];
  return pump(context, { ...changed, due }, atMs);
};

/**
 * "When peer x detects that it is no longer in the replica set ..., it SHOULD delete all data associated": once the owner
 * has it, and not while the ring may still be changing back.
 */
const tidied = (valueTable: ValueTable, view: RingView): ValueTable =>
  view.joined
    ? mapResources(valueTable, (resource) => {
        if (isOfReplicaSet(view, idOf(resource))) return resource;
        return filtered(resource, (entry) => !entry.safe);
      })
    : valueTable;

const filtered = (resource: Resource, keep: (entry: StoredEntry, kind: number) => boolean): Resource => {
  if ([...entriesOf(resource)].every(([kind, , entry]) => keep(entry, kind))) return resource;
  const kinds = Object.entries(resource.kinds).map(([kind, { generation, entries }]) => {
    const left = Object.entries(entries).filter(([, entry]) => keep(entry, Number(kind)));
    return [kind, { generation, entries: Object.fromEntries(left) }];
  });
  return { ...resource, kinds: Object.fromEntries(kinds) };
};

/** Everything that node will answer for as our predecessor, or, when we go, everything we answer for. */
export const handOver = (context: ValueStorageContext, { to, atMs }: Of<ValueStorageEvent, "handOver">): Pumped => {
  const { view } = context;
  const isPredecessorToBe = isResponsible(view, to);
  const due: Array<PendingCopy> = [];
  for (const [key, resource] of resourcesOf(context.valueTable)) {
    const id = idOf(resource);
    const goes = isResponsible(view, id) && (!isPredecessorToBe || distance(id, to) <= distance(id, view.self));
    if (goes && lacks(resource, to)) due.push({ resource: key, to, replica: 1 });
  }
  return pump(context, { due: [...due, ...context.due], handing: [...context.handing, to] }, atMs);
};

/**
 * One copy has arrived or failed. A node that refuses it may have it from another, and is asked. Of a node with a newer version the
 * peer "MUST fetch the newer data from the peer generating the error and use that to replace its own copy", §7.4.1.1.
 */
export const copied = (
  context: ValueStorageContext,
  { to, versions, outcome, atMs }: Of<ValueStorageEvent, "copied">,
): ValueStorageDecision<"inquire" | "copy" | "handedOver" | "startTimer"> => {
  const [first] = versions;
  const resource = first === undefined ? undefined : resourceAtKey(context.valueTable, first.resource);
  if ((outcome === "refused" || outcome === "older") && resource !== undefined)
    return { actions: [{ type: "inquire", to, resource: resource.id, versions, isNewer: outcome === "older" }] };
  const at = context.copying.indexOf(to);
  const copying = context.copying.filter((_, i) => i !== at);
  if (outcome === "stored") {
    const counts = resource !== undefined && (to === undefined || mayCount(context.view, idOf(resource), to));
    const valueTable = counts
      ? versions.reduce((now, mark) => withVersion(now, mark, to), context.valueTable)
      : context.valueTable;
    return pump(context, { copying, valueTable }, atMs);
  }
  const later = repairLater(context);
  const pumped = pump(context, { copying, ...later.context }, atMs);
  return { ...pumped, actions: [...(later.actions ?? []), ...(pumped.actions ?? [])] };
};

const withVersion = (
  valueTable: ValueTable,
  { resource: key, kind, place, storageTime }: ValueVersion,
  to: NodeId | undefined,
): ValueTable => {
  const resource = resourceAtKey(valueTable, key);
  const held = resource?.kinds[kind];
  const entry = held?.entries[place];
  if (entry === undefined || entry.data.storageTime !== storageTime || !isMissing(entry, to)) return valueTable;
  const { isRestored: _, ...sure } = entry;
  const now = to === undefined ? { ...sure, safe: true } : { ...sure, copies: [...entry.copies, to] };
  const entries = { ...held!.entries, [place]: now };
  return withResource(valueTable, key, { ...resource!, kinds: { ...resource!.kinds, [kind]: { ...held!, entries } } });
};

type Pumped = ValueStorageDecision<"copy" | "handedOver">;

/** `changed` is in force: sends copies while there is room for them, and reports when a node has all that it waits for. */
export const pump = (before: ValueStorageContext, changed: Partial<ValueStorageContext>, atMs: number): Pumped => {
  const context = { ...before, ...changed };
  if (context.due.length === 0 && context.handing.length === 0) return { context: changed };
  const due = [...context.due];
  const copying = [...context.copying];
  const copies: Array<Of<ValueStorageAction, "copy">> = [];
  while (copying.length < COPYING_MAX) {
    const next = due.shift();
    if (next === undefined) break;
    const copy = copyOf(context, next, atMs);
    if (copy === undefined) continue;
    copies.push(copy.action);
    copying.push(next.to);
    if (copy.more) due.push(next);
  }
  const isWaiting = (to: NodeId) => copying.includes(to) || due.some((other) => other.to === to);
  const done = context.handing.filter((to) => !isWaiting(to));
  return {
    context: { ...changed, due, copying, handing: context.handing.filter(isWaiting) },
    actions: [...copies, ...done.map((to) => ({ type: "handedOver", to }) as const)],
  };
};

const copyOf = (
  { valueTable }: ValueStorageContext,
  { resource: key, to, replica }: PendingCopy,
  atMs: number,
): { readonly action: Of<ValueStorageAction, "copy">; readonly more: boolean } | undefined => {
  const resource = resourceAtKey(valueTable, key);
  if (resource === undefined) return undefined;
  const missing = [...entriesOf(resource)].filter(([, , entry]) => isMissing(entry, to) && isLive(entry, atMs));
  if (missing.length === 0) return undefined;
  const sent = missing.slice(0, COPY_VALUES_MAX);
  const kinds = [...new Set(sent.map(([kind]) => kind))].map(
    (kind): StoreKindData => ({
      kind,
      generation: resource.kinds[kind]!.generation,
      values: sent.filter((entry) => entry[0] === kind).map(([, , entry]) => aged(entry, atMs)),
    }),
  );
  const versions = sent.map(([kind, place, entry]) => ({
    resource: key,
    kind,
    place,
    storageTime: entry.data.storageTime,
  }));
  const certificates = [...new Set(sent.map(([, , entry]) => entry.signer.certificate))];
  const action = { type: "copy" as const, to, body: { resource: resource.id, replica, kinds }, versions, certificates };
  return { action, more: missing.length > sent.length };
};
