/**
 * Performs the requests of call agents in a ViPR server. draft vap-02 §5 to §9.
 *
 *   VService --> services              number --> services, then publisher --> the overlay
 *   call sent --> originating          call received --> call store, then records: in the store before it is acknowledged
 * Requirements: docs/protocol/overlay.md; docs/protocol/vap.md.
 */
import { Clock, Effect } from "effect";
import { type E164, unixMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import { type CallStore, findStored, insertCall, removeCall } from "../../machines/validation/mod.ts";
import { inTimeNumbersMax } from "../../machines/vap/mod.ts";
import { callNameOf } from "../../machines/vipr/mod.ts";
import { storeRefusal } from "../ports/mod.ts";
import { NUMBER_LIFETIME_S } from "../reload/mod.ts";
import type { VapHandlers, VapPublisher } from "../vap/mod.ts";
import type { ViprWatch } from "./events.ts";
import type { Originating } from "./originating.ts";
import type { Published } from "./published.ts";
import type { Records } from "./records.ts";
import type { Services } from "./services.ts";
import type { TenantShares } from "./tenants.ts";

export interface HandledBy {
  readonly overlayName: string;
  /** Entries that a user's company may have in the overlay, and how many its VServices are to have. */
  readonly quotaOf: (username: string) => { readonly quotaLimit: number; readonly quotaCurrent: number };
  /** Why the overlay cannot be published in; undefined while it is there. */
  readonly whyLost: () => string | undefined;
  /** Entries that the server may have in the overlay, and its rate there. */
  readonly quota: () => number;
  readonly storesPerSecond: number;
  /** Whether tickets are granted for a domain: without them nobody can call its numbers, and only its own calls count. */
  readonly isServed: (domain: string) => boolean;
  /** With several companies; undefined: it is one's. */
  readonly shares: TenantShares | undefined;
  readonly services: Services;
  readonly publisher: Pick<VapPublisher, "publish" | "withdraw">;
  /** Out of the overlay, for a number that the operator has switched off. */
  readonly isOff: (number: E164) => boolean;
  readonly unpublish: (vservice: VServiceId, number: E164) => Effect.Effect<void, { readonly why: string }>;
  readonly originating: Pick<Originating, "take">;
  readonly calls: CallStore;
  readonly records: Pick<Records, "received">;
  /** What the other members of a cluster are to know. */
  readonly published?: Pick<Published, "publish" | "withdraw"> | undefined;
  readonly watch: ViprWatch;
}

export const makeHandlers = (by: HandledBy): VapHandlers => {
  const { overlayName, quotaOf, whyLost, isServed, shares, services, publisher, published, originating, watch } = by;

  /** A client need not wait for the answer to its VService before it goes on, and that publication may have been refused. */
  const known = (vservice: VServiceId) =>
    services.document(vservice) === undefined ? Effect.fail({ why: "unknown VService" }) : Effect.void;
  const received = uploads(by);
  return {
    publishVService: Effect.fnUntraced(function* (identity, _version, document, username) {
      // "DHTname must equal it": a call agent that is configured for another overlay must get an error.
      if (document.dhtName !== overlayName)
        return yield* Effect.fail({ why: `DHTname ${document.dhtName}: the overlay here is ${overlayName}` });
      const notOurs = shares?.whyNotDomain(username, document.domain);
      if (notOurs !== undefined) return yield* Effect.fail({ why: notOurs });
      const lost = whyLost();
      if (lost !== undefined) return yield* Effect.fail({ why: lost });
      if (!isServed(document.domain))
        yield* Effect.logWarning("vipr.domain.notServed", { user: username, domain: document.domain });
      if (published !== undefined) yield* published.publish(identity, document);
      services.publish(identity, document);
      yield* warnOfSlowRefresh(by);
      return { ...quotaOf(username), dhtLifetimeS: NUMBER_LIFETIME_S };
    }),
    withdrawVService: Effect.fnUntraced(function* (identity) {
      services.withdraw(identity);
      if (!services.isHere(identity.vservice)) yield* publisher.withdraw(identity.vservice);
      if (published !== undefined) yield* published.withdraw(identity);
    }),
    publishNumber: Effect.fnUntraced(function* (vservice, number, username) {
      yield* known(vservice);
      // Registered here first: once the overlay stores our claim, we must grant tickets for it.
      const isNew = !services.hasNumberOf(vservice, number);
      if (!services.addNumber(vservice, number)) return yield* Effect.fail({ why: "too many numbers" });
      const failed = (why: string) => {
        if (isNew) services.dropNumber(vservice, number);
        return watch({ type: "publishFailed", number, why }, vservice);
      };
      // One that was stored before it was switched off is withdrawn: the agent has done its part either way.
      if (by.isOff(number)) return yield* by.unpublish(vservice, number);
      const publish = publisher.publish(vservice, number);
      const nowMs = yield* Clock.currentTimeMillis;
      const shared: Effect.Effect<void, { readonly why: string }> =
        shares === undefined ? publish : shares.number(username, { vservice, number, nowMs }, publish);
      yield* Effect.tapError(shared, ({ why }) => failed(why));
      yield* watch({ type: "published", number }, vservice);
    }),
    uploadVcr: Effect.fnUntraced(
      function* (vcr, username) {
        yield* known(vcr.vservice);
        const full = shares?.whyNoCall(username, yield* Clock.currentTimeMillis);
        if (full !== undefined) return yield* Effect.fail({ why: full });
        if (vcr.direction === "received") return yield* received(vcr);
        if (!(yield* originating.take(vcr))) return yield* Effect.fail({ why: "too many calls wait" });
      },
      Effect.catchTag("StoreFailed", ({ reason }) => Effect.fail({ why: storeRefusal(reason) })),
    ),
  };
};

/** More numbers are announced than the overlay's rate lets us store again before they end. What the quota does not admit is not counted. */
const warnOfSlowRefresh = ({ services, quota, storesPerSecond }: HandledBy) =>
  Effect.suspend(() => {
    const numbers = Math.min(quota(), services.didCount(services.isHere));
    const inTime = inTimeNumbersMax(storesPerSecond, NUMBER_LIFETIME_S * 1_000);
    return numbers > inTime ? Effect.logWarning("vipr.refresh.slow", { numbers, inTime }) : Effect.void;
  });

/** A call that is uploaded again, because the answer was lost, is written again: the first write may not be durable yet. */
const uploads = ({ calls, records, watch }: HandledBy) =>
  Effect.fnUntraced(function* (vcr: Vcr) {
    const held = findStored(calls, vcr);
    const kept = held ?? insertCall(calls, vcr, unixMs(yield* Clock.currentTimeMillis));
    const forget = Effect.sync(() => removeCall(calls, kept.id));
    yield* Effect.tapError(records.received(kept), () => (held === undefined ? forget : Effect.void));
    if (held !== undefined) return;
    const [call, hasCaller] = [callNameOf(vcr), vcr.calling !== undefined];
    yield* watch({ type: "vcr", direction: "received", number: vcr.called, call, hasCaller }, vcr.vservice);
  });
