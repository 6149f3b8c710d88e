/**
 * Which changes of the stored values go to disk: every entry with its time and its signer, and every generation counter.
 * Which nodes have copies is not saved, since the ring may have changed before a restart. RFC 6940 does not ask for storage
 * on disk. DECISIONS.md D-063, D-064.
 *
 *   value table before, after --> changesOf each changed resource --> a `save` order --> rowsOfSave --> disk
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { encodeEntryRow, encodeGenerationRow, entryKey, generationKey } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import type { Decision, Of } from "../kit/mod.ts";
import { isResponsible } from "./ring.ts";
import type {
  Resource,
  StoredEntry,
  ValueChange,
  ValueStorageAction,
  ValueStorageContext,
  ValueStorageDecision,
  ValueStorageEvent,
} from "./storage-types.ts";
import { recounted } from "./tally.ts";
import { changedResources, keyOf, resourceAtKey, withResource } from "./value-table.ts";

/** The decision with `save` orders for what it changes put first: no answer and no copy leaves before them. */
export const saving = <A extends ValueStorageAction>(
  context: ValueStorageContext,
  made: Decision<ValueStorageContext, A>,
): Decision<ValueStorageContext, A | Of<ValueStorageAction, "save">> => {
  const after = made.context?.valueTable;
  if (after === undefined || after === context.valueTable) return made;
  const saves: Array<Of<ValueStorageAction, "save">> = [];
  for (const [before, now] of changedResources(context.valueTable, after)) {
    const changes = changesOf(before, now);
    if (changes.length > 0) saves.push({ type: "save", id: (now ?? before)!.id, changes, before, after: now });
  }
  return saves.length === 0 ? made : { ...made, actions: [...saves, ...(made.actions ?? [])] };
};

/** What differs on disk between two states of a resource. */
const changesOf = (before: Resource | undefined, after: Resource | undefined): ReadonlyArray<ValueChange> => {
  const changes: Array<ValueChange> = [];
  for (const kind of new Set([...Object.keys(before?.kinds ?? {}), ...Object.keys(after?.kinds ?? {})].map(Number))) {
    const [was, is] = [before?.kinds[kind], after?.kinds[kind]];
    if (is?.generation !== was?.generation) changes.push({ type: "generation", kind, generation: is?.generation });
    for (const place of Object.keys(was?.entries ?? {}))
      if (is?.entries[place] === undefined) changes.push({ type: "removed", kind, place });
    for (const [place, entry] of Object.entries(is?.entries ?? {}))
      if (!isSameOnDisk(entry, was?.entries[place]))
        changes.push({ type: "stored", kind, place, entry, generation: is!.generation });
  }
  return changes;
};

const isSameOnDisk = (a: StoredEntry, b: StoredEntry | undefined): boolean =>
  b !== undefined && a.data === b.data && a.storedMs === b.storedMs && a.signer === b.signer;

/** The disk failed to write these: the resources go back to what the disk has. Their Stores were answered by an error. */
export const unsaved = (
  context: ValueStorageContext,
  { was }: Of<ValueStorageEvent, "unsaved">,
): ValueStorageDecision<"undone"> => {
  let now = context;
  for (const { id, resource } of was) now = { ...now, ...put(now, resource ?? { id, kinds: {} }) };
  return { context: now, actions: [{ type: "undone" }] };
};

const put = (context: ValueStorageContext, resource: Resource): Partial<ValueStorageContext> => {
  const key = keyOf(resource.id);
  const before = resourceAtKey(context.valueTable, key);
  return {
    valueTable: withResource(context.valueTable, key, resource),
    ...recounted(context, isResponsible(context.view, bigOf(resource.id)), before, resource),
  };
};

export type RowChange =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "remove"; readonly key: Uint8Array };

/** The rows that a save changes. `self`: the node whose rows they are; one disk may serve several. */
export const rowsOfSave = (
  self: NodeId,
  { id, changes }: Pick<Of<ValueStorageAction, "save">, "id" | "changes">,
): ReadonlyArray<RowChange> => changes.map((change) => rowOf(self, id, change));

const rowOf = (self: NodeId, id: Uint8Array, change: ValueChange): RowChange => {
  const { kind } = change;
  switch (change.type) {
    case "generation": {
      const key = generationKey(self, id, kind);
      const { generation } = change;
      return generation === undefined
        ? { type: "remove", key }
        : { type: "put", key, value: encodeGenerationRow({ resource: id, kind, generation }) };
    }
    case "removed":
      return { type: "remove", key: entryKey(self, id, kind, change.place) };
    case "stored": {
      const { place, entry, generation } = change;
      return { type: "put", key: entryKey(self, id, kind, place), value: recordOf(kind, generation, entry) };
    }
  }
};

const recordOf = (kind: number, generation: bigint, { data, signer, storedMs }: StoredEntry): Uint8Array =>
  encodeEntryRow({
    storedMs: BigInt(storedMs),
    signer: signer.nodeId,
    users: signer.users,
    certificate: signer.certificate,
    stored: { kind, generation, values: [data] },
  });
