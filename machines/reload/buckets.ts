/**
 * Token buckets by name, as plain data that is never changed in place. Functions only. A name is a Node-ID in hex: the names
 * of an object keep their order as long as they do not look like small integers.
 *
 *   recent   those used last, few: what a step copies
 *   older    the rest: copied when `recent` is full, once for many steps; a bucket in both counts as in `recent`
 */
import type { Bucket } from "./quota.ts";

/** Buckets remembered; the one unused longest is dropped first. A new bucket is full. */
export const BUCKETS_MAX = 1_024;
const RECENT_MAX = 32;

type ByName = Readonly<Record<string, Bucket>>;
export interface Buckets {
  readonly recent: ByName;
  readonly older: ByName;
}
export const noBuckets: Buckets = { recent: {}, older: {} };

export const bucketOf = ({ recent, older }: Buckets, name: string): Bucket | undefined => recent[name] ?? older[name];

export const withBucket = ({ recent, older }: Buckets, name: string, bucket: Bucket): Buckets => {
  if (name in recent || Object.keys(recent).length < RECENT_MAX)
    return { recent: { ...recent, [name]: bucket }, older };
  const others = Object.entries(older).filter(([other]) => !(other in recent));
  const rest = [...others, ...Object.entries(recent)].slice(-(BUCKETS_MAX - RECENT_MAX));
  return { recent: { [name]: bucket }, older: Object.fromEntries(rest) };
};
