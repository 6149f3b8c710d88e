/**
 * What a ViPR server does with what its call agents ask: the orders of their sessions, made effects.
 *
 * A VService is the user's who first published it here. Its id is public, it lies in the overlay with each number: without
 * an owner any user of the server could publish routes under it, upload calls for it and hear what it learns (holders.ts).
 */
import { Effect, Semaphore } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ServiceIdentity, VService } from "../../codecs/vap/mod.ts";
import type { VapQuota, VapServerAction, VapServerEvent } from "../../machines/vap/mod.ts";
import type { Holders } from "./holders.ts";

/** A failure is told to the agent as 481, with its reason. */
export interface VapHandlers<R = never> {
  readonly publishVService: (
    identity: ServiceIdentity,
    version: number,
    document: VService,
  ) => Effect.Effect<PublishedVService, { readonly why: string }, R>;
  /** The agent unpublished it, left, or was not heard for Keepalive. */
  readonly withdrawVService: (identity: ServiceIdentity) => Effect.Effect<void, never, R>;
  readonly publishNumber: (vservice: bigint, number: E164) => Effect.Effect<void, { readonly why: string }, R>;
  readonly uploadVcr: (vcr: Vcr) => Effect.Effect<void, { readonly why: string }, R>;
}
export interface PublishedVService {
  readonly quotaLimit: number;
  readonly quotaCurrent: number;
  readonly dhtLifetimeS: number;
}

export type VapOrder = Extract<
  VapServerAction,
  { readonly type: "publishVService" | "withdrawVService" | "publishNumber" | "upload" }
>;
/** Whose order it is. */
export interface VapOrderer {
  /** Of the session. */
  readonly handle: number;
  readonly username: string;
}
export interface VapOrders<R> {
  /** For a fiber of its own: it may take long. The session's `tell` hears how it went. */
  readonly obey: (
    by: VapOrderer,
    order: VapOrder,
    tell: (event: VapServerEvent) => Effect.Effect<void>,
  ) => Effect.Effect<void, never, R>;
  /** Whether that VService is another user's. */
  readonly isAnothers: (vservice: bigint, username: string) => boolean;
  readonly counts: () => { readonly vservices: number; readonly numbers: number; readonly vcrs: number };
}

export const vapOrders = Effect.fnUntraced(function* <R>(handlers: VapHandlers<R>, holders: Holders) {
  /** Which session published an instance last: only the end of that one withdraws it. */
  const owners = new Map<string, number>();
  const inTurn = (yield* Semaphore.make(1)).withPermits(1);
  const { isAnothers } = holders;
  let [numbers, vcrs] = [0, 0];

  /** Nothing is published by a publication that was refused. */
  const letGo = (identity: ServiceIdentity, handle: number, before: Before): Effect.Effect<void> =>
    Effect.suspend(() => {
      const key = keyOf(identity);
      if (owners.get(key) !== handle) return Effect.void; // withdrawn meanwhile
      if (before.owner !== undefined) {
        owners.set(key, before.owner);
        return Effect.void;
      }
      owners.delete(key);
      holders.release(identity);
      return before.isHeld ? Effect.void : holders.forget(identity.vservice);
    });
  /** The VServices that were asked for earlier are published now, or refused. */
  const publishedBefore = inTurn(Effect.void);

  const settled = (
    ref: number,
    tell: (event: VapServerEvent) => Effect.Effect<void>,
    work: Effect.Effect<VapQuota | undefined, { readonly why: string }, R>,
  ): Effect.Effect<void, never, R> =>
    Effect.matchEffect(work, {
      onSuccess: (quota) => tell({ type: "settled", ref, outcome: { type: "done", quota } }),
      onFailure: ({ why }) => tell({ type: "settled", ref, outcome: { type: "failed", why } }),
    });

  const orders: VapOrders<R> = {
    isAnothers,
    obey: ({ handle, username }, order, tell) => {
      const refused = (ref: number, why: string) => settled(ref, tell, Effect.fail({ why }));
      switch (order.type) {
        case "publishVService": {
          const { identity, version, service } = order;
          if (isAnothers(identity.vservice, username)) return refused(order.ref, ANOTHERS);
          const before = { owner: owners.get(keyOf(identity)), isHeld: holders.isHeld(identity.vservice) };
          if (!holders.hold(identity, username)) return refused(order.ref, "too many VServices");
          owners.set(keyOf(identity), handle);
          const quota = Effect.map(
            Effect.andThen(holders.keep(identity.vservice), handlers.publishVService(identity, version, service)),
            ({ quotaLimit: limit, quotaCurrent: current, dhtLifetimeS: lifetimeS }) => ({ limit, current, lifetimeS }),
          );
          return settled(order.ref, tell, inTurn(Effect.tapError(quota, () => letGo(identity, handle, before))));
        }
        case "withdrawVService": {
          const key = keyOf(order.identity);
          if (owners.get(key) !== handle) return Effect.void;
          owners.delete(key);
          holders.release(order.identity);
          return inTurn(handlers.withdrawVService(order.identity));
        }
        case "publishNumber": {
          if (isAnothers(order.vservice, username)) return refused(order.ref, ANOTHERS);
          const stored = Effect.map(handlers.publishNumber(order.vservice, order.number), () => {
            numbers += 1;
            return undefined;
          });
          return settled(order.ref, tell, Effect.andThen(publishedBefore, stored));
        }
        case "upload": {
          if (isAnothers(order.vcr.vservice, username)) return refused(order.ref, ANOTHERS);
          const taken = Effect.map(handlers.uploadVcr(order.vcr), () => {
            vcrs += 1;
            return undefined;
          });
          return settled(order.ref, tell, Effect.andThen(publishedBefore, taken));
        }
      }
    },
    counts: () => ({ vservices: owners.size, numbers, vcrs }),
  };
  return orders;
});

/** How it stood when a publication was asked for. */
interface Before {
  readonly owner: number | undefined;
  readonly isHeld: boolean;
}
const ANOTHERS = "the VService of another user";

const keyOf = ({ vservice, instance }: Pick<ServiceIdentity, "vservice" | "instance">): string =>
  `${vservice}/${instance}`;
