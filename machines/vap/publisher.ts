/**
 * Numbers stored no faster than the overlay allows, a few at once. draft-jennings-vipr-vap-02 §9.4.2 (Store Rate Limit),
 * docs/protocol/overlay.md#storage (policing, lifetime).
 *
 *        publish, refill, refresh, stored: store as many as tokens and STORES_AT_ONCE_MAX let
 *               +---+
 *               v   |
 *          o -> open -- storeFailed, but for the last try of a number --> paused -- pause over --> open
 *                 |                                                         |
 *                 +--------------------------> stopped <--------------------+
 *
 * Tokens come back one at a time, so that the overlay sees at most `storesPerSecond` however much is asked. A failed store
 * stops the whole queue for a while: it is the overlay that cannot be reached, not the number that is wrong; what is under way
 * then has its answer. What was stored is stored again after about two thirds of its lifetime, with jitter. A number that the
 * overlay stores already when it is published, as after a restart, waits for its refresh.
 */
import { setup } from "../kit/mod.ts";
import { nonePublished } from "./published-numbers.ts";
import {
  dropVService,
  enqueue,
  fill,
  isTriedAgain,
  refill,
  refresh,
  settleFailed,
  settleStored,
  stopAll,
  thenFill,
} from "./publisher-queue.ts";
import type {
  VapPublisherAction,
  VapPublisherContext,
  VapPublisherEvent,
  VapPublisherInput,
} from "./publisher-types.ts";

const { machine, decide, give } = setup<{
  input: VapPublisherInput;
  context: VapPublisherContext;
  event: VapPublisherEvent;
  order: VapPublisherAction;
}>();

const stop = decide(["stopTimer", "report"], stopAll);

export const vapPublisher = machine("vapPublisher", {
  context: (input) => ({
    ...input,
    queue: [],
    storing: [],
    stores: 0,
    tokens: input.burst,
    published: nonePublished,
    refilling: false,
    refreshAtMs: undefined,
  }),
  initial: "open",
  on: {
    withdraw: { actions: decide(["report"], dropVService) },
    stop: { target: "stopped", actions: stop },
  },
  states: {
    open: {
      entry: decide(["store", "startTimer"], fill),
      on: {
        publish: { actions: decide(["report", "store", "startTimer"], thenFill(enqueue)) },
        stored: { actions: decide(["report", "store", "startTimer"], thenFill(settleStored)) },
        storeFailed: [
          { guard: isTriedAgain, target: "paused", actions: decide(["report", "startTimer"], settleFailed) },
          { actions: decide(["report", "store", "startTimer"], thenFill(settleFailed)) },
        ],
      },
      timers: {
        refill: { actions: decide(["store", "startTimer"], thenFill(refill)) },
        refresh: { actions: decide(["store", "startTimer"], thenFill(refresh)) },
      },
    },
    paused: {
      entry: give("startTimer", ({ pauseMs }) => ({ timer: "pause", betweenMs: pauseMs })),
      on: {
        publish: { actions: decide(["report", "startTimer"], enqueue) },
        stored: { actions: decide(["report", "startTimer"], settleStored) },
        storeFailed: { actions: decide(["report", "startTimer"], settleFailed) },
        stop: { target: "stopped", actions: [{ type: "stopTimer", timer: "pause" }, stop] },
      },
      timers: {
        pause: { target: "open" },
        refill: { actions: decide(["startTimer"], refill) },
        refresh: { actions: decide(["startTimer"], refresh) },
      },
    },
    stopped: { type: "final" },
  },
});
