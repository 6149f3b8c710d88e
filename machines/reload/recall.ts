/**
 * A newer version, taken from the node that had it. RFC 6940 §7.4.1.1: "This rule allows resynchronization after partitions
 * heal." Each value is looked at like a replica's Store, and taken or left on its own.
 */
import type { StoredData, StoreKindData } from "../../codecs/reload/mod.ts";
import type { Of } from "../kit/mod.ts";
import { kindOf, withinQuota, withKind } from "./admit.ts";
import type { KeeperContext, KeeperEvent, Resource, Signer } from "./keeper-types.ts";
import { copied } from "./repair.ts";
import { keyOf, placeOf, resourceAtKey, withResource } from "./shelf.ts";

/** What it told is merged in; what it has of ours, in our version, is counted as a copy, and the copy is done. */
export const recalled = (context: KeeperContext, event: Of<KeeperEvent, "recalled">): ReturnType<typeof copied> => {
  let now = context;
  for (const [i, kindData] of event.kinds.entries())
    for (const [j, value] of valuesIn(kindData).entries())
      now = withValue(now, event, { ...kindData, values: [value] }, event.signers[i]?.[j]);
  // Where its version was newer, ours is the same now: it holds what we hold.
  const key = keyOf(event.resource);
  const marks = event.kinds.flatMap((kindData) =>
    valuesIn(kindData).map(({ value, storageTime }) => ({
      resource: key,
      kind: kindData.kind,
      place: placeOf(value),
      storageTime,
    })),
  );
  const outcome = marks.length > 0 ? "stored" : "unanswered";
  const done = copied(now, { type: "copied", to: event.to, marks, outcome, atMs: event.atMs });
  return { ...done, context: { ...now, ...done.context } };
};

const valuesIn = ({ values }: StoreKindData): ReadonlyArray<StoredData> => (values instanceof Uint8Array ? [] : values);

const withValue = (
  context: KeeperContext,
  { to, resource: id, atMs }: Of<KeeperEvent, "recalled">,
  kindData: StoreKindData,
  signer: Signer | undefined,
): KeeperContext => {
  if (signer === undefined || kindOf(context.settings, kindData.kind) === undefined) return context;
  const key = keyOf(id);
  const before: Resource = resourceAtKey(context.shelf, key) ?? { id, kinds: {} };
  const from = to ?? context.view.self;
  const asked = { from, signer: from, reply: NOBODY, atMs, draw: 0n };
  const body = { resource: id, replica: 1, kinds: [kindData] };
  const made = withKind(context, { type: "storeReq", asked, body, signers: [[signer]], users: [] }, before, kindData, [
    signer,
  ]);
  if ("refused" in made) return context;
  const tallied = withinQuota(context, before, made);
  return "refused" in tallied ? context : { ...context, ...tallied, shelf: withResource(context.shelf, key, made) };
};
const NOBODY = { transactionId: 0n, to: [], maxResponseLength: 0, options: [] };
