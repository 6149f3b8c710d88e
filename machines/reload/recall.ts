/**
 * A newer version, taken from the node that had it. RFC 6940 §7.4.1.1: "This rule allows resynchronization after partitions
 * heal." Each value is looked at like a replica's Store, and taken or left on its own.
 */
import type { StoredData, StoreKindData } from "../../codecs/reload/mod.ts";
import type { Of } from "../kit/mod.ts";
import { kindOf, withinQuota, withKind } from "./admit.ts";
import { copied } from "./repair.ts";
import type { Resource, Signer, ValueStorageContext, ValueStorageEvent } from "./storage-types.ts";
import { keyOf, placeOf, resourceAtKey, withResource } from "./value-table.ts";

/** Its values are merged with ours. Those that it has in our version count as copied, and the copy is done. */
export const recalled = (
  context: ValueStorageContext,
  event: Of<ValueStorageEvent, "recalled">,
): ReturnType<typeof copied> => {
  let now = context;
  for (const [i, kindData] of event.kinds.entries())
    for (const [j, value] of valuesIn(kindData).entries())
      now = withValue(now, event, { ...kindData, values: [value] }, event.signers[i]?.[j]);
  // Where its version was newer, ours is the same now: it holds what we hold.
  const key = keyOf(event.resource);
  const versions = event.kinds.flatMap((kindData) =>
    valuesIn(kindData).map(({ value, storageTime }) => ({
      resource: key,
      kind: kindData.kind,
      place: placeOf(value),
      storageTime,
    })),
  );
  const outcome = versions.length > 0 ? "stored" : "unanswered";
  const done = copied(now, { type: "copied", to: event.to, versions, outcome, atMs: event.atMs });
  return { ...done, context: { ...now, ...done.context } };
};

const valuesIn = ({ values }: StoreKindData): ReadonlyArray<StoredData> => (values instanceof Uint8Array ? [] : values);

const withValue = (
  context: ValueStorageContext,
  { to, resource: id, atMs }: Of<ValueStorageEvent, "recalled">,
  kindData: StoreKindData,
  signer: Signer | undefined,
): ValueStorageContext => {
  if (signer === undefined || kindOf(context.settings, kindData.kind) === undefined) return context;
  const key = keyOf(id);
  const before: Resource = resourceAtKey(context.valueTable, key) ?? { id, kinds: {} };
  const from = to ?? context.view.self;
  const asked = { from, signer: from, reply: NOBODY, atMs, draw: 0n };
  const body = { resource: id, replica: 1, kinds: [kindData] };
  const made = withKind(context, { type: "storeReq", asked, body, signers: [[signer]], users: [] }, before, kindData, [
    signer,
  ]);
  if ("refused" in made) return context;
  const tallied = withinQuota(context, before, made);
  return "refused" in tallied
    ? context
    : { ...context, ...tallied, valueTable: withResource(context.valueTable, key, made) };
};
const NOBODY = { transactionId: 0n, to: [], maxResponseLength: 0, options: [] };
