/**
 * Performs the orders of the call agents' sessions that take time: publications, withdrawals, uploads.
 *
 * A VService belongs to the user that published it here first. Its id is public, since the overlay stores it with each number:
 * without an owner any user of the server could publish routes under it, upload calls for it and receive its Notifies
 * (owners.ts).
 */
import { Effect, Semaphore } from "effect";
import type { E164, Vcr, VServiceId } from "../../codecs/shared/mod.ts";
import type { ServiceIdentity, VService } from "../../codecs/vap/mod.ts";
import type { VapQuota, VapServerAction, VapServerEvent } from "../../machines/vap/mod.ts";
import type { Owners } from "./owners.ts";

/** The agent receives a failure as error 481, with its reason. `username`: the user whose request it is. */
export interface VapHandlers<R = never> {
  readonly publishVService: (
    identity: ServiceIdentity,
    version: number,
    document: VService,
    username: string,
  ) => Effect.Effect<PublishedVService, { readonly why: string }, R>;
  /** The agent has unpublished it, unregistered, or sent nothing for the Keepalive time. */
  readonly withdrawVService: (identity: ServiceIdentity) => Effect.Effect<void, never, R>;
  readonly publishNumber: (
    vservice: VServiceId,
    number: E164,
    username: string,
  ) => Effect.Effect<void, { readonly why: string }, R>;
  readonly uploadVcr: (vcr: Vcr, username: string) => Effect.Effect<void, { readonly why: string }, R>;
}
/** The answer to Publish of a VService: entries that the user may have, those there are, and seconds that the overlay stores one. */
export interface PublishedVService {
  readonly quotaLimit: number;
  readonly quotaCurrent: number;
  readonly dhtLifetimeS: number;
}

export type VapOrder = Extract<
  VapServerAction,
  { readonly type: "publishVService" | "withdrawVService" | "publishNumber" | "upload" }
>;
/** The session that gives an order. */
export interface VapOrderer {
  /** Of the session. */
  readonly handle: number;
  readonly username: string;
}
export interface VapOrders<R> {
  /**
   * What an order takes, to be run in a fiber of its own; undefined where it is settled at once. `tell` receives the event with
   * the outcome, and waits for nothing.
   */
  readonly obey: (
    by: VapOrderer,
    order: VapOrder,
    tell: (event: VapServerEvent) => void,
  ) => Effect.Effect<void, never, R> | undefined;
  /** Whether another user owns that VService. */
  readonly isOwnedByAnother: (vservice: VServiceId, username: string) => boolean;
  /** When its owner acquired it, in milliseconds since 1970. */
  readonly sinceMs: (vservice: VServiceId) => number | undefined;
  readonly counts: () => { readonly vservices: number; readonly numbers: number; readonly vcrs: number };
}

export const vapOrders = Effect.fnUntraced(function* <R>(handlers: VapHandlers<R>, owners: Owners) {
  /** Which session published an instance last: only the end of that one withdraws it. */
  const publishers = new Map<string, number>();
  const inTurn = (yield* Semaphore.make(1)).withPermits(1);
  const { isOwnedByAnother } = owners;
  let [numbers, vcrs] = [0, 0];
  /** Publications and withdrawals of VServices that are not done yet. */
  let underWay = 0;
  const oneByOne = <A, E>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    underWay += 1;
    return Effect.ensuring(
      inTurn(work),
      Effect.sync(() => {
        underWay -= 1;
      }),
    );
  };
  /** After the publications of VServices that were ordered earlier have succeeded or failed. */
  const afterThem = <A, E>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    underWay === 0 ? work : Effect.andThen(inTurn(Effect.void), work);

  /** Undoes what a publication did before it was refused. */
  const undo = (identity: ServiceIdentity, handle: number, before: Before): Effect.Effect<void> =>
    Effect.suspend(() => {
      const key = keyOf(identity);
      if (publishers.get(key) !== handle) return Effect.void; // withdrawn meanwhile
      if (before.publisher !== undefined) {
        publishers.set(key, before.publisher);
        return Effect.void;
      }
      publishers.delete(key);
      owners.release(identity);
      return before.isOwned ? Effect.void : owners.forget(identity.vservice);
    });

  const orders: VapOrders<R> = {
    isOwnedByAnother,
    sinceMs: owners.sinceMs,
    obey: ({ handle, username }, order, tell) => {
      if (order.type === "withdrawVService") {
        const key = keyOf(order.identity);
        if (publishers.get(key) !== handle) return undefined;
        publishers.delete(key);
        owners.release(order.identity);
        return oneByOne(handlers.withdrawVService(order.identity));
      }
      const { ref } = order;
      const done = (quota: VapQuota | undefined) => tell({ type: "settled", ref, outcome: { type: "done", quota } });
      const refused = (why: string): undefined => {
        tell({ type: "settled", ref, outcome: { type: "failed", why } });
      };
      const settled = (work: Effect.Effect<VapQuota | undefined, { readonly why: string }, R>) =>
        Effect.match(work, { onSuccess: done, onFailure: ({ why }): void => refused(why) });
      switch (order.type) {
        case "publishVService": {
          const { identity, version, service } = order;
          if (isOwnedByAnother(identity.vservice, username)) return refused(ANOTHERS);
          const before = { publisher: publishers.get(keyOf(identity)), isOwned: owners.isOwned(identity.vservice) };
          if (!owners.acquire(identity, username)) return refused("too many VServices");
          publishers.set(keyOf(identity), handle);
          const quota = Effect.map(
            Effect.andThen(
              owners.persist(identity.vservice),
              handlers.publishVService(identity, version, service, username),
            ),
            ({ quotaLimit: limit, quotaCurrent: current, dhtLifetimeS: lifetimeS }) => ({ limit, current, lifetimeS }),
          );
          return settled(oneByOne(Effect.tapError(quota, () => undo(identity, handle, before))));
        }
        case "publishNumber": {
          if (isOwnedByAnother(order.vservice, username)) return refused(ANOTHERS);
          const stored = Effect.map(handlers.publishNumber(order.vservice, order.number, username), () => {
            numbers += 1;
            return undefined;
          });
          return settled(afterThem(stored));
        }
        case "upload": {
          if (isOwnedByAnother(order.vcr.vservice, username)) return refused(ANOTHERS);
          const taken = Effect.map(handlers.uploadVcr(order.vcr, username), () => {
            vcrs += 1;
            return undefined;
          });
          return settled(afterThem(taken));
        }
      }
    },
    counts: () => ({ vservices: publishers.size, numbers, vcrs }),
  };
  return orders;
});

/** The state before a publication, for `undo`. */
interface Before {
  readonly publisher: number | undefined;
  readonly isOwned: boolean;
}
const ANOTHERS = "the VService of another user";

const keyOf = ({ vservice, instance }: Pick<ServiceIdentity, "vservice" | "instance">): string =>
  `${vservice}/${instance}`;
