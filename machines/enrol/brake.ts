/**
 * A brake on guessing passwords: a name that fails again and again must wait longer each time. Functions only.
 *
 *   failures   free    free+1   free+2   ...
 *   wait          0    first    2 first  4 first ... most
 *
 * A try within the wait is refused without a look at the password, so that it reveals nothing. Nor is it counted, so that
 * tries of another can lock a user out for `mostMs` at most. DECISIONS.md D-060.
 */
import { keepNewest } from "../../codecs/shared/mod.ts";

/** Names remembered; the one whose last failure is oldest is dropped first. */
export const BRAKE_NAMES_MAX = 1_024;
/** A name that has not failed for so long begins anew. */
export const FORGOTTEN_MS = 3_600_000;

export interface BrakePolicy {
  /** Failures without any wait. */
  readonly free: number;
  readonly firstMs: number;
  readonly mostMs: number;
}
/** For one user name: a forgetful user waits little, and no user is locked out for more than a minute. */
export const userBrake: BrakePolicy = { free: 5, firstMs: 1_000, mostMs: 60_000 };
/** For one address: many users may share it, and a guesser uses it for many names. */
export const addressBrake: BrakePolicy = { free: 20, firstMs: 1_000, mostMs: 900_000 };

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}
/** By name, oldest failure first. */
export type Brake = ReadonlyMap<string, Failures>;
export const noBrake: Brake = new Map();

/** How long this name must still wait; 0 when it may try. */
export const waitOf = (brake: Brake, name: string, policy: BrakePolicy, atMs: number): number => {
  const failed = brake.get(name);
  if (failed === undefined || failed.count < policy.free) return 0;
  const due = Math.min(policy.mostMs, policy.firstMs * 2 ** (failed.count - policy.free));
  // A clock that went back does not lengthen it.
  return Math.max(0, Math.min(due, failed.lastMs + due - atMs));
};

export const failed = (brake: Brake, name: string, atMs: number): Brake => {
  const next = new Map(brake);
  const before = next.get(name);
  const count = before === undefined || atMs - before.lastMs > FORGOTTEN_MS ? 0 : before.count;
  keepNewest(next, BRAKE_NAMES_MAX, name, { count: count + 1, lastMs: atMs });
  return next;
};

export const forgiven = (brake: Brake, name: string): Brake => {
  if (!brake.has(name)) return brake;
  const next = new Map(brake);
  next.delete(name);
  return next;
};
