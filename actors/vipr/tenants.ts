/**
 * Several companies on one server: what belongs to which, and how much each may have.
 *
 *   user --tenantOf--> tenant --> its domains; its share of sessions, numbers, numbers that wait, call records
 *   VService --its owner (actors/vap/owners.ts)--> tenant --> its own audit log
 *
 * Without tenants the whole server is one company's. What a tenant does changes nothing that another one sees, up to the
 * limits of docs/protocol/vap.md#tenants. DECISIONS.md D-214.
 */
import { Effect, Semaphore } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { CALLS_MAX, RETENTION_MS } from "../../machines/validation/mod.ts";
import { QUEUE_NUMBERS_MAX } from "../../machines/vap/mod.ts";
import { NUMBER_LIFETIME_S } from "../reload/mod.ts";

/** Who they are; asked each time, since they may change while the server runs. */
export interface ViprTenants {
  /** The company of a user of VAP. */
  readonly tenantOf: (username: string) => string;
  /** Whether a VService of that company may be of that domain, in lower case. */
  readonly hasDomain: (tenant: string, domain: string) => boolean;
  /** What part of the whole it may have, 0 to 1; together at most 1. */
  readonly shareOf: (tenant: string) => number;
}

/** Numbers of one tenant that are being published at once: the queue to the overlay serves all tenants in turn. */
const PUBLISHED_AT_ONCE_MAX = 8;

interface Used {
  /** By VService and number: until when the overlay may store it. */
  readonly numbers: Map<string, number>;
  /** Call records, less what has drained since `atMs`: all of the share in RETENTION_MS. */
  calls: number;
  atMs: number;
  /** Numbers under way. */
  waiting: number;
  readonly turns: Semaphore.Semaphore;
}

type Refused = { readonly why: string };

export interface TenantShares {
  readonly tenantOf: (username: string) => string;
  readonly whyNotDomain: (username: string, domain: string) => string | undefined;
  /** Publishes within the share; what fails takes no part of it. */
  readonly number: <R>(
    username: string,
    of: { readonly vservice: VServiceId; readonly number: E164; readonly nowMs: number },
    publish: Effect.Effect<void, Refused, R>,
  ) => Effect.Effect<void, Refused, R>;
  /** Undefined: there is room for one more call record, and it is counted. */
  readonly whyNoCall: (username: string, nowMs: number) => string | undefined;
}

/** `quota`: entries that the server may have in the overlay. */
export const tenantShares = (tenants: ViprTenants, quota: () => number): TenantShares => {
  const all = new Map<string, Used>();
  const usedBy = (tenant: string): Used => {
    const known = all.get(tenant);
    if (known !== undefined) return known;
    const turns = Semaphore.makeUnsafe(PUBLISHED_AT_ONCE_MAX);
    const made = { numbers: new Map<string, number>(), calls: 0, atMs: 0, waiting: 0, turns };
    all.set(tenant, made);
    return made;
  };
  const partOf = (tenant: string, whole: number): number => Math.floor(whole * tenants.shareOf(tenant));
  const refuse = (why: string) => Effect.fail({ why });

  return {
    tenantOf: tenants.tenantOf,
    whyNotDomain: (username, domain) =>
      tenants.hasDomain(tenants.tenantOf(username), domain.toLowerCase())
        ? undefined
        : `${domain} is no domain of this company`,
    number: (username, { vservice, number, nowMs }, publish) =>
      Effect.suspend(() => {
        const tenant = tenants.tenantOf(username);
        const used = usedBy(tenant);
        const key = `${vservice}/${number}`;
        const before = used.numbers.get(key);
        if (before === undefined && used.numbers.size >= partOf(tenant, quota())) {
          for (const [other, endMs] of used.numbers) if (endMs <= nowMs) used.numbers.delete(other);
          if (used.numbers.size >= partOf(tenant, quota()))
            return refuse("the company's share of the overlay is used up");
        }
        if (used.waiting >= partOf(tenant, QUEUE_NUMBERS_MAX)) return refuse("too many numbers of the company wait");
        used.waiting += 1;
        used.numbers.set(key, nowMs + NUMBER_LIFETIME_S * 1_000);
        return used.turns
          .withPermits(1)(publish)
          .pipe(
            Effect.tapError(() =>
              Effect.sync(() => {
                if (before === undefined) used.numbers.delete(key);
                else used.numbers.set(key, before);
              }),
            ),
            Effect.ensuring(
              Effect.sync(() => {
                used.waiting -= 1;
              }),
            ),
          );
      }),
    whyNoCall: (username, nowMs) => {
      const tenant = tenants.tenantOf(username);
      const used = usedBy(tenant);
      // A bucket that is full at first: in each RETENTION_MS twice its size goes through at most.
      const size = partOf(tenant, CALLS_MAX / 2);
      used.calls = Math.max(0, used.calls - (size * Math.max(0, nowMs - used.atMs)) / RETENTION_MS);
      used.atMs = nowMs;
      if (used.calls + 1 > size) return "too many call records of the company";
      used.calls += 1;
      return undefined;
    },
  };
};
