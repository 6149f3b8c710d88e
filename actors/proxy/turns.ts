/**
 * Hosts the proxy core: gives it messages and the time, performs what a turn has ordered, wakes it when a timer is due.
 *
 *   datagram, stream, timer --> turn(core => ...) --> send to sockets and links, calls to the store, counters
 *
 * What a turn sends that begins or ends a call
 * goes out when the call is on disk, some milliseconds later: phones send again what was not answered, so that a program
 * that is killed before has lost nothing. A disk that takes longer holds nobody up. DECISIONS.md D-114.
 */
import { Clock, Effect, Scheduler } from "effect";
import type { CoreCount, CoreOptions, CoreOrder, Destination, FallbackReason } from "../../machines/proxy/mod.ts";
import { ProxyCore } from "../../machines/proxy/mod.ts";
import { timersOf } from "../kit/timers.ts";
import type { CallStore } from "./call-store.ts";
import { openHeldTurns } from "./held-turns.ts";
import type { AgentFallback } from "./options.ts";
import { openSteps, type Steps } from "./steps.ts";
import { openUnreadableLog, type UnreadableLog } from "./unreadable.ts";

export interface TurnOutputs {
  readonly send: (to: Destination, bytes: Uint8Array) => void;
  readonly calls: CallStore;
  /** It took nothing, and another place was tried. */
  readonly down: (to: Destination) => void;
  /** Of calls over SIP. Default: nobody. */
  readonly fallback?: Pick<AgentFallback, "up" | "over"> | undefined;
}

export type Counts = Record<CoreCount, number>;
export interface Turns extends Steps<ProxyCore> {
  readonly counts: Counts;
  readonly fellBack: Partial<Record<FallbackReason, number>>;
  readonly unreadable: UnreadableLog;
}

export const openTurns = Effect.fn("proxy.turns")(function* (
  options: CoreOptions,
  { send, calls, down, fallback }: TurnOutputs,
) {
  const clock = yield* Clock.Clock;
  const timers = timersOf(clock, yield* Scheduler.Scheduler);
  const counts: Counts = { ...NO_COUNTS };
  const fellBack: Partial<Record<FallbackReason, number>> = {};
  const unreadable = yield* openUnreadableLog;
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;
  const held = openHeldTurns(timers, nowMs);
  /** What is held back. A request that is repeated meanwhile would have its transaction send the same response past the disk. */
  const notYet = new Set<Uint8Array>();

  const perform = (order: CoreOrder) => {
    switch (order.type) {
      case "send":
        return send(order.to, order.bytes);
      case "save":
        return calls.save(order.id, order.call);
      case "forget":
        return calls.forget(order.id);
      case "ended":
        return calls.ended(order.report);
      case "down":
        return down(order.to);
      case "sipCall":
        return fallback?.up(order.key, order.role, order.invite);
      case "sipCallOver":
        return fallback?.over(order.key);
      case "fellBack":
        fellBack[order.reason] = (fellBack[order.reason] ?? 0) + 1;
        return;
      case "unreadable":
        counts.unreadable += 1;
        return unreadable.note(order.from, order.error);
      case "count":
        counts[order.what] += 1;
    }
  };
  const performAll = (orders: ReadonlyArray<CoreOrder>) => {
    if (!orders.some(({ type }) => type === "save" || type === "ended")) {
      for (const order of orders) if (order.type !== "send" || !notYet.has(order.bytes)) perform(order);
      return;
    }
    const sends = orders.filter((order) => order.type === "send");
    for (const order of orders) if (order.type !== "send") perform(order);
    const isEnd = !orders.some(({ type }) => type === "save");
    for (const { bytes } of sends) notYet.add(bytes);
    calls.after(
      held.hold(isEnd, () => {
        for (const { to, bytes } of sends) {
          notYet.delete(bytes);
          send(to, bytes);
        }
      }),
    );
  };
  const { turn, core } = yield* openSteps((nowMs) => new ProxyCore(options, nowMs), performAll);
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      held.releaseAll();
    }),
  );
  return { turn, core, counts, fellBack, unreadable } satisfies Turns as Turns;
});

const NO_COUNTS: Counts = {
  calls: 0,
  answered: 0,
  viaVipr: 0,
  failedOver: 0,
  refusedByLimit: 0,
  loops: 0,
  strangers: 0,
  unreadable: 0,
  strayResponses: 0,
};
