/** What a ViPR server does with what its call agents ask: the orders of their sessions, made effects. */
import { Effect, Semaphore } from "effect";
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { ServiceIdentity, VService } from "../../codecs/vap/mod.ts";
import type { VapQuota, VapServerAction, VapServerEvent } from "../../machines/vap/mod.ts";

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
export interface VapOrders<R> {
  /** For a fiber of its own: it may take long. The session's `tell` hears how it went. */
  readonly obey: (
    handle: number,
    order: VapOrder,
    tell: (event: VapServerEvent) => Effect.Effect<void>,
  ) => Effect.Effect<void, never, R>;
  readonly counts: () => { readonly vservices: number; readonly numbers: number; readonly vcrs: number };
}

export const vapOrders = Effect.fnUntraced(function* <R>(handlers: VapHandlers<R>) {
  /** Which session published an instance last: only the end of that one withdraws it. */
  const owners = new Map<string, number>();
  const inTurn = (yield* Semaphore.make(1)).withPermits(1);
  let [numbers, vcrs] = [0, 0];

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
    obey: (handle, order, tell) => {
      switch (order.type) {
        case "publishVService": {
          const { identity, version, service } = order;
          owners.set(keyOf(identity), handle);
          const quota = Effect.map(
            handlers.publishVService(identity, version, service),
            ({ quotaLimit: limit, quotaCurrent: current, dhtLifetimeS: lifetimeS }) => ({ limit, current, lifetimeS }),
          );
          return settled(order.ref, tell, inTurn(quota));
        }
        case "withdrawVService": {
          const key = keyOf(order.identity);
          if (owners.get(key) !== handle) return Effect.void;
          owners.delete(key);
          return inTurn(handlers.withdrawVService(order.identity));
        }
        case "publishNumber": {
          const stored = Effect.map(handlers.publishNumber(order.vservice, order.number), () => {
            numbers += 1;
            return undefined;
          });
          return settled(order.ref, tell, stored);
        }
        case "upload": {
          const taken = Effect.map(handlers.uploadVcr(order.vcr), () => {
            vcrs += 1;
            return undefined;
          });
          return settled(order.ref, tell, taken);
        }
      }
    },
    counts: () => ({ vservices: owners.size, numbers, vcrs }),
  };
  return orders;
});

const keyOf = ({ vservice, instance }: ServiceIdentity): string => `${vservice}/${instance}`;
