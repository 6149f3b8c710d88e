/**
 * Performs what a border element's core orders: sends, asks the media relay, counts, and logs what was refused.
 *
 *   send --> transports      media --> relay --> described      endMedia --> relay      count, refused --> counters, log
 */
import { Clock, Effect } from "effect";
import { maskE164 } from "../../codecs/shared/mod.ts";
import type { BorderCount, BorderOrder, MediaAnswer, Place, RefusalReason } from "../../machines/border/mod.ts";
import type { Destination } from "../../machines/proxy/mod.ts";
import type { Side } from "../../machines/sip/mod.ts";
import type { MediaRefusal, MediaRelayShape } from "../media/mod.ts";
import type { Transports } from "../proxy/mod.ts";
import type { BorderCounters } from "./options.ts";

/** A relay that is silent holds a call's messages up, and a caller waits no longer for the first answer. */
const MEDIA_MS = 1_500;
/** Refusals that are logged one by one; those beyond are counted. */
const LOGGED_PER_SECOND_MAX = 10;

type Described = (id: number, answer: MediaAnswer) => void;

/** What orders are performed by, and who hears of it. */
export interface OrderParts {
  readonly transports: Pick<Transports<Side>, "send" | "drop">;
  readonly described: Described;
  /** Where else a domain is reached. */
  readonly elsewhere: (besides: Destination) => Effect.Effect<ReadonlyArray<Place>>;
  readonly placed: (id: number, places: ReadonlyArray<Place>) => void;
}

export interface Orders {
  readonly perform: (orders: ReadonlyArray<BorderOrder>) => void;
  readonly start: (parts: OrderParts) => void;
  readonly counts: () => Record<BorderCount, number> & Pick<BorderCounters, "refused">;
}

export const openOrders = Effect.fn("border.orders")(function* (relay: MediaRelayShape | undefined) {
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const counts: Record<BorderCount, number> = { ...NO_COUNTS };
  const refused: Partial<Record<RefusalReason, number>> = {};
  const clock = yield* Clock.Clock;
  const mayLog = perSecond(LOGGED_PER_SECOND_MAX, () => clock.currentTimeMillisUnsafe());
  let send: (to: Destination, bytes: Uint8Array) => void = () => {};
  let drop: (to: Destination) => void = () => {};
  let described: Described = () => {};
  let find = (_: Extract<BorderOrder, { readonly type: "places" }>): void => {};

  const ask = ({ id, kind, question }: Extract<BorderOrder, { readonly type: "media" }>) => {
    if (relay === undefined) return described(id, { refused: "no relay", isOurs: true });
    const answered = (kind === "offer" ? relay.offer(question) : relay.answer(question)).pipe(
      Effect.map((sdp): MediaAnswer => ({ sdp })),
      Effect.timeoutOrElse({
        duration: MEDIA_MS,
        orElse: () => Effect.succeed<MediaAnswer>({ refused: "silent", isOurs: true }),
      }),
      Effect.catchTag("MediaRefused", ({ reason, why }) =>
        Effect.as(Effect.logInfo("border.mediaRefused", { kind, reason, why }), {
          refused: reason,
          isOurs: OURS.has(reason),
        } as MediaAnswer),
      ),
      Effect.catchCause((cause) =>
        Effect.as(Effect.logError("border.mediaDied", cause), { refused: "died", isOurs: true } as MediaAnswer),
      ),
    );
    run(Effect.map(answered, (answer) => described(id, answer)));
  };
  const refuse = ({ why, method, domains, number }: Extract<BorderOrder, { readonly type: "refused" }>) => {
    refused[why] = (refused[why] ?? 0) + 1;
    if (!mayLog()) return;
    run(Effect.logInfo("border.refused", { why, method, domains, number: maskE164(number ?? "") }));
  };
  const perform = (order: BorderOrder) => {
    switch (order.type) {
      case "send":
        return send(order.to, order.bytes);
      case "count":
        counts[order.what] += 1;
        return;
      case "refused":
        return refuse(order);
      case "silent":
        return drop(order.to);
      case "media":
        return ask(order);
      case "places":
        return find(order);
      case "endMedia":
        if (relay !== undefined) run(relay.end(order.call));
    }
  };
  return {
    perform: (orders) => {
      for (const order of orders) perform(order);
    },
    start: ({ transports, elsewhere, placed, ...parts }) => {
      ({ send, drop } = transports);
      described = parts.described;
      find = ({ id, besides }) => {
        const found = Effect.catchCause(elsewhere(besides), (cause) =>
          Effect.as(Effect.logError("border.findDied", cause), NO_PLACES),
        );
        run(Effect.map(found, (places) => placed(id, places)));
      };
    },
    counts: () => ({ ...counts, refused: { ...refused } }),
  } satisfies Orders as Orders;
});

const NO_PLACES: ReadonlyArray<Place> = [];
const NO_COUNTS: Record<BorderCount, number> = {
  admitted: 0,
  forwarded: 0,
  answered: 0,
  failed: 0,
  strayResponses: 0,
  strayAcks: 0,
  held: 0,
  dropped: 0,
};
/** Those that are the relay's own affair: the call might do by another way. */
const OURS: ReadonlySet<MediaRefusal> = new Set<MediaRefusal>(["limit", "unavailable"]);

const perSecond = (max: number, nowMs: () => number): (() => boolean) => {
  let second = 0;
  let count = 0;
  return () => {
    const now = Math.floor(nowMs() / 1_000);
    if (now !== second) [second, count] = [now, 0];
    count += 1;
    return count <= max;
  };
};
