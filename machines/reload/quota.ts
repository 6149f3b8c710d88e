/**
 * How much one Node-ID may store at one peer, and how many requests a second it may send. docs/protocol/overlay.md#storage.
 * Functions only.
 * Requirements: ViPR overview §5.1.
 */

/**
 * Entries that one signer may have at a peer that is responsible for the fraction `f` of the ring: its expected share of a quota `q`
 * and three standard deviations, so that an honest node is refused at any one peer with probability below 0.2 %.
 */
export const quotaBound = (q: number, f: number): number => Math.ceil(q * f + 3 * Math.sqrt(q * f) + 1);

/** A token bucket; with fractions of a token, so that slow rates are exact. */
export interface Bucket {
  /** Thousandths of a token: a whole rate adds a whole number of them each millisecond, and none is lost to rounding. */
  readonly thousandths: number;
  readonly atMs: number;
}

const TOKEN = 1_000;

/** How many seconds of unused rate may be spent at once. */
export const BURST_S = 2;

export const fullBucket = (perSecond: number, atMs: number): Bucket => ({ thousandths: burstOf(perSecond), atMs });

/** Takes one token; undefined when there is none. A clock that goes back adds no tokens. */
export const take = (bucket: Bucket, perSecond: number, atMs: number): Bucket | undefined => {
  const thousandths = refilled(bucket, perSecond, atMs);
  return thousandths < TOKEN ? undefined : { thousandths: thousandths - TOKEN, atMs };
};

/** Milliseconds until a token is there, 0 when one is. */
export const waitMs = (bucket: Bucket, perSecond: number, atMs: number): number => {
  const missing = TOKEN - refilled(bucket, perSecond, atMs);
  return missing <= 0 ? 0 : Math.ceil(missing / perSecond);
};

/** At least one token, or else a very low rate would never allow a request. */
const burstOf = (perSecond: number): number => Math.max(1, perSecond * BURST_S) * TOKEN;

const refilled = (bucket: Bucket, perSecond: number, atMs: number): number =>
  Math.min(burstOf(perSecond), bucket.thousandths + Math.max(0, atMs - bucket.atMs) * perSecond);
